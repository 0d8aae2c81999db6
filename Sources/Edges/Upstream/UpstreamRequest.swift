public import Bytes
public import HTTP
internal import Telemetry

/// A request as the caller wants it. Host, credential, framing and coding are the client's business: such fields here are
/// not sent.
public struct UpstreamRequest: Sendable {
    /// What is asked.
    public var method: HTTPMethod
    /// Path and query instead of the upstream's own; nil: the upstream's own.
    public var target: ByteString?
    /// The fields to send, such as `accept`, `content-type` and `mcp-protocol-version`.
    public var fields: HeaderFields
    /// The body; with POST its length is always said.
    public var body: [UInt8]

    /// A request.
    public init(
        method: HTTPMethod, target: ByteString? = nil, fields: HeaderFields = HeaderFields(), body: [UInt8] = []
    ) {
        self.method = method
        self.target = target
        self.fields = fields
        self.body = body
    }

    /// The whole message.
    func encoded(for url: UpstreamURL, credential: Secret<[UInt8]>?) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(512 + body.count + (credential?.revealed.count ?? 0))
        out += method.name.bytes
        out.append(0x20)
        out += (target ?? url.target).bytes
        out += " HTTP/1.1\r\nhost: ".utf8
        out += url.authority.utf8
        out += "\r\naccept-encoding: identity\r\n".utf8
        if let credential {
            out += "authorization: Bearer ".utf8
            out += credential.revealed
            out += "\r\n".utf8
        }
        if !body.isEmpty || method == .post {
            out += "content-length: ".utf8
            out += String(body.count).utf8
            out += "\r\n".utf8
        }
        ownFields.encode(into: &out)
        out += "\r\n".utf8
        out += body
        return out
    }

    private var ownFields: HeaderFields {
        var own = fields
        for name in UpstreamRequest.ours where own.contains(name) { own.remove(name) }
        return own
    }

    private static let ours = [
        "host", "authorization", "proxy-authorization", "content-length", "transfer-encoding", "connection",
        "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "expect", "accept-encoding",
        "content-encoding", "cookie",
    ]
}

/// With this the caller gives up a request wherever it stands. Lives on one event loop.
public final class UpstreamAbort {
    private var action: (() -> Void)?
    /// Whether it was given up.
    public private(set) var isAborted = false

    /// For one request.
    public init() {}

    /// Gives it up: what waits throws `.aborted`. Twice does nothing.
    public func abort() {
        guard !isAborted else { return }
        isAborted = true
        let action = action.take()
        action?()
    }

    /// What giving up does now; nil when nothing can be given up any more.
    func onAbort(_ action: (() -> Void)?) {
        self.action = action
    }
}

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

    /// The whole message; `constant` is what `UpstreamRequest.constant` gave for this upstream.
    func encoded(for url: UpstreamURL, _ constant: [UInt8], credential: Secret<[UInt8]>?) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(512 + body.count + (credential?.revealed.count ?? 0))
        out += method.name.bytes
        out.append(0x20)
        out += (target ?? url.target).bytes
        out += constant
        if let credential {
            out += UpstreamRequest.bearer
            out += credential.revealed
            out += UpstreamRequest.lineEnd
        }
        if !body.isEmpty || method == .post {
            out += UpstreamRequest.length
            appendDecimal(body.count, to: &out)
            out += UpstreamRequest.lineEnd
        }
        ownFields.encode(into: &out)
        out += UpstreamRequest.lineEnd
        out += body
        return out
    }

    /// What every request to an upstream says after its target.
    static func constant(for url: UpstreamURL) -> [UInt8] {
        Array(" HTTP/1.1\r\nhost: \(url.authority)\r\naccept-encoding: identity\r\n".utf8)
    }

    private static let bearer = Array("authorization: Bearer ".utf8)
    private static let length = Array("content-length: ".utf8)
    private static let lineEnd: [UInt8] = [0x0D, 0x0A]

    private func appendDecimal(_ number: Int, to out: inout [UInt8]) {
        if number >= 10 { appendDecimal(number / 10, to: &out) }
        out.append(0x30 + UInt8(number % 10))
    }

    private var ownFields: HeaderFields {
        guard fields.containsAny(of: UpstreamRequest.ours) else { return fields }
        var own = fields
        for name in UpstreamRequest.ours { own.remove(name) }
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

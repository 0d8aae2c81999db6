public import Bytes
public import HTTP
import JSON
public import MCP
public import Redaction

/// How the gateway reaches an MCP server. A client's message leaves only as a `RedactedCall`, which is spent by leaving.
public protocol ServerTransport: Sendable {
    /// How long an event stream that owes an answer may be silent.
    var patience: Duration { get }

    /// Posts a message that was judged, redacted and recorded, and waits for the head of its answer.
    func post(_ call: consuming RedactedCall, fields: HeaderFields) async throws(UpstreamFailure) -> any ServerAnswer

    /// Posts such a message; to be given up when its client goes away.
    func post(
        _ call: consuming RedactedCall, fields: HeaderFields, until cancellation: Cancellation
    ) async throws(UpstreamFailure) -> any ServerAnswer

    /// Posts such a message, whose answer is a stream that may be silent for as long as it likes (`subscriptions/listen`).
    func listen(
        _ call: consuming RedactedCall, fields: HeaderFields, until cancellation: Cancellation
    ) async throws(UpstreamFailure) -> any ServerAnswer

    /// Posts a message of our own and waits for the head of its answer.
    func post(_ message: GatewayMessage, fields: HeaderFields) async throws(UpstreamFailure) -> any ServerAnswer

    /// Opens a session's stream of server messages.
    func openStream(fields: HeaderFields) async throws(UpstreamFailure) -> any ServerAnswer

    /// Ends a session at the server.
    ///
    /// - Returns: the status of its answer; nil when there was none.
    func endSession(fields: HeaderFields) async -> Int?
}

extension ServerTransport {
    /// 300 s, as the Python SDK's own patience.
    public var patience: Duration { .seconds(300) }

    /// Of transports on which a call cannot be given up: its answer is given up instead, as soon as it comes.
    public func post(
        _ call: consuming RedactedCall, fields: HeaderFields, until cancellation: Cancellation
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        let answer = try await post(call, fields: fields)
        cancellation.onCancel { answer.abort() }
        return answer
    }

    /// Of transports that make no difference.
    public func listen(
        _ call: consuming RedactedCall, fields: HeaderFields, until cancellation: Cancellation
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        try await post(call, fields: fields, until: cancellation)
    }
}

/// What came next of a body, or that nothing came.
public enum UpstreamPiece: Sendable {
    /// Bytes, never none.
    case bytes([UInt8])
    /// Nothing for as long as the caller wanted to wait.
    case quiet
    /// The proper end.
    case end
}

/// A server's answer, read as it is wanted. Lives on one event loop.
public protocol ServerAnswer: AnyObject {
    /// Status and fields.
    var head: ResponseHead { get }

    /// The next piece of the body, or that nothing came for `patience`.
    func next(quietAfter patience: Duration) async throws(UpstreamFailure) -> UpstreamPiece

    /// The whole body, `.tooLarge` beyond `limit` bytes.
    func whole(limit: Int) async throws(UpstreamFailure) -> [UInt8]

    /// Gives up the rest.
    func abort()
}

extension ServerAnswer {
    /// Whether the answer says that it is JSON in UTF-8.
    public var isJSON: Bool { head.fields.saysJSON }

    /// Whether the answer says that it is an event stream.
    public var isEventStream: Bool { head.fields.saysEventStream }
}

/// A message of the gateway's own: the answer to a request of the server's that no client gets to see, or a question about its
/// tools.
public struct GatewayMessage: Sendable {
    let body: [UInt8]

    /// An empty result, such as the answer to `ping`.
    public static func empty(to id: RequestID) -> GatewayMessage {
        GatewayMessage(body: Answer.result(id: id, JSONValue.object([]).encoded()))
    }

    /// `tools/list`, from a cursor on.
    ///
    /// - Parameter version: of a stateless revision, which every request has to claim; nil for the others.
    public static func listTools(
        _ id: RequestID, cursor: ByteString?, claiming version: ProtocolVersion? = nil
    ) -> GatewayMessage {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("jsonrpc")
        writer.string("2.0")
        writer.key("id")
        writer.raw(id.encoded.bytes)
        writer.key("method")
        writer.string(Method.toolsList.name)
        writer.key("params")
        writer.beginObject()
        if let cursor {
            writer.key("cursor")
            writer.string(cursor)
        }
        if let version {
            writer.key("_meta")
            writer.beginObject()
            writer.key(RequestClaim.Name.version)
            writer.string(version.name)
            writer.key(RequestClaim.Name.capabilities)
            writer.beginObject()
            writer.endObject()
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
        return GatewayMessage(body: writer.bytes)
    }

    /// That the client's answer went no further.
    public static func refused(to id: RequestID) -> GatewayMessage {
        GatewayMessage(body: Answer.error(id: id, code: 53_030, message: "The answer was refused by policy"))
    }

    /// JSON-RPC's "method not found": whoever asks is told instead of waiting.
    public static func methodNotFound(to id: RequestID) -> GatewayMessage {
        GatewayMessage(body: Answer.error(id: id, code: -32_601, message: "Method not found"))
    }
}

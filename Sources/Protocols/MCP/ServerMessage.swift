import Bytes
public import JSON

/// What a server sent: an answer, a request of its own or a notice, parsed once.
public struct ServerMessage: Sendable {
    /// What kind of message it is.
    public enum Shape: Sendable {
        /// The answer to a request: the `result` member.
        case result(RequestID, JSONDocument.Node)
        /// The refusal of a request: the `error` member; without an id when the server could not tell.
        case error(RequestID?, JSONDocument.Node)
        /// A request to the client (sampling, elicitation, roots, ping).
        case request(RequestID, Method)
        /// A notice.
        case notification(Method)
    }

    /// The parsed body.
    public let document: JSONDocument
    /// Result, error, request or notification.
    public let shape: Shape
    /// The `params` object of a request or a notification.
    public let params: JSONDocument.Node?

    /// Reads one message from an upstream, as strictly as one from a client.
    public init(parsing bytes: [UInt8], limits: JSONLimits) throws(MessageFailure) {
        let envelope = try Envelope(parsing: bytes, limits: limits)
        document = envelope.document
        params = envelope.params
        shape =
            switch envelope.shape {
            case .request(let id, let name): .request(id, Method(name))
            case .notification(let name): .notification(Method(name))
            case .result(let id, let node): .result(id, node)
            case .error(let id, let node): .error(id, node)
            }
    }

    /// A member of `params`.
    public func parameter(_ name: String) -> JSONDocument.Node? {
        params.flatMap { document.member(name, of: $0) }
    }
}

public import HTTP
public import System

/// Something that the edge refused by itself, before or instead of a handler.
public struct EdgeRefusal: Sendable {
    /// Why.
    public enum Reason: Hashable, Sendable {
        /// The bytes are not a request that we accept.
        case malformed(HTTPFailure.Reason)
        /// The head did not come in time.
        case slowHead
        /// The request asks for a host that is not ours.
        case hostNotAllowed
        /// The request comes from a page that may not call us.
        case originNotAllowed
        /// There were too many connections.
        case tooManyConnections
        /// There were too many connections from this address.
        case tooManyFromAddress
        /// There were too many requests under way on one HTTP/2 connection.
        case tooManyRequests
        /// An HTTP/2 connection whose frames broke the protocol.
        case protocolBroken
        /// An HTTP/2 connection that sent too much of what is cheap for it and dear for us.
        case flood
        /// TLS could not be agreed on.
        case handshakeFailed
        /// The TLS handshake did not come to its end in time.
        case slowHandshake
        /// The handler gave no answer, which is our own mistake.
        case unanswered
    }

    /// Why.
    public let reason: Reason
    /// Who was refused; of several, the last one.
    public let peer: PeerAddress
    /// What was answered; nil when the connection was closed without an answer.
    public let status: Int?
    /// When.
    public let time: WallTime
    /// The request, when its head was understood.
    public let head: RequestHead?
    /// How many refusals this stands for. More than one only where a flood of them costs the sender next to nothing:
    /// connections over a limit, failed handshakes and what ends an HTTP/2 connection, which are recorded once a second for each reason and address.
    public let count: Int

    /// The reason as a stable code, such as `hostNotAllowed` or `malformed.bareLineFeed`.
    public var code: String {
        switch reason {
        case .malformed(let reason): "malformed." + reason.rawValue
        case .slowHead: "slowHead"
        case .hostNotAllowed: "hostNotAllowed"
        case .originNotAllowed: "originNotAllowed"
        case .tooManyConnections: "tooManyConnections"
        case .tooManyFromAddress: "tooManyFromAddress"
        case .tooManyRequests: "tooManyRequests"
        case .protocolBroken: "protocolBroken"
        case .flood: "flood"
        case .handshakeFailed: "handshakeFailed"
        case .slowHandshake: "slowHandshake"
        case .unanswered: "unanswered"
        }
    }
}

/// Who is told of every refusal that the edge makes by itself, before it is answered: the audit trail.
public protocol RefusalObserver: Sendable {
    /// Records a refusal. It is waited for, up to `EdgeSettings.refusalRecordTime`.
    func refused(_ refusal: EdgeRefusal) async
}

/// Whoever answers requests.
public protocol ExchangeHandler: Sendable {
    /// Answers one request, on the connection's loop. Returns when the answer is finished.
    func handle(_ exchange: any Exchange) async
}

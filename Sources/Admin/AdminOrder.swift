public import Bytes
public import HTTP
public import Identity
public import JSON

/// Something that the holder of an admin token asks for, and may ask for. Only the API makes one.
public struct AdminOrder: Sendable {
    /// What.
    public let action: AdminAction
    /// Who.
    public let caller: AdminPrincipal
    /// From where.
    public let peer: PeerAddress
    /// Whether the words of the answer are Truto's.
    public let isTruto: Bool
    /// The upstream in the path.
    public let upstream: ByteString?
    /// The id in the path, as it was sent.
    public let id: ByteString?
    /// Which page.
    public let query: AdminQuery
    /// The body, read strictly; nothing for actions that take none.
    public let body: JSONDocument?
    /// The request as one that may come twice; nothing without an `Idempotency-Key`.
    public let repeatable: RepeatableRequest?
}

/// What an action gave.
public struct AdminAnswer: Sendable {
    /// One JSON value; empty for none.
    public let body: [UInt8]
    /// Whether it is the answer to a request that came before: nothing was made, and no secret is shown.
    public let isRepeated: Bool
    /// The path of what was made.
    public let location: String?

    /// An answer.
    public init(body: [UInt8], isRepeated: Bool = false, location: String? = nil) {
        self.body = body
        self.isRepeated = isRepeated
        self.location = location
    }
}

/// Why a request was not even tried.
public enum AdminRefusal: Sendable {
    /// Nobody was recognised. Strangers cause these as often as they like.
    case unidentified(IdentityFailure)
    /// Somebody asked for more than their role may.
    case forbidden(AdminPrincipal, AdminAction)
}

/// Who carries orders out.
public protocol AdminOperations: Sendable {
    /// Carries an order out, or says why not. It is called on an event loop and must not block it. What changes something
    /// is durable in the audit trail before it takes effect.
    func perform(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer

    /// Puts a refusal into the audit trail.
    func record(_ refusal: AdminRefusal, from peer: PeerAddress) async
}

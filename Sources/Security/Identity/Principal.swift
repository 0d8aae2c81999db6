public import Bytes
public import Catalog
public import System

/// Who asks, as a verified credential says. Only ``IdentityRegistry/authenticate(_:head:now:)`` makes one.
public struct Principal: Hashable, Sendable {
    /// By what they were recognised. The raw value stands in records.
    public enum Method: String, Hashable, Sendable, CaseIterable {
        /// The capability in the URL alone.
        case endpoint
        /// The capability in the URL and an API token.
        case endpointAndToken = "endpoint+token"
        /// The capability in the URL and a JWT of a configured issuer.
        case endpointAndJWT = "endpoint+jwt"
        /// An API token alone.
        case apiToken = "token"
        /// A JWT of a configured issuer alone.
        case jwt
    }

    /// The person or program: the API token's subject, the JWT's subject claim, or `endpoint:ID` when a URL is all there is.
    public let subject: ByteString
    /// Their groups, as the API token or the JWT says.
    public let groups: Set<ByteString>
    /// The JWT's scopes; none for other credentials.
    public let scopes: Set<ByteString>
    /// The configured name of who issued the JWT; nothing for other credentials. Subjects are unique per issuer only.
    public let issuer: ByteString?
    /// By what they were recognised.
    public let method: Method
    /// The endpoint they came through; nothing at `/u/<upstream>/mcp`.
    public let endpoint: EndpointID?
    /// The API token they showed.
    public let apiToken: TokenID?
    /// The first moment at which this is no longer true, over all factors; nothing when no factor expires.
    public let expiresAt: WallTime?
    /// What the endpoint leaves of the upstream's tools.
    public let selection: Selection
    /// The policy that the endpoint names in place of the upstream's own.
    public let policy: ByteString?
    /// The upstream they may talk to.
    public let upstream: ByteString
    /// The records' revisions this was made from: when a record has another by now, this principal has ended.
    let revisions: Revisions

    struct Revisions: Hashable, Sendable {
        var endpoint: Int64?
        var apiToken: Int64?
        /// Which definition of the issuer verified the JWT, see ``TokenIssuer/identity``.
        var issuer: ByteString?
    }

    init(
        subject: ByteString, groups: Set<ByteString> = [], scopes: Set<ByteString> = [], issuer: ByteString? = nil,
        method: Method, endpoint: EndpointID? = nil, apiToken: TokenID? = nil, expiresAt: WallTime? = nil,
        selection: Selection = .everything, policy: ByteString? = nil, upstream: ByteString,
        revisions: Revisions = Revisions()
    ) {
        self.subject = subject
        self.groups = groups
        self.scopes = scopes
        self.issuer = issuer
        self.method = method
        self.endpoint = endpoint
        self.apiToken = apiToken
        self.expiresAt = expiresAt
        self.selection = selection
        self.policy = policy
        self.upstream = upstream
        self.revisions = revisions
    }

    /// Whether this is still true at `now`, as far as time goes; revocations end leases instead.
    public func isValid(at now: WallTime) -> Bool {
        expiresAt.map { now < $0 } ?? true
    }
}

public import Bytes
public import System

/// Names a person or program (design 1.4). Its secret is in no record.
public struct APIToken: Hashable, Sendable {
    /// How it proves itself.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// 256 random bits, recognised by their HMAC.
        case opaque
        /// A JWT that we sign; its `jti` is the token's id, and this record revokes it.
        case signed
    }

    /// What it is called in records and commands; the `jti` of a signed one.
    public let id: TokenID
    /// For people.
    public let name: ByteString
    /// Whom it names: what policies and records say.
    public let subject: ByteString
    /// Their groups.
    public let groups: Set<ByteString>
    /// The endpoints it is a second factor for.
    public let endpoints: Set<EndpointID>
    /// The upstreams it may talk to by itself, and a second factor for all their endpoints.
    public let upstreams: Set<ByteString>
    /// How it proves itself.
    public let kind: Kind
    /// The moment it ends; nothing for never. A signed one always ends.
    public let expiresAt: WallTime?
    /// When it was made.
    public let createdAt: WallTime
    /// Who made it.
    public let createdBy: ByteString
    /// When it was revoked; nothing while it was not.
    public let revokedAt: WallTime?
}

/// What a new API token is to be.
public struct APITokenDraft: Hashable, Sendable {
    /// For people, 1 to 200 bytes.
    public var name: ByteString
    /// Whom it names, 1 to 200 bytes.
    public var subject: ByteString
    /// Their groups, at most 100.
    public var groups: Set<ByteString>
    /// The endpoints it is bound to, at most 1,000; all must exist.
    public var endpoints: Set<EndpointID>
    /// The upstreams it is bound to, at most 1,000.
    public var upstreams: Set<ByteString>
    /// How it proves itself.
    public var kind: APIToken.Kind
    /// The moment it ends, at least 60 seconds ahead; nothing for never, which a signed one cannot be.
    public var expiresAt: WallTime?

    /// A draft. It must be bound to something.
    public init(
        name: ByteString, subject: ByteString, groups: Set<ByteString> = [], endpoints: Set<EndpointID> = [],
        upstreams: Set<ByteString> = [], kind: APIToken.Kind = .opaque, expiresAt: WallTime? = nil
    ) {
        self.name = name
        self.subject = subject
        self.groups = groups
        self.endpoints = endpoints
        self.upstreams = upstreams
        self.kind = kind
        self.expiresAt = expiresAt
    }
}

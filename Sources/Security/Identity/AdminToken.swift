public import Bytes
public import System

/// What the holder of an admin token may do; each one may what those before it may.
public enum AdminRole: String, Hashable, Sendable, CaseIterable, Comparable {
    /// Reads everything, changes nothing.
    case reviewer
    /// Also makes, changes and revokes endpoints and API tokens.
    case `operator`
    /// Also approves tool definitions, and makes and revokes admin tokens.
    case admin

    /// By what they may.
    public static func < (left: AdminRole, right: AdminRole) -> Bool { left.rank < right.rank }

    private var rank: Int {
        switch self {
        case .reviewer: 0
        case .operator: 1
        case .admin: 2
        }
    }
}

/// What lets a person or program use the admin API. Its secret is in no record.
public struct AdminToken: Hashable, Sendable {
    /// What it is called in records and commands.
    public let id: TokenID
    /// For people: whose it is.
    public let name: ByteString
    /// What its holder may do.
    public let role: AdminRole
    /// The moment it ends; nothing for never.
    public let expiresAt: WallTime?
    /// When it was made.
    public let createdAt: WallTime
    /// Who made it.
    public let createdBy: ByteString
    /// When it was revoked; nothing while it was not.
    public let revokedAt: WallTime?
}

/// What a new admin token is to be.
public struct AdminTokenDraft: Hashable, Sendable {
    /// For people, 1 to 200 bytes: whose it is.
    public var name: ByteString
    /// What its holder may do.
    public var role: AdminRole
    /// The moment it ends, at least 60 seconds ahead; nothing for never.
    public var expiresAt: WallTime?

    /// A draft.
    public init(name: ByteString, role: AdminRole, expiresAt: WallTime? = nil) {
        self.name = name
        self.role = role
        self.expiresAt = expiresAt
    }
}

/// Somebody who may use the admin API. Only ``IdentityRegistry/authenticateAdmin(_:now:)`` makes one.
public struct AdminPrincipal: Hashable, Sendable {
    /// The token that was shown.
    public let token: TokenID
    /// Its name.
    public let name: ByteString
    /// What its holder may do.
    public let role: AdminRole

    init(_ token: AdminToken) {
        self.token = token.id
        self.name = token.name
        self.role = token.role
    }

    /// Who they are in records of what they made: `admin-token:` and the token's id, which no name can imitate.
    public var maker: ByteString { ByteString("admin-token:".utf8 + token.text.bytes) }
}

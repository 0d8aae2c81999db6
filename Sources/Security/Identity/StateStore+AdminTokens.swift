public import Bytes
internal import OpenSSL
internal import SQLite
public import System

extension StateStore {
    /// At most so many admin tokens, the revoked ones included.
    public static let adminTokenLimit = 1_000

    /// Makes an admin token. Its secret is in the answer, and nowhere else from then on.
    ///
    /// - Parameters:
    ///   - creator: who makes it, for the record.
    ///   - now: the time; `expiresAt` must be 60 seconds later at least.
    ///   - request: the request that asks for it, when that may come twice.
    public func createAdminToken(
        _ draft: AdminTokenDraft, by creator: ByteString, now: WallTime, once request: RepeatableRequest? = nil
    ) throws(StateFailure) -> Changed<Issued<AdminToken>> {
        try check(draft, now: now)
        let (id, secret) = try fresh { () throws(OpenSSLFailure) in
            (try TokenID.fresh(), try SecretText.fresh(.adminToken))
        }
        let token = AdminToken(
            id: id, name: draft.name, role: draft.role, expiresAt: draft.expiresAt, createdAt: now, createdBy: creator,
            revokedAt: nil)
        let hash = hasher.hash(secret)
        return try change("admin_token.create", by: creator, now: now) { (database) throws(StateFailure) in
            try remember(request, id.text, now: now, in: database)
            try StateStore.checkRoom("SELECT count(*) FROM admin_tokens", StateStore.adminTokenLimit, in: database)
            try StateStore.insert(token, hash, into: database)
            return (Issued(record: token, secret: secret), subject: id.text)
        }
    }

    /// All admin tokens, oldest first, the revoked ones included.
    public func adminTokens() throws(StateFailure) -> [AdminToken] {
        try read { (database) throws(StateFailure) in try StateStore.adminTokenRecords(in: database).map(\.token) }
    }

    /// One admin token.
    public func adminToken(_ id: TokenID) throws(StateFailure) -> AdminToken {
        try read { (database) throws(StateFailure) in try StateStore.adminToken(id, in: database) }
    }

    /// Revokes an admin token. It is dead when this is applied; its record stays.
    public func revokeAdminToken(
        _ id: TokenID, by person: ByteString, now: WallTime
    ) throws(StateFailure) -> Changed<AdminToken> {
        try change("admin_token.revoke", by: person, now: now) { (database) throws(StateFailure) in
            guard try StateStore.adminToken(id, in: database).revokedAt == nil else {
                throw StateFailure(.alreadyRevoked, "the token was revoked before")
            }
            try reading { () throws(SQLiteFailure) in
                try database.run(
                    "UPDATE admin_tokens SET revoked_at = ?2 WHERE id = ?1", .text(id.text), .integer(now.nanoseconds))
            }
            return (try StateStore.adminToken(id, in: database), subject: id.text)
        }
    }

    /// - Parameter damaged: is told of records that are none, which are then left out; without it they are a failure.
    static func adminTokenRecords(
        in database: borrowing Database, damaged: ((StateFailure) -> Void)? = nil
    ) throws(StateFailure) -> [AdminTokenRecord] {
        var statement = try prepared(AdminTokenRecord.selectAll, in: database)
        var records: [AdminTokenRecord] = []
        while try step(&statement) {
            do throws(StateFailure) {
                records.append(try AdminTokenRecord(row: statement))
            } catch {
                guard let damaged else { throw error }
                damaged(error)
            }
        }
        return records
    }

    private static func adminToken(_ id: TokenID, in database: borrowing Database) throws(StateFailure) -> AdminToken {
        var statement = try bound(AdminTokenRecord.selectOne, id.text, in: database)
        guard try step(&statement) else { throw StateFailure(.notFound, "no such admin token") }
        return try AdminTokenRecord(row: statement).token
    }

    private static func insert(
        _ token: AdminToken, _ hash: [UInt8], into database: borrowing Database
    ) throws(StateFailure) {
        try reading { () throws(SQLiteFailure) in
            try database.run(
                "INSERT INTO admin_tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL)", .text(token.id.text),
                .text(token.name), .text(ByteString(token.role.rawValue)), .blob(hash),
                .integer(token.expiresAt?.nanoseconds), .integer(token.createdAt.nanoseconds), .text(token.createdBy))
        }
    }
}

/// An admin token as the database holds it.
struct AdminTokenRecord: Sendable {
    let token: AdminToken
    let secretHMAC: [UInt8]

    static let selectAll: StaticString = """
        SELECT id, name, role, expires_at, created_at, created_by, revoked_at, secret_hmac FROM admin_tokens
        ORDER BY created_at, id
        """
    static let selectOne: StaticString = """
        SELECT id, name, role, expires_at, created_at, created_by, revoked_at, secret_hmac FROM admin_tokens
        WHERE id = ?1
        """

    /// Reads the row that a statement stands on.
    init(row: borrowing Statement) throws(StateFailure) {
        guard let id = row.text(0).flatMap({ TokenID($0) }), let name = row.text(1),
            let role = row.text(2).flatMap({ AdminRole(rawValue: $0.text) }), let createdAt = row.integer(4),
            let createdBy = row.text(5), let secret = row.blob(7)
        else { throw StateFailure(.damaged, "an admin token's record is damaged") }
        token = AdminToken(
            id: id, name: name, role: role, expiresAt: row.integer(3).map { WallTime(nanoseconds: $0) },
            createdAt: WallTime(nanoseconds: createdAt), createdBy: createdBy,
            revokedAt: row.integer(6).map { WallTime(nanoseconds: $0) })
        secretHMAC = secret
    }
}

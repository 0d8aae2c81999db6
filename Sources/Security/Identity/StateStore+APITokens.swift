public import Bytes
internal import JOSE
internal import OpenSSL
internal import SQLite
public import System

extension StateStore {
    /// Makes an API token. Its secret is in the answer, and nowhere else from then on.
    ///
    /// - Parameters:
    ///   - creator: who makes it, for the record.
    ///   - now: the time; `expiresAt` must be 60 seconds later at least.
    ///   - request: the request that asks for it, when that may come twice.
    public func createAPIToken(
        _ draft: APITokenDraft, by creator: ByteString, now: WallTime, once request: RepeatableRequest? = nil
    ) throws(StateFailure) -> Changed<Issued<APIToken>> {
        try check(draft, now: now)
        let id = try fresh { () throws(OpenSSLFailure) in try TokenID.fresh() }
        let token = APIToken(
            id: id, name: draft.name, subject: draft.subject, groups: draft.groups, endpoints: draft.endpoints,
            upstreams: draft.upstreams, kind: draft.kind, expiresAt: draft.expiresAt, createdAt: now,
            createdBy: creator,
            revokedAt: nil)
        let secret = try secret(of: token, now: now)
        let hash = token.kind == .opaque ? hasher.hash(secret) : nil
        return try change("token.create", by: creator, now: now) { (database) throws(StateFailure) in
            try remember(request, id.text, now: now, in: database)
            try StateStore.checkRoom("SELECT count(*) FROM api_tokens", in: database)
            try StateStore.insert(token, hash, into: database)
            return (Issued(record: token, secret: secret), subject: id.text)
        }
    }

    /// All API tokens, oldest first, the revoked ones included.
    public func apiTokens() throws(StateFailure) -> [APIToken] {
        try read { (database) throws(StateFailure) in try StateStore.apiTokenRecords(in: database).map(\.token) }
    }

    /// One API token.
    public func apiToken(_ id: TokenID) throws(StateFailure) -> APIToken {
        try read { (database) throws(StateFailure) in try StateStore.apiTokenRecord(id, in: database).token }
    }

    /// Revokes an API token. It is dead when this is applied; its record stays.
    public func revokeAPIToken(
        _ id: TokenID, by person: ByteString? = nil, now: WallTime
    ) throws(StateFailure) -> Changed<APIToken> {
        try change("token.revoke", by: person, now: now) { (database) throws(StateFailure) in
            guard try StateStore.apiTokenRecord(id, in: database).token.revokedAt == nil else {
                throw StateFailure(.alreadyRevoked, "the token was revoked before")
            }
            try reading { () throws(SQLiteFailure) in
                try database.run(
                    "UPDATE api_tokens SET revoked_at = ?2, revision = revision + 1 WHERE id = ?1", .text(id.text),
                    .integer(now.nanoseconds))
            }
            return (try StateStore.apiTokenRecord(id, in: database).token, subject: id.text)
        }
    }

    /// - Parameter damaged: is told of records that are none, which are then left out; without it they are a failure.
    static func apiTokenRecords(
        in database: borrowing Database, damaged: ((StateFailure) -> Void)? = nil
    ) throws(StateFailure) -> [APITokenRecord] {
        var statement = try prepared(APITokenRecord.selectAll, in: database)
        var records: [APITokenRecord] = []
        while try step(&statement) {
            do throws(StateFailure) {
                records.append(try APITokenRecord(row: statement))
            } catch {
                guard let damaged else { throw error }
                damaged(error)
            }
        }
        return records
    }

    private static func apiTokenRecord(
        _ id: TokenID, in database: borrowing Database
    ) throws(StateFailure) -> APITokenRecord {
        var statement = try bound(APITokenRecord.selectOne, id.text, in: database)
        guard try step(&statement) else { throw StateFailure(.notFound, "no such API token") }
        return try APITokenRecord(row: statement)
    }

    /// Whether a token could be made of this draft now.
    public func check(_ draft: APITokenDraft, now: WallTime) throws(StateFailure) {
        try check(draft.name, "name")
        try check(draft.subject, "subject")
        try check(expiry: draft.expiresAt, now: now)
        for group in draft.groups { try check(group, "groups") }
        for upstream in draft.upstreams { try check(upstream, "upstreams") }
        guard draft.groups.count <= 100 else { throw StateFailure(.invalid, field: "groups", "at most 100 groups") }
        guard (1...1000).contains(draft.endpoints.count + draft.upstreams.count) else {
            throw StateFailure(
                .invalid, field: "endpoints", "a token must be bound to 1 to 1,000 endpoints and upstreams")
        }
        if draft.kind == .signed {
            guard minter != nil else {
                throw StateFailure(.noSigningKey, field: "kind", "no signing key is configured")
            }
            guard draft.expiresAt != nil else {
                throw StateFailure(.invalid, field: "expires_at", "a signed token must expire")
            }
        }
        for endpoint in draft.endpoints {
            do throws(StateFailure) {
                _ = try self.endpoint(endpoint)
            } catch {
                guard error.reason == .notFound else { throw error }
                throw StateFailure(.invalid, field: "endpoints", "there is no endpoint \(endpoint)")
            }
        }
    }

    private func secret(of token: APIToken, now: WallTime) throws(StateFailure) -> ByteString {
        guard token.kind == .signed else {
            return try fresh { () throws(OpenSSLFailure) in try SecretText.fresh(.apiToken) }
        }
        guard let minter else { throw StateFailure(.noSigningKey, "no signing key is configured") }
        guard let expiry = token.expiresAt else {
            throw StateFailure(.invalid, field: "expires_at", "a signed token must expire")
        }
        do throws(JOSEFailure) {
            return try minter.mint(
                TokenDraft(
                    subject: token.subject, audiences: [settings.publicURL], id: token.id.text, issuedAt: now.seconds,
                    expiresAt: expiry.seconds, groups: token.groups.sorted()))
        } catch {
            throw StateFailure(.failed, "the token could not be signed: \(error)")
        }
    }

    private static func insert(
        _ token: APIToken, _ hash: [UInt8]?, into database: borrowing Database
    ) throws(StateFailure) {
        try reading { () throws(SQLiteFailure) in
            try database.run(
                "INSERT INTO api_tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, NULL, 1)",
                .text(token.id.text), .text(token.name), .text(token.subject), list(token.groups.sorted()[...]),
                list(token.endpoints.map(\.text).sorted()[...]), list(token.upstreams.sorted()[...]),
                .text(ByteString(token.kind.rawValue)), hash.map { .blob($0) } ?? .null,
                .integer(token.expiresAt?.nanoseconds), .integer(token.createdAt.nanoseconds), .text(token.createdBy))
        }
    }
}

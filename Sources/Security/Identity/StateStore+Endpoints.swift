public import Bytes
internal import OpenSSL
internal import SQLite
public import System

extension StateStore {
    /// Makes an endpoint. Its secret is in the answer, and nowhere else from then on.
    ///
    /// - Parameters:
    ///   - creator: who makes it, for the record.
    ///   - now: the time; `expiresAt` must be 60 seconds later at least.
    ///   - request: the request that asks for it, when that may come twice.
    public func createEndpoint(
        _ draft: EndpointDraft, by creator: ByteString, now: WallTime, once request: RepeatableRequest? = nil
    ) throws(StateFailure) -> Changed<Issued<Endpoint>> {
        try check(draft, now: now)
        let (id, secret) = try fresh { () throws(OpenSSLFailure) in
            (try EndpointID.fresh(), try SecretText.fresh(.endpoint))
        }
        let endpoint = Endpoint(
            id: id, name: draft.name, upstream: draft.upstream, config: draft.config, expiresAt: draft.expiresAt,
            createdAt: now, updatedAt: now, createdBy: creator)
        let hash = hasher.hash(secret)
        return try change("endpoint.create", by: creator, now: now) { (database) throws(StateFailure) in
            try remember(request, id.text, now: now, in: database)
            try StateStore.checkRoom("SELECT count(*) FROM endpoints", in: database)
            try StateStore.insert(endpoint, hash, into: database)
            return (Issued(record: endpoint, secret: secret), subject: id.text)
        }
    }

    /// Endpoints, oldest first.
    ///
    /// - Parameters:
    ///   - upstream: those of this upstream only.
    ///   - last: those after this one only: the last of the page before.
    ///   - limit: at most so many.
    public func endpoints(
        of upstream: ByteString? = nil, after last: EndpointID? = nil, limit: Int = recordLimit
    ) throws(StateFailure) -> [Endpoint] {
        let all = try read { (database) throws(StateFailure) in try StateStore.endpointRecords(in: database) }
        let wanted = all.map(\.endpoint).filter { upstream == nil || $0.upstream == upstream }
            .sorted { ($0.createdAt, $0.id.text) < ($1.createdAt, $1.id.text) }
        guard let last else { return [Endpoint](wanted.prefix(max(0, limit))) }
        guard let index = wanted.firstIndex(where: { $0.id == last }) else { return [] }
        return [Endpoint](wanted[(index + 1)...].prefix(max(0, limit)))
    }

    /// One endpoint.
    public func endpoint(_ id: EndpointID) throws(StateFailure) -> Endpoint {
        try read { (database) throws(StateFailure) in try StateStore.endpointRecord(id, in: database).endpoint }
    }

    /// Changes what `change` mentions, and ends what was begun under the old record, but for a mere new name.
    public func updateEndpoint(
        _ id: EndpointID, _ change: EndpointChange, by person: ByteString? = nil, now: WallTime
    ) throws(StateFailure) -> Changed<Endpoint> {
        try check(change, now: now)
        return try self.change("endpoint.update", by: person, now: now) { (database) throws(StateFailure) in
            let record = try StateStore.endpointRecord(id, in: database)
            let old = record.endpoint
            let config = change.applied(to: old.config)
            try check(config)
            let new = Endpoint(
                id: id, name: change.name.applied(to: old.name), upstream: old.upstream, config: config,
                expiresAt: change.expiresAt.applied(to: old.expiresAt), createdAt: old.createdAt, updatedAt: now,
                createdBy: old.createdBy)
            let isNoticed = new.config != old.config || new.expiresAt != old.expiresAt
            try StateStore.replace(new, record, revision: record.revision + (isNoticed ? 1 : 0), in: database)
            return (new, subject: id.text)
        }
    }

    /// Gives an endpoint another secret. The old one is dead when this is applied.
    public func rotateEndpoint(
        _ id: EndpointID, by person: ByteString? = nil, now: WallTime
    ) throws(StateFailure) -> Changed<Issued<Endpoint>> {
        let secret = try fresh { () throws(OpenSSLFailure) in try SecretText.fresh(.endpoint) }
        let hash = hasher.hash(secret)
        return try change("endpoint.rotate", by: person, now: now) { (database) throws(StateFailure) in
            _ = try StateStore.endpointRecord(id, in: database)
            try reading { () throws(SQLiteFailure) in
                try database.run(
                    "UPDATE endpoints SET secret_hmac = ?2, updated_at = ?3, revision = revision + 1 WHERE id = ?1",
                    .text(id.text), .blob(hash), .integer(now.nanoseconds))
            }
            let endpoint = try StateStore.endpointRecord(id, in: database).endpoint
            return (Issued(record: endpoint, secret: secret), subject: id.text)
        }
    }

    /// Deletes an endpoint. Its capability is unknown when this is applied.
    public func deleteEndpoint(
        _ id: EndpointID, by person: ByteString? = nil, now: WallTime
    ) throws(StateFailure) -> Changed<Endpoint> {
        try change("endpoint.delete", by: person, now: now) { (database) throws(StateFailure) in
            let endpoint = try StateStore.endpointRecord(id, in: database).endpoint
            try reading { () throws(SQLiteFailure) in
                try database.run("DELETE FROM endpoints WHERE id = ?1", .text(id.text))
            }
            return (endpoint, subject: id.text)
        }
    }

    /// - Parameter damaged: is told of records that are none, which are then left out; without it they are a failure.
    static func endpointRecords(
        in database: borrowing Database, damaged: ((StateFailure) -> Void)? = nil
    ) throws(StateFailure) -> [EndpointRecord] {
        var statement = try prepared(EndpointRecord.selectAll, in: database)
        var records: [EndpointRecord] = []
        while try step(&statement) {
            do throws(StateFailure) {
                records.append(try EndpointRecord(row: statement))
            } catch {
                guard let damaged else { throw error }
                damaged(error)
            }
        }
        return records
    }

    private static func endpointRecord(
        _ id: EndpointID, in database: borrowing Database
    ) throws(StateFailure) -> EndpointRecord {
        var statement = try bound(EndpointRecord.selectOne, id.text, in: database)
        guard try step(&statement) else { throw StateFailure(.notFound, "no such endpoint") }
        return try EndpointRecord(row: statement)
    }

    private static func insert(
        _ endpoint: Endpoint, _ hash: [UInt8], into database: borrowing Database
    ) throws(StateFailure) {
        try reading { () throws(SQLiteFailure) in
            try database.run(
                "INSERT INTO endpoints VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 1)",
                .text(endpoint.id.text), .text(endpoint.name), .text(endpoint.upstream), list(endpoint.config.methods),
                list(endpoint.config.tags), list(endpoint.config.tools), .text(endpoint.config.policy),
                .integer(endpoint.config.requireAPITokenAuth ? 1 : 0), .blob(hash),
                .integer(endpoint.expiresAt?.nanoseconds), .integer(endpoint.createdAt.nanoseconds),
                .integer(endpoint.updatedAt.nanoseconds), .text(endpoint.createdBy))
        }
    }

    private static func replace(
        _ endpoint: Endpoint, _ old: EndpointRecord, revision: Int64, in database: borrowing Database
    ) throws(StateFailure) {
        try reading { () throws(SQLiteFailure) in
            try database.run(
                """
                UPDATE endpoints SET name = ?2, methods = ?3, tags = ?4, tools = ?5, policy = ?6,
                    require_api_token_auth = ?7, expires_at = ?8, updated_at = ?9, revision = ?10 WHERE id = ?1
                """,
                .text(endpoint.id.text), .text(endpoint.name), list(endpoint.config.methods),
                list(endpoint.config.tags), list(endpoint.config.tools), .text(endpoint.config.policy),
                .integer(endpoint.config.requireAPITokenAuth ? 1 : 0), .integer(endpoint.expiresAt?.nanoseconds),
                .integer(endpoint.updatedAt.nanoseconds), .integer(revision))
        }
    }
}

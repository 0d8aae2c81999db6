internal import Bytes
internal import Catalog
internal import OpenSSL
internal import SQLite
public import System

// What must be true of a record before it is written, and the small steps that the changes share.
extension StateStore {
    /// Whether an endpoint could be made of this draft now, as far as the records know.
    public func check(_ draft: EndpointDraft, now: WallTime) throws(StateFailure) {
        try check(draft.name, "name")
        try check(draft.upstream, "upstream")
        try check(draft.config)
        try check(expiry: draft.expiresAt, now: now)
    }

    /// Whether this change could be made to an endpoint now, but for what its `config` becomes.
    public func check(_ change: EndpointChange, now: WallTime) throws(StateFailure) {
        if case .set(let name) = change.name { try check(name, "name") }
        if case .set(let expiry) = change.expiresAt { try check(expiry: expiry, now: now) }
    }

    /// Whether an admin token could be made of this draft now.
    public func check(_ draft: AdminTokenDraft, now: WallTime) throws(StateFailure) {
        try check(draft.name, "name")
        try check(expiry: draft.expiresAt, now: now)
    }

    /// A name, subject or group: 1 to 200 bytes of UTF-8 without control characters, so that it can stand in any line.
    func check(_ text: ByteString, _ field: String) throws(StateFailure) {
        guard (1...200).contains(text.count), ByteString(text.text) == text,
            !text.text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control })
        else {
            throw StateFailure(.invalid, field: field, "\(field) must have 1 to 200 bytes and no control characters")
        }
    }

    func check(_ config: EndpointConfig) throws(StateFailure) {
        do throws(SelectionFailure) {
            _ = try config.selection()
        } catch {
            throw StateFailure(.invalid, field: "config", error.description)
        }
        if let policy = config.policy { try check(policy, "policy") }
    }

    /// Truto's floor: a moment that is nearer may have passed before the answer arrives (reference/torii.md 1.1).
    func check(expiry: WallTime?, now: WallTime) throws(StateFailure) {
        guard let expiry else { return }
        guard expiry >= now + .seconds(60) else {
            throw StateFailure(.expiresTooSoon, field: "expires_at", "expires_at must be at least 60 seconds ahead")
        }
    }

    func fresh<Value>(_ make: () throws(OpenSSLFailure) -> Value) throws(StateFailure) -> Value {
        do throws(OpenSSLFailure) { return try make() } catch { throw StateFailure(error) }
    }

    static func checkRoom(
        _ count: StaticString, _ limit: Int = recordLimit, in database: borrowing Database
    ) throws(StateFailure) {
        let count = try reading { () throws(SQLiteFailure) in try database.integer(count) ?? 0 }
        guard count < limit else { throw StateFailure(.tooMany, "there are \(limit) already") }
    }

    static func step(_ statement: inout Statement) throws(StateFailure) -> Bool {
        do throws(SQLiteFailure) { return try statement.step() } catch { throw StateFailure(error) }
    }

    static func prepared(_ sql: StaticString, in database: borrowing Database) throws(StateFailure) -> Statement {
        do throws(SQLiteFailure) { return try database.prepare(sql) } catch { throw StateFailure(error) }
    }

    static func bound(
        _ sql: StaticString, _ id: ByteString, in database: borrowing Database
    ) throws(StateFailure) -> Statement {
        do throws(SQLiteFailure) {
            var statement = try database.prepare(sql)
            try statement.bind([.text(id)])
            return statement
        } catch {
            throw StateFailure(error)
        }
    }
}

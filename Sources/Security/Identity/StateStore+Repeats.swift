public import Bytes
internal import SQLite
public import System

/// A request that whoever sends it may send again without wanting its effect twice: an `Idempotency-Key`, whose it is, and
/// what was asked.
public struct RepeatableRequest: Hashable, Sendable {
    /// Whose key it is: two people's equal keys are two keys.
    public let owner: TokenID
    /// The key, 1 to 200 bytes.
    public let key: ByteString
    /// What was asked: method, path and body.
    public let request: ByteString

    /// A request.
    public init(owner: TokenID, key: ByteString, request: ByteString) {
        self.owner = owner
        self.key = key
        self.request = request
    }
}

// What was made for a key stands in the same transaction as the making: after a crash both are there or neither. Only keyed
// hashes are kept, each for a day, and the id of what was made; no secret, so none can be shown again.
extension StateStore {
    /// How long a key is remembered.
    public static let repeatTime = Duration.seconds(24 * 3600)
    /// At most so many keys of one owner are remembered at once.
    public static let repeatLimit = 1_000
    /// At most so many of all.
    public static let totalRepeatLimit = 10_000

    /// The id of what an earlier request with this key has made; nothing when there was none in the last day.
    ///
    /// - Throws: `.keyReused` when the key was used for another request.
    public func outcome(of request: RepeatableRequest, now: WallTime) throws(StateFailure) -> ByteString? {
        try read { (database) throws(StateFailure) in try kept(request, now: now, in: database) }
    }

    /// Remembers in the transaction of a making what it made.
    ///
    /// - Throws: `.repeated` when a request with this key came in between; ask ``outcome(of:now:)`` again.
    func remember(
        _ request: RepeatableRequest?, _ subject: ByteString, now: WallTime, in database: borrowing Database
    ) throws(StateFailure) {
        guard let request else { return }
        guard try kept(request, now: now, in: database) == nil else {
            throw StateFailure(.repeated, "the same request came twice at once")
        }
        let owner = SQLiteValue.text(request.owner.text)
        let (own, all) = try reading { () throws(SQLiteFailure) in
            try database.run("DELETE FROM repeatable_requests WHERE kept_until <= ?1", .integer(now.nanoseconds))
            return (
                try database.integer("SELECT count(*) FROM repeatable_requests WHERE owner = ?1", owner) ?? 0,
                try database.integer("SELECT count(*) FROM repeatable_requests") ?? 0
            )
        }
        guard own < StateStore.repeatLimit, all < StateStore.totalRepeatLimit else {
            throw StateFailure(.tooManyKeys, "too many idempotency keys are remembered; each is for a day")
        }
        try reading { () throws(SQLiteFailure) in
            try database.run(
                "INSERT INTO repeatable_requests VALUES (?1, ?2, ?3, ?4, ?5)", .blob(keyHash(request)), owner,
                .blob(requestHash(request)), .text(subject),
                .integer((now + StateStore.repeatTime).nanoseconds))
        }
    }

    private func kept(
        _ request: RepeatableRequest, now: WallTime, in database: borrowing Database
    ) throws(StateFailure) -> ByteString? {
        let found = try reading { () throws(SQLiteFailure) -> (hash: [UInt8]?, subject: ByteString?)? in
            var statement = try database.prepare(
                "SELECT request_hmac, subject FROM repeatable_requests WHERE key_hmac = ?1 AND kept_until > ?2")
            try statement.bind([.blob(keyHash(request)), .integer(now.nanoseconds)])
            return try statement.step() ? (statement.blob(0), statement.text(1)) : nil
        }
        guard let found else { return nil }
        guard found.hash == requestHash(request) else {
            throw StateFailure(.keyReused, "the idempotency key was used for another request")
        }
        return found.subject
    }

    private func keyHash(_ request: RepeatableRequest) -> [UInt8] {
        hasher.hash(ByteString("idempotency key\n".utf8 + request.owner.text.bytes + [10] + request.key.bytes))
    }

    private func requestHash(_ request: RepeatableRequest) -> [UInt8] {
        hasher.hash(ByteString("idempotency request\n".utf8 + request.request.bytes))
    }
}

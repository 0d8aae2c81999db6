public import Bytes
internal import JOSE
internal import OpenSSL
internal import SQLite
internal import Synchronization
internal import System

/// Where the records are, and the keys that belong to them.
public struct StateSettings: Hashable, Sendable {
    /// The SQLite file; made when missing, readable by its owner alone.
    public var database: String
    /// The key file of the secrets' HMAC, see ``KeyFile``; kept apart from the database.
    public var tokenKey: String
    /// The key file of the tokens that we sign; nothing when none are signed.
    public var signingKey: String?
    /// What clients know this proxy as: `iss` and `aud` of the tokens that we sign.
    public var publicURL: ByteString

    /// Settings.
    public init(database: String, tokenKey: String, signingKey: String? = nil, publicURL: ByteString) {
        self.database = database
        self.tokenKey = tokenKey
        self.signingKey = signingKey
        self.publicURL = publicURL
    }
}

/// The records of endpoints and API tokens: what commands and the admin API change, and the registry watches.
///
/// Every call blocks for the disk and for other processes' changes: not for an event loop's thread. Each change is one
/// transaction with a number of its own; when the call returns, it survives `kill -9` and a power cut, and before that
/// nothing of it happened.
public final class StateStore: Sendable {
    /// At most so many endpoints, and so many API tokens: all of them are in each proxy's memory.
    public static let recordLimit = 20_000

    let settings: StateSettings
    let hasher: SecretHasher
    let minter: TokenMinter?
    private let database: Mutex<Database>

    /// Opens the database, makes or migrates it, and checks that it belongs to the key.
    public init(_ settings: StateSettings) throws(StateFailure) {
        self.settings = settings
        hasher = SecretHasher(key: try KeyFile.read(settings.tokenKey))
        minter = try StateStore.minter(settings)
        let opened = try StateStore.open(settings.database)
        try StateSchema.migrate(opened, keyCheck: hasher.keyCheck)
        database = Mutex(opened)
    }

    private static func minter(_ settings: StateSettings) throws(StateFailure) -> TokenMinter? {
        guard let path = settings.signingKey else { return nil }
        let secret = try KeyFile.read(path)
        do throws(JOSEFailure) {
            return try TokenMinter(issuer: settings.publicURL, secret: secret)
        } catch {
            throw StateFailure(.keyMalformed, "\(path) cannot sign tokens: \(error)")
        }
    }

    /// Opens the file for reading and writing, and makes it so that only its owner can read it; SQLite gives the files
    /// beside it the same permissions.
    static func open(_ path: String) throws(StateFailure) -> Database {
        do throws(SystemFailure) {
            if !Files.exists(path) { _ = try File(path, .readAndWriteCreating(permissions: 0o600)) }
        } catch {
            throw StateFailure(error)
        }
        do throws(SQLiteFailure) {
            return try Database(path, .readAndWrite)
        } catch {
            throw StateFailure(error)
        }
    }

    /// Reads with the database, alone.
    func read<Result: Sendable>(
        _ body: (borrowing Database) throws(StateFailure) -> Result
    ) throws(StateFailure) -> Result {
        try database.withLock { (database) throws(StateFailure) in try body(database) }
    }

    /// Makes a change in one transaction, and writes it down among the changes.
    func change<Result: Sendable>(
        _ what: ByteString, by person: ByteString?, now: WallTime,
        _ body: (borrowing Database) throws(StateFailure) -> (Result, subject: ByteString)
    ) throws(StateFailure) -> Changed<Result> {
        try database.withLock { (database) throws(StateFailure) in
            try database.transaction(failing: { StateFailure($0) }) { () throws(StateFailure) in
                let (result, subject) = try body(database)
                let number = try reading { () throws(SQLiteFailure) in
                    try database.run(
                        "INSERT INTO changes (at, what, subject, made_by) VALUES (?1, ?2, ?3, ?4)",
                        .integer(now.nanoseconds), .text(what), .text(subject), .text(person))
                    let number = try database.integer("SELECT max(sequence) FROM changes") ?? 0
                    try database.run("DELETE FROM changes WHERE sequence <= ?1", .integer(number - 10_000))
                    return number
                }
                return Changed(value: result, number: number)
            }
        }
    }

    /// The number of the last change; 0 when there was none.
    public func lastChange() throws(StateFailure) -> Int64 {
        try read { (database) throws(StateFailure) in try lastChangeNumber(in: database) }
    }
}

/// The outcome of a change, and its number, to wait for with ``StateStore/waitUntilApplied(_:within:)``.
public struct Changed<Value: Sendable>: Sendable {
    /// What the change gave.
    public let value: Value
    /// Its number among all changes.
    public let number: Int64
}

/// A record together with its secret, which is shown this once and kept nowhere.
public struct Issued<Record: Sendable>: Sendable {
    /// The record.
    public let record: Record
    /// The secret. For its new owner's eyes only: no log, no audit trail, no error.
    public let secret: ByteString
}

func lastChangeNumber(in database: borrowing Database) throws(StateFailure) -> Int64 {
    try reading { () throws(SQLiteFailure) in try database.integer("SELECT max(sequence) FROM changes") ?? 0 }
}

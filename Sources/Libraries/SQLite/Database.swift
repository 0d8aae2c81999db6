internal import CSQLite

/// One connection to a database file; closed when this value dies and its last statement with it.
///
/// Every call blocks, for the disk and for other processes: not for an event loop's thread. One thread at a time, as its
/// being noncopyable says. A committed change survives `kill -9` and a power cut: the journal is a write-ahead log and is
/// synchronised at each commit (`synchronous=FULL`).
@safe public struct Database: ~Copyable, @unchecked Sendable {
    private let raw: OpaquePointer

    /// How a database is opened.
    public enum Access: Sendable {
        /// It must exist; nothing is written, not even a missing write-ahead log.
        case read
        /// It must exist.
        case readAndWrite
        /// Made when it does not exist.
        case readAndWriteCreating
    }

    /// Opens a file.
    ///
    /// - Parameter busyTimeout: how long a call waits for another process's transaction; then it fails with `isBusy`.
    public init(
        _ path: String, _ access: Access, busyTimeout: Duration = .seconds(5)
    ) throws(SQLiteFailure) {
        let opened = try Opened(path, access)
        try opened.configure(writing: access != .read, busyTimeout: busyTimeout)
        unsafe raw = opened.give()
    }

    deinit {
        // Version 2 waits with closing until the last statement is gone, so the order of deaths does not matter.
        unsafe sqlite3_close_v2(raw)
    }

    /// Runs SQL that needs no values and gives no rows; several statements may follow each other.
    public func execute(_ sql: StaticString) throws(SQLiteFailure) {
        guard unsafe sqlite3_exec(raw, "\(sql)", nil, nil, nil) == SQLITE_OK else {
            throw unsafe SQLiteFailure(call: "sqlite3_exec", connection: raw)
        }
    }

    /// Compiles one statement. SQL is written in the program and values are bound: a text from outside is never SQL.
    public func prepare(_ sql: StaticString) throws(SQLiteFailure) -> Statement {
        var statement: OpaquePointer?
        let code = unsafe sqlite3_prepare_v3(raw, "\(sql)", -1, 0, &statement, nil)
        guard code == SQLITE_OK, let statement = unsafe statement else {
            throw unsafe SQLiteFailure(call: "sqlite3_prepare", connection: raw)
        }
        return unsafe Statement(statement, of: raw)
    }

    /// Compiles and runs one statement that gives no rows.
    public func run(_ sql: StaticString, _ values: SQLiteValue...) throws(SQLiteFailure) {
        var statement = try prepare(sql)
        try statement.run(values)
    }

    /// The integer that a statement's first row begins with; nothing when there is no row or no integer.
    public func integer(_ sql: StaticString, _ values: SQLiteValue...) throws(SQLiteFailure) -> Int64? {
        var statement = try prepare(sql)
        try statement.bind(values)
        return try statement.step() ? statement.integer(0) : nil
    }

    /// Runs `body` in one transaction that holds the write lock from its beginning: all of it is durable when this
    /// returns, or none of it happened. A crash inside leaves the state before.
    ///
    /// - Parameter failing: how a failure of the transaction itself is told.
    public func transaction<Result, Failure: Error>(
        failing: (SQLiteFailure) -> Failure, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try transaction("BEGIN IMMEDIATE", failing, body)
    }

    /// Runs `body`, which only reads, on one state of the database, whatever others change meanwhile.
    public func readTransaction<Result, Failure: Error>(
        failing: (SQLiteFailure) -> Failure, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try transaction("BEGIN DEFERRED", failing, body)
    }

    private func transaction<Result, Failure: Error>(
        _ begin: StaticString, _ failing: (SQLiteFailure) -> Failure, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        func step(_ sql: StaticString) throws(Failure) {
            do throws(SQLiteFailure) { try execute(sql) } catch { throw failing(error) }
        }
        try step(begin)
        do throws(Failure) {
            let result = try body()
            try step("COMMIT")
            return result
        } catch {
            // After some failures (a full disk) SQLite has rolled back by itself and ROLLBACK fails: both ways it is gone.
            if unsafe sqlite3_get_autocommit(raw) == 0 { try? step("ROLLBACK") }
            throw error
        }
    }

    /// A number that changes when another connection, of this process or another, has committed a change.
    public func dataVersion() throws(SQLiteFailure) -> Int64 {
        try integer("PRAGMA data_version") ?? 0
    }

    /// The schema's version as the application counts it (`PRAGMA user_version`).
    public func userVersion() throws(SQLiteFailure) -> Int64 {
        try integer("PRAGMA user_version") ?? 0
    }

    /// How many rows the last INSERT, UPDATE or DELETE changed.
    public var changedRows: Int { Int(unsafe sqlite3_changes64(raw)) }

    /// Moves what the write-ahead log holds into the file and empties it.
    public func checkpoint() throws(SQLiteFailure) {
        let code = unsafe sqlite3_wal_checkpoint_v2(raw, nil, SQLITE_CHECKPOINT_TRUNCATE, nil, nil)
        guard code == SQLITE_OK else { throw unsafe SQLiteFailure(call: "sqlite3_wal_checkpoint", connection: raw) }
    }
}

/// An opened connection that is not configured yet: it closes itself unless it is given away.
@safe private final class Opened {
    private var raw: OpaquePointer?

    init(_ path: String, _ access: Database.Access) throws(SQLiteFailure) {
        let flags =
            switch access {
            case .read: SQLITE_OPEN_READONLY
            case .readAndWrite: SQLITE_OPEN_READWRITE
            case .readAndWriteCreating: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
            }
        let code = unsafe sqlite3_open_v2(path, &raw, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, nil)
        // SQLite gives a connection even when it failed, for its message: `deinit` closes it.
        guard code == SQLITE_OK, unsafe raw != nil else { throw SQLiteFailure(call: "sqlite3_open", code: code) }
    }

    deinit {
        unsafe sqlite3_close_v2(raw)
    }

    func configure(writing: Bool, busyTimeout: Duration) throws(SQLiteFailure) {
        let milliseconds =
            busyTimeout.components.seconds * 1000 + busyTimeout.components.attoseconds / 1_000_000_000_000_000
        unsafe sqlite3_busy_timeout(raw, Int32(clamping: milliseconds))
        try execute("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON")
        if writing { try execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL") }
    }

    /// Hands the connection over to whoever closes it from now on.
    func give() -> OpaquePointer {
        guard let given = unsafe raw.take() else { preconditionFailure("a connection is given away once") }
        return unsafe given
    }

    private func execute(_ sql: String) throws(SQLiteFailure) {
        let code = unsafe sqlite3_exec(raw, sql, nil, nil, nil)
        guard code == SQLITE_OK else {
            throw SQLiteFailure(
                call: "opening the database", code: code, message: unsafe String(cString: sqlite3_errmsg(raw)))
        }
    }
}

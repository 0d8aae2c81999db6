internal import CSQLite

/// A call of SQLite that failed.
///
/// The message is SQLite's own: it names tables, columns and SQL, never a value that was bound.
public struct SQLiteFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What was tried.
    public let call: String
    /// SQLite's extended result code (sqlite.org/rescode.html).
    public let code: Int32
    /// What SQLite says about it.
    public let message: String

    init(call: StaticString, code: Int32, message: String? = nil) {
        self.call = "\(call)"
        self.code = code
        self.message = unsafe message ?? String(cString: sqlite3_errstr(code))
    }

    /// The connection's last failure, to be read before its next call.
    init(call: StaticString, connection: OpaquePointer) {
        unsafe self.init(
            call: call, code: sqlite3_extended_errcode(connection), message: String(cString: sqlite3_errmsg(connection))
        )
    }

    /// Whether another process held the database longer than the busy timeout.
    public var isBusy: Bool { code & 0xff == SQLITE_BUSY }

    /// Whether a UNIQUE, NOT NULL, CHECK or FOREIGN KEY rule of the schema refused the change.
    public var isConstraint: Bool { code & 0xff == SQLITE_CONSTRAINT }

    /// Whether the disk is full.
    public var isDiskFull: Bool { code & 0xff == SQLITE_FULL }

    /// Whether the file is damaged or no database.
    public var isCorrupt: Bool { code & 0xff == SQLITE_CORRUPT || code & 0xff == SQLITE_NOTADB }

    /// For people and logs.
    public var description: String { "\(call): \(message) (\(code))" }
}

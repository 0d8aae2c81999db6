public import Bytes
internal import CSQLite

/// A value as SQLite keeps it.
public enum SQLiteValue: Hashable, Sendable {
    case null
    case integer(Int64)
    /// UTF-8; compared by bytes, as SQLite's BINARY collation does.
    case text(ByteString)
    case blob([UInt8])

    /// A text, or null.
    public static func text(_ text: ByteString?) -> SQLiteValue { text.map { .text($0) as SQLiteValue } ?? .null }

    /// An integer, or null.
    public static func integer(_ integer: Int64?) -> SQLiteValue {
        integer.map { .integer($0) as SQLiteValue } ?? .null
    }
}

/// One compiled statement; finalised when this value dies. Used by one thread at a time, the one that uses its database.
@safe public struct Statement: ~Copyable, @unchecked Sendable {
    private let raw: OpaquePointer
    private let connection: OpaquePointer

    init(_ raw: OpaquePointer, of connection: OpaquePointer) {
        unsafe self.raw = raw
        unsafe self.connection = connection
    }

    deinit {
        unsafe sqlite3_finalize(raw)
    }

    /// Starts again with `values` for the parameters `?1`, `?2` and so on; all of them must be given.
    public mutating func bind(_ values: [SQLiteValue]) throws(SQLiteFailure) {
        unsafe sqlite3_reset(raw)
        guard values.count == Int(unsafe sqlite3_bind_parameter_count(raw)) else {
            throw SQLiteFailure(call: "bind", code: SQLITE_MISUSE, message: "as many values as parameters are needed")
        }
        for (index, value) in values.enumerated() {
            guard bind(value, at: Int32(index + 1)) == SQLITE_OK else {
                throw unsafe SQLiteFailure(call: "sqlite3_bind", connection: connection)
            }
        }
    }

    /// Binds `values` and runs to the end, ignoring rows.
    public mutating func run(_ values: [SQLiteValue]) throws(SQLiteFailure) {
        try bind(values)
        while try step() {}
        unsafe sqlite3_reset(raw)
    }

    /// Goes to the next row; false after the last.
    public mutating func step() throws(SQLiteFailure) -> Bool {
        switch unsafe sqlite3_step(raw) {
        case SQLITE_ROW: return true
        case SQLITE_DONE:
            unsafe sqlite3_reset(raw)
            return false
        default:
            let failure = unsafe SQLiteFailure(call: "sqlite3_step", connection: connection)
            unsafe sqlite3_reset(raw)
            throw failure
        }
    }

    /// The integer in a column of this row, counted from 0; nothing when it holds something else.
    public func integer(_ column: Int) -> Int64? {
        guard type(column) == SQLITE_INTEGER else { return nil }
        return unsafe sqlite3_column_int64(raw, Int32(column))
    }

    /// The text in a column of this row; nothing when it holds something else.
    public func text(_ column: Int) -> ByteString? {
        guard type(column) == SQLITE_TEXT else { return nil }
        return unsafe ByteString(copy(sqlite3_column_text(raw, Int32(column)), column))
    }

    /// The blob in a column of this row; nothing when it holds something else.
    public func blob(_ column: Int) -> [UInt8]? {
        guard type(column) == SQLITE_BLOB else { return nil }
        return unsafe copy(sqlite3_column_blob(raw, Int32(column))?.assumingMemoryBound(to: UInt8.self), column)
    }

    private func type(_ column: Int) -> Int32 {
        guard (0..<Int(unsafe sqlite3_data_count(raw))).contains(column) else { return SQLITE_NULL }
        return unsafe sqlite3_column_type(raw, Int32(column))
    }

    /// The pointer is SQLite's until the next step: its bytes are copied at once.
    private func copy(_ start: UnsafePointer<UInt8>?, _ column: Int) -> [UInt8] {
        guard let start = unsafe start else { return [] }
        return unsafe [UInt8](UnsafeBufferPointer(start: start, count: Int(sqlite3_column_bytes(raw, Int32(column)))))
    }

    private func bind(_ value: SQLiteValue, at index: Int32) -> Int32 {
        // SQLITE_TRANSIENT: SQLite copies before it returns.
        let copied = unsafe unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        return switch value {
        case .null: unsafe sqlite3_bind_null(raw, index)
        case .integer(let integer): unsafe sqlite3_bind_int64(raw, index, integer)
        case .text(let text) where text.isEmpty: unsafe sqlite3_bind_text(raw, index, "", 0, copied)
        case .text(let text):
            unsafe text.bytes.withUnsafeBytes { bytes in
                unsafe sqlite3_bind_text64(
                    raw, index, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), UInt64(bytes.count), copied,
                    UInt8(SQLITE_UTF8))
            }
        case .blob(let bytes) where bytes.isEmpty: unsafe sqlite3_bind_zeroblob(raw, index, 0)
        case .blob(let bytes): unsafe sqlite3_bind_blob64(raw, index, bytes, UInt64(bytes.count), copied)
        }
    }
}

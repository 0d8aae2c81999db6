import System

/// Where log lines go unless the program says otherwise, and the time they carry.
enum StandardError {
    /// One `write` per line, so that lines of several threads and processes do not mix. A line that cannot be written
    /// is lost: a proxy must not stop because nobody reads its log.
    @Sendable static func write(_ line: [UInt8]) {
        try? Output.standardError(line)
    }

    /// The wall clock as RFC 3339 in UTC with microseconds.
    static func timestamp() -> [UInt8] {
        Array(WallTime.now.rfc3339(fractionDigits: 6).utf8)
    }
}

import Glibc

/// Where log lines go, and the time they carry.
enum StandardError {
    /// One `write` per line, so that lines of several threads and processes do not mix. A line that cannot be written
    /// is lost: a proxy must not stop because nobody reads its log.
    @Sendable static func write(_ line: [UInt8]) {
        unsafe line.withUnsafeBytes { raw in
            var offset = 0
            while offset < raw.count {
                let written = unsafe Glibc.write(2, raw.baseAddress?.advanced(by: offset), raw.count - offset)
                if written > 0 { offset += written } else if errno != EINTR { return }
            }
        }
    }

    /// The wall clock as RFC 3339 in UTC with microseconds.
    static func timestamp() -> [UInt8] {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return timestamp(seconds: now.tv_sec, microseconds: now.tv_nsec / 1000)
    }

    /// Days to a date by Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms" (years that begin in March).
    static func timestamp(seconds: Int, microseconds: Int) -> [UInt8] {
        let days = seconds / 86_400 + 719_468
        let rest = seconds % 86_400
        let era = days / 146_097
        let dayOfEra = days % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
        let time = "\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))"
        return Array("\(date)T\(time).\(padded(microseconds, 6))Z".utf8)
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

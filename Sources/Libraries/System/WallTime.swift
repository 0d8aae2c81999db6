internal import Glibc

/// A moment on the calendar, in nanoseconds since 1970-01-01T00:00:00Z, leap seconds not counted (as POSIX does).
///
/// For records and expiry. It can jump when somebody sets the clock: measure durations with `MonotonicTime`.
public struct WallTime: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Nanoseconds since 1970-01-01T00:00:00Z; reaches from 1677 to 2262.
    public let nanoseconds: Int64

    /// A moment, from nanoseconds since 1970-01-01T00:00:00Z.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// A moment, from whole seconds since 1970-01-01T00:00:00Z; saturates at the ends of the range.
    public init(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        nanoseconds = overflow ? (seconds < 0 ? .min : .max) : product
    }

    /// Reads the clock.
    public static var now: WallTime { WallTime(nanoseconds: reading(of: CLOCK_REALTIME)) }

    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    public var seconds: Int64 { floored(nanoseconds, 1_000_000_000) }

    /// The moment `duration` later; saturates.
    public static func + (moment: WallTime, duration: Duration) -> WallTime {
        let (sum, overflow) = moment.nanoseconds.addingReportingOverflow(duration.nanoseconds)
        return WallTime(nanoseconds: overflow ? .max : sum)
    }

    /// The time from `earlier` to `later`.
    public static func - (later: WallTime, earlier: WallTime) -> Duration {
        .nanoseconds(later.nanoseconds) - .nanoseconds(earlier.nanoseconds)
    }

    /// Earlier is smaller.
    public static func < (left: WallTime, right: WallTime) -> Bool { left.nanoseconds < right.nanoseconds }

    /// RFC 3339 in UTC with milliseconds.
    public var description: String { rfc3339(fractionDigits: 3) }

    /// RFC 3339 in UTC, such as `2026-11-20T09:30:00.123456Z`, with 0 to 9 digits of the second's fraction (cut, not rounded).
    public func rfc3339(fractionDigits: Int) -> String {
        var text: [UInt8] = []
        text.reserveCapacity(30)
        appendRFC3339(fractionDigits: fractionDigits, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends what `rfc3339` gives, without making a string.
    public func appendRFC3339(fractionDigits: Int, to text: inout [UInt8]) {
        let calendar = Calendar(of: seconds)
        text.appendDigits(calendar.year, 4)
        text.append(0x2D)
        text.appendDigits(calendar.month, 2)
        text.append(0x2D)
        text.appendDigits(calendar.day, 2)
        text.append(0x54)
        text.appendTime(calendar)
        let digits = min(max(fractionDigits, 0), 9)
        if digits > 0 {
            var fraction = Int(nanoseconds - floored(nanoseconds, 1_000_000_000) &* 1_000_000_000)
            for _ in digits..<9 { fraction /= 10 }
            text.append(0x2E)
            text.appendDigits(fraction, digits)
        }
        text.append(0x5A)
    }

    /// The form that HTTP's Date field has (RFC 9110 section 5.6.7), such as `Fri, 20 Nov 2026 09:30:00 GMT`.
    public var httpDate: String {
        let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let calendar = Calendar(of: seconds)
        let day = Int(floored(seconds, 86_400) % 7 + 7) % 7
        var text = Array("\(days[day]), ".utf8)
        text.appendDigits(calendar.day, 2)
        text += Array(" \(months[calendar.month - 1]) ".utf8)
        text.appendDigits(calendar.year, 4)
        text.append(0x20)
        text.appendTime(calendar)
        text += Array(" GMT".utf8)
        return String(decoding: text, as: UTF8.self)
    }

    /// Reads RFC 3339 (section 5.6): a full date and time with `Z` or an offset. Nil for anything else, for dates that
    /// do not exist, and for a leap second (which POSIX time cannot hold).
    public init?(rfc3339 text: String) {
        self.init(rfc3339: Array(text.utf8))
    }

    /// The same for bytes.
    public init?(rfc3339 bytes: [UInt8]) {
        var reader = DateReader(bytes: bytes)
        guard let nanoseconds = reader.moment() else { return nil }
        self.nanoseconds = nanoseconds
    }
}

/// A day and time of the proleptic Gregorian calendar, in UTC.
private struct Calendar {
    let year: Int
    let month: Int
    let day: Int
    let hour: Int
    let minute: Int
    let second: Int

    init(of seconds: Int64) {
        let days = floored(seconds, 86_400)
        let rest = Int(seconds - days * 86_400)
        // Days counted from 0000-03-01, so that the leap day is the last of its year.
        let shifted = days + 719_468
        let era = floored(shifted, 146_097)
        let dayOfEra = Int(shifted - era * 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        year = yearOfEra + Int(era) * 400 + (month <= 2 ? 1 : 0)
        hour = rest / 3_600
        minute = rest / 60 % 60
        second = rest % 60
    }

    static func days(year: Int, month: Int, day: Int) -> Int64 {
        let shiftedYear = Int64(month <= 2 ? year - 1 : year)
        let era = floored(shiftedYear, 400)
        let yearOfEra = shiftedYear - era * 400
        let shiftedMonth = Int64(month > 2 ? month - 3 : month + 9)
        let dayOfYear = (153 * shiftedMonth + 2) / 5 + Int64(day) - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func length(ofMonth month: Int, year: Int) -> Int {
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return month == 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].contains(month) ? 30 : 31
    }
}

private struct DateReader {
    let bytes: [UInt8]
    var index = 0

    mutating func moment() -> Int64? {
        guard let year = digits(4), take("-"), let month = digits(2), take("-"), let day = digits(2),
            take("T") || take("t") || take(" "),
            let hour = digits(2), take(":"), let minute = digits(2), take(":"), let second = digits(2),
            let fraction = fraction(), let offset = offset(), index == bytes.count
        else { return nil }
        guard (1...12).contains(month), day >= 1, day <= Calendar.length(ofMonth: month, year: year),
            hour < 24, minute < 60, second < 60, (1678...2261).contains(year)
        else { return nil }
        let days = Calendar.days(year: year, month: month, day: day)
        let seconds = days * 86_400 + Int64(hour * 3_600 + minute * 60 + second - offset)
        return seconds * 1_000_000_000 + fraction
    }

    private mutating func digits(_ count: Int) -> Int? {
        guard index + count <= bytes.count else { return nil }
        var value = 0
        for byte in bytes[index..<index + count] {
            guard (0x30...0x39).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 0x30)
        }
        index += count
        return value
    }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard index < bytes.count, UInt32(bytes[index]) == character.value else { return false }
        index += 1
        return true
    }

    /// Nanoseconds; 0 when there is no fraction, nil when there is a point without a digit.
    private mutating func fraction() -> Int64? {
        guard take(".") else { return 0 }
        var value: Int64 = 0
        var count = 0
        while index < bytes.count, (0x30...0x39).contains(bytes[index]) {
            if count < 9 { value = value * 10 + Int64(bytes[index] - 0x30) }
            count += 1
            index += 1
        }
        guard count > 0 else { return nil }
        for _ in min(count, 9)..<9 { value *= 10 }
        return value
    }

    /// Seconds east of UTC.
    private mutating func offset() -> Int? {
        if take("Z") || take("z") { return 0 }
        let sign = take("+") ? 1 : take("-") ? -1 : 0
        guard sign != 0, let hours = digits(2), take(":"), let minutes = digits(2), hours < 24, minutes < 60
        else { return nil }
        return sign * (hours * 3_600 + minutes * 60)
    }
}

extension [UInt8] {
    fileprivate mutating func appendDigits(_ value: Int, _ count: Int) {
        var divisor = 1
        for _ in 1..<count { divisor *= 10 }
        while divisor > 0 {
            append(0x30 + UInt8(value / divisor % 10))
            divisor /= 10
        }
    }

    fileprivate mutating func appendTime(_ calendar: Calendar) {
        appendDigits(calendar.hour, 2)
        append(0x3A)
        appendDigits(calendar.minute, 2)
        append(0x3A)
        appendDigits(calendar.second, 2)
    }
}

private func floored(_ value: Int64, _ divisor: Int64) -> Int64 {
    let quotient = value / divisor
    return value % divisor < 0 ? quotient - 1 : quotient
}

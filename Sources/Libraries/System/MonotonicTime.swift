internal import Glibc

/// A moment on the clock that never jumps (CLOCK_MONOTONIC), in nanoseconds since the machine started.
///
/// For deadlines and durations. It means nothing on another machine or after a restart.
public struct MonotonicTime: Hashable, Comparable, Sendable {
    /// Nanoseconds since the machine started.
    public let nanoseconds: Int64

    /// A moment, from nanoseconds since the machine started.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    /// Reads the clock (some 20 ns, no system call).
    public static var now: MonotonicTime {
        MonotonicTime(nanoseconds: reading(of: CLOCK_MONOTONIC))
    }

    /// A moment that no clock will reach.
    public static var distantFuture: MonotonicTime { MonotonicTime(nanoseconds: .max) }

    /// The moment `duration` later; saturates instead of overflowing.
    public static func + (moment: MonotonicTime, duration: Duration) -> MonotonicTime {
        moment.adding(nanoseconds: duration.nanoseconds)
    }

    /// The time from `earlier` to `later`, negative when they are the other way round.
    public static func - (later: MonotonicTime, earlier: MonotonicTime) -> Duration {
        .nanoseconds(later.nanoseconds - earlier.nanoseconds)
    }

    /// The moment that many nanoseconds later; saturates instead of overflowing.
    public func adding(nanoseconds more: Int64) -> MonotonicTime {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(more)
        return MonotonicTime(nanoseconds: overflow ? .max : sum)
    }

    /// Earlier is smaller.
    public static func < (left: MonotonicTime, right: MonotonicTime) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Duration {
    /// Whole nanoseconds, saturating at Int64's limits (292 years).
    public var nanoseconds: Int64 {
        let all = attoseconds
        let high = Int64(truncatingIfNeeded: all >> 64)
        // Up to 584 years one machine division does; the general one costs a hundred times as much.
        if high >= 0, high < 1_000_000_000 {
            let divisor: UInt64 = 1_000_000_000
            let dividend = (high: UInt64(high), low: UInt64(truncatingIfNeeded: all))
            return Int64(clamping: divisor.dividingFullWidth(dividend).quotient)
        }
        return Int64(clamping: all / 1_000_000_000)
    }
}

func reading(of clock: clockid_t) -> Int64 {
    var time = timespec()
    unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec)
}

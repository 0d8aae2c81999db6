import Bytes
import System

/// The log's two clocks. Tests bring their own.
struct LogClock: Sendable {
    let wall: @Sendable () -> WallTime
    let boot: @Sendable () -> Int64
    /// What the boot clock said at `log.opened`.
    private let opened: Int64

    init(
        wall: @escaping @Sendable () -> WallTime = { WallTime.now },
        boot: @escaping @Sendable () -> Int64 = { BootClock.nanoseconds }
    ) {
        self.wall = wall
        self.boot = boot
        opened = boot()
    }

    /// Now, by both.
    func now() -> Moment {
        Moment(wall: wall(), monotonic: max(boot() - opened, 0))
    }
}

/// Notices when somebody sets the wall clock.
struct ClockWatch {
    private var last: Moment
    /// Less than this is the clock being steered, which is what NTP does all day.
    static let tolerance: Int64 = 2_000_000_000

    init(_ moment: Moment) {
        last = moment
    }

    /// A record when the wall clock has moved differently from the clock that nobody can set.
    mutating func check(_ moment: Moment) -> AuditRecord? {
        let expected = last.wall.nanoseconds &+ (moment.monotonic - last.monotonic)
        let delta = moment.wall.nanoseconds &- expected
        last = moment
        guard delta.magnitude > UInt64(ClockWatch.tolerance) else { return nil }
        let old = WallTime(nanoseconds: expected).rfc3339(fractionDigits: 9)
        return AuditRecord(
            .clockJump,
            facts: [
                ("old", .text(.init(old))), ("new", .text(.init(moment.wall.rfc3339(fractionDigits: 9)))),
                ("delta_ns", .int(Int(delta))),
            ])
    }
}

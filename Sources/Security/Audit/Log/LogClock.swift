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
///
/// NTP steers both clocks alike, so their difference changes only when the wall clock is set. Small settings add up until they
/// are worth a record.
struct ClockWatch {
    private var offset: Int64
    /// Less than this is not worth a record.
    static let tolerance: Int64 = 2_000_000_000

    init(_ moment: Moment) {
        offset = moment.offset
    }

    /// A record when the wall clock has been set since the last one.
    mutating func check(_ moment: Moment) -> AuditRecord? {
        let delta = moment.offset &- offset
        guard delta.magnitude > UInt64(ClockWatch.tolerance) else { return nil }
        let old = WallTime(nanoseconds: offset &+ moment.monotonic)
        offset = moment.offset
        return AuditRecord(
            .clockJump,
            facts: [
                ("old", .text(ByteString(old.rfc3339(fractionDigits: 9)))),
                ("new", .text(ByteString(moment.wall.rfc3339(fractionDigits: 9)))),
                ("delta_ms", .int(Int(delta / 1_000_000))),
            ])
    }
}

extension Moment {
    /// What the wall clock said at `log.opened`, if it has not been set since.
    var offset: Int64 { wall.nanoseconds &- monotonic }
}

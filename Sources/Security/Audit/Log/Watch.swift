import Bytes
import System

/// What must happen although the disk hangs or nobody calls: noticing a stall, heartbeats, the clock, and the counts of what
/// strangers did. It lives on a thread of its own and touches no file.
final class Watch: Sendable {
    private let desk: Desk
    private let clock: LogClock
    private let settings: AuditSettings
    private let coalescer = Guarded(Coalescer())
    private let begin: Moment

    init(desk: Desk, clock: LogClock, settings: AuditSettings) {
        self.desk = desk
        self.clock = clock
        self.settings = settings
        begin = clock.now()
    }

    func run() {
        let interval = min(.seconds(1), settings.stall / 4, settings.heartbeat / 2)
        var clockWatch = ClockWatch(begin)
        var nextHeartbeat = MonotonicTime.now + settings.heartbeat
        while !desk.isOver {
            desk.watchBell.wait(until: .now + interval)
            for waiting in desk.abandonIfStalled(for: settings.stall) {
                waiting.waiter?.resume(returning: .failure(.suspended(.stalled)))
            }
            let now = clock.now()
            if let jump = clockWatch.check(now) { tell(jump) }
            for record in coalescer.withLock({ $0.finished(at: now) }) { tell(record) }
            if MonotonicTime.now >= nextHeartbeat {
                nextHeartbeat = nextHeartbeat + settings.heartbeat
                tell(AuditRecord(.logHeartbeat, facts: Watch.clockFacts()))
            }
        }
    }

    /// Counts what a stranger did; true when it is to be recorded itself.
    func isFirst(_ kind: AuditKind, source: ByteString, reason: ByteString, at moment: Moment) -> Bool {
        coalescer.withLock { $0.isFirst(kind, source: source, reason: reason, at: moment) }
    }

    /// Hands over what was only counted so far. To be called before the log is closed.
    func finish() {
        for record in coalescer.withLock({ $0.finished(at: clock.now(), all: true) }) { tell(record) }
    }

    /// How far the wall clock can be trusted.
    static func clockFacts() -> [(name: String, value: AuditRecord.Value)] {
        guard let error = WallTime.maximumErrorMicroseconds else { return [("synchronized", .bool(false))] }
        return [("synchronized", .bool(true)), ("clock_error_us", .int(error))]
    }

    private func tell(_ record: AuditRecord) {
        _ = desk.hand(Waiting(draft: Draft(record, at: clock.now()), waiter: nil), isOwn: true)
    }
}

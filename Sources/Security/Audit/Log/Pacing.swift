import System

/// When the writer lets records gather before it takes the next batch.
///
/// Making a batch durable costs a core some 40 us however many records it has, and on a quick disk it takes hardly longer: many
/// callers at once would each get a batch of one or two, and the writer would take a third of a core. So when records come
/// quickly, batches begin a millisecond apart; each of the many waits a little, and all of them get done sooner. When they come
/// slowly, nobody waits. (PostgreSQL's `commit_delay` and `commit_siblings` are the same trade.)
struct Pacing {
    /// Between the beginnings of two batches.
    static let interval = Duration.milliseconds(1)
    /// From so many records in a window on, batches are paced: 6,000 a second, which is 3,000 calls.
    static let busyCount = 60
    static let window = Duration.milliseconds(10)
    /// A paced batch with fewer records was not worth waiting for: few callers wait, each for its own record.
    static let worthwhileCount = 6
    /// When so many of them have come without enough worthwhile ones between them, resting stops for a while. One alone says
    /// nothing: it may just have missed the many that came behind it.
    static let smallBatches = 3
    /// For so long batches are not paced then.
    static let pause = Duration.milliseconds(100)

    private var windowBegan = MonotonicTime(nanoseconds: 0)
    private var count = 0
    private var isBusy = false
    private var wasPaced = false
    private var small = 0
    private var resumes = MonotonicTime(nanoseconds: 0)

    /// A batch is on disk.
    ///
    /// - Returns: until when to let records gather; nil to take at once what waits.
    mutating func wrote(_ records: Int, begun: MonotonicTime, ended now: MonotonicTime) -> MonotonicTime? {
        count += records
        if now - windowBegan >= Pacing.window {
            // After a silence the window is long, and what came in it is no rate.
            isBusy = count >= Pacing.busyCount && now - windowBegan < Pacing.window + Pacing.window
            windowBegan = now
            count = 0
        }
        if wasPaced {
            small = records < Pacing.worthwhileCount ? small + 1 : max(small - 1, 0)
            if small >= Pacing.smallBatches {
                small = 0
                resumes = now + Pacing.pause
            }
        }
        let next = begun + Pacing.interval
        wasPaced = isBusy && now >= resumes && next > now
        return wasPaced ? next : nil
    }
}

import System
import Testing

@testable import Audit

@Suite struct `The audit writer's pace` {
    private struct Run {
        var pacing = Pacing()
        var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
        var rests = 0

        /// Writes batches of so many records, each taking so long, for a time; rests when it is told to.
        mutating func write(_ records: Int, each: Duration, gap: Duration = .zero, for time: Duration) {
            let end = now + time
            while now < end {
                let begun = now
                now = now + each
                if let until = pacing.wrote(records, begun: begun, ended: now) {
                    rests += 1
                    #expect(until > now && until <= begun + Pacing.interval)
                    now = until
                } else {
                    now = now + gap
                }
            }
        }
    }

    @Test func `never makes slow records wait`() {
        var run = Run()
        run.write(1, each: .microseconds(150), gap: .milliseconds(1), for: .seconds(1))
        run.write(40, each: .microseconds(150), gap: .seconds(1), for: .seconds(60))
        #expect(run.rests == 0)
    }

    @Test func `lets records gather when they come quickly`() {
        var run = Run()
        run.write(12, each: .microseconds(150), for: .milliseconds(50))
        #expect(run.rests >= 25)
    }

    @Test func `gives up resting when only few callers wait`() {
        var run = Run()
        run.write(2, each: .microseconds(100), for: .milliseconds(95))
        #expect((1...Pacing.smallBatches + 1).contains(run.rests))
    }

    @Test func `goes on resting when a small batch comes among large ones`() {
        var run = Run()
        for _ in 0..<20 {
            run.write(12, each: .microseconds(150), for: .milliseconds(9))
            run.write(1, each: .microseconds(150), for: .milliseconds(1))
        }
        #expect(run.rests >= 150)
    }

    @Test func `is of no concern to a disk that needs longer than the pace`() {
        var run = Run()
        run.write(50, each: .milliseconds(3), for: .seconds(1))
        #expect(run.rests == 0)
    }
}

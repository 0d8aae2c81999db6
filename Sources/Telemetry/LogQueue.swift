import Synchronization
import System

/// Lines on their way to standard error, written by a thread of their own.
///
/// Standard error is often a pipe, and whoever reads it may stop reading: an event loop that wrote by itself would then
/// stand still with all its connections. Lines that don't fit are dropped and counted, and the count is told with the
/// next line that fits. A crash loses the lines that still wait, at most 1 MiB of them.
final class LogQueue: Sendable {
    /// How much may wait. 1 MiB is some thousands of lines.
    static let byteLimit = 1 << 20

    private struct State {
        var lines: [[UInt8]] = []
        var bytes = 0
        var dropped: UInt64 = 0
        var isWriting = false
    }

    private let state = Mutex(State())
    private let bell = Bell()
    private let destination: @Sendable ([UInt8]) -> Void

    /// A queue whose thread writes to `destination` and never ends.
    init(to destination: @escaping @Sendable ([UInt8]) -> Void) throws(SystemFailure) {
        self.destination = destination
        _ = try Thread.start("log") { [self] in
            while true {
                bell.wait(until: .distantFuture)
                writeAll()
            }
        }
    }

    /// Takes a line; never blocks on whoever reads the log.
    @Sendable func add(_ line: [UInt8]) {
        let isTaken = state.withLock { state in
            guard state.bytes + line.count <= LogQueue.byteLimit else {
                state.dropped += 1
                return false
            }
            state.lines.append(line)
            state.bytes += line.count
            return true
        }
        if isTaken { bell.ring() }
    }

    /// Waits until everything that was added is written, or the moment has come.
    func flush(until deadline: MonotonicTime) {
        let pause = Bell()
        while MonotonicTime.now < deadline, !state.withLock({ $0.lines.isEmpty && !$0.isWriting }) {
            pause.wait(until: min(deadline, MonotonicTime.now + .milliseconds(5)))
        }
    }

    private func writeAll() {
        while true {
            let (lines, dropped) = state.withLock { state in
                defer {
                    state.isWriting = !state.lines.isEmpty || state.dropped > 0
                    (state.lines, state.bytes, state.dropped) = ([], 0, 0)
                }
                return (state.lines, state.dropped)
            }
            guard !lines.isEmpty || dropped > 0 else { return }
            for line in lines { destination(line) }
            if dropped > 0 { destination(Log.line(.warning, "log.dropped", ["lines": .int(dropped)])) }
        }
    }
}

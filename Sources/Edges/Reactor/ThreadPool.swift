public import System

/// Threads of our own for work that blocks: files, databases, names. Swift's shared pool has as many threads as cores; a
/// few blocking calls on it stop everything.
public final class ThreadPool: Sendable {
    private let workers: [Worker]
    private let state = Guarded(State())

    private struct State {
        var work: [@Sendable () -> Void] = []
        var idle: [Int] = []
        var isStopped = false
    }

    private final class Worker: Sendable {
        let bell = Bell()
        let thread = Guarded<Thread?>(nil)
    }

    /// Starts the threads.
    public init(name: String, threads: Int) throws(SystemFailure) {
        workers = (0..<max(threads, 1)).map { _ in Worker() }
        for (index, worker) in workers.enumerated() {
            let thread = try Thread.start("\(name)-\(index)") { [self] in serve(index) }
            worker.thread.withLock { $0 = thread }
        }
    }

    /// Runs `body` on one of the threads, after what was given earlier, and continues where the caller was. How much may
    /// wait is for the callers to limit: each waits for its own.
    public func run<Value: Sendable, Failure: Error>(
        _ body: @escaping @Sendable () throws(Failure) -> Value
    ) async throws(Failure) -> Value {
        let result: Result<Value, Failure> = unsafe await withUnsafeContinuation { continuation in
            submit {
                do throws(Failure) {
                    unsafe continuation.resume(returning: .success(try body()))
                } catch {
                    unsafe continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    /// Runs `body` on one of the threads, sometime; nobody waits for it.
    public func submit(_ body: @escaping @Sendable () -> Void) {
        let wake = state.withLock { state -> Int? in
            state.work.append(body)
            return state.idle.popLast()
        }
        if let wake { workers[wake].bell.ring() }
    }

    /// Ends the threads after the work that was given, and waits for them.
    public func stop() {
        state.withLock { $0.isStopped = true }
        for worker in workers { worker.bell.ring() }
        for worker in workers { worker.thread.withLock { $0.take() }?.join() }
    }

    private func serve(_ index: Int) {
        while true {
            switch next(for: index) {
            case .work(let body): body()
            case .nothing: workers[index].bell.wait(until: .now + .seconds(60))
            case .stopped: return
            }
        }
    }

    private enum Next {
        case work(@Sendable () -> Void)
        case nothing
        case stopped
    }

    private func next(for index: Int) -> Next {
        state.withLock { state in
            state.idle.removeAll { $0 == index }
            if !state.work.isEmpty { return .work(state.work.removeFirst()) }
            if state.isStopped { return .stopped }
            state.idle.append(index)
            return .nothing
        }
    }
}

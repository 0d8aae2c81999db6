internal import System

/// The place where one task waits for a socket.
@safe struct Waiter {
    /// What it waits for.
    enum Direction { case readable, writable }

    private var continuation: UnsafeContinuation<Void, Never>?
    private var direction = Direction.readable
    private var deadline = MonotonicTime.distantFuture
    private var timedOut = false

    var isWaiting: Bool { unsafe continuation != nil }

    /// When the waiting task gives up; the distant future when none waits.
    var pendingDeadline: MonotonicTime { isWaiting ? deadline : .distantFuture }

    /// Two tasks in one place would be a mistake of ours, and would lose one of them.
    mutating func begin(
        _ continuation: UnsafeContinuation<Void, Never>, _ direction: Direction, _ deadline: MonotonicTime
    ) {
        precondition(!isWaiting, "two tasks wait in one direction of a stream")
        unsafe self.continuation = continuation
        self.direction = direction
        self.deadline = deadline
        timedOut = false
    }

    mutating func resume() {
        guard let waiting = unsafe continuation.take() else { return }
        unsafe waiting.resume()
    }

    mutating func resume(readable: Bool, writable: Bool) {
        if direction == .readable ? readable : writable { resume() }
    }

    mutating func expire(_ now: MonotonicTime) {
        guard isWaiting, deadline <= now else { return }
        timedOut = true
        resume()
    }

    mutating func takeTimedOut() -> Bool {
        defer { timedOut = false }
        return timedOut
    }
}

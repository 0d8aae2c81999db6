import Reactor
import System

/// The place where one task of a loop waits for something that another one brings, or for a deadline.
@safe final class Pause {
    private let loop = EventLoop.current
    private var waiting: UnsafeContinuation<Void, Never>?
    private var timer: Timer?
    private var timedOut = false

    /// Lets whoever waits go on and look. Nothing is remembered when nobody waits.
    func end() {
        guard let waiting = unsafe waiting.take() else { return }
        timer?.cancel()
        timer = nil
        unsafe waiting.resume()
    }

    /// Waits for `end`; false when the deadline came first.
    func wait(until deadline: MonotonicTime) async -> Bool {
        precondition(unsafe waiting == nil, "two tasks wait in one place")
        timedOut = false
        timer = loop.schedule(at: deadline) { [self] in
            timedOut = true
            end()
        }
        unsafe await withUnsafeContinuation { unsafe waiting = $0 }
        return !timedOut
    }
}

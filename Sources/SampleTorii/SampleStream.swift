import Bytes
import HTTP
import Synchronization

/// One event stream of a session: kept so that a client whose connection broke can have the rest (`Last-Event-ID`).
final class SampleStream: Sendable {
    /// Unique within the server; the first half of every event id.
    let number: Int
    private let state = Mutex(State())

    /// How many events are kept for those who come back.
    private static let kept = 2_000

    private struct State {
        var events: [(number: Int, bytes: [UInt8])] = []
        var last = 0
        var isFinished = false
        var listeners: [Int: AsyncStream<[UInt8]>.Continuation] = [:]
        var nextListener = 0
    }

    private let hasIDs: Bool

    /// - Parameter hasIDs: whether events can be come back to; in 2026-07-28 they cannot.
    init(number: Int, hasIDs: Bool = true) {
        self.number = number
        self.hasIDs = hasIDs
    }

    /// Whether somebody listens.
    var isHeard: Bool { state.withLock { !$0.listeners.isEmpty } }

    /// Sends an event and keeps it.
    func publish(_ data: [UInt8], retry: Int? = nil) {
        state.withLock { state in
            guard !state.isFinished else { return }
            state.last += 1
            let event = ServerSentEvent(
                data: data, id: hasIDs ? ByteString("\(number)-\(state.last)") : nil, retry: retry)
            var bytes: [UInt8] = []
            event.encode(into: &bytes)
            state.events.append((state.last, bytes))
            if state.events.count > Self.kept { state.events.removeFirst() }
            for listener in state.listeners.values { listener.yield(bytes) }
        }
    }

    /// Sends bytes that are no event, such as a comment, to those who listen now.
    func mutter(_ bytes: [UInt8]) {
        state.withLock { state in for listener in state.listeners.values { listener.yield(bytes) } }
    }

    /// Says that nothing more comes.
    func finish() {
        state.withLock { state in
            state.isFinished = true
            for listener in state.listeners.values { listener.finish() }
            state.listeners = [:]
        }
    }

    /// Everything after event number `after`, and what is still to come.
    func listen(after: Int) -> (events: AsyncStream<[UInt8]>, listener: Int) {
        let (events, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let listener = state.withLock { state in
            for event in state.events where event.number > after { continuation.yield(event.bytes) }
            state.nextListener += 1
            if state.isFinished {
                continuation.finish()
            } else {
                state.listeners[state.nextListener] = continuation
            }
            return state.nextListener
        }
        return (events, listener)
    }

    /// Stops listening.
    func leave(_ listener: Int) {
        state.withLock { $0.listeners.removeValue(forKey: listener)?.finish() }
    }
}

import Bytes
import Synchronization

/// One client's conversation: its streams and the calls that are still being worked on.
final class SampleSession: Sendable {
    let id: ByteString
    let version: ByteString
    /// What the client hears without having asked.
    let announcements: SampleStream
    private let state = Mutex(State())

    private struct State {
        var streams: [Int: SampleStream] = [:]
        var order: [Int] = []
        var working: [ByteString: Task<Void, Never>] = [:]
        var logs = false
    }

    /// How many answers are kept for clients that come back.
    private static let keptStreams = 64

    init(id: ByteString, version: ByteString, stream: Int) {
        self.id = id
        self.version = version
        announcements = SampleStream(number: stream)
    }

    /// Whether the client asked for log messages.
    var logs: Bool {
        get { state.withLock { $0.logs } }
        set { state.withLock { $0.logs = newValue } }
    }

    /// Keeps a stream, forgetting the oldest beyond the limit.
    func keep(_ stream: SampleStream) {
        state.withLock { state in
            state.streams[stream.number] = stream
            state.order.append(stream.number)
            if state.order.count > Self.keptStreams { state.streams[state.order.removeFirst()] = nil }
        }
    }

    /// The stream that an event id names, and the event's number.
    func stream(_ lastEventID: ByteString) -> (stream: SampleStream, after: Int)? {
        let parts = lastEventID.text.split(separator: "-")
        guard parts.count == 2, let number = Int(parts[0]), let after = Int(parts[1]) else { return nil }
        if number == announcements.number { return (announcements, after) }
        guard let stream = state.withLock({ $0.streams[number] }) else { return nil }
        return (stream, after)
    }

    /// Remembers work, so that it can be cancelled by the id of its request.
    func work(on request: ByteString, _ task: Task<Void, Never>) {
        state.withLock { $0.working[request] = task }
    }

    /// Forgets work that is done.
    func isDone(_ request: ByteString) {
        state.withLock { $0.working[request] = nil }
    }

    /// Stops the work on a request. False when there is none.
    func cancel(_ request: ByteString) -> Bool {
        guard let task = state.withLock({ $0.working.removeValue(forKey: request) }) else { return false }
        task.cancel()
        return true
    }

    /// Ends everything: the client said good-bye.
    func end() {
        let (streams, tasks) = state.withLock { state in
            defer { state = State() }
            return (Array(state.streams.values), Array(state.working.values))
        }
        for task in tasks { task.cancel() }
        for stream in streams { stream.finish() }
        announcements.finish()
    }
}

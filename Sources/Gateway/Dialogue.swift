import Audit
import Bytes
import MCP
import Redaction
import Sessions
import Synchronization

/// What the gateway remembers of one conversation beside its session: the streams that may be resumed, the progress that was asked
/// for, the errands that the user was sent on. Bounded; gone with the session, which lives no longer than its token.
final class Dialogue: SessionMemory {
    /// An answer that a stream owes.
    struct Owed: Sendable {
        let id: RequestID
        let ticket: ResultTicket
        let isToolCall: Bool
        let progressToken: RequestID?
        let promise: TaskPromise?
        /// The rules that the call was judged by (`Gateway.generation`).
        let generation: Int
    }

    private struct State {
        var streams: [UInt32: ResumableStream] = [:]
        var last: UInt32 = 0
        var isOver = false
        var isWatched = false
        var elicitations: [ByteString] = []
        var progress: [RequestID: (asked: RequestID, ticket: ResultTicket)] = [:]
    }
    private let state = Mutex(State())
    private let log: AuditLog
    /// The session's own stream of server messages.
    let ownStream = ResumableStream(number: 0, owed: nil)

    /// Streams of one session that can be resumed, those included that have brought their answers; the oldest such is forgotten.
    static let streamLimit = 32
    /// Errands of one session whose end may be told; the oldest is forgotten.
    static let elicitationLimit = 256

    init(_ log: AuditLog) {
        self.log = log
    }

    // MARK: Streams

    /// Remembers a stream that owes an answer; nil when too many do that may not be forgotten.
    func remember(_ owed: Owed) -> ResumableStream? {
        state.withLock { state in
            guard !state.isOver else { return nil }
            if state.streams.count >= Dialogue.streamLimit {
                guard let oldest = state.streams.filter({ $0.value.isOver }).keys.min() else { return nil }
                state.streams[oldest] = nil
            }
            state.last += 1
            let stream = ResumableStream(number: state.last, owed: owed)
            state.streams[state.last] = stream
            return stream
        }
    }

    func stream(_ number: UInt32) -> ResumableStream? {
        number == 0 ? ownStream : state.withLock { $0.streams[number] }
    }

    /// The conversation is over, or the program stops: what calls have left open is closed, for nobody will bring their answers.
    func end() {
        let streams = state.withLock { state in
            state.isOver = true
            defer { state.streams = [:] }
            return Array(state.streams.values)
        }
        for stream in streams { stream.close().map { $0.abandon(in: log, "session_ended") } }
    }

    /// True once: for whoever sees to it that this ends with its session.
    fileprivate func claimWatch() -> Bool {
        state.withLock { state in
            defer { state.isWatched = true }
            return !state.isWatched
        }
    }

    /// Whether what is left open now stays so for ever.
    var isOver: Bool { state.withLock { $0.isOver } }

    // MARK: Progress

    /// The client wants to hear of a request's progress under this token; a token that is in use stays its first request's.
    func expectProgress(_ token: RequestID, of request: RequestID, _ ticket: ResultTicket) {
        state.withLock { state in
            guard state.progress.count < Session.requestLimit, state.progress[token] == nil else { return }
            state.progress[token] = (request, ticket)
        }
    }

    func endProgress(_ token: RequestID, of request: RequestID) {
        state.withLock { state in
            if state.progress[token]?.asked == request { state.progress[token] = nil }
        }
    }

    /// What news of this token's request must be redacted by; nil when nobody asked for any.
    func ticket(ofProgress token: RequestID) -> ResultTicket? {
        state.withLock { $0.progress[token]?.ticket }
    }

    // MARK: Elicitation

    /// The client was shown a URL to send its user to, under this id.
    func remember(elicitation id: ByteString) {
        state.withLock { state in
            guard !state.elicitations.contains(id) else { return }
            if state.elicitations.count >= Dialogue.elicitationLimit { state.elicitations.removeFirst() }
            state.elicitations.append(id)
        }
    }

    /// The errand is done; false when the client was never sent on it.
    func complete(elicitation id: ByteString) -> Bool {
        state.withLock { state in
            guard let index = state.elicitations.firstIndex(of: id) else { return false }
            state.elicitations.remove(at: index)
            return true
        }
    }
}

extension Session {
    /// The gateway's own memory of this conversation.
    func dialogue(_ gateway: Gateway) -> Dialogue {
        let dialogue = memory { Dialogue(gateway.audit) }
        if dialogue.claimWatch() { _ = whenEnded(isStream: true) { dialogue.end() } }
        return dialogue
    }
}

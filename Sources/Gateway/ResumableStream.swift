import Audit
import Bytes
import MCP
import Reactor
import Sessions
import Synchronization
import System

/// A stream of a session that its client may take up again, on whichever loop it comes back to.
///
/// The server keeps what it sent (`EventStore` of the SDKs) and sends it once more; what is kept here is by which request and which
/// ticket a replay must be judged (mcp-protocol section 3.6), and the intent of a call whose outcome is still to come.
final class ResumableStream: Sendable {
    let number: UInt32
    /// The answer that it must bring, or has brought; nil for a session's own stream.
    let owed: Dialogue.Owed?

    private enum Standing {
        /// Nobody reads it, and nothing is left open.
        case over
        /// A relay reads it; the closure makes it stop.
        case read(giveUp: @Sendable () -> Void)
        /// Somebody is about to read it.
        case taken
        /// It ended before its answer: the call's intent waits for whoever resumes.
        case waiting(OpenIntent)
    }
    private struct State {
        var standing = Standing.over
        /// Counts endings, so that a deadline knows its own.
        var endings = 0
        var successor: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    init(number: UInt32, owed: Dialogue.Owed?) {
        self.number = number
        self.owed = owed
    }

    /// Whether nothing is open and nobody reads it: it may be forgotten.
    var isOver: Bool {
        state.withLock { state in
            if case .over = state.standing { true } else { false }
        }
    }

    /// A relay reads it from now on.
    func begin(giveUp: @escaping @Sendable () -> Void) {
        state.withLock { $0.standing = .read(giveUp: giveUp) }
    }

    /// Its relay ended, leaving a call open or not.
    ///
    /// - Returns: this ending's number, for `expire`.
    @discardableResult
    func end(leaving intent: OpenIntent?) -> Int {
        let (ending, successor) = state.withLock { state in
            state.standing = intent.map { .waiting($0) } ?? .over
            state.endings += 1
            return (state.endings, state.successor.take())
        }
        successor?.resume()
        return ending
    }

    /// What a resumption takes over.
    struct Taken: Sendable {
        /// The call that is still open; nil when its outcome is written.
        let intent: OpenIntent?
    }

    /// Takes the stream over from whoever reads it, whose connection the client has lost; nil when another takes it just now.
    func takeOver() async -> Taken? {
        while true {
            let (taken, mayWait) = state.withLock { state -> (Taken?, Bool) in
                switch state.standing {
                case .over:
                    state.standing = .taken
                    return (Taken(intent: nil), false)
                case .waiting(let intent):
                    state.standing = .taken
                    return (Taken(intent: intent), false)
                case .taken: return (nil, false)
                case .read: return (nil, state.successor == nil)
                }
            }
            guard mayWait else { return taken }
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let (giveUp, isTurned) = state.withLock { state -> ((@Sendable () -> Void)?, Bool) in
                    guard case .read(let giveUp) = state.standing, state.successor == nil else { return (nil, true) }
                    state.successor = continuation
                    return (giveUp, false)
                }
                if isTurned { continuation.resume() }
                giveUp?()
            }
        }
    }

    /// The time of an ending is over: what it left open, when nobody has taken it since.
    func expire(_ ending: Int) -> OpenIntent? {
        state.withLock { state in
            guard state.endings == ending, case .waiting(let intent) = state.standing else { return nil }
            state.standing = .over
            return intent
        }
    }

    /// What is left open, once.
    func close() -> OpenIntent? {
        state.withLock { state in
            guard case .waiting(let intent) = state.standing else { return nil }
            state.standing = .over
            return intent
        }
    }
}

extension ResumableStream {
    /// Leaves what is open to whoever resumes, until `Rules.resumption` is over or the conversation is.
    func leave(_ intent: OpenIntent?, in session: Session, _ gateway: Gateway) {
        let ending = end(leaving: intent)
        guard intent != nil else { return }
        let (log, owed) = (gateway.audit, owed)
        guard !session.dialogue(gateway).isOver else {
            close().map { $0.abandon(in: log, "session_ended") }
            return
        }
        EventLoop.current.schedule(after: gateway.rules.resumption) { [self] in
            guard let open = expire(ending) else { return }
            open.abandon(in: log, "not_resumed")
            guard let owed else { return }
            session.finish(owed.id)
            if let token = owed.progressToken { session.dialogue(gateway).endProgress(token, of: owed.id) }
        }
    }
}

/// The intent of a call that was forwarded and whose outcome is to be written by another visit, or by none.
struct OpenIntent: Sendable {
    let call: CallID
    let sequence: UInt64
    let at: MonotonicTime
    let parties: AuditRecord.Parties

    /// The record of how it ended.
    func record(_ outcome: AuditRecord.Outcome, _ redactions: [AuditRecord.Redaction]) -> AuditRecord {
        var record = AuditRecord(.callOutcome, call: call)
        record.parties = parties
        record.of = sequence
        record.redactions = redactions
        var outcome = outcome
        outcome.milliseconds = Int((MonotonicTime.now.nanoseconds - at.nanoseconds) / 1_000_000)
        record.outcome = outcome
        return record
    }

    /// Nobody came back for the answer: what became of the call is not known. Does not wait, for nothing is released.
    func abandon(in log: AuditLog, _ why: String) {
        var outcome = AuditRecord.Outcome(.unknown)
        outcome.code = ByteString(why)
        try? log.appendWithoutWaiting(record(outcome, []))
    }
}

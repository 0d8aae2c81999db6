import Audit
import Bytes
import HTTP
import MCP
import Redaction
import Sessions
import Upstream

/// GET with `Last-Event-ID`: what a stream brought after an event, from the server's own store (2025-11-25, `basic/transports`,
/// "Resumability and Redelivery").
///
/// Nothing of what was sent is kept here. The id that the client gives back names, sealed, which stream of this session it was and
/// the server's own id of the event; the stream's memory says by which request and which ticket everything it brings is judged. What
/// is no id of this session's, or of a stream that is not remembered, is refused alike.
struct Resumption {
    private let visit: Visit
    private let caller: Caller
    private let session: Session
    private let mark: EventMark
    private let stream: ResumableStream

    init(_ visit: Visit, _ caller: Caller, _ session: Session, after event: ByteString) throws(Refusal) {
        guard let mark = visit.gateway.eventIDs.open(event, in: session),
            let stream = session.dialogue(visit.gateway).stream(mark.stream)
        else { throw .replay }
        self.visit = visit
        self.caller = caller
        self.session = session
        self.mark = mark
        self.stream = stream
    }

    func reply() async throws(Refusal) -> Reply {
        visit.trail.message.requestID = stream.owed?.id.encoded
        // Whoever still reads it reads for a connection that the client has lost.
        guard let taken = await stream.takeOver() else { throw .streamTaken }
        var isHandedOver = false
        defer { if !isHandedOver { leave(taken) } }
        // What was answered under other rules is not shown again under these.
        if let owed = stream.owed, taken.intent == nil, owed.generation != visit.rules.generation { throw .replay }
        guard stream.owed != nil || session.claimStream() else { throw .streamTaken }
        defer { if stream.owed == nil, !isHandedOver { session.releaseStream() } }
        guard let place = visit.gateway.occupancy.take(.stream(session.owner)) else { throw .occupied(nil) }
        visit.place = place
        let answer = try await open()
        isHandedOver = true
        return .relay(relay(answer, taken))
    }

    private func open() async throws(Refusal) -> any ServerAnswer {
        do throws(AuditFailure) {
            try await visit.trail.intend(AuditRecord.Decision(.allow, rule: "session"), arguments: nil)
        } catch {
            throw .unrecorded(error, nil)
        }
        let answer: any ServerAnswer
        do throws(UpstreamFailure) {
            answer = try await caller.server.transport.openStream(
                fields: Fields.resuming(in: session, after: mark.upstream))
        } catch {
            throw .upstream(error, nil, isToolCall: false)
        }
        visit.trail.upstreamStatus = answer.head.status
        guard answer.head.status == 200, answer.isEventStream else {
            answer.abort()
            if answer.head.status == 404, session.upstreamID != nil {
                visit.gateway.sessions.end(session)
                throw .sessionGone(nil)
            }
            throw .streamUnsupported
        }
        return answer
    }

    private func relay(_ answer: any ServerAnswer, _ taken: ResumableStream.Taken) -> Relay {
        guard let owed = stream.owed else {
            return Relay(
                visit, caller, session, answer, awaiting: .nothing, progressToken: nil, resuming: stream)
        }
        if let open = taken.intent {
            visit.trail.adopt(open)
            // A replay of what was answered makes no second task.
            visit.promise = owed.promise
        }
        return Relay(
            visit, caller, session, answer, awaiting: .answer(owed.id, owed.ticket, isToolCall: owed.isToolCall),
            progressToken: owed.progressToken, resuming: stream, isAnswered: taken.intent == nil)
    }

    /// It did not come to a replay: the stream waits for another attempt, as long as it would have.
    private func leave(_ taken: ResumableStream.Taken) {
        stream.leave(taken.intent, in: session, visit.gateway)
    }
}

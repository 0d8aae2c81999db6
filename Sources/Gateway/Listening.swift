import Audit
import Bytes
import HTTP
import MCP
import Redaction
import Sessions
import Upstream

/// GET: a session's stream of server messages, open until one of four ends it: client, server, session or token. One at a time, as
/// the SDKs' servers have it; a second is a conflict (409), unless it resumes the first (`Resumption`).
struct Listening {
    private let visit: Visit
    private let caller: Caller

    init(_ visit: Visit, _ caller: Caller) {
        self.visit = visit
        self.caller = caller
    }

    func reply() async throws(Refusal) -> Reply {
        let fields = visit.exchange.head.fields
        guard accepts(fields) else { throw .notAcceptable }
        let session = try visit.session(of: caller, for: nil)
        if let event = fields["last-event-id"] {
            return try await Resumption(visit, caller, session, after: event).reply()
        }
        guard session.claimStream() else { throw .streamTaken }
        guard let place = visit.gateway.occupancy.take(.stream(session.owner)) else {
            session.releaseStream()
            throw .occupied(nil)
        }
        visit.place = place
        var isHandedOver = false
        defer { if !isHandedOver { session.releaseStream() } }
        do throws(AuditFailure) {
            try await visit.trail.intend(AuditRecord.Decision(.allow, rule: "session"), arguments: nil)
        } catch {
            throw .unrecorded(error, nil)
        }
        let answer: any ServerAnswer
        do throws(UpstreamFailure) {
            answer = try await caller.server.transport.openStream(fields: Fields.listening(in: session))
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
        isHandedOver = true
        return .relay(Relay(visit, caller, session, answer, awaiting: .nothing, progressToken: nil))
    }

    private func accepts(_ fields: HeaderFields) -> Bool {
        let accepted = fields.list("accept")
        return accepted.isEmpty
            || accepted.contains { value in
                guard let type = MediaType(value) else { return false }
                return type.isEventStream || (type.type == "*" && type.subtype == "*")
            }
    }
}

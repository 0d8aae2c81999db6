import Audit
import Bytes
import HTTP
import Identity
import JSON
import MCP
import Policy
import Redaction
import Sessions
import System
import Upstream

/// POST: one message of a client, from its bytes to its answer.
struct Conversation {
    private let visit: Visit
    private let caller: Caller
    private var exchange: any Exchange { visit.exchange }
    private var trail: Trail { visit.trail }

    init(_ visit: Visit, _ caller: Caller) {
        self.visit = visit
        self.caller = caller
    }

    func reply() async throws(Refusal) -> Reply {
        let message = try await read()
        trail.message.method = message.method?.name
        trail.message.requestID = message.id?.encoded
        // A request without an id would be executed by some servers, unanswered; a notification with one would be awaited.
        if message.method?.isNotification == (message.id != nil) { throw .misplaced(message.id) }
        let era: Era
        do throws(Era.Failure) {
            era = try Era.settle(header: visit.head.fields["mcp-protocol-version"], message: message)
        } catch {
            throw .era(error, message.id)
        }
        switch era {
        case .stateless(let claim):
            visit.isStateless = true
            return try await StatelessConversation(visit, caller, message, claim).reply()
        case .beside:
            visit.isStateless = true
            return try await StatelessConversation.dropped(message, of: visit)
        case .handshake: break
        }
        try Mirrors.check(visit.head.fields, against: message)
        if message.method == .initialize, let id = message.id { return try await initialize(message, id, era) }
        let session = try visit.session(of: caller, for: message.id)
        switch message.shape {
        case .request(let id): return try await ask(message, id, in: session)
        case .notification: return try await notify(message, in: session)
        case .response(let id): return try await respond(message, to: id, in: session)
        }
    }

    private func read() async throws(Refusal) -> ClientMessage {
        guard visit.head.fields.saysJSON else { throw .mediaType }
        guard !visit.head.fields.contains("content-encoding") else { throw .coding }
        let body: [UInt8]
        do throws(ExchangeFailure) {
            body = try await exchange.readBody(limit: visit.rules.bodyLimit)
        } catch {
            throw .body(error)
        }
        do throws(MessageFailure) {
            return try ClientMessage(parsing: body)
        } catch {
            throw .message(error)
        }
    }

    // MARK: initialize

    private func initialize(_ message: ClientMessage, _ id: RequestID, _ era: Era) async throws(Refusal) -> Reply {
        guard !visit.head.fields.contains("mcp-session-id") else { throw .sessionUnknown(id) }
        guard let place = visit.gateway.occupancy.take(.call) else { throw .occupied(id) }
        visit.place = place
        let permitted = try permit(message, id)
        let edits: JSONEdits
        do throws(Handshake.Failure) {
            edits = try Handshake.edits(of: message, opening: caller.rules.openCapabilities(for: caller.principal))
        } catch {
            throw .handshake(error, id)
        }
        let names = Handshake.client(of: message)
        let client = ClaimedClient(name: names.name, version: names.version)
        trail.via.client = client.name
        trail.via.version = client.version
        let call = try await visit.redactAndIntend(permitted, id, of: caller, editing: edits)
        let ticket = call.ticket
        let answer = try await send(call, in: nil, id, isToolCall: false)
        try judge(answer, id, in: nil, isToolCall: false)
        let upstreamID = answer.head.fields["mcp-session-id"]
        let result = try await Reading(answer, limit: visit.rules.resultLimit).answer(to: id, isToolCall: false)
        guard case .result(_, let node) = result.shape else {
            return .response(try await released(result, id, ticket, opening: nil))
        }
        let settled: Handshake.Settled
        do throws(AnswerFailure) {
            settled = try Handshake.settle(
                node, of: result.document, opening: caller.rules.openCapabilities(for: caller.principal))
        } catch {
            throw .answer(error, id, isToolCall: false)
        }
        let session: Session
        do throws(SessionStore.Failure) {
            session = try visit.gateway.sessions.open(
                for: caller.principal, upstreamID: upstreamID, version: settled.version, client: client)
        } catch {
            throw .sessions(error, id)
        }
        trail.conversing(session)
        SessionTerm.begin(session, of: caller, visit.gateway)
        return .response(try await released(result, id, ticket, editing: settled.edits, opening: session))
    }

    // MARK: requests and notifications

    private func ask(_ message: ClientMessage, _ id: RequestID, in session: Session) async throws(Refusal) -> Reply {
        do throws(Session.Failure) {
            try session.begin(id)
        } catch {
            throw .request(error, id)
        }
        var isHandedOver = false
        defer { if !isHandedOver { session.finish(id) } }
        guard let place = visit.gateway.occupancy.take(.call) else { throw .occupied(id) }
        visit.place = place
        let isToolCall = message.method == .toolsCall
        let hasToolResult = isToolCall || message.method == .tasksResult
        if isToolCall, !caller.server.tools.isListed { try await Learning(visit, caller, session).learn(for: id) }
        let permitted = try permit(message, id, in: session)
        let task = try TaskLedger(visit, caller).task(message, id)
        let rule = permitted.rule
        let call = try await visit.redactAndIntend(
            permitted, id, of: caller, editing: taskEdits(message, in: session))
        let ticket = task?.ticket ?? call.ticket
        if isToolCall, message.parameter("task") != nil {
            visit.promise = TaskPromise(tool: visit.trail.message.tool ?? "", rule: rule, ticket: ticket)
        }
        if let token = message.progressToken { session.dialogue(visit.gateway).expectProgress(token, of: id, ticket) }
        defer { if !isHandedOver { endProgress(message, id, in: session) } }
        let answer = try await send(call, in: session, id, isToolCall: isToolCall)
        try judge(answer, id, in: session, isToolCall: isToolCall)
        guard answer.isEventStream else {
            let reading = Reading(answer, limit: visit.rules.resultLimit)
            if message.method == .toolsList, answer.isJSON {
                let body = try await Release(visit, caller).releasePage(reading, id, ticket)
                return .response(Response(status: 200, fields: Fields.json(), body: body))
            }
            let result = try await reading.answer(to: id, isToolCall: isToolCall)
            do throws(Refusal) {
                return .response(try await released(result, id, ticket))
            } catch {
                throw error.asked(asToolCall: hasToolResult)
            }
        }
        isHandedOver = true
        return .relay(
            Relay(
                visit, caller, session, answer, awaiting: .answer(id, ticket, isToolCall: hasToolResult),
                progressToken: message.progressToken))
    }

    /// Revisions before 2025-11-25 have no tasks: a server of theirs must not read what this one means by it.
    private func taskEdits(_ message: ClientMessage, in session: Session) -> JSONEdits {
        var edits = JSONEdits.none
        if session.version < .v20251125, let task = message.parameter("task") { edits.remove(task) }
        return edits
    }

    /// News of a task goes on under the token of its call.
    private func endProgress(_ message: ClientMessage, _ id: RequestID, in session: Session) {
        guard let token = message.progressToken, !visit.hasBecomeTask else { return }
        session.dialogue(visit.gateway).endProgress(token, of: id)
    }

    /// A notification is answered with 202 whatever becomes of it: SDK 1.x ends its session on anything else. One that policy
    /// does not let through is recorded and goes no further.
    private func notify(_ message: ClientMessage, in session: Session) async throws(Refusal) -> Reply {
        let accepted = Reply.response(Response(status: 202))
        let permitted: PermittedCall
        do throws(Refusal) {
            permitted = try permit(message, nil, in: session)
        } catch {
            _ = await visit.refused(error)
            return accepted
        }
        if !isExpected(message, in: session) {
            _ = await visit.refused(.unsolicitedResponse)
            return accepted
        }
        return try await pass(permitted, in: session)
    }

    /// What is owed no answer but 202.
    private func pass(_ permitted: consuming PermittedCall, in session: Session) async throws(Refusal) -> Reply {
        let call = try await visit.redactAndIntend(permitted, nil, of: caller)
        let answer: any ServerAnswer
        do throws(Refusal) {
            answer = try await send(call, in: session, nil, isToolCall: false)
        } catch {
            _ = await visit.refused(error)
            return .response(Response(status: 202))
        }
        var outcome = AuditRecord.Outcome((200...299).contains(answer.head.status) ? .ok : .upstreamError)
        outcome.http = answer.head.status
        answer.abort()
        try await visit.record(outcome, for: nil)
        return .response(Response(status: 202))
    }

    /// The client's answer to a request of the server's: only to one that was passed on to this session, and once.
    private func respond(_ message: ClientMessage, to id: RequestID?, in session: Session) async throws(Refusal)
        -> Reply
    {
        guard let id, let asked = session.takeExpected(id) else { throw .unsolicitedResponse }
        let method = asked.method
        trail.message.method = method.name
        trail.message.requestID = id.encoded
        do throws(Refusal) {
            let permitted = try permit(message, nil, answering: method)
            guard ClientAnswer(message).isShaped(for: method) else { throw .unsolicitedResponse }
            return try await pass(permitted, in: session)
        } catch {
            // Told to the trail and the server, which waits; to the client it is 202, for SDK 1.x ends its session on all else.
            _ = await visit.refused(error)
            let answer = try? await caller.server.transport.post(
                GatewayMessage.refused(to: id), fields: Fields.posting(in: session))
            answer?.abort()
            return .response(Response(status: 202))
        }
    }

    /// Only a request of this session that is still unanswered may be cancelled, never `initialize` (which has no session yet), and
    /// progress told only where the server asked for it.
    private func isExpected(_ message: ClientMessage, in session: Session) -> Bool {
        let id = { (name: String) in message.parameter(name).flatMap { RequestID($0, in: message.document) } }
        switch message.method {
        case .cancelled: return id("requestId").map(session.isInFlight) ?? false
        case .progress: return id("progressToken").map { session.isExpected(progress: $0) } ?? false
        default: return true
        }
    }

    // MARK: the steps

    private func permit(
        _ message: ClientMessage, _ id: RequestID?, in session: Session? = nil, answering method: Method? = nil
    ) throws(Refusal) -> PermittedCall {
        do throws(Denial) {
            return try caller.rules.permit(
                message, for: caller.principal, tools: caller.server.tools.inventory, answering: method,
                version: session?.version, now: MonotonicTime.now)
        } catch {
            // The record names what was asked for: the tool inside, when one was to run another.
            trail.message.tool = error.tool
            throw .denied(error, id, tool: message.calledTool, form: caller.server.unknownTool)
        }
    }

    private func send(
        _ call: consuming RedactedCall, in session: Session?, _ id: RequestID?, isToolCall: Bool
    ) async throws(Refusal) -> any ServerAnswer {
        do throws(UpstreamFailure) {
            return try await caller.server.transport.post(call, fields: Fields.posting(in: session))
        } catch {
            throw .upstream(error, id, isToolCall: isToolCall)
        }
    }

    /// Whether the head of an answer promises an answer at all; every other status has its own refusal.
    private func judge(
        _ answer: any ServerAnswer, _ id: RequestID, in session: Session?, isToolCall: Bool
    ) throws(Refusal) {
        let status = answer.head.status
        trail.upstreamStatus = status
        switch status {
        case 200: return
        case 404 where session?.upstreamID != nil:
            answer.abort()
            if let session { visit.gateway.sessions.end(session) }
            throw .sessionGone(id)
        // A JSON-RPC error under an error status travels on in-band; what is no JSON-RPC is the status's own refusal.
        case 400, 404: if answer.isJSON { return }
        case 429:
            let limits = Fields.limits(of: answer.head)
            answer.abort()
            throw .limited(fields: limits, id)
        default: break
        }
        answer.abort()
        let failure: AnswerFailure =
            switch status {
            case 202: .empty
            case 401, 403: .credential(status: status)
            case 300...399: .redirect(status: status)
            default: .status(status)
            }
        throw .answer(failure, id, isToolCall: isToolCall)
    }

    /// The answer to the client: redacted, and released only when the outcome is durable and the caller still welcome.
    private func released(
        _ message: ServerMessage, _ id: RequestID, _ ticket: ResultTicket, editing edits: JSONEdits = .none,
        opening session: Session? = nil
    ) async throws(Refusal) -> Response {
        let body = try await Release(visit, caller).release(message, id, ticket, editing: edits)
        return Response(status: 200, fields: Fields.json(opening: session), body: body)
    }
}

extension ClientMessage {
    /// The tool that a `tools/call` names, as far as it can be read; nil for every other method.
    var calledTool: ByteString? {
        guard method == .toolsCall else { return nil }
        return parameter("name").flatMap { document.string($0) } ?? ""
    }

    /// `params._meta.progressToken`, a string or an integer like an id.
    var progressToken: RequestID? {
        parameter("_meta").flatMap { document.member("progressToken", of: $0) }.flatMap { RequestID($0, in: document) }
    }
}

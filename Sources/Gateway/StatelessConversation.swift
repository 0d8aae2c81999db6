import Audit
import Bytes
import Catalog
import HTTP
import Identity
import JSON
import MCP
import Policy
import Redaction
import Sessions
import System
import Upstream

/// One request of the stateless revision (2026-07-28), from its claim to its answer. There is no session: whatever a later request
/// builds on, its client brings back, sealed or by an id that is bound to it.
struct StatelessConversation {
    private let visit: Visit
    private let caller: Caller
    private let message: ClientMessage
    private let claim: RequestClaim
    /// The client going away is the cancellation (`basic/patterns/cancellation`).
    private let cancellation = Cancellation()

    init(_ visit: Visit, _ caller: Caller, _ message: ClientMessage, _ claim: RequestClaim) {
        self.visit = visit
        self.caller = caller
        self.message = message
        self.claim = claim
    }

    /// What is no request: a notice is taken and goes no further, for this revision has none on HTTP, and by a guessed id one
    /// caller could cancel another's request; an answer answers nothing.
    static func dropped(_ message: ClientMessage, of visit: Visit) async throws(Refusal) -> Reply {
        guard case .notification = message.shape else { throw .unsolicitedResponse }
        let told = await visit.refused(.stateless(.noticeDropped, nil))
        return .response(told.status == 202 ? Response(status: 202) : told)
    }

    func reply() async throws(Refusal) -> Reply {
        guard let id = message.id, let method = message.method else { throw .misplaced(message.id) }
        try Mirrors.check(visit.head.fields, against: message)
        try Mirrors.require(in: visit.head.fields, by: message, id)
        let version = ProtocolVersion.v20260728
        visit.trail.claiming(version, ClaimedClient(name: claim.client.name, version: claim.client.version))
        let isListening = method == .subscriptionsListen
        try takePlace(isListening, id)
        if method == .toolsCall, !caller.server.tools.isListed {
            try await Learning(visit, caller, nil).learn(for: id)
        }
        let continuation = try Continuation(message, id, visit, caller)
        let permitted = try permit(id)
        let task = try ownTask(method, id)
        let subscription = isListening ? Subscription(message, id, visit, caller, permitted.edits) : nil
        let parameters = method == .toolsCall ? try parameterFields(id) : nil
        var question = Question(id, method, message, claim)
        question.rule = permitted.rule
        question.groups = task == nil ? [] : permitted.redactions
        question.binding = continuation.binding
        question.opensLogging = opensLogging
        let edits = [continuation.edits, subscription?.edits, answerEdits(method)].reduce(metaEdits()) { all, more in
            more.map { all.merging($0) } ?? all
        }
        let call = try await visit.redactAndIntend(permitted, id, of: caller, editing: edits)
        question.tool = visit.trail.message.tool
        question.ticket = task?.ticket ?? call.ticket
        var fields = Fields.stateless(version, method, naming: Mirrors.named(by: message))
        parameters?.add(to: &fields, for: call.encoded)
        return try await answer(call, fields, question, subscription)
    }

    // MARK: the way there

    private func takePlace(_ isListening: Bool, _ id: RequestID) throws(Refusal) {
        let kind = isListening ? Occupancy.Kind.stream(SessionOwner(caller.principal)) : .call
        guard let place = visit.gateway.occupancy.take(kind) else { throw .occupied(id) }
        visit.place = place
    }

    private func parameterFields(_ id: RequestID) throws(Refusal) -> ParameterFields {
        let definition = message.calledTool.flatMap { caller.server.tools.inventory.definition(of: $0) }
        return try ParameterFields(visit.head.fields, of: definition, message.parameter("arguments"), message, id)
    }

    private func permit(_ id: RequestID) throws(Refusal) -> PermittedCall {
        do throws(Denial) {
            return try caller.rules.permitStateless(
                message, for: caller.principal, tools: caller.server.tools.inventory, now: MonotonicTime.now)
        } catch {
            visit.trail.message.tool = error.tool
            throw .denied(error, id, tool: message.calledTool, form: caller.server.unknownTool)
        }
    }

    private var taskID: ByteString? { Question.task(of: message) }

    /// The task that a request is about, which must be the caller's and of a tool that they may still see.
    private func ownTask(_ method: MCP.Method, _ id: RequestID) throws(Refusal) -> RememberedTask<ResultTicket>? {
        switch method {
        case .tasksGet, .tasksUpdate, .tasksCancel: break
        default: return nil
        }
        guard claim.declares(extension: ProtocolExtension.tasks.text, in: message.document) else {
            throw .stateless(.capabilityMissing(ProtocolExtension.tasks), id)
        }
        guard let taskID, let task = visit.gateway.tasks.task(taskID, of: caller.principal),
            caller.rules.shows(task.tool, to: caller.principal, tools: caller.server.tools.inventory)
        else { throw .stateless(.taskUnknown, id) }
        visit.trail.message.tool = task.tool
        return task
    }

    /// Within a task, too, only what was asked is answered.
    private func answerEdits(_ method: MCP.Method) -> JSONEdits? {
        guard method == .tasksUpdate, let taskID, let answers = message.parameter("inputResponses") else { return nil }
        var edits = JSONEdits.none
        let asked = visit.gateway.tasks.asked(of: taskID, for: caller.principal)
        message.document.forEachMember(of: answers) { name, value in
            if !asked.contains(message.document.string(name) ?? "") { edits.remove(value) }
        }
        return edits
    }

    private var opensLogging: Bool {
        claim.logLevel != nil && caller.rules.openFeatures(for: caller.principal).contains(.logging)
    }

    /// What the server may know of the client: no log level unless logging is open, and no capability that policy closes, so that
    /// nothing is asked for that would be refused.
    private func metaEdits() -> JSONEdits {
        var edits = JSONEdits.none
        let document = message.document
        if let level = claim.logLevel, !opensLogging { edits.remove(level) }
        let open = caller.rules.openCapabilities(for: caller.principal).client
        let extensions = caller.rules.openExtensions(for: caller.principal)
        Capabilities(opening: open, extensions).cut(claim.capabilities, of: document, into: &edits)
        return edits
    }

    // MARK: the way back

    private func answer(
        _ call: consuming RedactedCall, _ fields: HeaderFields, _ question: Question, _ subscription: Subscription?
    ) async throws(Refusal) -> Reply {
        let cancellation = cancellation
        visit.exchange.whenGone { cancellation.cancel() }
        var isHandedOver = false
        defer { if !isHandedOver { visit.exchange.whenGone(nil) } }
        do throws(Refusal) {
            let answer = try await send(call, fields, question)
            let status = try judge(answer, question)
            guard answer.isEventStream else { return try await whole(answer, status, question) }
            isHandedOver = true
            return .stateless(StatelessRelay(visit, caller, answer, question, subscription, cancellation))
        } catch {
            // The client's going is why the server's answer is missing, whatever that looks like.
            throw cancellation.isCancelled && visit.trail.isOpen ? .stateless(.clientGone, question.id) : error
        }
    }

    private func send(
        _ call: consuming RedactedCall, _ fields: HeaderFields, _ question: Question
    ) async throws(Refusal) -> any ServerAnswer {
        let transport = caller.server.transport
        do throws(UpstreamFailure) {
            guard question.method == .subscriptionsListen else {
                return try await transport.post(call, fields: fields, until: cancellation)
            }
            return try await transport.listen(call, fields: fields, until: cancellation)
        } catch {
            throw .upstream(error, question.id, isToolCall: question.isToolCall)
        }
    }

    private func whole(_ answer: any ServerAnswer, _ status: Int, _ question: Question) async throws(Refusal) -> Reply {
        let reading = Reading(answer, limit: visit.rules.resultLimit)
        do throws(Refusal) {
            let message = try await reading.answer(to: question.id, isToolCall: question.isToolCall)
            if case .error = message.shape, question.method == .discover, !message.tellsVersions {
                // A server of an older revision says no in many ways; clients of both families understand this one.
                throw .stateless(.serverOlder, question.id)
            }
            let told = try await StatelessRelease(visit, caller, question).release(message)
            return .response(
                Response(status: told.status ?? status, fields: Fields.json(), body: told.bytes))
        } catch {
            if case .answer(.status, _, _) = error, question.method == .discover {
                throw .stateless(.serverOlder, question.id)
            }
            throw error
        }
    }

    /// Whether the head of an answer promises an answer at all; every other status has its own refusal.
    ///
    /// - Returns: the status that the answer keeps.
    private func judge(_ answer: any ServerAnswer, _ question: Question) throws(Refusal) -> Int {
        let status = answer.head.status
        visit.trail.upstreamStatus = status
        let failure: AnswerFailure
        switch status {
        case 200: return 200
        case 400 where answer.isJSON, 404 where answer.isJSON: return status
        case 429:
            let limits = Fields.limits(of: answer.head)
            answer.abort()
            throw .limited(fields: limits, question.id)
        case 202: failure = .empty
        case 401, 403: failure = .credential(status: status)
        case 300...399: failure = .redirect(status: status)
        default: failure = .status(status)
        }
        answer.abort()
        if question.method == .discover, (400...499).contains(status), status != 401, status != 403 {
            throw .stateless(.serverOlder, question.id)
        }
        throw .answer(failure, question.id, isToolCall: question.isToolCall)
    }
}

extension ServerMessage {
    /// Whether this is the error that tells which revisions a server speaks.
    fileprivate var tellsVersions: Bool {
        guard case .error(_, let error) = shape, let code = document.member("code", of: error) else { return false }
        return document.integer(code) == -32_022
    }
}

extension RuleSet {
    /// Whether a tool exists for a caller.
    func shows(_ tool: ByteString, to principal: Principal, tools: some ToolDirectory) -> Bool {
        if case .listed = listing(of: tool, for: principal, tools: tools) { true } else { false }
    }
}

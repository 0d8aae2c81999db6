import Audit
import Bytes
import HTTP
import Identity
import JSON
import MCP
import Policy
import Reactor
import Redaction
import Sessions
import System
import Upstream

/// A server's event stream in the stateless revision (2026-07-28) on its way to a client: the answer to one request, with what belongs
/// to it before it, or a subscription. Event by event, each parsed, judged, redacted and written anew, without ids: nothing is
/// replayed. Read only as fast as the client takes.
///
/// The client going away cancels: the server's connection is closed, and the record says that the outcome is unknown.
final class StatelessRelay {
    /// Why a stream is ended by us.
    private enum End: String {
        case clientGone = "client_gone"
        /// The token's time is over, or it was revoked.
        case lease = "token_ended"
        /// The gateway stops, or serves this server no more.
        case draining = "draining"
    }

    private let visit: Visit
    /// By which rules each message is judged: an answer's by those it began with, a subscription's by those in force.
    private(set) var caller: Caller
    private let answer: any ServerAnswer
    private let question: Question
    private let subscription: Subscription?
    private let cancellation: Cancellation
    private var parser: EventStreamParser
    private var end: End?
    private var isAcknowledged = false
    /// Whether the server is what is waited for.
    private var isReading = false
    /// Whether news of our own is being written, beside the server's events.
    private var isAnnouncing = false
    private let turn = Turn()

    /// Silence after which a comment keeps the connection alive through whatever stands between.
    private static let quiet = Duration.seconds(15)

    /// - Parameter subscription: nil for the answer to a request.
    init(
        _ visit: Visit, _ caller: Caller, _ answer: any ServerAnswer, _ question: Question,
        _ subscription: Subscription?, _ cancellation: Cancellation
    ) {
        self.visit = visit
        self.caller = caller
        self.answer = answer
        self.question = question
        self.subscription = subscription
        self.cancellation = cancellation
        var limits = EventStreamLimits()
        limits.eventBytes = visit.rules.resultLimit
        parser = EventStreamParser(limits: limits)
    }

    /// Relays until the stream's end, whoever ends it.
    func run(answering responder: consuming Responder) async {
        let loop = EventLoop.current
        let bound = LoopBound(self)
        let lease = visit.gateway.identities.watch(caller.principal) {
            loop.execute { bound.value.cut(.lease) }
        }
        let timer = loop.schedule(atExpiryOf: caller.principal) { self.cut(.lease) }
        let drain = subscription.map { _ in
            visit.gateway.subscriptions.add { loop.execute { bound.value.cut(.draining) } }
        }
        visit.exchange.whenGone { self.cut(.clientGone) }
        defer {
            visit.exchange.whenGone(nil)
            lease.cancel()
            timer?.cancel()
            if let drain { visit.gateway.subscriptions.remove(drain) }
        }
        if cancellation.isCancelled { cut(.clientGone) }
        let stream: ResponseStream
        do throws(ExchangeFailure) {
            stream = try await responder.stream(ResponseHead(status: 200, fields: Fields.events()))
        } catch {
            cut(.clientGone)
            return await pump(Nobody())
        }
        let news = subscription == nil ? nil : StreamNews(self, visit.gateway)
        await pump(stream)
        news?.stop()
        await turn.take()
        try? await stream.finish()
        turn.give()
    }

    private func cut(_ end: End) {
        guard self.end == nil else { return }
        self.end = end
        cancellation.cancel()
        answer.abort()
        // A client that does not read would keep a stream open that is over.
        if !isReading || isAnnouncing, end != .clientGone { visit.exchange.cut() }
    }

    // MARK: what changes meanwhile

    /// Other rules are in force. A subscription goes on under them, or ends with its server.
    func rejudge() {
        guard let server = visit.gateway.rules.server(caller.principal.upstream),
            let rules = server.rules(named: caller.principal.policy)
        else { return cut(.draining) }
        caller = Caller(principal: caller.principal, server: server, rules: rules)
    }

    /// Between two events of the server's, to who asked to hear of it.
    func announceTools() async {
        guard let subscription, subscription.wantsTools, isAcknowledged else { return }
        await turn.take()
        defer { turn.give() }
        guard end == nil else { return }
        isAnnouncing = true
        defer { isAnnouncing = false }
        var bytes: [UInt8] = []
        ServerSentEvent(data: subscription.toolsChanged).encode(into: &bytes)
        do throws(ExchangeFailure) {
            try await visit.exchange.write(bytes)
        } catch {
            cut(.clientGone)
        }
    }

    // MARK: the loop

    private func pump<Target: EventOutlet & ~Copyable>(_ put: borrowing Target) async {
        let patience = caller.server.transport.patience
        let quiet = subscription == nil ? min(StatelessRelay.quiet, patience) : StatelessRelay.quiet
        var isOver = false
        var silence = Duration.zero
        while !isOver {
            do throws(UpstreamFailure) {
                isReading = true
                defer { isReading = false }
                let next = try await answer.next(quietAfter: quiet)
                isReading = false
                switch next {
                case .bytes(let bytes):
                    silence = .zero
                    isOver = await take(bytes, put)
                case .quiet:
                    silence += quiet
                    if subscription == nil, silence >= patience { throw .timedOut(.body) }
                    await write(Array(": \n\n".utf8), put)
                case .end: isOver = await close(with: nil, put)
                }
            } catch {
                answer.abort()
                isOver = await close(with: error, put)
            }
        }
    }

    /// - Returns: whether the stream is over.
    private func take<Target: EventOutlet & ~Copyable>(_ bytes: [UInt8], _ put: borrowing Target) async -> Bool {
        var events: [ServerSentEvent] = []
        do throws(EventStreamFailure) {
            try parser.feed(bytes.span) { events.append($0) }
        } catch {
            return await refuse(.unreadable("event_stream"), put)
        }
        for event in events where await take(event, put) { return true }
        return false
    }

    private func take<Target: EventOutlet & ~Copyable>(_ event: ServerSentEvent, _ put: borrowing Target) async -> Bool
    {
        // Priming events belong to streams that can be resumed, which these cannot.
        guard let data = event.data, !data.isEmpty else { return false }
        guard event.event == nil || event.event == "message" else { return dropped("event_type") }
        let message: ServerMessage
        do throws(MessageFailure) {
            message = try ServerMessage(parsing: data, limits: .result(bytes: visit.rules.resultLimit))
        } catch {
            return await refuse(.unreadable(error.word), put)
        }
        switch message.shape {
        case .result, .error: return await take(answer: message, put)
        case .notification(let method):
            if subscription != nil, method == .cancelled { return await finish(.ok, code: nil, put) }
            await take(notification: message, method, put)
            return false
        case .request(_, let method):
            // A server of this revision asks nothing on a stream: nobody could answer.
            visit.trail.refusedServer(method)
            return dropped("server_request")
        }
    }

    private func take<Target: EventOutlet & ~Copyable>(
        answer message: ServerMessage, _ put: borrowing Target
    ) async -> Bool {
        guard message.answers(question.id) else { return dropped("other_id") }
        if subscription != nil, case .result = message.shape { return await finish(.ok, code: nil, put) }
        let bytes: [UInt8]
        do throws(Refusal) {
            bytes = try await StatelessRelease(visit, caller, question).release(message).bytes
        } catch {
            bytes = await visit.refused(error).body
        }
        // Recorded: from here on nothing of it is unknown any more, whatever becomes of the connection.
        visit.exchange.whenGone(nil)
        await write(event: bytes, put)
        answer.abort()
        return true
    }

    private func take<Target: EventOutlet & ~Copyable>(
        notification message: ServerMessage, _ method: MCP.Method, _ put: borrowing Target
    ) async {
        var told = message
        var ticket = question.ticket
        var groups: [RedactionGroup] = []
        if let subscription {
            let isFirst = method == .subscriptionAcknowledged
            guard isFirst != isAcknowledged, isFirst || subscription.wants(method, message), isOpen(message, method),
                let own = isFirst ? [] : groupsFor(method), let adapted = subscription.adapted(message, method)
            else { return _ = dropped("notification") }
            if method == .taskChanged {
                // The task's whole result travels here: redacted as the answer to its call would have been.
                guard let id = Subscription.task(of: message),
                    let task = visit.gateway.tasks.task(id, of: caller.principal), isJudged(adapted, id)
                else { return _ = dropped("notification") }
                ticket = task.ticket
            }
            if isFirst { isAcknowledged = true }
            if method == .toolsChanged { caller.server.tools.isOutdated() }
            (told, groups) = (adapted, own)
        } else {
            guard isExpected(message, method), let own = groupsFor(method) else { return _ = dropped("notification") }
            groups = own
        }
        guard let data = try? caller.server.redactor.redact(notification: told, groups: groups, as: ticket) else {
            return _ = dropped("notification_withheld")
        }
        await write(event: data.bytes, put)
    }

    /// The groups for what a server tells; nil when policy does not open it.
    private func groupsFor(_ method: MCP.Method) -> [RedactionGroup]? {
        caller.rules.redactions(forServer: method == .taskChanged ? .taskStatus : method, to: caller.principal)
    }

    /// Rules may have changed since a resource was asked for.
    private func isOpen(_ message: ServerMessage, _ method: MCP.Method) -> Bool {
        guard method == .resourceUpdated else { return true }
        let uri = message.parameter("uri").flatMap { message.document.string($0) }
        return uri.map { caller.rules.opensResource($0, for: caller.principal) } ?? false
    }

    /// What may come before an answer: progress that was asked for, and log messages that were.
    private func isExpected(_ message: ServerMessage, _ method: MCP.Method) -> Bool {
        switch method {
        case .progress:
            guard let node = message.parameter("progressToken") else { return false }
            return question.progressToken != nil && RequestID(node, in: message.document) == question.progressToken
        case .logMessage: return question.opensLogging
        default: return false
        }
    }

    /// What a task asks is judged like what any result asks.
    private func isJudged(_ message: ServerMessage, _ id: ByteString) -> Bool {
        guard let params = message.params,
            let asked = try? InputRequests(of: params, in: message.document, question, visit, caller)
        else { return false }
        visit.gateway.tasks.ask(asked.keys, of: id, for: caller.principal)
        return true
    }

    private func dropped(_ what: String) -> Bool {
        visit.gateway.meters.dropped(what)
        return false
    }

    // MARK: the end

    /// The server's stream is over, by itself, by a failure or by our own hand.
    private func close<Target: EventOutlet & ~Copyable>(with failure: UpstreamFailure?, _ put: borrowing Target) async
        -> Bool
    {
        if subscription != nil {
            let isFault = end == nil && failure != nil
            let code = end.map { ByteString($0.rawValue) } ?? failure.map { ByteString("\($0.code)") }
            return await finish(isFault ? .upstreamError : .ok, code: code, put)
        }
        switch end {
        case .clientGone?: _ = await visit.refused(.stateless(.clientGone, question.id))
        case .lease?, .draining?: _ = await visit.refused(.expired)
        case nil:
            let refusal: Refusal =
                failure.map { .upstream($0, question.id, isToolCall: question.isToolCall) }
                ?? .answer(.noAnswer, question.id, isToolCall: question.isToolCall)
            await write(event: await visit.refused(refusal).body, put)
        }
        return true
    }

    /// A subscription ends: recorded, and told to the client with the result that ends it.
    private func finish<Target: EventOutlet & ~Copyable>(
        _ status: AuditRecord.Outcome.Status, code: ByteString?, _ put: borrowing Target
    ) async -> Bool {
        answer.abort()
        var outcome = AuditRecord.Outcome(status)
        outcome.code = code
        outcome.http = visit.trail.upstreamStatus
        // The stream is over in any case; that its end could not be recorded shows in the log's health.
        try? await visit.record(outcome, for: nil)
        if let subscription, end != .clientGone {
            var bytes: [UInt8] = []
            ServerSentEvent(data: subscription.end).encode(into: &bytes)
            await turn.take()
            try? await put.write(bytes)
            turn.give()
        }
        return true
    }

    private func refuse<Target: EventOutlet & ~Copyable>(_ failure: AnswerFailure, _ put: borrowing Target) async
        -> Bool
    {
        answer.abort()
        guard subscription == nil else { return await finish(.upstreamError, code: "upstream_unreadable", put) }
        let refusal = Refusal.answer(failure, question.id, isToolCall: question.isToolCall)
        await write(event: await visit.refused(refusal).body, put)
        return true
    }

    private func write<Target: EventOutlet & ~Copyable>(event data: [UInt8], _ put: borrowing Target) async {
        var bytes: [UInt8] = []
        ServerSentEvent(data: data).encode(into: &bytes)
        await write(bytes, put)
    }

    private func write<Target: EventOutlet & ~Copyable>(_ bytes: [UInt8], _ put: borrowing Target) async {
        await turn.take()
        defer { turn.give() }
        guard end == nil else { return }
        do throws(ExchangeFailure) {
            try await put.write(bytes)
        } catch {
            cut(.clientGone)
        }
    }
}

/// Where the events go.
private protocol EventOutlet: ~Copyable {
    func write(_ bytes: [UInt8]) async throws(ExchangeFailure)
}

extension ResponseStream: EventOutlet {}

/// The client is gone before the stream began.
private struct Nobody: EventOutlet {
    func write(_ bytes: [UInt8]) {}
}

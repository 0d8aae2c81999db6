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

/// A server's event stream on its way to a client, event by event: each is parsed, judged, redacted and written anew; what cannot be
/// judged is dropped or ends the stream, never passed on (mcp-protocol section 3.5). Never buffered whole: the server is read
/// only as fast as the client takes. What each event may be is judged in `Relay+Messages.swift`.
///
/// Before 2026-07-28 a client that goes away does not cancel its call: the answer is read to the end and recorded. A stream that
/// the server numbered and that ended before its answer, by the server's will or by an accident, ends towards the client as well;
/// its call stays open for whoever resumes it (`Resumption`).
final class Relay {
    /// What the stream must still bring.
    enum Awaited {
        /// The answer to a request; the stream ends with it.
        case answer(RequestID, ResultTicket, isToolCall: Bool)
        /// Nothing in particular: a session's stream of server messages.
        case nothing
    }

    /// Why a stream is ended by us.
    enum End: String {
        /// The client of a session's stream closed it.
        case clientGone = "client_gone"
        /// The token's time is over, or it was revoked.
        case lease = "token_ended"
        /// The session ended, or the gateway stops.
        case session = "session_ended"
        /// Its client lost it and takes it up elsewhere.
        case resumed
    }

    let visit: Visit
    let session: Session
    let awaited: Awaited
    let progressToken: RequestID?
    /// By which rules each message is judged: a call's by those it began with, a session's own stream's by those in force.
    private(set) var caller: Caller
    private let answer: any ServerAnswer
    private var stream: ResumableStream?
    private let isResumed: Bool
    /// Whether a call waits for what this stream brings: a session's own stream and the replay of what was answered may end at
    /// any time.
    private let owesOutcome: Bool
    private var parser: EventStreamParser
    private var end: End?
    private var isClientGone = false
    /// Whether the server is what is waited for.
    private var isReading = false
    private let turn = Turn()

    /// Silence after which a comment keeps the connection alive through whatever stands between.
    private static let quiet = Duration.seconds(15)

    /// - Parameters:
    ///   - stream: the stream that is resumed; nil for a new one.
    ///   - isAnswered: whether the resumed stream's call has its outcome already.
    init(
        _ visit: Visit, _ caller: Caller, _ session: Session, _ answer: any ServerAnswer, awaiting awaited: Awaited,
        progressToken: RequestID?, resuming stream: ResumableStream? = nil, isAnswered: Bool = false
    ) {
        self.visit = visit
        self.caller = caller
        self.session = session
        self.answer = answer
        self.awaited = awaited
        self.progressToken = progressToken
        self.stream = stream
        isResumed = stream != nil
        owesOutcome = if case .answer = awaited { !isAnswered } else { false }
        var limits = EventStreamLimits()
        limits.eventBytes = visit.rules.resultLimit
        parser = EventStreamParser(limits: limits)
    }

    /// Relays until the stream's end, whoever ends it.
    func run(answering responder: consuming Responder) async {
        let watch = RelayWatch(self, visit, caller, session, endsWithSession: !owesOutcome)
        defer { watch.stop() }
        if let stream { begin(stream) }
        let target: ResponseStream
        do throws(ExchangeFailure) {
            target = try await responder.stream(ResponseHead(status: 200, fields: Fields.events()))
        } catch {
            clientLeft()
            return await pump(Nowhere())
        }
        let news = isOwnStream ? StreamNews(self, visit.gateway) : nil
        await pump(target)
        news?.stop()
        await turn.take()
        // A client that is gone, or that dropped the socket after the last event, needs no proper end.
        try? await target.finish()
        turn.give()
    }

    /// The client closed its connection. Its session's stream ends with it; a call does not.
    func clientLeft() {
        isClientGone = true
        if !owesOutcome { cut(.clientGone) }
    }

    /// The session is over, often because its token is: the record says which.
    func sessionEnded() {
        let isWelcome = visit.gateway.identities.isCurrent(caller.principal, at: WallTime.now)
        cut(isWelcome ? .session : .lease)
    }

    /// Ends the stream from our side, now: properly when only the server is waited for, and otherwise by dropping the
    /// connection, for a client that does not read would keep it open.
    func cut(_ end: End) {
        guard self.end == nil else { return }
        self.end = end
        answer.abort()
        if !isReading { visit.exchange.cut() }
    }

    var isOwnStream: Bool {
        if case .nothing = awaited { return true }
        return false
    }

    // MARK: What changes meanwhile

    /// Other rules are in force. The session's own stream goes on under them, or ends with its server.
    func rejudge() {
        guard isOwnStream else { return }
        guard let server = visit.gateway.rules.server(caller.principal.upstream),
            let rules = server.rules(named: caller.principal.policy)
        else { return cut(.session) }
        caller = Caller(principal: caller.principal, server: server, rules: rules)
    }

    /// Tells the client that its tools are not what they were, between two events of the server's.
    func announceTools() async {
        await turn.take()
        defer { turn.give() }
        guard end == nil, !isClientGone else { return }
        var bytes: [UInt8] = []
        ServerSentEvent(data: StreamNews.toolsChanged).encode(into: &bytes)
        do throws(ExchangeFailure) {
            try await visit.exchange.write(bytes)
        } catch {
            clientLeft()
        }
    }

    // MARK: The loop

    private func pump<Target: Outlet & ~Copyable>(_ put: borrowing Target) async {
        // A patience shorter than the pause between comments is kept to the second.
        let quiet = isOwnStream ? Relay.quiet : min(Relay.quiet, caller.server.transport.patience)
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
                    if !isOwnStream, silence >= caller.server.transport.patience { throw .timedOut(.body) }
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
    private func take<Target: Outlet & ~Copyable>(_ bytes: [UInt8], _ put: borrowing Target) async -> Bool {
        var events: [ServerSentEvent] = []
        do throws(EventStreamFailure) {
            try parser.feed(bytes.span) { events.append($0) }
        } catch {
            return await refuse(.unreadable("event_stream"), put)
        }
        for event in events where await take(marked(event), put) { return true }
        return false
    }

    /// What stands beside the data can carry data too: the server's id goes on sealed, a retry time only up to an hour, and no
    /// name but MCP's own.
    private func marked(_ event: ServerSentEvent) -> ServerSentEvent {
        var event = event
        if let retry = event.retry, retry > 3_600_000 { event.retry = nil }
        if event.data?.isEmpty != false { event.event = nil }
        guard let id = event.id else { return event }
        event.id = nil
        if id.isEmpty { return event }
        if stream == nil, let found = remembered() { begin(found) }
        if let stream {
            event.id = visit.gateway.eventIDs.seal(EventMark(stream: stream.number, upstream: id), in: session)
        }
        return event
    }

    /// This stream's place in the conversation, when its server numbers events.
    private func remembered() -> ResumableStream? {
        let dialogue = session.dialogue(visit.gateway)
        guard case .answer(let id, let ticket, let isToolCall) = awaited else { return dialogue.ownStream }
        return dialogue.remember(
            Dialogue.Owed(
                id: id, ticket: ticket, isToolCall: isToolCall, progressToken: progressToken, promise: visit.promise,
                generation: visit.rules.generation))
    }

    private func begin(_ stream: ResumableStream) {
        self.stream = stream
        let loop = EventLoop.current
        let bound = LoopBound(self)
        stream.begin { loop.execute { bound.value.cut(.resumed) } }
    }

    // MARK: The answer

    func release<Target: Outlet & ~Copyable>(
        answer message: ServerMessage, _ event: ServerSentEvent, _ put: borrowing Target
    ) async -> Bool {
        guard case .answer(let id, let ticket, let isToolCall) = awaited, message.answers(id) else {
            return dropped("other_id")
        }
        var event = event
        do throws(Refusal) {
            event.data = try await Release(visit, caller).release(message, id, ticket)
        } catch {
            event.data = await visit.refused(error.asked(asToolCall: isToolCall)).body
        }
        await write(event, put)
        answer.abort()
        finish()
        return true
    }

    func dropped(_ what: String) -> Bool {
        visit.gateway.meters.dropped(what)
        return false
    }

    // MARK: The end

    /// The server's stream is over, by itself, by a failure or by our own hand.
    private func close<Target: Outlet & ~Copyable>(with failure: UpstreamFailure?, _ put: borrowing Target) async
        -> Bool
    {
        guard case .answer(let id, _, let isToolCall) = awaited else {
            var outcome = AuditRecord.Outcome(end == nil && failure != nil ? .upstreamError : .ok)
            outcome.code = end.map { ByteString($0.rawValue) } ?? failure.map { ByteString("\($0.code)") }
            // The stream is over in any case; that its end could not be recorded shows in the log's health.
            try? await visit.record(outcome, for: nil)
            session.releaseStream()
            stream?.end(leaving: nil)
            return true
        }
        if let end, end != .resumed {
            if owesOutcome { _ = await visit.refused(.expired) } else { await endReplay(end.rawValue) }
            finish()
            return true
        }
        if let stream, end == .resumed || failure?.isOfTheConnection != false {
            await leaveOpen(stream)
            return true
        }
        let refusal: Refusal =
            failure.map { .upstream($0, id, isToolCall: isToolCall) } ?? .answer(.noAnswer, id, isToolCall: isToolCall)
        await write(ServerSentEvent(data: await visit.refused(refusal).body), put)
        finish()
        return true
    }

    /// The answer is still to come: the client will ask for the rest by the last event it got.
    private func leaveOpen(_ stream: ResumableStream) async {
        let intent = visit.trail.handOver()
        if isResumed { await endReplay(end?.rawValue ?? "stream_ended") }
        stream.leave(intent, in: session, visit.gateway)
    }

    /// What a replay that brought no answer leaves in the trail.
    private func endReplay(_ why: String) async {
        var outcome = AuditRecord.Outcome(.ok)
        outcome.code = ByteString(why)
        // As above: the stream is over in any case.
        try? await visit.record(outcome, for: nil)
    }

    /// Nothing is owed any more.
    private func finish() {
        if case .answer(let id, _, _) = awaited, owesOutcome {
            session.finish(id)
            // News of a task goes on under the token of its call.
            if let progressToken, !visit.hasBecomeTask {
                session.dialogue(visit.gateway).endProgress(progressToken, of: id)
            }
        }
        stream?.end(leaving: nil)
    }

    func refuse<Target: Outlet & ~Copyable>(_ failure: AnswerFailure, _ put: borrowing Target) async -> Bool {
        answer.abort()
        guard case .answer(let id, _, let isToolCall) = awaited else {
            return await close(with: .cutOff, put)
        }
        let response = await visit.refused(.answer(failure, id, isToolCall: isToolCall))
        await write(ServerSentEvent(data: response.body), put)
        finish()
        return true
    }

    // MARK: Writing

    func write<Target: Outlet & ~Copyable>(_ event: ServerSentEvent, _ put: borrowing Target) async {
        var bytes: [UInt8] = []
        event.encode(into: &bytes)
        await write(bytes, put)
    }

    private func write<Target: Outlet & ~Copyable>(_ bytes: [UInt8], _ put: borrowing Target) async {
        guard !isClientGone, end == nil else { return }
        await turn.take()
        defer { turn.give() }
        do throws(ExchangeFailure) {
            try await put.write(bytes)
        } catch {
            clientLeft()
        }
    }
}

extension UpstreamFailure {
    /// Whether only the connection failed, so that the server may still have what it would have brought.
    fileprivate var isOfTheConnection: Bool {
        switch self {
        case .cutOff, .tls: true
        default: false
        }
    }
}

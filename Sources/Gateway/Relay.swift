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
/// only as fast as the client takes.
///
/// Before 2026-07-28 a client that goes away does not cancel its call: the answer is read to the end and recorded.
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
    }

    private let visit: Visit
    private let caller: Caller
    private let session: Session
    private let answer: any ServerAnswer
    private let awaited: Awaited
    private let progressToken: RequestID?
    private var parser: EventStreamParser
    private var end: End?
    private var isClientGone = false
    /// Whether the server is what is waited for.
    private var isReading = false

    /// Silence after which a comment keeps the connection alive through whatever stands between.
    private static let quiet = Duration.seconds(15)

    init(
        _ visit: Visit, _ caller: Caller, _ session: Session, _ answer: any ServerAnswer, awaiting awaited: Awaited,
        progressToken: RequestID?
    ) {
        self.visit = visit
        self.caller = caller
        self.session = session
        self.answer = answer
        self.awaited = awaited
        self.progressToken = progressToken
        var limits = EventStreamLimits()
        limits.eventBytes = visit.rules.resultLimit
        parser = EventStreamParser(limits: limits)
    }

    /// Relays until the stream's end, whoever ends it.
    func run(answering responder: consuming Responder) async {
        let watch = RelayWatch(self, visit, caller, session, isOwnStream: isOwnStream)
        defer { watch.stop() }
        let stream: ResponseStream
        do throws(ExchangeFailure) {
            stream = try await responder.stream(ResponseHead(status: 200, fields: Fields.events()))
        } catch {
            clientLeft()
            return await pump(Nowhere())
        }
        await pump(stream)
        // A client that is gone, or that dropped the socket after the last event, needs no proper end.
        try? await stream.finish()
    }

    /// The client closed its connection. Its session's stream ends with it; a call does not.
    func clientLeft() {
        isClientGone = true
        if isOwnStream { cut(.clientGone) }
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

    private var isOwnStream: Bool {
        if case .nothing = awaited { return true }
        return false
    }

    // MARK: the loop

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
        if isOwnStream { session.releaseStream() }
        if case .answer(let id, _, _) = awaited { session.finish(id) }
    }

    /// - Returns: whether the stream is over.
    private func take<Target: Outlet & ~Copyable>(_ bytes: [UInt8], _ put: borrowing Target) async -> Bool {
        var events: [ServerSentEvent] = []
        do throws(EventStreamFailure) {
            try parser.feed(bytes.span) { events.append($0) }
        } catch {
            return await refuse(.unreadable("event_stream"), put)
        }
        for event in events where await take(event.withoutForeignText, put) { return true }
        return false
    }

    private func take<Target: Outlet & ~Copyable>(_ event: ServerSentEvent, _ put: borrowing Target) async -> Bool {
        guard let data = event.data, !data.isEmpty else {
            // A priming event: an id or a retry time, and nothing to judge (2025-11-25, `basic/transports`).
            await write(event, put)
            return false
        }
        guard event.event == nil || event.event == "message" else { return dropped("event_type") }
        let message: ServerMessage
        do throws(MessageFailure) {
            message = try ServerMessage(parsing: data, limits: .result(bytes: visit.rules.resultLimit))
        } catch {
            return await refuse(.unreadable(error.word), put)
        }
        switch message.shape {
        case .result, .error: return await take(answer: message, event, put)
        case .notification(let method):
            await take(notification: message, method, event, put)
            return false
        case .request(let id, let method):
            await take(request: message, id, method, event, put)
            return false
        }
    }

    private func take<Target: Outlet & ~Copyable>(
        answer message: ServerMessage, _ event: ServerSentEvent, _ put: borrowing Target
    ) async -> Bool {
        guard case .answer(let id, let ticket, _) = awaited, message.answers(id) else { return dropped("other_id") }
        var event = event
        do throws(Refusal) {
            event.data = try await Release(visit, caller).release(message, id, ticket)
        } catch {
            event.data = await visit.refused(error).body
        }
        await write(event, put)
        answer.abort()
        return true
    }

    /// What a server may tell a client unasked; everything else stops here (mcp-protocol section 2.4).
    private func take<Target: Outlet & ~Copyable>(
        notification message: ServerMessage, _ method: Method, _ event: ServerSentEvent, _ put: borrowing Target
    ) async {
        guard let groups = caller.rules.redactions(forServer: method, to: caller.principal),
            isExpected(message, method)
        else {
            _ = dropped("notification")
            return
        }
        guard let data = try? caller.server.redactor.redact(notification: message, groups: groups, as: ticket) else {
            _ = dropped("notification_withheld")
            return
        }
        // What the server changed is read anew before the next call is judged.
        if method == .toolsChanged { caller.server.tools.isOutdated() }
        var event = event
        event.data = data.bytes
        await write(event, put)
    }

    /// Progress is only for a request that asked for it; updates only of resources that are open.
    private func isExpected(_ message: ServerMessage, _ method: Method) -> Bool {
        switch method {
        case .progress:
            guard let node = message.parameter("progressToken") else { return false }
            return progressToken != nil && RequestID(node, in: message.document) == progressToken
        case .resourceUpdated:
            guard let node = message.parameter("uri"), let uri = message.document.string(node) else { return false }
            return caller.rules.opensResource(uri, for: caller.principal)
        default: return true
        }
    }

    /// A request of the server's own. One that the policy opens goes to the client, whose answer is awaited on this session; ping
    /// is answered here, and the rest has no method here, so that a server that asks in vain is told instead of waiting.
    private func take<Target: Outlet & ~Copyable>(
        request message: ServerMessage, _ id: RequestID, _ method: Method, _ event: ServerSentEvent,
        _ put: borrowing Target
    ) async {
        if method != .ping, let groups = caller.rules.redactions(forServer: method, to: caller.principal),
            let data = try? caller.server.redactor.redact(notification: message, groups: groups, as: ticket),
            session.expect(id, answering: method)
        {
            var event = event
            event.data = data.bytes
            return await write(event, put)
        }
        if method != .ping {
            _ = dropped("server_request")
            visit.trail.refusedServer(method)
        }
        let reply: GatewayMessage = method == .ping ? .empty(to: id) : .methodNotFound(to: id)
        // Whether the answer arrives is the server's loss; nothing of ours depends on it.
        let answer = try? await caller.server.transport.post(reply, fields: Fields.posting(in: session))
        answer?.abort()
    }

    private var ticket: ResultTicket? {
        guard case .answer(_, let owed, _) = awaited else { return nil }
        return owed
    }

    private func dropped(_ what: String) -> Bool {
        visit.gateway.meters.dropped(what)
        return false
    }

    // MARK: the end

    /// The server's stream is over, by itself, by a failure or by our own hand.
    private func close<Target: Outlet & ~Copyable>(with failure: UpstreamFailure?, _ put: borrowing Target) async
        -> Bool
    {
        guard case .answer(let id, _, let isToolCall) = awaited else {
            var outcome = AuditRecord.Outcome(end == nil && failure != nil ? .upstreamError : .ok)
            outcome.code = end.map { ByteString($0.rawValue) } ?? failure.map { ByteString("\($0.code)") }
            // The stream is over in any case; that its end could not be recorded shows in the log's health.
            try? await visit.record(outcome, for: nil)
            return true
        }
        if end != nil {
            _ = await visit.refused(.expired)
            return true
        }
        let refusal: Refusal =
            failure.map { .upstream($0, id, isToolCall: isToolCall) } ?? .answer(.noAnswer, id, isToolCall: isToolCall)
        await write(ServerSentEvent(data: await visit.refused(refusal).body), put)
        return true
    }

    private func refuse<Target: Outlet & ~Copyable>(_ failure: AnswerFailure, _ put: borrowing Target) async -> Bool {
        answer.abort()
        guard case .answer(let id, _, let isToolCall) = awaited else {
            return await close(with: .cutOff, put)
        }
        let response = await visit.refused(.answer(failure, id, isToolCall: isToolCall))
        await write(ServerSentEvent(data: response.body), put)
        return true
    }

    private func write<Target: Outlet & ~Copyable>(_ event: ServerSentEvent, _ put: borrowing Target) async {
        var bytes: [UInt8] = []
        event.encode(into: &bytes)
        await write(bytes, put)
    }

    private func write<Target: Outlet & ~Copyable>(_ bytes: [UInt8], _ put: borrowing Target) async {
        guard !isClientGone, end == nil else { return }
        do throws(ExchangeFailure) {
            try await put.write(bytes)
        } catch {
            clientLeft()
        }
    }
}

/// Where the bytes of a stream go.
private protocol Outlet: ~Copyable {
    func write(_ bytes: [UInt8]) async throws(ExchangeFailure)
}

extension ResponseStream: Outlet {}

/// The client is gone before the stream began; its call goes on to its record.
private struct Nowhere: Outlet {
    func write(_ bytes: [UInt8]) {}
}

extension ServerSentEvent {
    /// What stands beside the data can carry data too: an id passes only in the letters that ids are made of, a retry time only up
    /// to an hour, and no name but MCP's own.
    fileprivate var withoutForeignText: ServerSentEvent {
        var event = self
        if let id, id.count > 256 || !id.bytes.allSatisfy(ServerSentEvent.isOfAnID) { event.id = nil }
        if let retry, retry > 3_600_000 { event.retry = nil }
        if data?.isEmpty != false { event.event = nil }
        return event
    }

    private static func isOfAnID(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "-_.:/+=~|".utf8.contains(byte)
        }
    }
}

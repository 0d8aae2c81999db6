import Bytes
import HTTP
import JSON
import MCP
import Policy
import Redaction
import Sessions
import Upstream

/// Where the bytes of a stream go.
protocol Outlet: ~Copyable {
    func write(_ bytes: [UInt8]) async throws(ExchangeFailure)
}

extension ResponseStream: Outlet {}

/// The client is gone before the stream began; its call goes on to its record.
struct Nowhere: Outlet {
    func write(_ bytes: [UInt8]) {}
}

/// What an event of a server's may be, message by message.
extension Relay {
    /// - Returns: whether the stream is over.
    func take<Target: Outlet & ~Copyable>(_ event: ServerSentEvent, _ put: borrowing Target) async -> Bool {
        guard let data = event.data, !data.isEmpty else {
            // A priming event: an id or a retry time, and nothing to judge (2025-11-25, `basic/transports`).
            if event.id != nil || event.retry != nil { await write(event, put) }
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
        case .result, .error: return await release(answer: message, event, put)
        case .notification(let method):
            await take(notification: message, method, event, put)
            return false
        case .request(let id, let method):
            await take(request: message, id, method, event, put)
            return false
        }
    }

    // MARK: Notices

    /// What a server may tell a client unasked; everything else stops here (mcp-protocol section 2.4).
    private func take<Target: Outlet & ~Copyable>(
        notification message: ServerMessage, _ method: Method, _ event: ServerSentEvent, _ put: borrowing Target
    ) async {
        let ticket = ticket(of: message, method)
        guard method.exists(in: session.version), isExpected(message, method, ticket),
            let groups = caller.rules.redactions(
                forServer: message, to: caller.principal, belongsToCall: ticket != nil)
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
        await write(event.carrying(data.bytes), put)
    }

    /// What a notice must be redacted by beside what policy says of its kind: the call's ticket whose stream this is, or that the
    /// notice names.
    private func ticket(of message: ServerMessage, _ method: Method) -> ResultTicket? {
        switch method {
        case .progress:
            guard let token = message.token else { return nil }
            if let own, token == progressToken { return own }
            return session.dialogue(visit.gateway).ticket(ofProgress: token)
        case .taskStatus:
            guard let id = message.text("taskId") else { return nil }
            return visit.gateway.tasks.task(id, of: caller.principal)?.ticket
        default: return own
        }
    }

    /// Progress is only for a request that asked for it, news of tasks for whose they are, updates for resources that are open, a
    /// cancellation for a request that was shown.
    private func isExpected(_ message: ServerMessage, _ method: Method, _ ticket: ResultTicket?) -> Bool {
        switch method {
        case .progress, .taskStatus: return ticket != nil
        case .resourceUpdated:
            guard let uri = message.text("uri") else { return false }
            return caller.rules.opensResource(uri, for: caller.principal)
        case .cancelled:
            guard let id = message.parameter("requestId").flatMap({ RequestID($0, in: message.document) }) else {
                return false
            }
            return session.isExpected(id)
        case .elicitationComplete:
            guard let id = message.text("elicitationId") else { return false }
            return session.dialogue(visit.gateway).complete(elicitation: id)
        default: return true
        }
    }

    // MARK: Requests

    /// A request of the server's own. One that the policy opens goes to the client, whose answer is awaited on this session; ping
    /// is answered here, and the rest has no method here, so that a server that asks in vain is told instead of waiting.
    private func take<Target: Outlet & ~Copyable>(
        request message: ServerMessage, _ id: RequestID, _ method: Method, _ event: ServerSentEvent,
        _ put: borrowing Target
    ) async {
        if method != .ping, method.exists(in: session.version), mayAsk(method),
            let groups = caller.rules.redactions(
                forServer: message, to: caller.principal, belongsToCall: own != nil),
            let data = try? caller.server.redactor.redact(notification: message, groups: groups, as: own)
        {
            switch session.expect(id, answering: ServerRequest(method, progressToken: message.requestedToken)) {
            case .open:
                if method == .elicit, let errand = message.text("elicitationId") {
                    session.dialogue(visit.gateway).remember(elicitation: errand)
                }
                return await write(event.carrying(data.bytes), put)
            // A replay brings it once more.
            case .answered: return
            case .refused: break
            }
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

    /// On the session's own stream a server asks only while the client has something under way: what it asks of a user or a model
    /// must belong to a request of theirs (SEP-2260). What folders there are it may always ask.
    private func mayAsk(_ method: Method) -> Bool {
        !isOwnStream || method == .rootsList || session.hasInFlight
    }

    /// The ticket of the call whose stream this is.
    private var own: ResultTicket? {
        guard case .answer(_, let owed, _) = awaited else { return nil }
        return owed
    }
}

extension ServerSentEvent {
    fileprivate func carrying(_ data: [UInt8]) -> ServerSentEvent {
        var event = self
        event.data = data
        return event
    }
}

extension ServerMessage {
    /// `params.progressToken`: what a notice of progress is about.
    fileprivate var token: RequestID? {
        parameter("progressToken").flatMap { RequestID($0, in: document) }
    }

    /// `params._meta.progressToken`: under which token a request wants to hear of progress.
    fileprivate var requestedToken: RequestID? {
        parameter("_meta").flatMap { document.member("progressToken", of: $0) }.flatMap { RequestID($0, in: document) }
    }

    fileprivate func text(_ name: String) -> ByteString? {
        parameter(name).flatMap { document.string($0) }
    }
}

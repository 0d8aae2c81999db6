import Bytes
public import HTTP
import JSON
import Synchronization

/// A Torii-like MCP server with invented data: what Komainu stands in front of in the demonstration, the tests and nowhere else.
///
/// It speaks the revisions with a handshake (2025-03-26 to 2025-11-25) over Streamable HTTP: JSON or event streams, GET
/// streams, sessions, resumption; and the stateless one, 2026-07-28. It is written as a vendor's server, sharing no judgement with the proxy: what reaches it
/// and parses, it does.
public final class SampleServer: Sendable {
    let settings: SampleSettings
    let state: Mutex<State>

    /// Everything that changes.
    struct State: Sendable {
        var organisation = Organisation()
        var toolbox = Toolbox()
        var control = SampleControl()
        var sessions: [ByteString: SampleSession] = [:]
        /// In the order they began, so that the oldest goes when there are too many.
        var sessionOrder: [ByteString] = []
        /// Open `subscriptions/listen` streams (2026-07-28).
        var subscriptions: [Int: SampleSubscription] = [:]
        /// Calls that became tasks (2026-07-28).
        var tasks: [ByteString: SampleTask] = [:]
        var nextStream = 1
    }

    static let versions: [ByteString] = ["2025-11-25", "2025-06-18", "2025-03-26"]
    static let bodyLimit = 4 << 20
    static let sessionLimit = 20_000

    /// A server with the organisation as it is before anybody writes.
    public init(settings: SampleSettings = SampleSettings()) {
        self.settings = settings
        state = Mutex(State())
    }

    /// Answers one request.
    public func handle(_ exchange: any Exchange) async {
        do {
            try await serve(exchange)
        } catch .tooLarge {
            try? await exchange.respond(plain(413, "the body is too large"))
        } catch {
            // The peer is gone, slow or unreadable: there is nobody to explain that to.
            exchange.cut()
        }
    }

    private func serve(_ exchange: any Exchange) async throws(ExchangeFailure) {
        if settings.hasControl, exchange.head.path == "/sample/control", isLocal(exchange.peer) {
            return try await control(exchange)
        }
        guard exchange.head.path == settings.path else { return try await exchange.respond(plain(404, "not found")) }
        if exchange.head.method != .post { note(exchange.head, []) }
        guard isAuthorised(exchange.head) else { return try await exchange.respond(unauthorised()) }
        if exchange.head.method != .post, isStateless(exchange.head) {
            var response = plain(405, "POST")
            response.fields.add(name: "allow", value: "POST")
            return try await exchange.respond(response)
        }
        switch exchange.head.method {
        case .post: try await post(exchange)
        case .get: try await listen(exchange)
        case .delete: try await end(exchange)
        default:
            var response = plain(405, "POST, GET or DELETE")
            response.fields.add(name: "allow", value: "POST, GET, DELETE")
            try await exchange.respond(response)
        }
    }

    func note(_ head: RequestHead, _ body: [UInt8]) {
        guard settings.hasControl else { return }
        state.withLock { $0.control.note(head, body) }
    }

    private func isAuthorised(_ head: RequestHead) -> Bool {
        guard let bearer = settings.bearer else { return true }
        guard let given = head.fields["authorization"] else { return false }
        return equalInConstantTime(given.bytes, Array("Bearer ".utf8) + bearer.bytes)
    }

    private func unauthorised() -> Response {
        var response = plain(401, "a Torii API key is needed")
        let metadata = "https://api.torii.example/.well-known/oauth-protected-resource"
        response.fields.add(name: "www-authenticate", value: "Bearer resource_metadata=\"\(metadata)\"")
        return response
    }

    private func isLocal(_ peer: PeerAddress) -> Bool {
        peer.address == "::1" || peer.address.hasPrefix("127.") || peer.address.hasPrefix("::ffff:127.")
    }
}

extension SampleServer {
    /// GET: what the server says unasked, or the rest of a stream that broke.
    private func listen(_ exchange: any Exchange) async throws(ExchangeFailure) {
        guard settings.givesSessions else { return try await exchange.respond(plain(405, "no streams here")) }
        if let fault = state.withLock({ $0.control.fault(method: "GET", tool: nil) }) {
            return try await misbehave(fault, on: exchange, answer: [])
        }
        let session: SampleSession
        switch findSession(exchange.head) {
        case .found(let found): session = found
        case .refused(let response): return try await exchange.respond(response)
        }
        if let last = exchange.head.fields["last-event-id"] {
            guard let (stream, after) = session.stream(last) else {
                return try await exchange.respond(plain(404, "no such event"))
            }
            return try await relay(stream, after: after, of: session, on: exchange)
        }
        guard !session.announcements.isHeard else {
            return try await exchange.respond(plain(409, "there is a stream already"))
        }
        try await relay(session.announcements, after: .max, of: session, on: exchange)
    }

    /// DELETE: good-bye.
    private func end(_ exchange: any Exchange) async throws(ExchangeFailure) {
        switch findSession(exchange.head) {
        case .found(let session):
            state.withLock { state in
                state.sessions[session.id] = nil
                state.sessionOrder.removeAll { $0 == session.id }
            }
            session.end()
            try await exchange.respond(Response(status: 200))
        case .refused(let response):
            try await exchange.respond(response)
        }
    }

    /// Sends a stream's events until it ends or the client goes. A client that goes does not stop the work
    /// (2025-11-25, basic/transports: a disconnect is not a cancellation).
    func relay(
        _ stream: SampleStream, after: Int, of session: SampleSession?, on exchange: any Exchange,
        hangingUp hangsUp: Bool = false, whenLeft: (() -> Void)? = nil
    ) async throws(ExchangeFailure) {
        var head = ResponseHead(status: 200)
        head.fields.add(name: "content-type", value: "text/event-stream")
        head.fields.add(name: "cache-control", value: "no-cache, no-transform")
        let (events, listener) = stream.listen(after: after)
        exchange.whenGone {
            stream.leave(listener)
            whenLeft?()
        }
        let pause = settings.pingSeconds
        let pings = Task {
            while (try? await Task.sleep(for: .seconds(pause))) != nil { stream.mutter(Array(": ping\n\n".utf8)) }
        }
        defer {
            pings.cancel()
            stream.leave(listener)
        }
        try await exchange.beginStream(head)
        try await exchange.write(Array(": open\n\n".utf8))
        for await event in events {
            try await exchange.write(event)
            if hangsUp { break }
        }
        exchange.whenGone(nil)
        try await exchange.endStream()
    }

    enum SessionSearch {
        case found(SampleSession)
        case refused(Response)
    }

    func findSession(_ head: RequestHead) -> SessionSearch {
        guard let id = head.fields["mcp-session-id"] else {
            return .refused(fault(400, code: -32_600, "Bad Request: Missing session ID"))
        }
        guard let session = state.withLock({ $0.sessions[id] }) else {
            return .refused(fault(404, code: -32_600, "Session not found"))
        }
        return .found(session)
    }

    /// A JSON-RPC error that has no request's id to carry.
    func fault(_ status: Int, code: Int, _ message: String) -> Response {
        let body: JSONValue = [
            "jsonrpc": "2.0", "id": .null, "error": ["code": .integer(code), "message": .text(message)],
        ]
        return Response(status: status, type: "application/json", body: body.encoded())
    }

    func plain(_ status: Int, _ text: String) -> Response {
        Response(status: status, type: "text/plain; charset=utf-8", body: Array("\(text)\n".utf8))
    }
}

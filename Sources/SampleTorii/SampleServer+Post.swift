import Bytes
import HTTP
import JSON
import Synchronization

/// A client's message as this server reads it.
struct SampleMessage: Sendable {
    /// Nil for an answer to something we asked.
    var method: ByteString?
    /// Nil for a notification.
    var id: JSONValue?
    var params: JSONValue

    init?(_ value: JSONValue) {
        guard case .object = value, value["jsonrpc"] == "2.0" else { return nil }
        method = value.text("method")
        id = value["id"]
        params = value["params"] ?? [:]
        guard method != nil || value["result"] != nil || value["error"] != nil else { return nil }
    }

    /// What a test may name: the method, or `response`.
    var kind: ByteString { method ?? "response" }

    /// The tool that is called, if one is.
    var tool: ByteString? { method == "tools/call" ? params.text("name") : nil }
}

/// What a request leads to.
enum SampleAnswer {
    /// Nothing to say: a notification.
    case accepted
    /// A JSON-RPC answer.
    case message(JSONValue, status: Int = 200, session: ByteString? = nil)
    /// An answer that comes in pieces.
    case stream(SampleStream, SampleSession?, hangsUp: Bool)
    /// An answer below JSON-RPC.
    case refused(Response)
}

extension SampleServer {
    /// POST: one message.
    func post(_ exchange: any Exchange) async throws(ExchangeFailure) {
        let head = exchange.head
        let body = try await exchange.readBody(limit: Self.bodyLimit)
        note(head, body)
        guard let type = head.fields["content-type"].flatMap({ MediaType($0) }), type.isJSON else {
            return try await exchange.respond(plain(415, "application/json is needed"))
        }
        let accepted = head.fields.list("accept").compactMap { MediaType($0) }
        guard accepted.contains(where: \.isJSON), accepted.contains(where: \.isEventStream) else {
            return try await exchange.respond(plain(406, "accept must list application/json and text/event-stream"))
        }
        guard let document = try? JSONDocument(parsing: body) else {
            return try await exchange.respond(fault(400, code: -32_700, "Parse error"))
        }
        guard let message = SampleMessage(document.value(document.root)) else {
            return try await exchange.respond(fault(400, code: -32_600, "Invalid Request"))
        }
        let fault = state.withLock { state in
            state.control.count(message.kind, tool: message.tool)
            return state.control.fault(method: message.kind, tool: message.tool)
        }
        if let fault, fault.kind == .status || fault.kind == .redirect {
            return try await misbehave(fault, on: exchange, answer: [], id: message.id)
        }
        if let fault, fault.kind == .slow { await pause(fault.options) }
        if isStateless(head) { return try await stateless(message, on: exchange, fault: fault) }
        let answer = await answer(message, head)
        try await deliver(answer, on: exchange, fault: fault, id: message.id)
    }

    func deliver(
        _ answer: SampleAnswer, on exchange: any Exchange, fault: SampleFault?, id: JSONValue?,
        whenLeft: (() -> Void)? = nil
    ) async throws(ExchangeFailure) {
        switch answer {
        case .refused(let response):
            try await exchange.respond(response)
        case .accepted:
            try await exchange.respond(Response(status: 202))
        case .stream(let stream, let session, let hangsUp):
            try await relay(
                stream, after: 0, of: session, on: exchange, hangingUp: hangsUp, whenLeft: whenLeft)
        case .message(let value, let status, let session):
            if let fault, fault.kind != .slow {
                return try await misbehave(fault, on: exchange, answer: value.encoded(), id: id)
            }
            var response = Response(status: status, type: "application/json", body: value.encoded())
            if let session { response.fields.add(name: "mcp-session-id", value: session) }
            // What a vendor's edge adds, and what must not travel on.
            response.fields.add(name: "server", value: "sample-torii")
            response.fields.add(name: "set-cookie", value: "sample_route=b7; Path=/; Secure; HttpOnly")
            response.fields.add(name: "ratelimit-limit", value: "100;w=60")
            response.fields.add(name: "ratelimit-remaining", value: "99")
            try await exchange.respond(response)
        }
    }

    /// The answer to one message.
    private func answer(_ message: SampleMessage, _ head: RequestHead) async -> SampleAnswer {
        guard let method = message.method else { return .accepted }
        if method == "server/discover", let id = message.id {
            // Not ours: a client of a later revision falls back to `initialize`.
            return .message(Self.error(id, -32_601, "Method not found"), status: 404)
        }
        if method == "initialize" {
            guard let id = message.id else { return .refused(fault(400, code: -32_600, "initialize needs an id")) }
            return begin(id, message.params)
        }
        if let version = head.fields["mcp-protocol-version"], !Self.versions.contains(version) {
            let known = Self.versions.map(\.text).joined(separator: ", ")
            return .refused(fault(400, code: -32_000, "Bad Request: Unsupported protocol version (known: \(known))"))
        }
        var session: SampleSession?
        if settings.givesSessions {
            switch findSession(head) {
            case .found(let found): session = found
            case .refused(let response): return .refused(response)
            }
        }
        guard let id = message.id else {
            notified(method, message.params, session)
            return .accepted
        }
        return await answer(method, message.params, id, session)
    }

    /// `initialize`: agrees on a version and begins a session.
    private func begin(_ id: JSONValue, _ params: JSONValue) -> SampleAnswer {
        let wanted = params.text("protocolVersion") ?? ""
        let version = Self.versions.contains(wanted) ? wanted : Self.versions[0]
        let result: JSONValue = [
            "protocolVersion": .string(version),
            "capabilities": [
                "tools": ["listChanged": true], "resources": [:], "prompts": [:], "logging": [:], "completions": [:],
            ],
            "serverInfo": ["name": "torii-sample", "title": "Torii (sample)", "version": "1.0.0"],
            "instructions":
                "Data of Northquay Instruments. Ask maren.okonjo@northquay.example before you change anything.",
        ]
        guard settings.givesSessions else { return .message(Self.result(id, result)) }
        let name = ByteString("sample-\(Hex.encode((0..<16).map { _ in UInt8.random(in: 0...255) }))")
        state.withLock { state in
            let session = SampleSession(id: name, version: version, stream: state.newStream())
            state.sessions[name] = session
            state.sessionOrder.append(name)
            if state.sessionOrder.count > Self.sessionLimit {
                state.sessions.removeValue(forKey: state.sessionOrder.removeFirst())?.end()
            }
        }
        return .message(Self.result(id, result), session: name)
    }

    private func notified(_ method: ByteString, _ params: JSONValue, _ session: SampleSession?) {
        guard method == "notifications/cancelled", let id = params["requestId"], let session else { return }
        if session.cancel(ByteString(id.encoded())) { state.withLock { $0.control.countCancelled() } }
    }

    static func result(_ id: JSONValue, _ result: JSONValue) -> JSONValue {
        ["jsonrpc": "2.0", "id": id, "result": result]
    }

    static func error(_ id: JSONValue, _ code: Int, _ message: String, data: JSONValue? = nil) -> JSONValue {
        var error: JSONValue = ["code": .integer(code), "message": .text(message)]
        if let data { error.set("data", data) }
        return ["jsonrpc": "2.0", "id": id, "error": error]
    }

    func pause(_ options: JSONValue) async {
        try? await Task.sleep(for: .seconds(seconds(options["seconds"], otherwise: 1)))
    }
}

extension SampleServer.State {
    /// A number for a new stream.
    mutating func newStream() -> Int {
        defer { nextStream += 1 }
        return nextStream
    }
}

import Bytes
import HTTP
import JSON
import Synchronization

/// One open `subscriptions/listen`.
struct SampleSubscription: Sendable {
    let id: JSONValue
    let wanted: JSONValue
    let stream: SampleStream
}

/// A call that became a task.
struct SampleTask: Sendable {
    let result: JSONValue
    let isDone: Bool
}

/// 2026-07-28: every request stands alone, says of itself what it is, and is called off by hanging up.
extension SampleServer {
    static let stateless: ByteString = "2026-07-28"
    private static let meta:
        (version: ByteString, capabilities: ByteString, level: ByteString, subscription: ByteString) =
            (
                "io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities",
                "io.modelcontextprotocol/logLevel", "io.modelcontextprotocol/subscriptionId"
            )
    private static let tasks: ByteString = "io.modelcontextprotocol/tasks"

    func isStateless(_ head: RequestHead) -> Bool {
        settings.speaksStateless && head.fields["mcp-protocol-version"] == Self.stateless
    }

    func stateless(
        _ message: SampleMessage, on exchange: any Exchange, fault: SampleFault?
    ) async throws(ExchangeFailure) {
        guard let method = message.method else {
            return try await exchange.respond(self.fault(400, code: -32_600, "Invalid Request"))
        }
        guard let id = message.id else { return try await exchange.respond(Response(status: 202)) }
        if let refusal = refusal(method, message.params, id, exchange.head) {
            return try await deliver(refusal, on: exchange, fault: nil, id: id)
        }
        // A conversation of one request, so that its work can be called off.
        let session = SampleSession(
            id: "", version: Self.stateless, stream: state.withLock { $0.newStream() })
        session.logs = message.params["_meta"]?[Self.meta.level] != nil
        let request = ByteString(id.encoded())
        let callOff = {
            if session.cancel(request) { self.state.withLock { $0.control.countCancelled() } }
        }
        exchange.whenGone(callOff)
        let answer = await answer(stateless: method, message.params, id, session, exchange.head)
        exchange.whenGone(nil)
        if method == "subscriptions/listen", case .stream(let stream, _, _) = answer {
            defer { state.withLock { $0.subscriptions[stream.number] = nil } }
            return try await deliver(answer, on: exchange, fault: fault, id: id)
        }
        try await deliver(answer, on: exchange, fault: fault, id: id, whenLeft: callOff)
    }

    /// What is wrong with a request before anybody looks at its method.
    private func refusal(
        _ method: ByteString, _ params: JSONValue, _ id: JSONValue, _ head: RequestHead
    ) -> SampleAnswer? {
        func refused(_ code: Int, _ text: String) -> SampleAnswer {
            .message(Self.error(id, code, text), status: code == -32_601 ? 404 : 400)
        }
        let meta = params["_meta"]
        guard meta?[Self.meta.version] != nil, case .object? = meta?[Self.meta.capabilities] else {
            return refused(-32_602, "_meta lacks what every request must say")
        }
        guard meta?[Self.meta.version]?.stringValue == Self.stateless, head.fields["mcp-method"] == method else {
            return refused(-32_020, "a field differs from the body")
        }
        let named: ByteString? =
            switch method {
            case "tools/call", "prompts/get": params.text("name")
            case "resources/read": params.text("uri")
            case "tasks/get", "tasks/update", "tasks/cancel": params.text("taskId")
            default: nil
            }
        if let named, head.fields["mcp-name"] != named { return refused(-32_020, "Mcp-Name differs from the body") }
        if method == "tools/call", params.text("name") == "sample_region" {
            let arguments = params["arguments"] ?? [:]
            let region = arguments["region"]?.stringValue
            let limit = arguments.number("limit").map { ByteString(String($0)) }
            let fields = ["mcp-param-region", "mcp-param-limit"].map { unwrapped(head.fields[$0]) }
            guard fields == [region, limit] else {
                return refused(-32_020, "Mcp-Param differs from the body")
            }
        }
        return nil
    }

    /// A field's value, out of base 64 where it had to go into it.
    private func unwrapped(_ field: ByteString?) -> ByteString? {
        guard let field, field.hasPrefix("=?base64?"), field.count > 11 else { return field }
        return Base64.decode(ByteString(Array(field.bytes[9..<(field.count - 2)]))).map { ByteString($0) }
    }

    private func answer(
        stateless method: ByteString, _ params: JSONValue, _ id: JSONValue, _ session: SampleSession,
        _ head: RequestHead
    ) async -> SampleAnswer {
        switch method {
        case "server/discover": return .message(Self.result(id, Self.introduction))
        case "subscriptions/listen": return subscribe(params, id)
        case "tasks/get", "tasks/update", "tasks/cancel": return aboutTask(method, params, id)
        case "tools/call":
            if let answer = special(params, id) { return answer }
        case "initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe":
            return .message(Self.error(id, -32_601, "Method not found"), status: 404)
        default: break
        }
        let answer = await answer(method, params, id, session)
        guard case .message(let value, _, _) = answer else { return answer }
        if value["error"]?.number("code") == -32_601 { return .message(value, status: 404) }
        var told = Self.complete(value)
        if ["tools/list", "resources/list", "resources/templates/list", "resources/read", "prompts/list"].contains(
            method)
        {
            // Public, as careless vendors say: the lists are the same for everybody who has a key.
            told = Self.with([("ttlMs", 600_000), ("cacheScope", "public")], in: told)
        }
        return .message(told)
    }

    private static let introduction: JSONValue = [
        "resultType": "complete", "supportedVersions": ["2026-07-28", "2025-11-25", "2025-06-18", "2025-03-26"],
        "capabilities": [
            "tools": ["listChanged": true], "resources": [:], "prompts": [:], "logging": [:], "completions": [:],
            "extensions": ["io.modelcontextprotocol/tasks": [:]],
        ],
        "_meta": [
            "io.modelcontextprotocol/serverInfo": [
                "name": "torii-sample", "title": "Torii (sample)", "version": "1.0.0",
            ]
        ],
        "instructions": "Data of Northquay Instruments. Ask maren.okonjo@northquay.example before you change anything.",
        "ttlMs": 3_600_000, "cacheScope": "public",
    ]

    /// The answer with a type of its result, as every one has in this revision.
    static func complete(_ answer: JSONValue) -> JSONValue {
        with([("resultType", "complete")], in: answer)
    }

    private static func with(_ members: [(ByteString, JSONValue)], in answer: JSONValue) -> JSONValue {
        guard var result = answer["result"] else { return answer }
        for (name, value) in members where result[name] == nil { result.set(name, value) }
        var answer = answer
        answer.set("result", result)
        return answer
    }

    // MARK: calls that do not end in an answer

    private func special(_ params: JSONValue, _ id: JSONValue) -> SampleAnswer? {
        guard let tool = state.withLock({ $0.toolbox.tool(params.text("name") ?? "") }) else { return nil }
        let arguments = params["arguments"] ?? [:]
        switch tool.work {
        case .asking: return asking(params, arguments, id)
        case .asTask(let seconds, let work):
            let declared = params["_meta"]?[Self.meta.capabilities]?["extensions"]?[Self.tasks]
            guard declared != nil else {
                let outcome = state.withLock { work(&$0.organisation, arguments) }
                return .message(Self.complete(Self.answer(id, outcome)))
            }
            return .message(Self.result(id, beginTask(seconds(arguments), work, arguments)))
        default: return nil
        }
    }

    /// Asks for a name first. The state holds somebody's address: a vendor's may hold anything.
    private func asking(_ params: JSONValue, _ arguments: JSONValue, _ id: JSONValue) -> SampleAnswer {
        let state: JSONValue = "asked-for maren.okonjo@northquay.example"
        guard params["requestState"] == state, let answer = params["inputResponses"]?["who"] else {
            guard params["requestState"] == nil else {
                return .message(Self.error(id, -32_602, "Invalid requestState"), status: 400)
            }
            let schema: JSONValue = ["type": "object", "properties": ["name": ["type": "string"]]]
            return .message(
                Self.result(
                    id,
                    [
                        "resultType": "input_required", "requestState": state,
                        "inputRequests": [
                            "who": [
                                "method": "elicitation/create",
                                "params": [
                                    "mode": "form", "message": "Who are you? Not maren.okonjo@northquay.example?",
                                    "requestedSchema": schema,
                                ],
                            ]
                        ],
                    ]))
        }
        let greeting = arguments.text("greeting") ?? "Hello"
        let name = answer["content"]?.text("name") ?? "nobody"
        return .message(Self.complete(Self.answer(id, .prose("\(greeting.text), \(name.text)!"))))
    }

    private func beginTask(
        _ seconds: Double, _ work: @escaping @Sendable (inout Organisation, JSONValue) -> SampleTool.Outcome,
        _ arguments: JSONValue
    ) -> JSONValue {
        let name = ByteString("task-\(Hex.encode((0..<8).map { _ in UInt8.random(in: 0...255) }))")
        state.withLock { $0.tasks[name] = SampleTask(result: .null, isDone: false) }
        Task {
            try? await Task.sleep(for: .seconds(seconds))
            let outcome = self.state.withLock { work(&$0.organisation, arguments) }
            let done = SampleTask(result: outcome.result ?? .null, isDone: true)
            let wasWorking = self.state.withLock { state in
                guard state.tasks[name] != nil else { return false }
                state.tasks[name] = done
                return true
            }
            if wasWorking { self.tellSubscribers(Self.news(of: name, done)) }
        }
        var begun = Self.described(name, SampleTask(result: .null, isDone: false))
        begun.set("resultType", "task")
        return begun
    }

    private static func described(_ name: ByteString, _ task: SampleTask) -> JSONValue {
        var described: JSONValue = [
            "taskId": .string(name), "status": .text(task.isDone ? "completed" : "working"),
            "createdAt": "2026-11-20T10:00:00Z", "lastUpdatedAt": "2026-11-20T10:00:00Z", "ttlMs": 60_000,
            "pollIntervalMs": 100,
        ]
        if task.isDone {
            described.set("result", with([("resultType", "complete")], in: ["result": task.result])["result"] ?? .null)
        }
        return described
    }

    private static func news(of name: ByteString, _ task: SampleTask) -> JSONValue {
        ["jsonrpc": "2.0", "method": "notifications/tasks", "params": described(name, task)]
    }

    private func aboutTask(_ method: ByteString, _ params: JSONValue, _ id: JSONValue) -> SampleAnswer {
        let name = params.text("taskId") ?? ""
        guard let task = state.withLock({ $0.tasks[name] }) else {
            return .message(Self.error(id, -32_602, "Unknown task"), status: 400)
        }
        guard method == "tasks/get" else {
            if method == "tasks/cancel" { state.withLock { $0.tasks[name] = nil } }
            return .message(Self.result(id, ["resultType": "complete"]))
        }
        return .message(Self.complete(Self.result(id, Self.described(name, task))))
    }

    // MARK: subscriptions

    private func subscribe(_ params: JSONValue, _ id: JSONValue) -> SampleAnswer {
        let wanted = params["notifications"] ?? [:]
        let stream = SampleStream(number: state.withLock { $0.newStream() }, hasIDs: false)
        let subscription = SampleSubscription(id: id, wanted: wanted, stream: stream)
        state.withLock { $0.subscriptions[stream.number] = subscription }
        subscription.tell([
            "jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": ["notifications": wanted],
        ])
        return .stream(stream, nil, hangsUp: false)
    }

    /// Tells all who asked to hear of it.
    func tellSubscribers(_ message: JSONValue) {
        let subscriptions = state.withLock { Array($0.subscriptions.values) }
        for subscription in subscriptions where subscription.wants(message) { subscription.tell(message) }
    }
}

extension SampleSubscription {
    func wants(_ message: JSONValue) -> Bool {
        switch message.text("method") {
        case "notifications/tools/list_changed": wanted["toolsListChanged"] == true
        case "notifications/tasks": wanted["taskIds"]?.elements.contains(message["params"]?["taskId"] ?? .null) == true
        case "notifications/resources/updated":
            wanted["resourceSubscriptions"]?.elements.contains(message["params"]?["uri"] ?? .null) == true
        // What nobody asked for is sent all the same: a proxy must not believe that vendors keep to filters.
        default: true
        }
    }

    func tell(_ message: JSONValue) {
        var params = message["params"] ?? [:]
        var meta = params["_meta"] ?? [:]
        meta.set("io.modelcontextprotocol/subscriptionId", id)
        params.set("_meta", meta)
        var message = message
        message.set("params", params)
        stream.publish(message.encoded())
    }
}

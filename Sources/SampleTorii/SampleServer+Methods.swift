import Bytes
import JSON
import Synchronization

extension SampleServer {
    /// Answers a request of an established conversation.
    func answer(
        _ method: ByteString, _ params: JSONValue, _ id: JSONValue, _ session: SampleSession?
    ) async -> SampleAnswer {
        switch method {
        case "ping":
            return .message(Self.result(id, [:]))
        case "tools/list":
            let page = state.withLock { $0.toolbox.page(after: params.text("cursor"), size: max(1, settings.pageSize)) }
            guard let page else { return .message(Self.error(id, -32_602, "Invalid cursor")) }
            return .message(Self.result(id, page))
        case "tools/call":
            return await call(params, id, session)
        case "logging/setLevel":
            session?.logs = true
            return .message(Self.result(id, [:]))
        default:
            guard let result = state.withLock({ Self.beside(method, params, $0.organisation) }) else {
                return .message(Self.error(id, -32_601, "Method not found"))
            }
            return .message(Self.result(id, result))
        }
    }

    /// The same data by other doors: resources, prompts, completions. A proxy that guards only tools leaves them open.
    private static func beside(_ method: ByteString, _ params: JSONValue, _ here: Organisation) -> JSONValue? {
        switch method {
        case "resources/list":
            let users = here.users.prefix(10).map { user -> JSONValue in
                ["uri": .text("torii://users/\(user.number("id") ?? 0)"), "name": user["email"] ?? .null]
            }
            return ["resources": .array(Array(users))]
        case "resources/templates/list":
            return ["resourceTemplates": [["uriTemplate": "torii://users/{id}", "name": "A person"]]]
        case "resources/read":
            let uri = params.text("uri") ?? ""
            let id = uri.text.split(separator: "/").last.flatMap { Int($0) } ?? 0
            let place = Organisation.place(of: id, in: here.users) ?? 0
            let text = JSONValue.string(ByteString(here.users[place].encoded()))
            return ["contents": [["uri": .string(uri), "mimeType": "application/json", "text": text]]]
        case "prompts/list":
            return ["prompts": [["name": "offboard", "description": "Offboard teodor.abramczyk@northquay.example"]]]
        case "prompts/get":
            let text: JSONValue = "Offboard teodor.abramczyk@northquay.example today."
            return ["messages": [["role": "user", "content": ["type": "text", "text": text]]]]
        case "completion/complete":
            let typed = params["argument"]?.text("value") ?? ""
            let found = here.users.compactMap { $0.text("email") }.filter { $0.hasPrefix(typed) }.prefix(20)
            return ["completion": ["values": .array(found.map(JSONValue.string)), "hasMore": false]]
        default:
            return nil
        }
    }

    /// `tools/call`, also through `call_tool`.
    private func call(_ params: JSONValue, _ id: JSONValue, _ session: SampleSession?) async -> SampleAnswer {
        let name = params.text("name") ?? ""
        let arguments = params["arguments"] ?? [:]
        guard let tool = state.withLock({ $0.toolbox.tool(name) }) else {
            return .message(Self.error(id, -32_602, "Unknown tool: \(name.text)"))
        }
        switch tool.work {
        case .asking, .asTask:
            return .message(
                Self.result(id, ["content": [["type": "text", "text": "only in 2026-07-28"]], "isError": true]))
        case .now(let work):
            return finished(id, state.withLock { work(&$0.organisation, arguments) })
        case .later(let seconds, let work):
            return await later(seconds(arguments), work, arguments, id, session)
        case .inSteps(let steps, let work):
            let token = params["_meta"]?["progressToken"]
            return inSteps(steps(arguments), token, work, arguments, id, session)
        case .aboutTools where tool.name == "call_tool":
            var inner: JSONValue = ["name": arguments["tool_name"] ?? "", "arguments": arguments["arguments"] ?? [:]]
            if let meta = params["_meta"] { inner.set("_meta", meta) }
            guard inner.text("name") != "call_tool" else {
                return finished(id, .complaint("call_tool cannot call itself"))
            }
            if let called = inner.text("name") { state.withLock { $0.control.count("call_tool", tool: called) } }
            return await call(inner, id, session)
        case .aboutTools:
            return finished(id, aboutTools(tool, arguments))
        }
    }

    func finished(_ id: JSONValue, _ outcome: SampleTool.Outcome) -> SampleAnswer {
        .message(Self.answer(id, outcome))
    }

    static func answer(_ id: JSONValue, _ outcome: SampleTool.Outcome) -> JSONValue {
        guard case .fault(let code, let message, let data) = outcome else {
            return result(id, outcome.result ?? .null)
        }
        return error(id, code, message, data: data)
    }

    private func aboutTools(_ tool: SampleTool, _ arguments: JSONValue) -> SampleTool.Outcome {
        guard tool.name == "sample_change_definition" else {
            return state.withLock { $0.toolbox.answer(tool, arguments) }
        }
        let (outcome, sessions) = state.withLock { ($0.toolbox.change(arguments), Array($0.sessions.values)) }
        let news: JSONValue = ["jsonrpc": "2.0", "method": "notifications/tools/list_changed"]
        for session in sessions { session.announcements.publish(news.encoded()) }
        tellSubscribers(news)
        return outcome
    }

    /// A call that takes its time, and can be called off.
    private func later(
        _ seconds: Double, _ work: @Sendable (inout Organisation, JSONValue) -> SampleTool.Outcome,
        _ arguments: JSONValue, _ id: JSONValue, _ session: SampleSession?
    ) async -> SampleAnswer {
        let request = ByteString(id.encoded())
        let sleep = Task<Void, Never> { try? await Task.sleep(for: .seconds(seconds)) }
        session?.work(on: request, sleep)
        await sleep.value
        session?.isDone(request)
        guard !sleep.isCancelled else { return .message(Self.error(id, 0, "Request cancelled")) }
        return finished(id, state.withLock { work(&$0.organisation, arguments) })
    }

    /// A call that answers in pieces. The work goes on by itself: the connection it was asked on may break.
    private func inSteps(
        _ steps: SampleTool.Steps, _ token: JSONValue?,
        _ work: @escaping @Sendable (inout Organisation, JSONValue) -> SampleTool.Outcome, _ arguments: JSONValue,
        _ id: JSONValue, _ session: SampleSession?
    ) -> SampleAnswer {
        let isStateless = session?.version == SampleServer.stateless
        let stream = SampleStream(number: state.withLock { $0.newStream() }, hasIDs: !isStateless)
        let request = ByteString(id.encoded())
        session?.keep(stream)
        // Revision 2025-11-25 primes: an id to come back with, before there is anything to say.
        if session?.version == "2025-11-25" { stream.publish([], retry: 100) }
        let logs = session?.logs == true
        let task = Task<Void, Never> {
            for step in 0..<steps.count {
                guard (try? await Task.sleep(for: .seconds(steps.secondsApart))) != nil else { break }
                if let token { stream.publish(Self.progress(step + 1, of: steps, token).encoded()) }
                if logs { stream.publish(Self.log(steps.message).encoded()) }
            }
            if !Task.isCancelled {
                let outcome = self.state.withLock { work(&$0.organisation, arguments) }
                let answer = Self.answer(id, outcome)
                stream.publish((isStateless ? Self.complete(answer) : answer).encoded())
            }
            stream.finish()
            session?.isDone(request)
        }
        session?.work(on: request, task)
        return .stream(stream, session, hangsUp: steps.hangsUp && session != nil && !isStateless)
    }

    private static func progress(_ step: Int, of steps: SampleTool.Steps, _ token: JSONValue) -> JSONValue {
        [
            "jsonrpc": "2.0", "method": "notifications/progress",
            "params": [
                "progressToken": token, "progress": .integer(step), "total": .integer(steps.count),
                "message": .text("\(step) of \(steps.count): \(steps.message)"),
            ],
        ]
    }

    private static func log(_ text: String) -> JSONValue {
        [
            "jsonrpc": "2.0", "method": "notifications/message",
            "params": ["level": "info", "logger": "sample", "data": ["text": .text(text)]],
        ]
    }
}

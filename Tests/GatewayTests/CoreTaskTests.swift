import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Reactor
import Testing

@testable import Gateway

private func created(_ id: String, more: String = "") -> String {
    """
    {"task":{"taskId":"\(id)","status":"working","statusMessage":"asks grace@example.com","createdAt":"2026-01-02T03:04:05Z",\
    "lastUpdatedAt":"2026-01-02T03:04:05Z","ttl":60000,"pollInterval":500}\(more)}
    """
}

extension Client {
    /// Calls a tool as a task, which the server makes of it.
    fileprivate func starting(_ id: String, more: String = "") async -> MemoryExchange {
        house.server.on("tools/call", .result(created(id, more: more)))
        return await ask("tools/call", #"{"name":"list_apps","task":{"ttl":60000}}"#)
    }
}

private func about(_ id: String) -> String { #"{"taskId":"\#(id)"}"# }

@Suite struct `A task of 2025-11-25` {
    @Test func `is its caller's, and redacted as its call would be`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            let answer = await client.starting(
                "t-1", more: #","_meta":{"io.modelcontextprotocol/model-immediate-response":"ask grace@example.com"}"#)
            #expect(answer.json["result"]?["task"]?["taskId"] == .string("t-1"))
            #expect(answer.json["result"]?["task"]?["createdAt"] == .string("2026-01-02T03:04:05Z"))
            #expect(answer.text.contains("model-immediate-response"))
            house.server.on(
                "tasks/get",
                .result(#"{"taskId":"t-1","status":"working","statusMessage":"at grace@example.com","ttl":1}"#))
            let state = await client.ask("tasks/get", about("t-1"))
            #expect(state.json["result"]?["status"] == .string("working"))
            house.server.on(
                "tasks/result",
                .result(
                    #"{"content":[{"type":"text","text":"grace@example.com is done"}],"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t-1"}}}"#
                ))
            let result = await client.ask("tasks/result", about("t-1"))
            #expect(result.text.contains("is done"))
            #expect(
                result.text.contains(#""related-task":{"taskId":"t-1"}"#) || result.text.contains(#"{"taskId":"t-1"}"#))
            house.server.on("tasks/cancel", .result(#"{"taskId":"t-1","status":"cancelled"}"#))
            let end = await client.ask("tasks/cancel", about("t-1"))
            #expect(end.json["result"]?["status"] == .string("cancelled"))
            for exchange in [answer, state, result, end] {
                #expect(!exchange.text.contains("grace"))
                #expect(exchange.json["error"] == nil)
            }
        }
        // What is asked about a task names its tool.
        #expect(trail.of("call.outcome").filter { $0["mcp.tool"] == "list_apps" }.count >= 4)
    }

    @Test(arguments: ["tasks/get", "tasks/result", "tasks/cancel"])
    func `does not exist for anybody else`(_ method: String) async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            _ = await client.starting("t-1")
            let other = Client(
                house,
                path: ByteString(
                    "/mcp/" + (try house.endpoint("other", EndpointConfig(policy: "wide"), ttl: nil)).secret.text))
            let stranger = try await house.conversing(other)
            house.server.forget()
            let foreign = await stranger.ask(method, about("t-1"))
            let unknown = await stranger.ask(method, about("t-2"))
            #expect(foreign.status == 200 && foreign.code == "-32602")
            #expect(foreign.json["error"]?["message"] == unknown.json["error"]?["message"])
            #expect(await client.ask(method, #"{"taskId":7}"#).code == "-32602")
            #expect(await client.ask(method).code == "-32602")
            #expect(house.server.received.isEmpty)
            // Another conversation of the same caller's knows it.
            let again = try await house.conversing(house.wideGuest())
            house.server.on(method, .result(#"{"taskId":"t-1","status":"working","content":[]}"#))
            #expect(await again.ask(method, about("t-1")).json["error"] == nil)
        }
    }

    @Test func `is listed to nobody else, and without what it says`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            _ = await client.starting("t-1")
            house.server.on(
                "tasks/list",
                .result(
                    #"{"tasks":[{"taskId":"t-0","status":"working"},{"taskId":"t-1","status":"working","statusMessage":"at Grace's","_meta":{"a":1},"ttl":null},{"status":"x"}],"nextCursor":"n"}"#
                ))
            let list = await client.ask("tasks/list")
            #expect(
                list.text.contains(
                    #""result":{"tasks":[{"taskId":"t-1","status":"working","ttl":null}],"nextCursor":"n"}"#))
        }
    }

    @Test func `is told of while it runs, on the stream of whose it is`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            _ = await client.starting("t-1")
            let answer = ScriptedAnswer()
            let exchange = await client.listening(answer)
            for id in ["t-0", "t-1"] {
                answer.send(
                    event:
                        #"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{"taskId":"\#(id)","status":"working","statusMessage":"at grace@example.com"}}"#
                )
            }
            answer.send(event: #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#)
            await eventually { exchange.data.count == 2 }
            #expect(exchange.text.contains("t-1") && !exchange.text.contains("t-0"))
            #expect(!exchange.text.contains("grace"))
            exchange.leave()
        }
    }

    @Test func `may ask its user while its result is waited for`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            _ = await client.starting("t-1")
            let answer = ScriptedAnswer()
            house.server.on("tasks/result", .stream(answer))
            let waiting = client.begin(client.exchange(.post, client.request("tasks/result", about("t-1"))))
            await eventually { waiting.isStream }
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","id":1,"method":"elicitation/create","params":{"message":"Who?","requestedSchema":{"type":"object","properties":{}}}}"#
            )
            await eventually { waiting.data.count == 1 }
            #expect(
                await client.send(#"{"jsonrpc":"2.0","id":1,"result":{"action":"accept","content":{"a":1}}}"#).status
                    == 202)
            let id = String(
                decoding: try #require(house.server.received("tasks/result").last).json["id"]!.encoded(), as: UTF8.self)
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","id":\#(id),"result":{"content":[{"type":"text","text":"grace@example.com"}]}}"#)
            await eventually { waiting.isFinished }
            #expect(waiting.data.count == 2 && !waiting.text.contains("grace"))
        }
    }

    @Test func `is not shown when it could not be asked for`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            _ = await client.starting("t-1")
            // Another's, or another call's.
            #expect(await client.starting("t-1").isToolError)
            house.server.on("tools/call", .result(#"{"task":{"status":"working"}}"#))
            #expect(await client.ask("tools/call", #"{"name":"list_apps","task":{}}"#).isToolError)
        }
    }

    @Test func `is asked for in no older revision`() async throws {
        try await House.run { house in
            house.server.on(
                "initialize",
                .result(
                    #"{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"s","version":"1"}}"#
                ))
            let client = try await house.conversing(house.wideGuest())
            await client.ask("tools/call", #"{"name":"list_apps","task":{"ttl":1}}"#)
            #expect(
                house.server.received("tools/call").last?.json["params"]
                    == .object([.init("name", .string("list_apps"))]))
        }
    }
}

import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Testing

@testable import Gateway

/// Calls that become tasks (2026-07-28, the extension `io.modelcontextprotocol/tasks`).
@Suite struct `A stateless task` {
    private static let knows = #"{"extensions":{"io.modelcontextprotocol/tasks":{}},"elicitation":{},"roots":{}}"#
    private static let begun =
        #"{"resultType":"task","taskId":"t-1","status":"working","createdAt":"2026-11-20T10:00:00Z","lastUpdatedAt":"2026-11-20T10:00:00Z","ttlMs":60000}"#

    private static func begin(_ house: House, _ client: Client) async throws -> MemoryExchange {
        try await house.knowing()
        house.server.on("tools/call", .result(begun))
        return await client.send(.call("list_users", capabilities: knows))
    }

    private static func ask(_ method: String, _ id: String = "t-1", more: String = "") -> Stateless {
        Stateless(method, #"{"taskId":"\#(id)"\#(more)}"#, capabilities: knows)
    }

    @Test func `is its caller's, and its result is redacted as the call's would have been`() async throws {
        let trail = try await House.run { house in
            let client = house.wideGuest()
            let begun = try await Self.begin(house, client)
            #expect(begun.result?["taskId"] == "t-1")
            house.server.on(
                "tasks/get",
                .result(
                    #"{"resultType":"complete","taskId":"t-1","status":"completed","result":{"content":[{"type":"text","text":"{\"email\":\"ada@example.com\"}"}],"structuredContent":{"email":"ada@example.com"}}}"#
                ))
            let got = await client.send(Self.ask("tasks/get"))
            #expect(got.status == 200)
            #expect(got.result?["result"]?["structuredContent"]?["email"] != nil)
            #expect(!got.text.contains("ada@example.com"))
            #expect(house.server.received.last?.fields["mcp-name"] == "t-1")
            house.server.on("tasks/cancel", .result(#"{"resultType":"complete"}"#))
            #expect(await client.send(Self.ask("tasks/cancel")).status == 200)
        }
        #expect(trail.of("call.intent").last?["mcp.tool"] == "list_users")
    }

    @Test func `is unknown to others, under other ids, and for tools that are gone`() async throws {
        let trail = try await House.run { house in
            let client = house.wideGuest()
            _ = try await Self.begin(house, client)
            house.server.forget()
            let second = try house.endpoint("second", EndpointConfig(policy: "wide"), ttl: nil)
            let other = Client(house, path: ByteString("/mcp/" + second.secret.text))
            for answer in [
                await other.send(Self.ask("tasks/get")), await client.send(Self.ask("tasks/get", "t-2")),
                await client.send(Self.ask("tasks/cancel", "")), await other.send(Self.ask("tasks/update")),
            ] {
                #expect(answer.status == 400)
                #expect(answer.code == "-32602")
                #expect(answer.json["error"]?["message"] == "Unknown task.")
            }
            #expect(house.server.received.isEmpty)
            house.server.on("tools/list", .result(#"{"tools":[]}"#))
            house.book.isOutdated()
            await client.send(.call("list_apps"))
            #expect(await client.send(Self.ask("tasks/get")).code == "-32602")
        }
        #expect(trail.of("request.refused").words.filter { $0 == "task_unknown" }.count == 5)
    }

    @Test func `is nothing for who does not know the extension, nor where policy closes it`() async throws {
        try await House.run { house in
            let client = house.wideGuest()
            _ = try await Self.begin(house, client)
            house.server.forget()
            let ignorant = await client.send(Stateless("tasks/get", #"{"taskId":"t-1"}"#))
            #expect(ignorant.status == 400)
            #expect(ignorant.code == "-32021")
            #expect(
                ignorant.json["error"]?["data"]?["requiredCapabilities"]?["extensions"]?[
                    "io.modelcontextprotocol/tasks"] != nil)
            for method in ["tasks/get", "tasks/update", "tasks/cancel", "tasks/list", "tasks/result"] {
                let closed = await house.adaAtTheDoor().send(Self.ask(method))
                #expect(closed.status == 404)
                #expect(closed.code == "-32601")
            }
            for method in ["tasks/list", "tasks/result"] {
                #expect(await client.send(Self.ask(method)).status == 404)
            }
            #expect(house.server.received.isEmpty)
            // A server that makes a task of it all the same brings nothing back.
            let unasked = await client.send(.call("list_apps"))
            #expect(unasked.isToolError)
            #expect(await house.adaAtTheDoor().send(.call("list_apps", capabilities: Self.knows)).isToolError)
        }
    }

    @Test func `asks what policy opens, and is answered only what it asked`() async throws {
        try await House.run { house in
            let client = house.wideGuest()
            _ = try await Self.begin(house, client)
            house.server.on("tasks/update", .result(#"{"resultType":"complete"}"#))
            let answers = #","inputResponses":{"k":{"roots":[]},"other":{}}"#
            await client.send(Self.ask("tasks/update", more: answers))
            #expect(house.server.received.last?.json["params"]?["inputResponses"] == .object([]))
            house.server.on(
                "tasks/get",
                .result(
                    #"{"resultType":"complete","taskId":"t-1","status":"input_required","inputRequests":{"k":{"method":"roots/list"}}}"#
                ))
            #expect(await client.send(Self.ask("tasks/get")).result?["inputRequests"]?["k"] != nil)
            await client.send(Self.ask("tasks/update", more: answers))
            #expect(house.server.received.last?.json["params"]?["inputResponses"] == ["k": ["roots": .array([])]])
            house.server.on(
                "tasks/get",
                .result(
                    #"{"resultType":"complete","taskId":"t-1","status":"input_required","inputRequests":{"k":{"method":"tools/call"}}}"#
                ))
            let closed = await client.send(Self.ask("tasks/get"))
            #expect(closed.json["result"] == nil)
            #expect(closed.code == "53031")
        }
    }

    @Test func `tells its subscriber what became of it, redacted`() async throws {
        try await House.run { house in
            let client = house.wideGuest()
            _ = try await Self.begin(house, client)
            let answer = ScriptedAnswer()
            house.server.on("subscriptions/listen", .stream(answer))
            let request = Stateless(
                "subscriptions/listen", #"{"notifications":{"taskIds":["t-1","t-2"]}}"#, capabilities: Self.knows)
            let exchange = client.begin(client.exchange(request))
            await eventually { exchange.isStream }
            #expect(house.server.received.last?.json["params"]?["notifications"]?["taskIds"] == ["t-1"])
            let meta = #""_meta":{"io.modelcontextprotocol/subscriptionId":7}"#
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{"taskIds":["t-1"]},\#(meta)}}"#
            )
            for id in ["t-2", "t-1"] {
                answer.send(
                    event:
                        #"{"jsonrpc":"2.0","method":"notifications/tasks","params":{"taskId":"\#(id)","status":"completed","result":{"content":[],"structuredContent":{"email":"ada@example.com"}},\#(meta)}}"#
                )
            }
            await eventually { exchange.data.count == 2 }
            #expect(exchange.data.last?.contains(#""taskId":"t-1""#) == true)
            #expect(!exchange.text.contains("ada@example.com"))
            exchange.leave()
        }
    }
}

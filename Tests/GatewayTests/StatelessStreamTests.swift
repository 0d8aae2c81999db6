import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Reactor
import Sessions
import System
import Testing

@testable import Gateway

@Suite struct `A stateless answer in events` {
    private static let done = #"{"jsonrpc":"2.0","id":7,"result":{"resultType":"complete","content":[]}}"#

    private static func progress(_ token: String, _ message: String = "ada@example.com") -> String {
        #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":\#(token),"progress":1,"message":"\#(message)"}}"#
    }

    private static func streaming(
        _ house: House, _ client: Client, _ answer: ScriptedAnswer, _ request: Stateless
    ) async throws -> MemoryExchange {
        try await house.knowing()
        house.server.on("tools/call", .stream(answer))
        let exchange = client.begin(client.exchange(request))
        await eventually { exchange.isStream }
        return exchange
    }

    @Test func `comes event by event, redacted, without ids, and ends with the answer`() async throws {
        let trail = try await House.run { house in
            let answer = ScriptedAnswer()
            var request = Stateless.call("list_apps")
            request.meta = #","progressToken":"p""#
            let exchange = try await Self.streaming(house, house.adaAtTheDoor(), answer, request)
            answer.send("id: 1\nretry: 5\ndata:\n\n")
            answer.send("id: secret-id\nretry: 5\ndata: \(Self.progress(#""p""#))\n\n")
            await eventually { exchange.data.count == 1 }
            answer.send(event: Self.progress(#""other""#))
            answer.send(event: #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#)
            answer.send(
                event: #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#)
            answer.send("event: other\ndata: \(Self.progress(#""p""#))\n\n")
            answer.send(event: #"{"jsonrpc":"2.0","id":1,"method":"roots/list"}"#)
            answer.send(event: #"{"jsonrpc":"2.0","id":8,"result":{"content":[]}}"#)
            answer.send(event: Self.done)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 2)
            #expect(exchange.data.last?.contains("complete") == true)
            #expect(!exchange.text.contains("ada@example.com"))
            #expect(!exchange.text.contains("id:"))
            #expect(!exchange.text.contains("retry:"))
            #expect(house.server.received.count == 1)
            #expect(answer.isAborted)
        }
        #expect(trail.outcomes == ["ok", "ok"])
        #expect(trail.of("request.refused").words == ["server_request"])
    }

    @Test func `brings log messages where they were asked for and are open`() async throws {
        try await House.run { house in
            let answer = ScriptedAnswer()
            var request = Stateless.call("list_apps")
            request.meta = #","io.modelcontextprotocol/logLevel":"info""#
            let exchange = try await Self.streaming(house, house.guest(), answer, request)
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"email":"ada@example.com"}}}"#
            )
            answer.send(event: Self.done)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 2)
            #expect(!exchange.text.contains("ada@example.com"))
        }
    }

    @Test func `is cancelled at the server when its client goes away, and its outcome is unknown`() async throws {
        let trail = try await House.run { house in
            let answer = ScriptedAnswer()
            let exchange = try await Self.streaming(house, house.adaAtTheDoor(), answer, .call("list_apps"))
            exchange.leave()
            await eventually { answer.isAborted }
        }
        #expect(trail.outcomes == ["ok", "unknown"])
        #expect(trail.codes.last == "client_gone")
    }

    @Test func `is cancelled before the server has said anything`() async throws {
        let trail = try await House.run { house in
            try await house.knowing()
            house.server.on("tools/call", .waits)
            let client = house.adaAtTheDoor()
            let exchange = client.begin(client.exchange(.call("list_apps")))
            await eventually { house.server.received.count == 1 }
            exchange.leave()
            await eventually { house.loop.liveTasks <= 1 }
        }
        #expect(trail.outcomes == ["ok", "unknown"])
        #expect(trail.codes.last == "client_gone")
    }

    @Test func `that is JSON is cancelled in the middle of it, too`() async throws {
        let trail = try await House.run { house in
            try await house.knowing()
            let answer = ScriptedAnswer(status: 200, type: "application/json")
            house.server.on("tools/call", .stream(answer))
            let client = house.adaAtTheDoor()
            let exchange = client.begin(client.exchange(.call("list_apps")))
            answer.send(#"{"jsonrpc""#)
            await eventually { answer.reads > 1 }
            exchange.leave()
            await eventually { answer.isAborted }
        }
        #expect(trail.outcomes == ["ok", "unknown"])
    }

    @Test func `that was written down is no cancellation, however soon its client goes`() async throws {
        let trail = try await House.run { house in
            let answer = ScriptedAnswer()
            let exchange = try await Self.streaming(house, house.adaAtTheDoor(), answer, .call("list_apps"))
            answer.send(event: Self.done)
            await eventually { exchange.data.count == 1 }
            exchange.leave()
        }
        #expect(trail.outcomes == ["ok", "ok"])
    }

    @Test func `ends with its token`() async throws {
        let trail = try await House.run { house in
            let short = try house.endpoint("short", EndpointConfig(policy: "wide"), ttl: 0.4)
            let client = Client(house, path: ByteString("/mcp/" + short.secret.text))
            let answer = ScriptedAnswer()
            let exchange = try await Self.streaming(house, client, answer, .call("list_apps"))
            await eventually { exchange.isFinished }
            #expect(answer.isAborted)
            #expect(exchange.data.isEmpty)
        }
        #expect(trail.outcomes == ["ok", "blocked"])
    }

    @Test(arguments: ["data: {\n\n", "data: [1]\n\n", "data: {\"jsonrpc\":\"1.0\"}\n\n"])
    func `that cannot be read ends with a refusal`(_ text: String) async throws {
        try await House.run { house in
            let answer = ScriptedAnswer()
            let exchange = try await Self.streaming(house, house.adaAtTheDoor(), answer, .call("list_apps"))
            answer.send(text)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 1)
            #expect(exchange.data.first?.contains(#""isError":true"#) == true)
            #expect(exchange.data.first?.contains(#""resultType":"complete""#) == true)
        }
    }

    @Test func `that ends before the answer says so`() async throws {
        let trail = try await House.run { house in
            let answer = ScriptedAnswer()
            let exchange = try await Self.streaming(house, house.adaAtTheDoor(), answer, .call("list_apps"))
            answer.beQuiet()
            answer.end()
            await eventually { exchange.isFinished }
            #expect(exchange.text.contains(": \n\n"))
            #expect(exchange.data.count == 1)
        }
        #expect(trail.outcomes.last == "unknown")
    }
}

@Suite struct `A subscription` {
    private static func listen(
        _ house: House, _ client: Client, _ answer: ScriptedAnswer, _ filter: String, id: String = #""listen-1""#
    ) async -> MemoryExchange {
        house.server.on("subscriptions/listen", .stream(answer))
        let request = Stateless(
            "subscriptions/listen", #"{"notifications":\#(filter)}"#,
            capabilities: #"{"extensions":{"io.modelcontextprotocol/tasks":{}}}"#, id: id)
        let exchange = client.begin(client.exchange(request))
        await eventually { exchange.isStream || exchange.isFinished }
        return exchange
    }

    private static func notice(_ method: String, _ params: String = "", id: String = #""listen-1""#) -> String {
        let more = params.isEmpty ? "" : ",\(params)"
        return
            #"{"jsonrpc":"2.0","method":"notifications/\#(method)","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":\#(id)}\#(more)}}"#
    }

    private static let everything =
        #"{"toolsListChanged":true,"promptsListChanged":true,"resourcesListChanged":true,"resourceSubscriptions":["torii://docs/a","torii://users/1"],"taskIds":["t"],"x":1}"#

    @Test func `asks the server for no more than policy opens, and hears of no more`() async throws {
        let trail = try await House.run { house in
            let answer = ScriptedAnswer()
            let exchange = await Self.listen(house, house.adaAtTheDoor(), answer, Self.everything)
            let sent = try #require(house.server.received.first?.json["params"])
            #expect(sent["notifications"] == ["toolsListChanged": true])
            answer.send(event: Self.notice("subscriptions/acknowledged", #""notifications":\#(Self.everything)"#))
            answer.send(event: Self.notice("prompts/list_changed"))
            answer.send(event: Self.notice("resources/updated", #""uri":"torii://docs/a""#))
            answer.send(event: Self.notice("message", #""level":"info","data":"x""#))
            answer.send(event: Self.notice("progress", #""progressToken":1,"progress":1"#))
            answer.send(event: Self.notice("tools/list_changed", id: #""another""#))
            answer.send(event: Self.notice("tools/list_changed"))
            await eventually { exchange.data.count == 2 }
            #expect(exchange.data[0].contains(#""notifications":{"toolsListChanged":true}"#))
            #expect(exchange.data[1].contains("tools/list_changed"))
            exchange.leave()
            await eventually { answer.isAborted }
        }
        #expect(trail.outcomes == ["ok"])
        #expect(trail.codes == ["client_gone"])
    }

    @Test func `hears of resources that are open to it`() async throws {
        try await House.run { house in
            let answer = ScriptedAnswer()
            let exchange = await Self.listen(house, house.wideGuest(), answer, Self.everything)
            let sent = try #require(house.server.received.first?.json["params"]?["notifications"])
            #expect(sent["resourceSubscriptions"] == ["torii://docs/a"])
            #expect(sent["taskIds"] == .array([]))
            #expect(sent["x"] == nil)
            answer.send(event: Self.notice("subscriptions/acknowledged", #""notifications":\#(Self.everything)"#))
            answer.send(event: Self.notice("resources/updated", #""uri":"torii://docs/a""#))
            answer.send(event: Self.notice("resources/updated", #""uri":"torii://docs/b""#))
            answer.send(event: Self.notice("tasks", #""taskId":"t","status":"completed""#))
            answer.send(event: Self.notice("prompts/list_changed"))
            await eventually { exchange.data.count == 3 }
            #expect(exchange.data[0].contains(#""resourceSubscriptions":["torii://docs/a"]"#))
            #expect(!exchange.data[0].contains("taskIds"))
            answer.send(event: #"{"jsonrpc":"2.0","id":"listen-1","result":{"resultType":"complete","_meta":{}}}"#)
            await eventually { exchange.isFinished }
            #expect(
                exchange.data.last
                    == #"{"jsonrpc":"2.0","id":"listen-1","result":{"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":"listen-1"}}}"#
            )
        }
    }

    @Test func `is told nothing before it is acknowledged, and acknowledged once`() async throws {
        try await House.run { house in
            let answer = ScriptedAnswer()
            let exchange = await Self.listen(
                house, house.adaAtTheDoor(), answer, #"{"toolsListChanged":true}"#, id: "5")
            answer.send(event: Self.notice("tools/list_changed", id: "5"))
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged","params":{"notifications":{}}}"#
            )
            answer.send(event: Self.notice("subscriptions/acknowledged", #""notifications":{}"#, id: "5"))
            answer.beQuiet()
            answer.send(event: #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 2)
            #expect(exchange.data[0].contains(#""io.modelcontextprotocol/subscriptionId":5"#))
            #expect(exchange.data[1].contains(#""resultType":"complete""#))
            #expect(exchange.text.contains(": \n\n"))
        }
    }

    @Test func `ends properly with its token, when it is revoked, and when the gateway stops`() async throws {
        let trail = try await House.run { house in
            let short = try house.endpoint("short", ttl: 0.5)
            let revoked = try house.endpoint("revoked", ttl: nil)
            var open: [(MemoryExchange, ScriptedAnswer)] = []
            for secret in [short.secret, revoked.secret] {
                let answer = ScriptedAnswer()
                let client = Client(house, path: ByteString("/mcp/" + secret.text))
                open.append((await Self.listen(house, client, answer, #"{"toolsListChanged":true}"#), answer))
            }
            let stopped = ScriptedAnswer()
            open.append(
                (await Self.listen(house, house.adaAtTheDoor(), stopped, #"{"toolsListChanged":true}"#), stopped))
            #expect(house.gateway.subscriptions.count == 3)
            try house.applied(house.store.deleteEndpoint(revoked.record.id, now: .now))
            await eventually { open[0].0.isFinished && open[1].0.isFinished }
            #expect(!open[2].0.isFinished)
            house.gateway.drain()
            await eventually { open[2].0.isFinished }
            for (exchange, answer) in open {
                #expect(exchange.data.last?.contains(#""resultType":"complete""#) == true)
                #expect(answer.isAborted)
            }
            #expect(house.gateway.subscriptions.count == 0)
        }
        #expect(trail.codes.sorted() == ["draining", "token_ended", "token_ended"])
    }

    @Test func `hears of other rules, and is judged by them from then on`() async throws {
        try await House.run { house in
            let answer = ScriptedAnswer()
            let exchange = await Self.listen(
                house, house.wideGuest(), answer, #"{"toolsListChanged":true,"promptsListChanged":true}"#)
            house.gateway.replace(house.gateway.rules)
            await house.loop.sleep(for: .milliseconds(20))
            #expect(exchange.data.isEmpty, "the acknowledgement comes first")
            answer.send(event: Self.notice("subscriptions/acknowledged", #""notifications":{"toolsListChanged":true}"#))
            await eventually { exchange.data.count == 1 }
            house.gateway.replace(house.gateway.rules)
            await eventually { exchange.data.count == 2 }
            #expect(
                exchange.data.last
                    == #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"io.modelcontextprotocol/subscriptionId":"listen-1"}}}"#
            )
            // What the new rules close is heard of no more: here they have no server at all.
            house.gateway.replace(Rules([]))
            await eventually { exchange.isFinished }
            #expect(exchange.data.last?.contains(#""resultType":"complete""#) == true)
            #expect(answer.isAborted)
        }
    }

    @Test func `that asked for nothing of tools hears nothing of them`() async throws {
        try await House.run { house in
            let answer = ScriptedAnswer()
            let exchange = await Self.listen(house, house.wideGuest(), answer, #"{"promptsListChanged":true}"#)
            answer.send(event: Self.notice("subscriptions/acknowledged", #""notifications":{}"#))
            await eventually { exchange.data.count == 1 }
            house.gateway.replace(house.gateway.rules)
            answer.send(event: Self.notice("prompts/list_changed"))
            await eventually { exchange.data.count == 2 }
            #expect(exchange.data.last?.contains("prompts") == true)
            exchange.leave()
        }
    }

    @Test(arguments: [
        Reply.json(#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"Method not found"}}"#, status: 404),
        .body("", type: nil, status: 405),
    ])
    func `that the server does not know is an answer`(_ reply: Reply) async throws {
        try await House.run { house in
            house.server.on("subscriptions/listen", reply)
            let answer = await house.adaAtTheDoor().send(
                Stateless("subscriptions/listen", #"{"notifications":{"toolsListChanged":true}}"#))
            #expect(answer.json["error"] != nil)
            #expect(answer.id == "7")
        }
    }
}

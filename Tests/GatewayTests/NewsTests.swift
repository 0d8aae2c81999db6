import Bytes
import Catalog
import HTTP
import JSON
import KomainuTesting
import Reactor
import Testing

@testable import Gateway

private let toolsChanged = #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#

@Suite struct `A change of what may be called` {
    @Test func `is told on every session's own stream when other rules are in force`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.listening(answer)
            await house.loop.sleep(for: .milliseconds(5))
            house.gateway.replace(house.gateway.rules)
            await eventually { exchange.data == [toolsChanged] }
            // Its own events go on around it.
            answer.send(event: #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{}}}"#)
            await eventually { exchange.data.count == 2 }
            exchange.leave()
        }
    }

    @Test func `is told when a definition changed, and when somebody approved it`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let exchange = await client.listening(ScriptedAnswer())
            await client.ask("tools/list")
            await house.loop.sleep(for: .milliseconds(20))
            #expect(exchange.data.isEmpty, "what is as it was is no news")
            house.server.on(
                "tools/list",
                .result(#"{"tools":[{"name":"list_apps","description":"Other","inputSchema":{"type":"object"}}]}"#))
            #expect(await client.ask("tools/list").json["result"]?["tools"] == .array([]))
            await eventually { exchange.data == [toolsChanged] }
            let waiting = try #require(house.book.pins.pending["list_apps"])
            try await house.book.approve("list_apps", waiting.definition.hash, by: "tests")
            await eventually { exchange.data.count == 2 }
            #expect(await client.ask("tools/list").text.contains("list_apps"))
            exchange.leave()
        }
    }

    @Test func `is not told to who does not listen, and never in the middle of an event`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            house.server.on("GET", .stream(answer))
            let exchange = client.exchange(.get)
            exchange.stopsReading = true
            _ = client.begin(exchange)
            await eventually { exchange.isStream }
            answer.send(event: #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{}}}"#)
            await house.loop.sleep(for: .milliseconds(5))
            for _ in 0..<10 { house.gateway.replace(house.gateway.rules) }
            await house.loop.sleep(for: .milliseconds(5))
            exchange.resumeReading()
            await eventually { exchange.data.count >= 2 }
            #expect(exchange.data.dropFirst().allSatisfy { $0 == toolsChanged })
            exchange.leave()
        }
    }

    @Test func `judges a stream's next message by the rules in force`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.guest())
            let answer = ScriptedAnswer()
            let exchange = await client.listening(answer)
            let log = #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#
            answer.send(event: log)
            await eventually { exchange.data.count == 1 }
            await house.loop.sleep(for: .milliseconds(5))
            house.gateway.replace(try house.rulesWithout("open.yaml"))
            // The endpoint's policy is gone: so is its stream.
            await eventually { exchange.isFinished || exchange.wasCut }
        }
    }
}

@Suite struct `An initialize` {
    @Test(arguments: ["{}", #"{"listChanged":false}"#, #"{"listChanged":true}"#])
    func `says that changes of tools are told`(_ vendors: String) async throws {
        try await House.run { house in
            house.server.on(
                "initialize",
                .result(
                    #"{"protocolVersion":"2025-11-25","capabilities":{"tools":\#(vendors)},"serverInfo":{"name":"s","version":"1"}}"#
                ))
            let exchange = try await house.adaAtTheDoor().initialize()
            #expect(exchange.json["result"]?["capabilities"]?["tools"]?["listChanged"] == .bool(true))
        }
    }

    @Test(
        arguments: [
            (#"{"sampling":{},"roots":{"listChanged":true},"elicitation":{}}"#, #"{"sampling":{}}"#),
            (#"{"sampling":{"tools":{},"context":{},"vendor":1}}"#, #"{"sampling":{"vendor":1}}"#),
            (#"{"sampling":{"tools":{}}}"#, "{}"), (#"{"tasks":{"list":{}},"experimental":{"x":{}}}"#, "{}"),
        ])
    func `promises of the client what policy opens`(_ capabilities: String, _ seen: String) async throws {
        try await House.run { house in
            try await house.guest().initialize(
                #"{"protocolVersion":"2025-11-25","capabilities":\#(capabilities),"clientInfo":{"name":"c","version":"1"}}"#
            )
            let sent = try #require(house.server.received("initialize").first?.json["params"]?["capabilities"])
            #expect(String(decoding: sent.encoded(), as: UTF8.self) == seen)
        }
    }
}

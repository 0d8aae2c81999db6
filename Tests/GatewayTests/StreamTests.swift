import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Reactor
import System
import Telemetry
import Testing

@testable import Gateway
@testable import Upstream

@Suite struct `A stream that owes an answer` {
    @Test func `brings what the client may hear, then the answer, and ends`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer, meta: #"{"progressToken":"mine"}"#)
            #expect(exchange.status == 200)
            #expect(exchange.fields["content-type"] == "text/event-stream")
            #expect(exchange.fields["cache-control"] == "no-store, no-transform")
            answer.send(": a comment\n\n")
            answer.send("id: 41\nretry: 1500\ndata:\n\n")
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"mine","progress":0.50,"message":"at grace@example.com"}}"#
            )
            answer.send("event: message\nid: 42\ndata: \(answerToSeven)\n\n")
            await eventually { exchange.isFinished }
            let events = try exchange.events()
            try #require(events.count == 3)
            #expect(events[0].data == [] && events[0].retry == 1500)
            // The server's own ids are nobody's to see.
            let ids = try [events[0], events[2]].map { try #require($0.id).text }
            #expect(Set(ids).count == 2 && ids.allSatisfy { $0.count >= 40 })
            #expect(!exchange.text.contains("grace"))
            #expect(exchange.text.contains("0.50"))
            #expect(exchange.text.contains("event: message\nid: \(ids[1])\n"))
            #expect(answer.isAborted)
            #expect(await client.ask("ping").status == 200)
        }
        #expect(trail.outcomes.suffix(2) == ["ok", "ok"])
    }

    @Test func `carries nothing beside its data that could be data`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer)
            answer.send(Array("event: ada@example.com\nid: ada@example.com\nretry: 4915112345678\ndata:\n\n".utf8))
            answer.send(Array("id: ada-lovelace\ndata: \(answerToSeven)\n\n".utf8))
            await eventually { exchange.isFinished }
            #expect(!exchange.text.contains("ada"))
            #expect(!exchange.text.contains("4915112345678"))
            #expect(try exchange.events().last?.id != nil)
        }
    }

    @Test(arguments: [1, 2, 3, 5, 7, 11, 64])
    func `is the same however its bytes are cut`(_ size: Int) async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer, meta: #"{"progressToken":1}"#)
            let text =
                "id: e-1\r\ndata:\r\n\r\nevent: message\rdata: {\"jsonrpc\":\"2.0\",\rdata: \"method\":\"notifications/progress\",\"params\":{\"progressToken\":1,\"progress\":1,\"message\":\"ä€𝄞\"}}\r\r: x\n\ndata: \(answerToSeven)\n\n"
            let bytes = Array(text.utf8)
            for start in stride(from: 0, to: bytes.count, by: size) {
                answer.send(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            await eventually { exchange.isFinished }
            let events = try exchange.events()
            try #require(events.count == 3)
            #expect(events.first?.id != nil)
            #expect(exchange.data[1].contains("ä€𝄞"))
            #expect(exchange.data[2].contains("done"))
        }
    }

    @Test(
        arguments: [
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":"other","progress":1}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"x"}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"torii://docs/a"}}"#,
            #"{"jsonrpc":"2.0","method":"notifications/vendor"}"#,
            #"{"jsonrpc":"2.0","method":"notifications/tasks/status","params":{}}"#,
            #"{"jsonrpc":"2.0","method":"tools/call","params":{}}"#,
            #"{"jsonrpc":"2.0","id":99,"result":{"content":[]}}"#,
            #"{"jsonrpc":"2.0","id":"7","result":{"content":[]}}"#,
        ])
    func `drops what the client did not ask for`(_ event: String) async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer, meta: #"{"progressToken":"mine"}"#)
            answer.send(event: event)
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 1)
            #expect(exchange.data.first?.contains("done") == true)
            let metrics = String(decoding: house.metrics.exposition(), as: UTF8.self)
            #expect(metrics.contains("komainu_server_messages_dropped_total{"))
        }
    }

    @Test(arguments: ["sampling/createMessage", "elicitation/create", "roots/list", "tasks/get", "vendor/x"])
    func `answers a request of the server's itself when the policy opens none`(_ method: String) async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer)
            house.server.forget()
            answer.send(event: #"{"jsonrpc":"2.0","id":"s1","method":"\#(method)","params":{}}"#)
            await eventually { !house.server.received.isEmpty }
            let own = try #require(house.server.received.first)
            #expect(own.way == .own)
            #expect(own.json["id"] == "s1")
            #expect(own.json["error"]?["code"] == -32601)
            #expect(own.fields["mcp-session-id"]?.text == ScriptedServer.sessionID)
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 1)
            let late = await client.send(#"{"jsonrpc":"2.0","id":"s1","result":{}}"#)
            #expect(late.status == 400)
        }
    }

    @Test func `answers the server's ping`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer)
            answer.send(event: #"{"jsonrpc":"2.0","id":0,"method":"ping"}"#)
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
            let own = try #require(house.server.received.first { $0.way == .own })
            #expect(own.text == #"{"jsonrpc":"2.0","id":0,"result":{}}"#)
        }
    }

    @Test func `passes on a request of the server's that the policy opens, and takes its answer once`() async throws {
        let trail = try await House.run { house in
            let foreign = try await house.conversing(house.bobAtTheDoor())
            let client = try await house.conversing(house.guest())
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer)
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","id":5,"method":"sampling/createMessage","params":{"messages":[],"maxTokens":5}}"#
            )
            await eventually { exchange.data.count == 1 }
            house.server.forget()
            let reply = #"{"jsonrpc":"2.0","id":5,"result":{"role":"assistant","content":{"type":"text","text":"hi"}}}"#
            #expect(await foreign.send(reply).status == 400)
            #expect(await client.send(reply).status == 202)
            #expect(house.server.received.map(\.text) == [reply])
            #expect(await client.send(reply).status == 400)
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 2)
        }
        #expect(trail.of("request.refused").words == ["unsolicited_response", "unsolicited_response"])
    }

    @Test func `stays alive while the server is silent`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer)
            answer.beQuiet()
            await eventually { exchange.text.contains(": \n") }
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 1)
        }
    }

    @Test func `is given up when the server is silent for too long`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer)
            // Fifteen seconds each, and 300 are too many; a word in between begins the count anew.
            for _ in 0..<19 { answer.beQuiet() }
            answer.send(": still here\n\n")
            for _ in 0..<20 { answer.beQuiet() }
            await eventually { exchange.isFinished }
            #expect(answer.isAborted)
            #expect(exchange.data.last?.contains("upstream_timed_out") == true)
            #expect(exchange.pieces.count == 39)
        }
        #expect(trail.outcomes.last == "timeout")
        #expect(trail.codes == ["upstream_timed_out"])
    }

    @Test func `goes on to its record when the client leaves`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer)
            exchange.leave()
            #expect(!answer.isAborted)
            // Its id is still taken, for its answer is still owed.
            #expect(await client.send(callSeven()).status == 400)
            answer.send(event: #"{"jsonrpc":"2.0","method":"notifications/progress","params":{}}"#)
            answer.send(event: answerToSeven)
            await eventually { answer.isAborted }
            #expect(exchange.pieces.isEmpty)
        }
        #expect(trail.outcomes.last == "ok")
    }

    @Test func `goes on to its record when the client has left before it began`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            house.server.on("tools/call") { _ in
                await eventually { house.server.received.count == 2 }
                return .stream(answer)
            }
            let exchange = client.begin(client.exchange(.post, callSeven()))
            await eventually { !house.server.received.isEmpty }
            exchange.leave()
            await client.ask("ping")
            answer.send(event: answerToSeven)
            await eventually { answer.isAborted }
        }
        #expect(trail.outcomes.last == "ok")
    }

    @Test func `has its server read only as fast as its client reads`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer, meta: #"{"progressToken":1}"#, stopsReading: true)
            for number in 0..<50 {
                answer.send(
                    event:
                        #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":\#(number)}}"#
                )
            }
            await house.loop.sleep(for: .milliseconds(50))
            #expect(answer.reads == 1)
            exchange.resumeReading()
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 51)
        }
        #expect(trail.outcomes.last == "ok")
    }

    @Test func `is cut at once when its token is revoked`() async throws {
        let trail = try await House.run { house in
            let token = try house.token("carol", ttl: nil)
            let client = try await house.conversing(Client(house, path: "/u/torii/mcp", token: token.secret))
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer)
            try house.applied(house.store.revokeAPIToken(token.record.id, now: .now))
            await eventually { exchange.isFinished || exchange.wasCut }
            #expect(answer.isAborted)
            answer.send(event: answerToSeven)
            #expect(!exchange.text.contains("done"))
        }
        #expect(trail.outcomes.last == "blocked")
        #expect(trail.codes == ["auth_ended_meanwhile"])
    }

    @Test func `is cut at once when its client does not even read`() async throws {
        let trail = try await House.run { house in
            let token = try house.token("carol", ttl: nil)
            let client = try await house.conversing(Client(house, path: "/u/torii/mcp", token: token.secret))
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer, meta: #"{"progressToken":1}"#, stopsReading: true)
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#)
            await eventually { answer.reads == 1 }
            await house.loop.sleep(for: .milliseconds(20))
            try house.applied(house.store.revokeAPIToken(token.record.id, now: .now))
            await eventually { exchange.wasCut }
            #expect(answer.isAborted)
        }
        #expect(trail.codes == ["auth_ended_meanwhile"])
    }
}

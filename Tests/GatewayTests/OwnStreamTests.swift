import Bytes
import HTTP
import Identity
import KomainuTesting
import Reactor
import System
import Telemetry
import Testing

@testable import Gateway
@testable import Upstream

@Suite struct `A session's own stream` {
    @Test func `brings notices and no answers, and ends with its client`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.listening(answer)
            let opened = try #require(house.server.received.last)
            #expect(opened.fields["accept"] == "text/event-stream")
            #expect(opened.fields["mcp-session-id"]?.text == ScriptedServer.sessionID)
            answer.send(event: #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#)
            // An answer of another request has no place here: nobody knows how it must be redacted.
            answer.send(event: answerToSeven)
            answer.send(
                event: #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}"#
            )
            answer.send(
                event: #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed","params":{"_meta":{"n":2}}}"#)
            await eventually { exchange.data.count == 2 }
            #expect(!exchange.text.contains("done"))
            exchange.leave()
            await eventually { answer.isAborted }
        }
        #expect(trail.of("call.outcome").last?["out.st"] == "ok")
        #expect(trail.codes == ["client_gone"])
    }

    @Test func `is one at a time`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let first = ScriptedAnswer()
            let exchange = await client.listening(first)
            #expect(await client.handled(client.exchange(.get)).status == 409)
            exchange.leave()
            await eventually { house.loop.liveTasks == 1 }
            let second = await client.listening(ScriptedAnswer())
            second.leave()
        }
        #expect(trail.of("request.refused").words == ["stream_taken"])
    }

    @Test(
        arguments: [
            (.body("", type: nil, status: 405), 405, "stream_unsupported"),
            (.body("{}", type: "application/json"), 405, "stream_unsupported"),
            (.body("", type: nil, status: 404), 404, "session_unknown"),
            (.body("", type: nil, status: 500), 405, "stream_unsupported"),
            (.fails(.refused), 502, "upstream_refused"), (.fails(.timedOut(.head)), 502, "upstream_timed_out"),
        ] as [(Reply, Int, String)])
    func `is refused when the server has none`(_ reply: Reply, _ status: Int, _ word: String) async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            house.server.on("GET", reply)
            let exchange = await client.handled(client.exchange(.get))
            #expect(exchange.status == status)
            if status == 405 { #expect(exchange.fields["allow"] == "POST, DELETE") }
            // It can be asked for again.
            if status != 404 { #expect(await client.handled(client.exchange(.get)).status == status) }
        }
        #expect(trail.codes.allSatisfy { $0 == word })
    }

    @Test func `ends with its session`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.listening(answer)
            #expect(await client.deleteSession().status == 204)
            await eventually { exchange.isFinished || exchange.wasCut }
            #expect(answer.isAborted)
        }
        #expect(trail.codes == ["session_ended"])
    }

    @Test func `ends when the endpoint's time is over, to the moment`() async throws {
        let trail = try await House.run { house in
            let brief = try house.endpoint("brief", ttl: 0.6)
            let client = try await house.conversing(Client(house, path: ByteString("/mcp/" + brief.secret.text)))
            let answer = ScriptedAnswer()
            let exchange = await client.listening(answer)
            #expect(!exchange.isFinished)
            await eventually { exchange.isFinished || exchange.wasCut }
            #expect(answer.isAborted)
            #expect(await client.ask("ping").status == 404)
        }
        #expect(trail.codes == ["token_ended"])
    }

    @Test func `ends when its endpoint is deleted`() async throws {
        let trail = try await House.run { house in
            let endpoint = try house.endpoint("brief", ttl: nil)
            let client = try await house.conversing(Client(house, path: ByteString("/mcp/" + endpoint.secret.text)))
            let exchange = await client.listening(ScriptedAnswer())
            try house.applied(house.store.deleteEndpoint(endpoint.record.id, now: .now))
            await eventually { exchange.isFinished || exchange.wasCut }
        }
        #expect(trail.codes == ["token_ended"])
    }

    @Test func `ends when the server ends it or breaks off`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            for failure in [nil, UpstreamFailure.cutOff] {
                let answer = ScriptedAnswer()
                let exchange = await client.listening(answer)
                if let failure { answer.fail(failure) } else { answer.end() }
                await eventually { exchange.isFinished }
            }
            let answer = ScriptedAnswer()
            let exchange = await client.listening(answer)
            answer.send(event: "nonsense")
            await eventually { exchange.isFinished }
            #expect(exchange.data.isEmpty)
        }
        #expect(trail.outcomes.suffix(3) == ["ok", "upstream_error", "upstream_error"])
    }

    @Test func `passes log messages that are open, redacted`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.guest())
            let answer = ScriptedAnswer()
            let stream = await client.listening(answer)
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":"grace@example.com"}}"#
            )
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"torii://people/1"}}"#
            )
            answer.send(
                event:
                    #"{"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":"torii://docs/1"}}"#
            )
            await eventually { stream.data.count == 2 }
            #expect(!stream.text.contains("grace") && !stream.text.contains("people"))
            stream.leave()
        }
    }
}

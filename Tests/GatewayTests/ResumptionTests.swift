import Bytes
import HTTP
import KomainuTesting
import Reactor
import Testing

@testable import Gateway
@testable import Upstream

private let answerWithGrace =
    #"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"grace@example.com is done"}]}}"#
private let primed = "id: e-1\nretry: 100\ndata:\n\n"

extension Client {
    /// Takes a stream up again, which the server answers with `answer`.
    fileprivate func resuming(_ event: ByteString, _ answer: ScriptedAnswer) -> MemoryExchange {
        house.server.on("GET", .stream(answer))
        return begin(exchange(.get, "", [("last-event-id", event.text)]))
    }

    fileprivate func resume(_ event: ByteString) async -> MemoryExchange {
        await handled(exchange(.get, "", [("last-event-id", event.text)]))
    }

    /// A call whose stream brought an event with an id and then ended.
    fileprivate func interrupted(_ failure: UpstreamFailure? = nil) async throws -> ByteString {
        let answer = ScriptedAnswer()
        let exchange = await streaming(answer)
        answer.send(primed)
        if let failure { answer.fail(failure) } else { answer.end() }
        await eventually { exchange.isFinished }
        house.server.on("tools/call", .result(#"{"content":[]}"#))
        #expect(exchange.data == [""], "a stream that may be resumed ends without a word")
        return try #require(try exchange.events().first?.id)
    }
}

extension MemoryExchange {
    fileprivate func lastID() throws -> ByteString { try #require(try events().last { $0.id != nil }?.id) }
}

@Suite struct `A stream that its server closes in the middle of a call` {
    @Test(arguments: [nil, UpstreamFailure.cutOff])
    func `is resumed, and brings the answer redacted`(_ failure: UpstreamFailure?) async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let event = try await client.interrupted(failure)
            // The call is still open: its id is taken.
            #expect(await client.send(callSeven()).status == 400)
            let replay = ScriptedAnswer()
            let exchange = client.resuming(event, replay)
            await eventually { exchange.isStream }
            let asked = try #require(house.server.received.last)
            #expect(asked.way == .stream)
            #expect(asked.fields["last-event-id"] == "e-1")
            #expect(asked.fields["mcp-session-id"]?.text == ScriptedServer.sessionID)
            replay.send("id: e-2\ndata: \(answerWithGrace)\n\n")
            await eventually { exchange.isFinished }
            #expect(exchange.data.last?.contains("is done") == true)
            #expect(!exchange.text.contains("grace"))
            #expect(replay.isAborted)
            #expect(await client.send(callSeven()).status == 200)
        }
        let call = try #require(trail.of("call.intent").first { $0["mcp.tool"] == "list_apps" && $0["mcp.id"] == "7" })
        let outcomes = trail.of("call.outcome").filter { $0["of"] == call["seq"] }
        #expect(outcomes.count == 1)
        #expect(outcomes.first?["out.st"] == "ok")
        #expect(outcomes.first?["red"]?.contains("people") == true)
        #expect(outcomes.first?["call"] == call["call"])
    }

    @Test func `may be closed and resumed again`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            var event = try await client.interrupted()
            for number in 2...4 {
                let replay = ScriptedAnswer()
                let exchange = client.resuming(event, replay)
                replay.send("id: e-\(number)\ndata:\n\n")
                replay.end()
                await eventually { exchange.isFinished }
                #expect(house.server.received.last?.fields["last-event-id"]?.text == "e-\(number - 1)")
                event = try exchange.lastID()
            }
            let replay = ScriptedAnswer()
            let exchange = client.resuming(event, replay)
            replay.send(event: answerWithGrace)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 1)
        }
        #expect(trail.codes == ["stream_ended", "stream_ended", "stream_ended"])
    }

    @Test func `leaves its call open until its time is over`() async throws {
        let trail = try await House.run({ $0.rules = { $0.resumption = .milliseconds(50) } }) { house in
            let client = try await house.conversing()
            let event = try await client.interrupted()
            await house.loop.sleep(for: .milliseconds(80))
            // The id is free, and what the server replays is a replay.
            #expect(await client.call("list_apps").status == 200)
            let replay = ScriptedAnswer()
            let exchange = client.resuming(event, replay)
            replay.send(event: answerWithGrace)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 1 && !exchange.text.contains("grace"))
        }
        #expect(trail.outcomes.contains("unknown"))
        #expect(trail.codes == ["not_resumed"])
    }

    @Test(arguments: [true, false])
    func `leaves nothing open when its session ends, or the program`(_ isDeleted: Bool) async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let event = try await client.interrupted()
            if isDeleted {
                _ = await client.deleteSession()
                #expect(await client.resume(event).status == 404)
            } else {
                house.gateway.drain()
            }
        }
        #expect(trail.codes == ["session_ended"])
        #expect(trail.outcomes.contains("unknown"))
    }

    @Test func `stays open when its server does not take it up`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let event = try await client.interrupted()
            for (reply, status) in [
                (Reply.body("", type: nil, status: 400), 405), (.fails(.refused), 502),
                (.body("{}", type: "application/json"), 405),
            ] {
                house.server.on("GET", reply)
                #expect(await client.resume(event).status == status)
            }
            let replay = ScriptedAnswer()
            let exchange = client.resuming(event, replay)
            replay.send(event: answerWithGrace)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 1)
        }
    }
}

@Suite struct `A stream that its client lost` {
    @Test func `is taken up elsewhere, and its call ends once`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let lost = await client.streaming(answer)
            answer.send(primed)
            await eventually { lost.data.count == 1 }
            let replay = ScriptedAnswer()
            let exchange = client.resuming(try lost.lastID(), replay)
            await eventually { exchange.isStream }
            #expect(answer.isAborted)
            replay.send(event: answerWithGrace)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 1)
        }
        let call = try #require(trail.of("call.intent").first { $0["mcp.id"] == "7" })
        #expect(trail.of("call.outcome").filter { $0["of"] == call["seq"] }.count == 1)
    }

    @Test func `brings its answer once more when that was lost with it`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let lost = await client.streaming(answer)
            answer.send(primed)
            await eventually { lost.data.count == 1 }
            lost.leave()
            answer.send("id: e-2\ndata: \(answerWithGrace)\n\n")
            await eventually { answer.isAborted }
            let replay = ScriptedAnswer()
            let exchange = client.resuming(try lost.lastID(), replay)
            replay.send("id: e-2\ndata: \(answerWithGrace)\n\n")
            await eventually { exchange.isFinished }
            #expect(exchange.data.last?.contains("is done") == true)
            #expect(!exchange.text.contains("grace"))
        }
        // The call has its outcome, and the replay a record of its own.
        #expect(trail.outcomes.suffix(2) == ["ok", "ok"])
        #expect(trail.of("call.outcome").last?["red"]?.contains("people") == true)
    }

    @Test func `shows nothing under other rules than it was answered by`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            let exchange = await client.streaming(answer)
            answer.send("id: e-1\ndata: \(answerToSeven)\n\n")
            await eventually { exchange.isFinished }
            let event = try exchange.lastID()
            house.gateway.replace(house.gateway.rules)
            house.server.forget()
            #expect(await client.resume(event).status == 400)
            #expect(house.server.received.isEmpty)
        }
    }

    @Test func `brings no other request's answer, and asks nothing twice`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing(house.guest())
            let event = try await client.interrupted()
            let question =
                #"{"jsonrpc":"2.0","id":5,"method":"sampling/createMessage","params":{"messages":[],"maxTokens":5}}"#
            let replay = ScriptedAnswer()
            let exchange = client.resuming(event, replay)
            replay.send("id: e-2\ndata: \(question)\n\n")
            replay.send(event: #"{"jsonrpc":"2.0","id":8,"result":{"content":[{"type":"text","text":"other"}]}}"#)
            await eventually { exchange.data.count == 1 }
            // Not answered yet: it comes again. Answered: it does not, and nobody is told that there is no such method.
            let again = ScriptedAnswer()
            let second = client.resuming(try exchange.lastID(), again)
            again.send("id: e-2\ndata: \(question)\n\n")
            await eventually { second.data.count == 1 }
            house.server.forget()
            let reply = #"{"jsonrpc":"2.0","id":5,"result":{"role":"assistant","content":{"type":"text","text":"hi"}}}"#
            #expect(await client.send(reply).status == 202)
            let third = ScriptedAnswer()
            let last = client.resuming(try second.lastID(), third)
            third.send("id: e-2\ndata: \(question)\n\n")
            third.send(event: answerToSeven)
            await eventually { last.isFinished }
            #expect(last.data.count == 1)
            #expect(house.server.received.filter { $0.way != .stream }.map(\.text) == [reply])
            #expect(!exchange.text.contains("other"))
        }
        #expect(trail.codes == ["resumed", "resumed"])
    }

    @Test func `is nobody else's, and no other session's`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let event = try await client.interrupted()
            let bob = try await house.conversing(house.bobAtTheDoor())
            let sibling = try await house.conversing()
            house.server.forget()
            var texts: Set<String> = []
            let changed = ByteString(event.text.dropLast() + (event.text.hasSuffix("A") ? "B" : "A"))
            for (who, id) in [
                (bob, event), (sibling, event), (client, changed), (client, "e-1"), (client, "1"), (client, "*"),
            ] {
                let exchange = await who.resume(id)
                #expect(exchange.status == 400)
                texts.insert(exchange.textWithoutRecord)
            }
            // With a stolen session id as well it is still not theirs.
            bob.session = client.session
            #expect(await bob.resume(event).status == 404)
            #expect(texts.count == 1)
            #expect(house.server.received.isEmpty)
            _ = await client.deleteSession()
        }
        #expect(trail.of("request.refused").words.filter { $0 == "replay" }.count == 6)
    }
}

@Suite struct `A session's own stream that was lost` {
    @Test func `is resumed in place of the one that is open`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let first = ScriptedAnswer()
            let lost = await client.listening(first)
            first.send(
                #"id: g-1\#ndata: {"jsonrpc":"2.0","method":"notifications/tools/list_changed"}\#n\#n"#)
            await eventually { lost.data.count == 1 }
            #expect(await client.handled(client.exchange(.get)).status == 409)
            let second = ScriptedAnswer()
            let exchange = client.resuming(try lost.lastID(), second)
            await eventually { exchange.isStream }
            #expect(first.isAborted)
            #expect(house.server.received.last?.fields["last-event-id"] == "g-1")
            second.send(event: answerToSeven)
            second.send(event: #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#)
            await eventually { exchange.data.count == 1 }
            #expect(!exchange.text.contains("done"))
            #expect(await client.handled(client.exchange(.get)).status == 409)
            exchange.leave()
            await eventually { second.isAborted }
        }
        #expect(trail.codes == ["resumed", "client_gone"])
    }
}

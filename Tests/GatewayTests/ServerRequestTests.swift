import Bytes
import HTTP
import JSON
import KomainuTesting
import Reactor
import Testing

@testable import Gateway

private let form =
    #"{"jsonrpc":"2.0","id":5,"method":"elicitation/create","params":{"message":"For grace@example.com?","requestedSchema":{"type":"object","properties":{"name":{"type":"string"}}},"_meta":{"progressToken":"theirs"}}}"#

private func errand(_ url: String) -> String {
    #"{"jsonrpc":"2.0","id":ID,"error":{"code":-32042,"message":"Ask grace@example.com","data":{"elicitations":[{"mode":"url","elicitationId":"e-7","url":"\#(url)","message":"Connect"}]}}}"#
}

private let completed =
    #"{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":{"elicitationId":"e-7"}}"#

@Suite struct `What a server asks` {
    /// A call in whose middle the server asks `message`.
    private func asked(_ client: Client, _ message: String) async -> (MemoryExchange, ScriptedAnswer) {
        let answer = ScriptedAnswer()
        let exchange = await client.streaming(answer)
        answer.send(event: message)
        await eventually { exchange.data.count == 1 }
        client.house.server.forget()
        return (exchange, answer)
    }

    @Test func `is redacted, and answered once, in the shape that it has`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            let (exchange, answer) = await asked(client, form)
            #expect(!exchange.text.contains("grace"))
            let reply = #"{"jsonrpc":"2.0","id":5,"result":{"action":"accept","content":{"name":"Ada","tags":["a"]}}}"#
            #expect(await client.send(reply).status == 202)
            #expect(house.server.received.map(\.text) == [reply])
            #expect(await client.send(reply).status == 400)
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
        }
        #expect(trail.of("request.refused").words == ["unsolicited_response"])
    }

    @Test(
        arguments: [
            #"{"action":"maybe"}"#, #"{"action":"accept","content":{"name":{"deep":1}}}"#,
            #"{"action":"accept","content":[]}"#,
            #"{"action":"decline","content":{"name":"Ada"}}"#, #"{"content":{}}"#, "[]", "7",
            #"{"action":"accept","content":{"name":"p-3f9c2a1b7d@redacted.invalid"}}"#,
        ])
    func `is not answered in another shape, nor with what stands for data`(_ result: String) async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            let (exchange, answer) = await asked(client, form)
            #expect(await client.send(#"{"jsonrpc":"2.0","id":5,"result":\#(result)}"#).status == 202)
            // The server is told, instead of waiting for ever.
            #expect(house.server.received.map(\.way) == [.own])
            #expect(house.server.received.first?.json["id"] == 5)
            #expect(house.server.received.first?.json["error"] != nil)
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
        }
    }

    @Test func `may be cancelled by the server, and is then nobody's to answer late`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            let (exchange, answer) = await asked(client, form)
            answer.send(event: #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#)
            await eventually { exchange.data.count == 2 }
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
        }
    }

    @Test func `hears of progress only under the token that it gave`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            #expect(
                await client.notify("notifications/progress", #"{"progressToken":"theirs","progress":1}"#).status == 202
            )
            #expect(house.server.received.isEmpty)
            let (exchange, answer) = await asked(client, form)
            for token in ["\"theirs\"", "\"other\"", "5", "null"] {
                await client.notify("notifications/progress", #"{"progressToken":\#(token),"progress":1}"#)
            }
            #expect(house.server.calls == ["notifications/progress"])
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
        }
    }

    @Test func `belongs to a request of the client's also on the session's own stream`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            let own = ScriptedAnswer()
            let stream = await client.listening(own)
            let call = ScriptedAnswer()
            let exchange = await client.streaming(call)
            own.send(event: form)
            await eventually { stream.data.count == 1 }
            #expect(await client.send(#"{"jsonrpc":"2.0","id":5,"result":{"action":"cancel"}}"#).status == 202)
            call.send(event: answerToSeven)
            await eventually { exchange.isFinished }
            house.server.forget()
            own.send(event: form.replacing(#""id":5"#, with: #""id":6"#))
            await eventually { !house.server.received.isEmpty }
            #expect(stream.data.count == 1)
            stream.leave()
        }
    }

    @Test func `shares its ids with no request of the client's`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            let (exchange, answer) = await asked(client, form.replacing(#""id":5"#, with: #""id":7"#))
            #expect(await client.send(#"{"jsonrpc":"2.0","id":7,"result":{"action":"decline"}}"#).status == 202)
            #expect(house.server.calls == [""])
            answer.send(event: answerToSeven)
            await eventually { exchange.isFinished }
            #expect(exchange.data.count == 2)
        }
    }
}

@Suite struct `An errand that a server sends its user on` {
    @Test func `is shown when every host is open, and its end is told once`() async throws {
        try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            house.server.on("tools/call", .json(errand("https://accounts.example.com/connect")))
            let exchange = await client.call("list_apps")
            #expect(exchange.code == "-32042")
            #expect(exchange.text.contains("https://accounts.example.com/connect") && exchange.text.contains("e-7"))
            #expect(!exchange.text.contains("grace"))
            let own = ScriptedAnswer()
            let stream = await client.listening(own)
            own.send(event: completed)
            own.send(event: completed)
            own.send(event: #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#)
            await eventually { stream.data.count == 2 }
            #expect(stream.data.first?.contains("e-7") == true)
            stream.leave()
        }
    }

    @Test(arguments: ["https://evil.example/", "http://accounts.example.com/", ""])
    func `is not shown when one is not`(_ url: String) async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing(house.wideGuest())
            house.server.on("tools/call", .json(errand(url)))
            let exchange = await client.call("list_apps")
            #expect(exchange.isToolError && exchange.decision == "input_closed")
            #expect(!exchange.text.contains("e-7"))
            // Nor to somebody whose policy opens none.
            house.server.on("tools/call", .result(#"{"content":[]}"#))
            let ada = try await house.conversing()
            house.server.on("tools/call", .json(errand("https://accounts.example.com/connect")))
            #expect(await ada.call("list_apps").decision == "input_closed")
        }
        #expect(trail.codes.filter { $0 == "input_closed" }.count == 2)
    }
}

@Suite struct `Progress` {
    @Test func `comes on the session's own stream too, redacted as its call`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let own = ScriptedAnswer()
            let stream = await client.listening(own)
            let progress = { (token: String) in
                #"{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":\#(token),"progress":1,"message":"at grace@example.com"}}"#
            }
            let call = ScriptedAnswer()
            let exchange = await client.streaming(call, meta: #"{"progressToken":"mine"}"#)
            own.send(event: progress("\"other\""))
            own.send(event: progress("\"mine\""))
            await eventually { stream.data.count == 1 }
            #expect(!stream.text.contains("grace"))
            call.send(event: answerToSeven)
            await eventually { exchange.isFinished }
            own.send(event: progress("\"mine\""))
            own.send(event: #"{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}"#)
            await eventually { stream.data.count == 2 }
            #expect(!stream.data[1].contains("progress"))
            stream.leave()
        }
    }
}

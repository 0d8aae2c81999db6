import Bytes
import Edge
import HTTP
import Reactor
import System
import Testing

private let get = "GET /a HTTP/1.1\r\nHost: proxy.test\r\n\r\n"

@Suite struct `A slow client` {
    @Test func `that trickles its head gets 408 at the deadline, however steadily it trickles`() async throws {
        try await House.with(settings: { $0.times.head = .milliseconds(400) }) { house in
            let client = try await house.client()
            let sender = LoopBound(client)
            house.loop.spawn {
                for byte in get.utf8 {
                    try? await sender.value.send([byte])
                    await house.loop.sleep(for: .milliseconds(50))
                }
            }
            #expect(try await client.answer()?.status == 408)
            #expect(await client.ends())
            #expect(house.witness.codes == ["slowHead"])
        }
    }

    @Test(arguments: ["", "\r\n"]) func `that asks nothing is closed without a word`(_ sent: String) async throws {
        try await House.with(settings: {
            $0.times.idle = .milliseconds(200)
            $0.times.head = .milliseconds(200)
        }) { house in
            let client = try await house.client()
            try await client.send(get)
            #expect(try await client.answer()?.status == 200)
            try await client.send(sent)
            let (bytes, closed) = await client.everything(patience: .seconds(3))
            #expect(bytes.isEmpty && closed)
            #expect(house.witness.codes.isEmpty)
        }
    }

    @Test func `does not get to hold a handshake open`() async throws {
        try await House.with(settings: { $0.times.handshake = .milliseconds(200) }) { house in
            let silent = try await house.client(tls: false)
            #expect(await silent.ends())
            let wrong = try await house.client(tls: false)
            try await wrong.send(get)
            _ = await wrong.everything(patience: .seconds(3))
            await house.loop.sleep(for: .milliseconds(1_200))
            #expect(Set(house.witness.codes) == ["slowHandshake", "handshakeFailed"])
            #expect(house.witness.refusals.allSatisfy { $0.status == nil && $0.peer.address == "127.0.0.1" })
        }
    }

    @Test func `whose body is slow fails the reading, and the handler answers`() async throws {
        let handler = Answering { exchange in
            await #expect(throws: ExchangeFailure.slow) { try await exchange.readBody(limit: 100) }
            try? await exchange.respond(Response(status: 408))
        }
        try await House.with(handler: handler, settings: { $0.times.body = .milliseconds(200) }) { house in
            let client = try await house.client()
            try await client.send("POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 20\r\n\r\nhi")
            let answer = try #require(try await client.answer())
            #expect(answer.status == 408 && !answer.head.keepsAlive)
            #expect(await client.ends())
        }
    }
}

@Suite struct `A body` {
    private func post(_ fields: String, _ body: String) -> String {
        "POST /p HTTP/1.1\r\nHost: proxy.test\r\n\(fields)\r\n\r\n\(body)"
    }

    @Test func `is asked for when the client waits to be asked`() async throws {
        try await House.with { house in
            let client = try await house.client()
            try await client.send(post("Content-Length: 2\r\nExpect: 100-continue", ""))
            let (bytes, _) = await client.everything(patience: .milliseconds(200))
            #expect(String(decoding: bytes, as: UTF8.self) == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("hi" + get)
            #expect(try await client.answer()?.text.contains("\"aGk=\"") == true)
            #expect(try await client.answer()?.status == 200)
        }
    }

    @Test func `that was not asked for ends the connection with the answer`() async throws {
        let handler = Answering { exchange in try? await exchange.respond(Response(status: 401)) }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            try await client.send(post("Content-Length: 2\r\nExpect: 100-continue", ""))
            let answer = try #require(try await client.answer())
            #expect(answer.status == 401 && !answer.head.keepsAlive)
            #expect(await client.ends())
        }
    }

    @Test(arguments: ["Content-Length: 100000", "Transfer-Encoding: chunked"])
    func `that nobody reads is dropped, and the connection lives on`(_ framing: String) async throws {
        let handler = Answering { exchange in try? await exchange.respond(Response(status: 401)) }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            let body = String(repeating: "x", count: 100_000)
            for _ in 0..<3 {
                let coded = framing.contains("chunked") ? "186a0\r\n\(body)\r\n0\r\n\r\n" : body
                try await client.send(post(framing, coded))
                let answer = try #require(try await client.answer())
                #expect(answer.status == 401 && answer.head.keepsAlive)
            }
        }
    }

    @Test func `that nobody reads and that is large ends the connection, and the answer is still read`() async throws {
        let handler = Answering { exchange in try? await exchange.respond(Response(status: 401, body: [0x21])) }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            let sender = LoopBound(client)
            house.loop.spawn {
                let body = String(repeating: "x", count: 3_000_000)
                try? await sender.value.send(post("Content-Length: 3000000", body))
            }
            let answer = try #require(try await client.answer())
            #expect(answer.status == 401 && answer.text == "!" && !answer.head.keepsAlive)
        }
    }

    @Test(arguments: [
        ("Content-Length: 11", "hello world", ExchangeFailure.tooLarge),
        ("Transfer-Encoding: chunked", "b\r\nhello world\r\n0\r\n\r\n", .tooLarge),
        ("Transfer-Encoding: chunked", "z", .malformed(HTTPFailure(.badChunkSize, at: 0))),
    ])
    func `above its limit or broken fails the reading`(
        _ framing: String, _ body: String, _ failure: ExchangeFailure
    ) async throws {
        let handler = Answering { exchange in
            await #expect(throws: failure) { try await exchange.readBody(limit: 10) }
            try? await exchange.respond(Response(status: 413))
        }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            try await client.send(post(framing, body))
            #expect(try await client.answer()?.status == 413)
        }
    }

    @Test func `comes in any number of pieces`() async throws {
        try await House.with { house in
            let client = try await house.client()
            for byte in post("Transfer-Encoding: chunked", "2\r\nhi\r\n0\r\n\r\n").utf8 {
                try await client.send([byte])
            }
            #expect(try await client.answer()?.text.contains("\"aGk=\"") == true)
        }
    }
}

import Bytes
import HTTP
import KomainuTesting
import Testing

@Suite struct `An exchange` {
    @Test func `is answered once`() async throws {
        let exchange = MemoryExchange(posting: "{}", to: "/mcp")
        #expect(try await exchange.readBody(limit: 10) == Array("{}".utf8))
        try await Responder(exchange).send(Response(status: 200, type: "application/json", body: Array("[]".utf8)))
        #expect(exchange.status == 200 && exchange.text == "[]" && exchange.isFinished)
        await #expect(throws: ExchangeFailure.answered) { try await exchange.respond(Response(status: 500)) }
        #expect(exchange.status == 200)
    }

    @Test func `may be answered by a stream, piece by piece`() async throws {
        let exchange = MemoryExchange(posting: "{}", to: "/mcp")
        let stream = try await Responder(exchange).stream(ResponseHead(status: 200))
        var piece: [UInt8] = []
        ServerSentEvent(data: Array("1".utf8)).encode(into: &piece)
        try await stream.write(piece)
        #expect(!exchange.isFinished)
        try await stream.finish()
        #expect(exchange.isFinished && exchange.pieces.count == 1)
        #expect(try exchange.events() == [ServerSentEvent(event: "message", data: Array("1".utf8))])
    }

    @Test func `fails when the client goes away, and says so at once`() async throws {
        let exchange = MemoryExchange(posting: "{}", to: "/mcp")
        var noticed = 0
        exchange.whenGone { noticed += 1 }
        try await exchange.beginStream(ResponseHead(status: 200))
        exchange.leave()
        exchange.leave()
        #expect(noticed == 1)
        await #expect(throws: ExchangeFailure.gone) { try await exchange.write([1]) }
        await #expect(throws: ExchangeFailure.tooLarge) {
            try await MemoryExchange(posting: "{}", to: "/").readBody(limit: 1)
        }
    }
}

import Bytes
import Edge
import HTTP
import System
import Testing

@testable import Reactor

private let get = "GET /a HTTP/1.1\r\nHost: proxy.test\r\n\r\n"

@Suite struct `An answer` {
    @Test(arguments: [true, false]) func `has a date, a length, and nothing about us`(_ tls: Bool) async throws {
        try await House.with(tls: tls) { house in
            let client = try await house.client(tls: tls)
            try await client.send(get)
            let answer = try #require(try await client.answer())
            #expect(answer.status == 200)
            #expect(answer.head.fields["date"]?.hasSuffix(" GMT") == true)
            #expect(answer.head.framing == .length(answer.body.count))
            #expect(!answer.head.fields.contains("server") && answer.head.keepsAlive)
        }
    }

    @Test func `to HEAD has the length of the body it does not have`() async throws {
        try await House.with { house in
            let client = try await house.client()
            try await client.send("HEAD /a HTTP/1.1\r\nHost: proxy.test\r\n\r\n" + get)
            let head = try #require(try await client.answer(to: .head))
            #expect(head.body.isEmpty && head.head.fields["content-length"] != "0")
            #expect(try await client.answer()?.status == 200)
        }
    }

    @Test func `comes in the order of the questions, which may come at once`() async throws {
        try await House.with { house in
            let client = try await house.client()
            var text = ""
            for number in 0..<50 {
                text += "POST /\(number) HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 2\r\n\r\n\(number % 10)x"
            }
            try await client.send(text)
            for number in 0..<50 {
                #expect(try await client.answer()?.text.contains("\"/\(number)\"") == true)
            }
        }
    }

    @Test func `of many bytes arrives whole`() async throws {
        let handler = Answering { exchange in
            try? await exchange.respond(Response(status: 200, body: (0..<3_000_000).map { UInt8($0 % 251) }))
        }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            try await client.send(get)
            let answer = try #require(try await client.answer())
            #expect(answer.body == (0..<3_000_000).map { UInt8($0 % 251) })
        }
    }

    @Test func `without content has neither length nor body`() async throws {
        let handler = Answering { exchange in
            try? await exchange.respond(Response(status: 204, body: [1, 2, 3]))
        }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            try await client.send(get + get)
            for _ in 0..<2 {
                let answer = try #require(try await client.answer())
                #expect(answer.status == 204 && !answer.head.fields.contains("content-length"))
            }
        }
    }

    @Test func `that nobody gave is 500, and recorded`() async throws {
        try await House.with(handler: Answering { _ in }) { house in
            let client = try await house.client()
            try await client.send(get)
            #expect(try await client.answer()?.status == 500)
            #expect(await client.ends())
            #expect(house.witness.codes == ["unanswered"])
        }
    }

    @Test func `is given once`() async throws {
        let handler = Answering { exchange in
            try? await exchange.respond(Response(status: 200, body: [1]))
            await #expect(throws: ExchangeFailure.answered) {
                try await exchange.respond(Response(status: 200, body: [2]))
            }
            await #expect(throws: ExchangeFailure.answered) {
                try await exchange.beginStream(ResponseHead(status: 200))
            }
            await #expect(throws: ExchangeFailure.answered) { try await exchange.write([1]) }
        }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            try await client.send(get + get)
            #expect(try await client.answer()?.body == [1])
            #expect(try await client.answer()?.body == [1])
        }
    }
}

@Suite struct `A stream` {
    private let three = Answering { exchange in
        do throws(ExchangeFailure) {
            try await exchange.beginStream(ResponseHead(status: 200))
            for piece in ["one", "", "two", "three"] { try await exchange.write(Array(piece.utf8)) }
            try await exchange.endStream()
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test func `is chunked, and the connection lives on`() async throws {
        try await House.with(handler: three) { house in
            let client = try await house.client()
            try await client.send(get + get)
            for _ in 0..<2 {
                let answer = try #require(try await client.answer())
                #expect(answer.head.framing == .chunked && answer.text == "onetwothree")
            }
        }
    }

    @Test func `to HTTP 1 0 ends with the connection`() async throws {
        try await House.with(handler: three) { house in
            let client = try await house.client()
            try await client.send("GET / HTTP/1.0\r\nHost: proxy.test\r\n\r\n")
            let answer = try #require(try await client.answer())
            #expect(answer.head.framing == .untilClose && answer.text == "onetwothree")
        }
    }

    @Test func `to HEAD has no body`() async throws {
        try await House.with(handler: three) { house in
            let client = try await house.client()
            try await client.send("HEAD / HTTP/1.1\r\nHost: proxy.test\r\n\r\n" + get)
            #expect(try await client.answer(to: .head)?.body.isEmpty == true)
            #expect(try await client.answer()?.text == "onetwothree")
        }
    }

    @Test(arguments: ["HTTP/1.1", "HTTP/1.0"])
    func `that was not ended is visibly cut`(_ version: String) async throws {
        let handler = Answering { exchange in
            try? await exchange.beginStream(ResponseHead(status: 200))
            try? await exchange.write(Array("part".utf8))
        }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            try await client.send("GET / \(version)\r\nHost: proxy.test\r\n\r\n")
            await #expect(throws: (any Error).self) { try await client.answer() }
        }
    }

    @Test func `gives each piece at once`() async throws {
        let handler = Answering { exchange in
            try? await exchange.beginStream(ResponseHead(status: 200))
            try? await exchange.write(Array("first".utf8))
            await EventLoop.current.sleep(for: .seconds(3))
            try? await exchange.endStream()
        }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            try await client.send(get)
            let (bytes, closed) = await client.everything(patience: .milliseconds(300))
            #expect(!closed && String(decoding: bytes, as: UTF8.self).hasSuffix("5\r\nfirst\r\n"))
        }
    }

    @Test func `waits for a client that does not read, and gives up on it in time`() async throws {
        let (events, log) = AsyncStream.makeStream(of: (Int, ExchangeFailure?).self)
        let handler = Answering { exchange in
            var sent = 0
            do throws(ExchangeFailure) {
                try await exchange.beginStream(ResponseHead(status: 200))
                let piece = [UInt8](repeating: 0x61, count: 60_000)
                while sent < 1_000 {
                    try await exchange.write(piece)
                    sent += 1
                }
                log.yield((sent, nil))
            } catch {
                log.yield((sent, error))
            }
        }
        try await House.with(handler: handler, settings: { $0.times.write = .milliseconds(300) }) { house in
            let client = try await house.client()
            try await client.send(get)
            var iterator = events.makeAsyncIterator()
            let (sent, failure) = try #require(await iterator.next())
            #expect(failure == .slow)
            // What the kernel queues is all that was taken: 60 MB were on offer.
            #expect(sent > 0 && sent < 300)
            client.stream.close()
        }
    }

    @Test func `goes on when the client reads again`() async throws {
        let handler = Answering { exchange in
            do throws(ExchangeFailure) {
                try await exchange.beginStream(ResponseHead(status: 200))
                for _ in 0..<60 { try await exchange.write([UInt8](repeating: 0x61, count: 60_000)) }
                try await exchange.endStream()
            } catch {
                Issue.record("\(error)")
            }
        }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            try await client.send(get)
            await house.loop.sleep(for: .milliseconds(300))
            #expect(try await client.answer()?.body.count == 60 * 60_000)
        }
    }
}

@Suite struct `A client that goes away` {
    @Test func `is noticed while its answer is being made, and while its stream is silent`() async throws {
        let (events, log) = AsyncStream.makeStream(of: String.self)
        let handler = Answering { exchange in
            let isStream = exchange.head.path == "/stream"
            if isStream { try? await exchange.beginStream(ResponseHead(status: 200)) }
            await withCheckedContinuation { continuation in
                exchange.whenGone { continuation.resume() }
            }
            do throws(ExchangeFailure) {
                if isStream {
                    for _ in 0..<20 {
                        try await exchange.write(Array("x".utf8))
                        await EventLoop.current.sleep(for: .milliseconds(20))
                    }
                }
                log.yield("gone from \(exchange.head.path)")
            } catch {
                log.yield("gone from \(exchange.head.path): \(error)")
            }
            exchange.cut()
        }
        try await House.with(handler: handler) { house in
            var iterator = events.makeAsyncIterator()
            for path in ["/call", "/stream"] {
                let client = try await house.client()
                try await client.send("GET \(path) HTTP/1.1\r\nHost: proxy.test\r\n\r\n")
                await house.loop.sleep(for: .milliseconds(100))
                client.stream.close()
                #expect(await iterator.next() == "gone from \(path)" + (path == "/stream" ? ": gone" : ""))
            }
            await house.loop.sleep(for: .milliseconds(50))
            #expect(house.witness.codes.isEmpty)
        }
    }

    @Test func `half, still gets the answer`() async throws {
        try await House.with(tls: false) { house in
            let client = try await house.client(tls: false)
            try await client.send("POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 2\r\n\r\nhi")
            Sockets.finishSending(on: client.stream.number)
            #expect(try await client.answer()?.status == 200)
            #expect(await client.ends())
        }
    }

    @Test func `in the middle of a body is gone for the handler`() async throws {
        let (events, log) = AsyncStream.makeStream(of: ExchangeFailure?.self)
        let handler = Answering { exchange in
            do throws(ExchangeFailure) {
                _ = try await exchange.readBody(limit: 100)
                log.yield(nil)
            } catch {
                log.yield(error)
            }
        }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            try await client.send("POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 20\r\n\r\nhi")
            await house.loop.sleep(for: .milliseconds(100))
            client.stream.close()
            var iterator = events.makeAsyncIterator()
            #expect(await iterator.next() == .some(.gone))
        }
    }
}

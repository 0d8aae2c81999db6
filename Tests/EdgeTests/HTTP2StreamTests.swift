import Bytes
import Edge
import HTTP
import OpenSSL
import Reactor
import System
import Testing

/// Answers `/slow` when told to, and everything else at once.
private struct Gatekeeper: ExchangeHandler {
    let gate = AsyncStream.makeStream(of: Void.self)

    func handle(_ exchange: any Exchange) async {
        if exchange.head.path == "/slow" { for await _ in gate.stream { break } }
        try? await exchange.respond(Response(status: 200, body: Array(exchange.head.path.bytes)))
    }
}

/// Streams pieces of 60,000 bytes to `/much`, counting them, and answers everything else at once.
private final class Muchness: ExchangeHandler {
    let log = AsyncStream.makeStream(of: String.self)
    let pieces = Guarded(0)

    func handle(_ exchange: any Exchange) async {
        guard exchange.head.path == "/much" else {
            try? await exchange.respond(Response(status: 200, body: Array("ok".utf8)))
            return
        }
        do throws(ExchangeFailure) {
            try await exchange.beginStream(ResponseHead(status: 200))
            for _ in 0..<100 {
                try await exchange.write([UInt8](repeating: 0x61, count: 60_000))
                pieces.withLock { $0 += 1 }
            }
            try await exchange.endStream()
            log.continuation.yield("whole")
        } catch {
            log.continuation.yield("\(error)")
        }
    }

    var sent: Int { pieces.withLock { $0 } }
}

@Suite struct `A stream of HTTP2` {
    @Test func `does not wait for another one's answer`() async throws {
        let handler = Gatekeeper()
        try await House.with(handler: handler) { house in
            let client = try await house.http2Client()
            try await client.begin()
            try await client.get(1, "/slow")
            try await client.get(3, "/fast")
            #expect(await client.hear { $0.ended.contains(3) })
            #expect(client.text(3) == "/fast" && client.heard.status[1] == nil)
            handler.gate.continuation.yield()
            #expect(await client.hear { $0.ended.contains(1) })
            #expect(client.text(1) == "/slow")
        }
    }

    @Test func `that its client does not read is written no further, and holds up no other`() async throws {
        let handler = Muchness()
        try await House.with(handler: handler) { house in
            let client = try await house.http2Client()
            try await client.begin()
            // Room on the connection, not on the stream.
            try await client.send(.windowUpdate(0, 10_000_000))
            try await client.get(1, "/much")
            #expect(await client.hear { $0.body[1]?.count == 65_535 })
            try await client.get(3)
            #expect(await client.hear { $0.ended.contains(3) })
            await house.loop.sleep(for: .milliseconds(100))
            #expect(handler.sent == 1)
            #expect(client.heard.body[1]?.count == 65_535)
            try await client.send(.windowUpdate(1, 10_000_000))
            #expect(await client.hear { $0.ended.contains(1) })
            #expect(client.heard.body[1]?.count == 6_000_000)
        }
    }

    @Test func `that its client reads too slowly is broken off, and no other`() async throws {
        let handler = Muchness()
        try await House.with(handler: handler, settings: { $0.times.write = .milliseconds(300) }) { house in
            let client = try await house.http2Client()
            try await client.begin()
            try await client.send(.windowUpdate(0, 10_000_000))
            try await client.get(1, "/much")
            #expect(await client.hear { $0.reset[1] == 8 })
            try await client.get(3)
            #expect(await client.hear { $0.ended.contains(3) })
            var log = handler.log.stream.makeAsyncIterator()
            #expect(await log.next() == "slow")
        }
    }

    @Test func `whose body nobody reads is not given room for more, and takes none from others`() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        let handler = Answering { exchange in
            if exchange.head.path == "/late" { for await _ in gate.stream { break } }
            let body = try? await exchange.readBody(limit: 1 << 20)
            try? await exchange.respond(Response(status: 200, body: Array("\(body?.count ?? -1)".utf8)))
        }
        try await House.with(handler: handler) { house in
            let client = try await house.http2Client()
            try await client.begin()
            try await client.send(.head(1, ends: false, HTTP2Client.fields("POST", "/late")))
            let frame = [UInt8](repeating: 0x61, count: 13_107)
            for _ in 0..<5 { try await client.send(Frame(.data, stream: 1, frame)) }
            try await client.send(.head(3, ends: false, HTTP2Client.fields("POST", "/now")))
            for index in 0..<5 { try await client.send(Frame(.data, flags: index == 4 ? 1 : 0, stream: 3, frame)) }
            #expect(await client.hear { $0.ended.contains(3) })
            #expect(client.text(3) == "65535")
            #expect(!client.heard.frames.contains { $0.kind == .windowUpdate && $0.stream == 1 })
            gate.continuation.yield()
            #expect(await client.hear { $0.frames.contains { $0.kind == .windowUpdate && $0.stream == 1 } })
            try await client.send(Frame(.data, flags: 1, stream: 1, frame))
            #expect(await client.hear { $0.ended.contains(1) })
            #expect(client.text(1) == "\(6 * 13_107)")
        }
    }

    @Test func `that is cut ends alone`() async throws {
        let handler = Answering { exchange in
            try? await exchange.beginStream(ResponseHead(status: 200))
            try? await exchange.write(Array("part".utf8))
            if exchange.head.path == "/cut" { exchange.cut() }
            if exchange.head.path == "/whole" { try? await exchange.endStream() }
        }
        try await House.with(handler: handler) { house in
            let client = try await house.http2Client()
            try await client.begin()
            for (stream, path) in [(1, "/cut"), (3, "/forgotten"), (5, "/whole")] { try await client.get(stream, path) }
            #expect(await client.hear { $0.reset[1] == 8 && $0.reset[3] == 2 && $0.ended.contains(5) })
            #expect(client.text(1) == "part" && client.text(3) == "part" && client.text(5) == "part")
            #expect(client.heard.reset[5] == nil && !client.heard.isClosed)
        }
    }

    @Test func `tells its handler when the client gives it up, or everything`() async throws {
        let (events, log) = AsyncStream.makeStream(of: String.self)
        let handler = Answering { exchange in
            try? await exchange.beginStream(ResponseHead(status: 200))
            try? await exchange.write(Array("x".utf8))
            await withCheckedContinuation { continuation in exchange.whenGone { continuation.resume() } }
            do throws(ExchangeFailure) {
                try await exchange.write(Array("x".utf8))
            } catch {
                log.yield("\(exchange.head.path) \(error)")
            }
        }
        try await House.with(handler: handler) { house in
            let client = try await house.http2Client()
            try await client.begin()
            try await client.get(1, "/a")
            try await client.get(3, "/b")
            #expect(await client.hear { $0.body.count == 2 })
            var iterator = events.makeAsyncIterator()
            try await client.send(.reset(1))
            #expect(await iterator.next() == "/a gone")
            client.stream.close()
            #expect(await iterator.next() == "/b gone")
            #expect(house.witness.codes.isEmpty)
        }
    }

    @Test func `to HEAD, or without content, ends with its head`() async throws {
        let handler = Answering { exchange in
            let status = exchange.head.path == "/none" ? 204 : 200
            if exchange.head.path == "/stream" {
                try? await exchange.beginStream(ResponseHead(status: 200))
                try? await exchange.write([1])
                try? await exchange.endStream()
            } else {
                try? await exchange.respond(Response(status: status, body: [1, 2, 3]))
            }
        }
        try await House.with(handler: handler) { house in
            let client = try await house.http2Client()
            try await client.begin()
            for (stream, (method, path)) in [("HEAD", "/"), ("HEAD", "/stream"), ("GET", "/none")].enumerated() {
                try await client.send(.head(2 * stream + 1, HTTP2Client.fields(method, path)))
            }
            #expect(await client.hear { $0.ended == [1, 3, 5] })
            #expect(client.heard.body.isEmpty && client.heard.status == [1: 200, 3: 200, 5: 204])
        }
    }

    @Test func `whose client waits to be asked for its body is asked`() async throws {
        try await House.with { house in
            let client = try await house.http2Client()
            try await client.begin()
            try await client.send(.head(1, ends: false, HTTP2Client.fields("POST") + [("expect", "100-continue")]))
            #expect(await client.hear { $0.frames.contains { $0.kind == .headers && $0.stream == 1 } })
            try await client.send(Frame(.data, flags: 1, stream: 1, Array("hi".utf8)))
            #expect(await client.hear { $0.ended.contains(1) })
            #expect(client.text(1).contains("aGk="))
        }
    }

    @Test func `that was refused before its body came does not keep the body coming`() async throws {
        let handler = Answering { exchange in try? await exchange.respond(Response(status: 401)) }
        try await House.with(handler: handler) { house in
            let client = try await house.http2Client()
            try await client.begin()
            let length = [("content-length", "3000000")]
            try await client.send(.head(1, ends: false, HTTP2Client.fields("POST") + length))
            #expect(await client.hear { $0.ended.contains(1) && $0.reset[1] == 0 })
            // A body that fits is taken and dropped.
            try await client.send(.head(3, ends: false, HTTP2Client.fields("POST")))
            #expect(await client.hear { $0.ended.contains(3) })
            try await client.send(Frame(.data, flags: 1, stream: 3, [UInt8](repeating: 0x61, count: 16_000)))
            try await client.get(5)
            #expect(await client.hear { $0.ended.contains(5) })
            #expect(client.heard.reset[3] == nil)
        }
    }

    @Test func `whose body is slow fails the reading, and the handler answers`() async throws {
        let handler = Answering { exchange in
            await #expect(throws: ExchangeFailure.slow) { try await exchange.readBody(limit: 100) }
            try? await exchange.respond(Response(status: 408))
        }
        try await House.with(handler: handler, settings: { $0.times.body = .milliseconds(200) }) { house in
            let client = try await house.http2Client()
            try await client.begin()
            try await client.send(.head(1, ends: false, HTTP2Client.fields("POST")))
            #expect(await client.hear { $0.ended.contains(1) && $0.reset[1] == 0 })
            #expect(client.heard.status[1] == 408)
        }
    }
}

import Bytes
import Edge
import HTTP
import OpenSSL
import Reactor
import System
import Testing

@Suite struct `A connection of HTTP2` {
    @Test func `that drains answers what was asked and takes nothing more`() async throws {
        let gate = AsyncStream.makeStream(of: Void.self)
        let handler = Answering { exchange in
            if exchange.head.path == "/slow" { for await _ in gate.stream { break } }
            try? await exchange.respond(Response(status: 200, body: [1]))
        }
        try await House.with(handler: handler) { house in
            let client = try await house.http2Client()
            try await client.begin()
            try await client.get(1, "/slow")
            await house.loop.sleep(for: .milliseconds(50))
            house.loop.spawn { await house.listener.drain(until: .now + .seconds(10)) }
            // First it is only announced.
            #expect(await client.hear { $0.goAway == 0 && $0.lastStream == 0x7fff_ffff })
            try await client.get(3, "/late")
            #expect(await client.hear { $0.ended.contains(3) })
            let ping = try #require(client.heard.frames.first { $0.kind == .ping })
            try await client.send(Frame(.ping, flags: Frame.acknowledges, ping.payload))
            #expect(await client.hear { $0.lastStream == 3 })
            try await client.get(5, "/too-late")
            gate.continuation.yield()
            #expect(await client.hear { $0.isClosed })
            #expect(client.heard.ended == [1, 3] && client.heard.goAway == 0)
        }
    }

    @Test func `that asks nothing is closed, whatever it pings`() async throws {
        try await House.with(settings: { $0.times.idle = .milliseconds(400) }) { house in
            let client = try await house.http2Client()
            try await client.begin()
            try await client.get(1)
            let pinging = LoopBound(client)
            house.loop.spawn {
                for _ in 0..<30 {
                    try? await pinging.value.send(Frame(.ping, Array("PINGPONG".utf8)))
                    await house.loop.sleep(for: .milliseconds(50))
                }
            }
            #expect(await client.hear { $0.isClosed })
            #expect(client.heard.goAway == 0 && client.heard.status[1] == 200)
            #expect(house.witness.codes.isEmpty)
        }
    }

    @Test func `whose head trickles ends at the deadline`() async throws {
        try await House.with(settings: { $0.times.head = .milliseconds(300) }) { house in
            let client = try await house.http2Client()
            try await client.begin()
            try await client.send(Frame(.headers, stream: 1, HeaderBlock.encode(HTTP2Client.fields("GET"))))
            #expect(await client.hear { $0.isClosed })
            #expect(client.heard.goAway == 11)
            await house.loop.sleep(for: .milliseconds(1_200))
            #expect(house.witness.codes == ["slowHead"])
        }
    }

    @Test func `counts a request until its handler has ended, also when its stream was reset`() async throws {
        let handler = Answering { exchange in
            await EventLoop.current.sleep(for: .milliseconds(500))
            try? await exchange.respond(Response(status: 200))
        }
        try await House.with(handler: handler, settings: { $0.http2.requests = 2 }) { house in
            let client = try await house.http2Client()
            try await client.begin()
            for stream in [1, 3] {
                try await client.get(stream)
                try await client.send(.reset(stream))
            }
            try await client.get(5)
            #expect(await client.hear { $0.reset[5] == 7 })
            await house.loop.sleep(for: .milliseconds(600))
            try await client.get(7)
            #expect(await client.hear { $0.ended.contains(7) })
            await house.loop.sleep(for: .milliseconds(600))
            #expect(house.witness.codes == ["tooManyRequests"])
        }
    }

    @Test func `takes a place for each request beyond its first, and gives all back`() async throws {
        let admission = Admission(total: 3, perAddress: 3)
        let gate = AsyncStream.makeStream(of: Void.self)
        let handler = Answering { exchange in
            for await _ in gate.stream { break }
            try? await exchange.respond(Response(status: 200))
        }
        try await House.with(handler: handler, settings: { $0.admission = admission }) { house in
            let client = try await house.http2Client()
            try await client.begin()
            for stream in [1, 3, 5, 7] { try await client.get(stream) }
            #expect(await client.hear { $0.reset[7] == 7 })
            #expect(admission.count == 3)
            gate.continuation.finish()
            #expect(await client.hear { $0.ended == [1, 3, 5] })
            try await client.send(Frame(.ping, Array("PINGPONG".utf8)))
            #expect(await client.hear { $0.pongs == 1 })
            #expect(admission.count == 1)
            client.stream.close()
            await house.loop.sleep(for: .milliseconds(200))
            #expect(admission.count == 0)
        }
    }

    @Test func `survives any number of streams given up after their answers began`() async throws {
        let handler = Answering { exchange in
            try? await exchange.beginStream(ResponseHead(status: 200))
            try? await exchange.write(Array("event".utf8))
            await withCheckedContinuation { continuation in exchange.whenGone { continuation.resume() } }
        }
        try await House.with(handler: handler, settings: { $0.http2.waste = Allowance(5, perSecond: 1) }) { house in
            let client = try await house.http2Client()
            try await client.begin()
            for stream in stride(from: 1, to: 600, by: 2) {
                try await client.get(stream)
                #expect(await client.hear { $0.body[stream] != nil })
                try await client.send(.reset(stream))
            }
            #expect(client.heard.body.count == 300 && !client.heard.isClosed && client.heard.goAway == nil)
        }
    }

    @Test func `survives requests given up one by one at leisure`() async throws {
        try await House.with(settings: { $0.http2.waste = Allowance(10, perSecond: 1_000) }) { house in
            let client = try await house.http2Client()
            try await client.begin()
            for round in 0..<100 {
                try await client.get(2 * round + 1)
                try await client.send(.reset(2 * round + 1))
                await house.loop.sleep(for: .milliseconds(3))
            }
            try await client.get(2_001)
            #expect(await client.hear { $0.ended.contains(2_001) })
        }
    }
}

@Suite struct `Which HTTP is spoken` {
    private func client(_ protocols: [String], _ house: House) async throws -> ByteStream {
        try await ByteStream.connect(
            .loopback(port: UInt16(house.listener.port)), tls: house.trusting(protocols), serverName: "localhost",
            deadline: .now + .seconds(5))
    }

    @Test func `is agreed on in TLS, HTTP2 preferred`() async throws {
        try await House.with { house in
            for offer in [["h2"], ["http/1.1", "h2"], ["h2", "http/1.1"]] {
                let both = HTTP2Client(try await client(offer, house))
                try await both.begin()
                try await both.get(1)
                #expect(await both.hear { $0.status[1] == 200 })
            }
            for offer in [["http/1.1"], []] {
                let old = Client(try await client(offer, house))
                try await old.send("GET / HTTP/1.1\r\nHost: proxy.test\r\n\r\n")
                #expect(try await old.answer()?.status == 200)
            }
        }
    }

    @Test func `must be one that we speak`() async throws {
        try await House.with { house in
            await #expect(throws: StreamFailure.self) {
                let stream = try await client(["h3", "spdy/3"], house)
                var bytes: [UInt8] = []
                _ = try await stream.read(into: &bytes, atMost: 1, deadline: .now + .seconds(5))
            }
            await house.loop.sleep(for: .milliseconds(1_200))
            #expect(house.witness.codes == ["handshakeFailed"])
        }
    }

    @Test(arguments: [true, false]) func `is HTTP1 where HTTP2 was not agreed on`(_ tls: Bool) async throws {
        try await House.with(tls: tls) { house in
            let client = try await house.client(tls: tls)
            try await client.send(HTTP2Client.preface + Frame(.settings).bytes)
            let answer = try #require(try await client.answer())
            #expect(answer.status == 505 || answer.status == 400)
            #expect(await client.ends())
            #expect(house.witness.codes.count == 1 && house.witness.codes[0].hasPrefix("malformed"))
        }
    }
}

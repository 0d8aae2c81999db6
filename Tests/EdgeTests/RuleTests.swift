import Bytes
import Edge
import HTTP
import Reactor
import System
import Testing

@Suite struct `A request from elsewhere` {
    private func status(_ fields: String, tls: Bool = true, _ house: House) async throws -> Int? {
        let client = try await house.client(tls: tls)
        let port = String(house.listener.port)
        let text = fields.split(separator: "PORT", omittingEmptySubsequences: false).joined(separator: port)
        try await client.send("GET / HTTP/1.1\r\n\(text)\r\n\r\n")
        return try await client.answer()?.status
    }

    private func expect(_ fields: String, _ expected: Int, _ house: House) async throws {
        let status = try await status(fields, house)
        #expect(status == expected, "\(fields)")
    }

    @Test(arguments: [
        ("Host: proxy.test", 200), ("Host: PROXY.test", 200), ("Host: proxy.test:443", 200),
        ("Host: localhost:PORT", 200), ("Host: 127.0.0.1:PORT", 200), ("Host: [::1]:PORT", 200),
        ("Host: [::1]:8443", 200), ("Host: localhost", 421), ("Host: localhost:1", 421), ("Host: proxy.test:80", 421),
        ("Host: evil.example.com", 421), ("Host: proxy.test.evil.example.com", 421),
        ("Host: evil.example.com\r\nOrigin: http://evil.example.com", 421),
    ])
    func `is refused unless it asks for a host of ours`(_ fields: String, _ expected: Int) async throws {
        try await House.with { house in
            try await expect(fields, expected, house)
            #expect(house.witness.codes == (expected == 421 ? ["hostNotAllowed"] : []))
            #expect(house.witness.refusals.allSatisfy { $0.head?.path == "/" && $0.status == 421 })
        }
    }

    @Test(arguments: [
        ("http://localhost:PORT", 200), ("https://localhost:PORT", 200), ("HTTPS://LOCALHOST:PORT", 200),
        ("https://app.example.com", 200), ("http://app.example.com", 403), ("https://localhost", 403),
        ("https://evil.example.com", 403), ("null", 403), ("", 403), ("https://localhost:PORT.evil.com", 403),
        ("file://localhost:PORT", 403), ("https://localhost:PORT, https://evil.com", 403),
    ])
    func `is refused when a page sent it that may not call us`(_ origin: String, _ expected: Int) async throws {
        try await House.with(settings: { $0.allowedOrigins = ["https://app.example.com"] }) { house in
            try await expect("Host: localhost:PORT\r\nOrigin: \(origin)", expected, house)
            #expect(house.witness.codes == (expected == 403 ? ["originNotAllowed"] : []))
        }
    }

    @Test func `may come from the page of the host it asks for, default port or not`() async throws {
        try await House.with { house in
            try await expect("Host: proxy.test\r\nOrigin: https://proxy.test", 200, house)
            try await expect("Host: proxy.test:443\r\nOrigin: https://proxy.test", 200, house)
            try await expect("Host: proxy.test\r\nOrigin: https://proxy.test:444", 403, house)
        }
    }

    @Test func `may ask for any host only where that is switched on`() async throws {
        try await House.with(settings: { $0.acceptsAnyHostUnchecked = true }) { house in
            try await expect("Host: whatever", 200, house)
        }
    }
}

@Suite struct `A refusal` {
    @Test func `is recorded before it is answered`() async throws {
        try await House.with(witness: Witness(takes: .milliseconds(300))) { house in
            let client = try await house.client()
            let begun = MonotonicTime.now
            try await client.send("GET / HTTP/1.1\r\n\r\n")
            let answer = try #require(try await client.answer())
            #expect(answer.status == 400 && answer.text == "{\"error\":\"malformed.missingHost\"}")
            #expect(MonotonicTime.now - begun >= .milliseconds(300))
            #expect(house.witness.codes == ["malformed.missingHost"])
        }
    }

    @Test func `does not wait for ever to be recorded`() async throws {
        try await House.with(
            witness: Witness(takes: .seconds(4)), settings: { $0.refusalRecordTime = .milliseconds(100) }
        ) { house in
            let client = try await house.client()
            let begun = MonotonicTime.now
            try await client.send("GET / HTTP/1.1\r\n\r\n")
            #expect(try await client.answer()?.status == 400)
            #expect(MonotonicTime.now - begun < .milliseconds(3_500))
        }
    }

    @Test func `is read by a client that goes on sending`() async throws {
        try await House.with { house in
            let client = try await house.client()
            let sender = LoopBound(client)
            house.loop.spawn {
                try? await sender.value.send(
                    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" + String(repeating: "x", count: 500_000))
            }
            #expect(try await client.answer()?.status == 400)
        }
    }
}

@Suite struct `Connections` {
    @Test func `have a limit, and a flood of them is recorded in one line a second`() async throws {
        try await House.with(settings: { $0.admission = Admission(total: 4, perAddress: 3) }) { house in
            var clients: [Client] = []
            for _ in 0..<3 { clients.append(try await house.client()) }
            for _ in 0..<20 {
                let client = try await house.client(tls: false)
                #expect(await client.ends() || client.stream.isPeerGone)
            }
            await house.loop.sleep(for: .milliseconds(1_200))
            #expect(house.witness.codes == ["tooManyFromAddress"])
            #expect(house.witness.refusals.first?.count == 20)
            clients[0].stream.close()
            await house.loop.sleep(for: .milliseconds(100))
            let client = try await house.client()
            try await client.send("GET / HTTP/1.1\r\nHost: proxy.test\r\n\r\n")
            #expect(try await client.answer()?.status == 200)
        }
    }

    @Test func `that are idle end at once when we drain, others after their answers`() async throws {
        let handler = Answering { exchange in
            if exchange.head.path == "/slow" { await EventLoop.current.sleep(for: .milliseconds(1_500)) }
            try? await exchange.respond(Response(status: 200))
        }
        try await House.with(handler: handler) { house in
            let idle = try await house.client()
            try await idle.send("GET / HTTP/1.1\r\nHost: proxy.test\r\n\r\n")
            #expect(try await idle.answer()?.head.keepsAlive == true)
            let busy = try await house.client()
            try await busy.send("GET /slow HTTP/1.1\r\nHost: proxy.test\r\n\r\n")
            await house.loop.sleep(for: .milliseconds(50))
            let begun = MonotonicTime.now
            let drained = LoopBound(Flag())
            house.loop.spawn {
                await house.listener.drain(until: .now + .seconds(5))
                drained.value.isSet = true
            }
            #expect(await idle.ends(within: .seconds(1)))
            #expect(MonotonicTime.now - begun < .seconds(1))
            let answer = try #require(try await busy.answer())
            #expect(answer.status == 200 && !answer.head.keepsAlive)
            busy.stream.close()
            while !drained.value.isSet { await house.loop.sleep(for: .milliseconds(5)) }
            #expect(MonotonicTime.now - begun < .seconds(5))
            await #expect(throws: (any Error).self) { try await house.client() }
        }
    }

    @Test func `are cut at the end of the time to drain`() async throws {
        let handler = Answering { exchange in
            try? await exchange.beginStream(ResponseHead(status: 200))
            while (try? await exchange.write([0x2e])) != nil { await EventLoop.current.sleep(for: .milliseconds(20)) }
        }
        try await House.with(handler: handler) { house in
            let client = try await house.client()
            try await client.send("GET / HTTP/1.1\r\nHost: proxy.test\r\n\r\n")
            await house.loop.sleep(for: .milliseconds(50))
            let begun = MonotonicTime.now
            await house.listener.drain(until: .now + .milliseconds(300))
            #expect(MonotonicTime.now - begun >= .milliseconds(290))
            await #expect(throws: (any Error).self) { try await client.answer() }
        }
    }

    @Test func `take new settings when they begin`() async throws {
        try await House.with(tls: false) { house in
            var settings = EdgeSettings(listen: .loopback(port: 0), tls: nil, allowedHosts: ["other.test"])
            settings.times.linger = .milliseconds(100)
            house.listener.update(settings)
            await house.loop.sleep(for: .milliseconds(20))
            for (host, status) in [("other.test", 200), ("proxy.test", 421)] {
                let client = try await house.client(tls: false)
                try await client.send("GET / HTTP/1.1\r\nHost: \(host)\r\n\r\n")
                #expect(try await client.answer()?.status == status)
            }
        }
    }

    @Test func `may be served by several loops on one port`() async throws {
        try await House.with(tls: false) { house in
            let other = try EventLoop(name: "other")
            try other.start()
            var settings = EdgeSettings(
                listen: .loopback(port: UInt16(house.listener.port)), tls: nil, allowedHosts: ["proxy.test"])
            settings.times.linger = .milliseconds(100)
            let second = Listener(
                settings, handler: Answering { try? await $0.respond(Response(status: 299)) }, observer: Witness())
            try second.start(on: other)
            var seen: Set<Int> = []
            for _ in 0..<40 {
                let client = try await house.client(tls: false)
                try await client.send("GET / HTTP/1.1\r\nHost: proxy.test\r\nConnection: close\r\n\r\n")
                seen.insert(try #require(try await client.answer()?.status))
                client.stream.close()
            }
            #expect(seen == [200, 299])
            await second.drain(until: .now + .seconds(1))
            stop(other)
        }
    }

    private func stop(_ loop: EventLoop) { loop.stop() }
}

private final class Flag { var isSet = false }

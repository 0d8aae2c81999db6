import Bytes
import HTTP
import KomainuTesting
import OpenSSL
import Reactor
import System
import Telemetry
import Testing

@testable import HTTPClient

@Suite struct `Connections to an upstream` {
    @Test func `are used again, one request after the other`() async throws {
        try await withLoop { _ in
            let server = try ScriptedServer(tls: House.shared.server) { try await $0.serve("ok") }
            let client = try House.shared.client(House.shared.settings(port: server.port))
            for _ in 0..<20 { #expect(try await call(client).body == "ok") }
            #expect(server.connections == 1)
            #expect(client.openedConnections == 1)
            server.stop()
            client.close()
            #expect(client.openConnections == 0)
        }
    }

    @Test func `are bounded, and so are those who wait for one`() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(tls: House.shared.server) { visit in
                while try await visit.request() != nil {
                    await visit.pause(.milliseconds(30))
                    try await visit.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                }
            }
            var settings = try House.shared.settings(port: server.port)
            settings.pool.connections = 3
            settings.pool.waiting = 6
            let client = try House.shared.client(settings)
            let (right, busy) = (Box(0), Box(0))
            for _ in 0..<15 {
                loop.spawnHere {
                    do throws(RequestFailure) {
                        if try await call(client).body == "ok" { right.value += 1 }
                    } catch {
                        if error == .busy { busy.value += 1 } else { Issue.record("\(error)") }
                    }
                }
            }
            while right.value + busy.value < 15 { await loop.sleep(for: .milliseconds(5)) }
            #expect(server.connections == 3)
            #expect(right.value == 9)
            #expect(busy.value == 6)
            server.stop()
            client.close()
        }
    }

    @Test func `are waited for until the deadline`() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(tls: House.shared.server) { visit in
                _ = try await visit.request()
                await visit.pause(.milliseconds(300))
            }
            var settings = try House.shared.settings(port: server.port)
            settings.pool.connections = 1
            let client = try House.shared.client(settings)
            loop.spawnHere { _ = try? await call(client) }
            await eventually { server.requests.count == 1 }
            await #expect(throws: RequestFailure.timedOut(.turn)) {
                _ = try await call(client, timing: short(\.turn, 50))
            }
            server.stop()
            client.close()
        }
    }

    @Test func `that the server closed while they were idle are not used, and nothing is sent twice`() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(tls: House.shared.server) { visit in
                guard try await visit.request() != nil else { return }
                try await visit.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                await visit.pause(.milliseconds(10))
            }
            let client = try House.shared.client(House.shared.settings(port: server.port))
            for _ in 0..<5 {
                #expect(try await call(client).body == "ok")
                await eventually { client.openConnections == 0 }
            }
            #expect(server.connections == 5)
            #expect(server.requests.count == 5)
            server.stop()
            client.close()
        }
    }

    @Test func `that break after the request was sent are an answer cut off, not a second request`() async throws {
        try await withLoop { _ in
            let server = try ScriptedServer(tls: House.shared.server) { visit in
                _ = try await visit.request()
                try await visit.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
                _ = try await visit.request()
                visit.stream.reset()
            }
            let client = try House.shared.client(House.shared.settings(port: server.port))
            #expect(try await call(client).body == "ok")
            await #expect(throws: RequestFailure.cutOff) { _ = try await call(client) }
            #expect(server.requests.count == 2)
            #expect(server.connections == 1)
            server.stop()
            client.close()
        }
    }

    @Test func `that say more than they were asked are not used again`() async throws {
        try await withLoop { loop in
            for late in [false, true] {
                let server = try ScriptedServer(tls: House.shared.server) { visit in
                    _ = try await visit.request()
                    let ok = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
                    try await visit.send(ok + (late ? "" : "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil"))
                    if late {
                        await visit.pause(.milliseconds(20))
                        try await visit.send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil")
                    }
                    await visit.pause(.milliseconds(100))
                }
                let client = try House.shared.client(House.shared.settings(port: server.port))
                #expect(try await call(client).body == "ok")
                if late { await eventually { client.openConnections == 0 } }
                #expect(client.openConnections == 0)
                #expect(try await call(client).body == "ok")
                #expect(server.connections == 2)
                server.stop()
                client.close()
            }
        }
    }

    @Test func `are closed when they were idle for too long, or as long as the server announced`() async throws {
        try await withLoop { loop in
            for (fields, idle) in [("", 60), ("keep-alive: timeout=1\r\n", 30_000)] {
                let server = try ScriptedServer(tls: House.shared.server) { try await $0.serve("ok", fields: fields) }
                var settings = try House.shared.settings(port: server.port)
                settings.pool.idle = .milliseconds(idle)
                let client = try House.shared.client(settings)
                #expect(try await call(client).body == "ok")
                await eventually { client.openConnections == 0 }
                server.stop()
                client.close()
            }
        }
    }

    @Test func `are given up with the request, wherever it stands`() async throws {
        try await withLoop { loop in
            // 0: while it waits for its turn; 1: for the head; 2: within the body, nobody reading; 3: while reading.
            for stage in 0..<4 {
                let server = try ScriptedServer(tls: House.shared.server) { visit in
                    _ = try await visit.request()
                    if stage >= 2 { try await visit.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello") }
                    _ = try await visit.request()
                }
                var settings = try House.shared.settings(port: server.port)
                settings.pool.connections = 1
                let client = try House.shared.client(settings)
                let holder = UpstreamAbort()
                if stage == 0 {
                    loop.spawnHere { _ = try? await client.send(UpstreamRequest(method: .post), abortion: holder) }
                    await eventually { server.requests.count == 1 }
                }
                let abortion = UpstreamAbort()
                let seen = Box<RequestFailure?>(nil)
                loop.spawnHere {
                    do throws(RequestFailure) {
                        let answer = try await client.send(UpstreamRequest(method: .post), abortion: abortion)
                        if stage == 2 { await eventually { abortion.isAborted } }
                        while try await answer.next() != nil {}
                    } catch {
                        seen.value = error
                    }
                }
                if stage > 0 { await eventually { server.requests.count == 1 } }
                await loop.sleep(for: .milliseconds(30))
                abortion.abort()
                await eventually { seen.value == .aborted }
                holder.abort()
                await eventually { client.openConnections == 0 && server.open == 0 }
                server.stop()
                client.close()
            }
        }
    }

    @Test func `of an answer that is dropped unread are closed`() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(tls: House.shared.server) { visit in
                _ = try await visit.request()
                try await visit.send("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello")
                _ = try await visit.request()
            }
            let client = try House.shared.client(House.shared.settings(port: server.port))
            do {
                let answer = try await client.send(UpstreamRequest(method: .post))
                #expect(answer.head.status == 200)
            }
            await eventually { client.openConnections == 0 && server.open == 0 }
            server.stop()
            client.close()
        }
    }

    @Test func `resume the TLS session of the one before`() async throws {
        try await withLoop { loop in
            let resumed = Box<[Bool]>([])
            let server = try ScriptedServer(tls: House.shared.server) { visit in
                resumed.value.append(visit.stream.tls?.isResumed ?? false)
                _ = try await visit.request()
                try await visit.send("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok")
            }
            let client = try House.shared.client(House.shared.settings(port: server.port))
            for _ in 0..<3 { #expect(try await call(client).body == "ok") }
            #expect(resumed.value == [false, true, true])
            server.stop()
            client.close()
        }
    }
}

@Suite struct `A proxy on the way` {
    @Test func `carries TLS end to end and never sees the credential`() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(tls: House.shared.server) { try await $0.serve("ok") }
            let target = server.port
            let proxy = try ScriptedServer(tls: nil) { visit in
                guard try await visit.request(connect: true) != nil else { return }
                let onward = try await ByteStream.connect(
                    .loopback(port: UInt16(target)), tls: nil, serverName: "", deadline: .now + .seconds(5))
                try await visit.send("HTTP/1.1 200 Connection established\r\n\r\n")
                await pump(visit.stream, onward)
            }
            var settings = try House.shared.settings(port: target, host: "api.test")
            settings.credential = .bearer { Secret(Array("s3cret".utf8)) }
            settings.proxy = ProxySettings(url: "http://ada:p%40ss@localhost:\(proxy.port)", exceptions: "")
            let client = try House.shared.client(settings)
            for _ in 0..<3 { #expect(try await call(client).body == "ok") }
            #expect(proxy.requests.count == 1)
            let asked = try #require(proxy.requests.first).raw
            #expect(asked.hasPrefix("CONNECT api.test:\(target) HTTP/1.1\r\nhost: api.test:\(target)\r\n"))
            #expect(asked.contains("proxy-authorization: Basic \(Base64.encode(Array("ada:p@ss".utf8)))\r\n"))
            #expect(!asked.contains("s3cret"))
            #expect(server.requests.count == 3)
            client.close()
            server.stop()
            proxy.stop()
        }
    }

    @Test func `that refuses is named with its status`() async throws {
        try await withLoop { _ in
            for status in [403, 407, 502] {
                let proxy = try ScriptedServer(tls: nil) { visit in
                    _ = try await visit.request(connect: true)
                    try await visit.send("HTTP/1.1 \(status) No\r\ncontent-length: 0\r\n\r\n")
                }
                var settings = try House.shared.settings(port: 443, host: "api.test")
                settings.proxy = ProxySettings(url: "localhost:\(proxy.port)", exceptions: "other.test")
                let client = try House.shared.client(settings)
                await #expect(throws: RequestFailure.proxyRefused(status)) { _ = try await call(client) }
                proxy.stop()
            }
        }
    }

    @Test(arguments: [
        ("", true), ("*", false), ("test", false), (".test", false), ("api.test", false), ("pi.test", true),
        ("API.TEST", false), ("x, api.test", false), ("api.test:443", false), ("api.test:80", true),
        ("10.0.0.0/8", true), ("sub.api.test", true),
    ])
    func `is left out where NO_PROXY says so`(exceptions: String, serves: Bool) throws {
        let proxy = try #require(ProxySettings(url: "http://proxy.test:3128/", exceptions: exceptions))
        #expect(proxy.serves(try UpstreamURL("https://api.test/mcp")) == serves)
        #expect(!proxy.serves(try UpstreamURL("https://localhost:8443/")))
        #expect(!proxy.serves(try UpstreamURL("https://127.0.0.1/")))
    }

    @Test(arguments: ["https://proxy.test:1", "socks5://proxy.test:1", "proxy.test:0", "http://", "proxy.test:1/x"])
    func `is no proxy with such a URL`(url: String) {
        #expect(ProxySettings(url: url, exceptions: "") == nil)
    }

    private func pump(_ one: ByteStream, _ other: ByteStream) async {
        let loop = EventLoop.current
        loop.spawnHere { await copy(other, one) }
        await copy(one, other)
    }

    private func copy(_ from: ByteStream, _ to: ByteStream) async {
        while true {
            var buffer: [UInt8] = []
            guard let count = try? await from.read(into: &buffer, atMost: 65_536, deadline: .now + .seconds(10)),
                count > 0,
                (try? await to.write(buffer, deadline: .now + .seconds(10))) != nil
            else { break }
        }
        from.close()
        to.close()
    }
}

@Suite struct `The corpus of responses, over a socket` {
    @Test(arguments: [1, 1 << 20])
    func `is judged as expected`(pieces: Int) async throws {
        guard let cases = HTTPCorpus.cases("responses.json") else { return Shared.skipped("responses.json") }
        #expect(cases.count > 40)
        try await withLoop { _ in
            for test in cases {
                let seen = try await failure { visit in
                    _ = try await visit.request()
                    var start = 0
                    while start < test.bytes.count {
                        let end = min(start + pieces, test.bytes.count)
                        try await visit.send(Array(test.bytes[start..<end]))
                        start = end
                    }
                }
                switch test.expected {
                case .reject: #expect(seen != nil, "\(test): accepted")
                case .accept: #expect(seen == nil, "\(test): \(String(describing: seen))")
                case .either: break
                }
            }
        }
    }
}

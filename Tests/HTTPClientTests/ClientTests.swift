import Bytes
import HTTP
import System
import Telemetry
import Testing

@testable import HTTPClient
@testable import OpenSSL
@testable import Reactor

@Suite struct `A request to an upstream` {
    @Test(arguments: [true, false])
    func `carries our host, framing and credential, and the caller's other fields`(secure: Bool) async throws {
        try await withLoop { _ in
            let server = try ScriptedServer(tls: secure ? House.shared.server : nil) { try await $0.serve("ok") }
            var settings = try House.shared.settings(port: server.port, secure: secure)
            settings.credential = .bearer { Secret(Array("s3cret".utf8)) }
            let client = try House.shared.client(settings)
            var fields = HeaderFields()
            for (name, value) in [
                ("accept", "application/json, text/event-stream"), ("mcp-protocol-version", "2025-11-25"),
                ("host", "evil.test"), ("authorization", "Bearer client"), ("content-length", "1"),
                ("transfer-encoding", "chunked"), ("accept-encoding", "gzip"), ("cookie", "a=b"),
            ] { fields.add(name: name, value: value) }
            let answer = try await client.send(
                UpstreamRequest(method: .post, fields: fields, body: Array("{\"a\":1}".utf8)))
            #expect(try await answer.whole(limit: 2) == Array("ok".utf8))
            let seen = try #require(server.requests.first)
            #expect(seen.head.method == .post)
            #expect(seen.head.path == "/mcp")
            #expect(seen.body == Array("{\"a\":1}".utf8))
            #expect(seen.head.host == ByteString("localhost:\(server.port)"))
            #expect(seen.head.fields["authorization"] == "Bearer s3cret")
            #expect(seen.head.fields["accept-encoding"] == "identity")
            #expect(seen.head.fields["content-length"] == "7")
            #expect(seen.head.fields["mcp-protocol-version"] == "2025-11-25")
            #expect(!seen.head.fields.contains("cookie"))
            #expect(!seen.head.fields.contains("transfer-encoding"))
            server.stop()
            client.close()
        }
    }

    @Test func `goes to another target when told, and GET has no length`() async throws {
        try await withLoop { _ in
            let server = try ScriptedServer(tls: House.shared.server) { try await $0.serve("") }
            let client = try House.shared.client(House.shared.settings(port: server.port))
            let answer = try await client.send(UpstreamRequest(method: .get, target: "/other?x=1"))
            #expect(try await answer.next() == nil)
            #expect(server.requests.first?.head.path == "/other")
            #expect(server.requests.first?.head.query == "x=1")
            #expect(server.requests.first?.head.fields.contains("content-length") == false)
            server.stop()
            client.close()
        }
    }

    @Test func `is answered with 401 and redirects like with anything else`() async throws {
        try await withLoop { _ in
            for status in [401, 301, 302, 307, 308, 500] {
                let server = try ScriptedServer(tls: House.shared.server) { visit in
                    while try await visit.request() != nil {
                        try await visit.send(
                            "HTTP/1.1 \(status) X\r\nlocation: https://localhost/\r\ncontent-length: 2\r\n\r\nno")
                    }
                }
                let client = try House.shared.client(House.shared.settings(port: server.port))
                let (seen, body) = try await call(client)
                #expect(seen == status)
                #expect(body == "no")
                #expect(server.requests.count == 1)
                server.stop()
                client.close()
            }
        }
    }

    @Test func `skips interim answers, but not for ever`() async throws {
        try await withLoop { _ in
            for (count, works) in [(1, true), (8, true), (9, false)] {
                let seen = try await failure { visit in
                    _ = try await visit.request()
                    for _ in 0..<count { try await visit.send("HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n") }
                    try await visit.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
                    await visit.pause(.milliseconds(20))
                }
                #expect((seen == nil) == works, "\(count)")
            }
        }
    }

    @Test func `reads a stream of events as they come`() async throws {
        try await withLoop { loop in
            let server = try ScriptedServer(tls: House.shared.server) { visit in
                _ = try await visit.request()
                try await visit.send(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
                for number in 0..<5 {
                    try await visit.send("9\r\ndata: \(number)\n\n\r\n")
                    await visit.pause(.milliseconds(10))
                }
                try await visit.send("0\r\n\r\n")
                _ = try await visit.request()
            }
            let client = try House.shared.client(House.shared.settings(port: server.port))
            let answer = try await client.send(UpstreamRequest(method: .post))
            var pieces: [String] = []
            while let piece = try await answer.next() { pieces.append(String(decoding: piece, as: UTF8.self)) }
            #expect(pieces.joined() == (0..<5).map { "data: \($0)\n\n" }.joined())
            #expect(pieces.count >= 3)
            #expect(client.openConnections == 1)
            server.stop()
            client.close()
        }
    }

    @Test func `reads nothing that nobody asked for`() async throws {
        try await withLoop { loop in
            let sent = Box(0)
            let server = try ScriptedServer(tls: House.shared.server) { visit in
                _ = try await visit.request()
                try Sockets.setSendBuffer(8_192, on: visit.stream.number)
                try await visit.send("HTTP/1.1 200 OK\r\ncontent-length: 30000000\r\n\r\n")
                for _ in 0..<300 {
                    try await visit.send([UInt8](repeating: 7, count: 100_000))
                    sent.value += 1
                }
            }
            let client = try House.shared.client(House.shared.settings(port: server.port))
            let answer = try await client.send(UpstreamRequest(method: .post))
            await loop.sleep(for: .milliseconds(150))
            #expect(sent.value < 150)
            var received = 0
            while let piece = try await answer.next() { received += piece.count }
            #expect(received == 30_000_000)
            #expect(sent.value == 300)
            server.stop()
            client.close()
        }
    }

    @Test func `that has no credential to show is not sent`() async throws {
        try await withLoop { _ in
            let seen = try await failure {
                $0.credential = .bearerFile("/nonexistent/secret")
            } _: { visit in
                Issue.record("connected")
                _ = try await visit.request()
            }
            #expect(seen == .noCredential("file /nonexistent/secret"))
            #expect(seen?.mayHaveActed == false)
        }
    }

    @Test func `shows the credential that the file holds now`() async throws {
        try await withLoop { loop in
            let folder = try Files.makeTemporaryFolder(prefix: "komainu-upstream-")
            defer { try? Files.removeTree(folder) }
            let path = "\(folder)/token"
            try Files.replace(path, with: Array(" first\n".utf8), permissions: 0o600)
            let server = try ScriptedServer(tls: House.shared.server) { try await $0.serve("ok") }
            var settings = try House.shared.settings(port: server.port)
            settings.credential = .bearerFile(path)
            let client = try House.shared.client(settings)
            _ = try await call(client)
            try Files.replace(path, with: Array("second".utf8), permissions: 0o600)
            client.server.refreshCredential()
            await eventually { client.server.credential.token?.revealed == Array("second".utf8) }
            _ = try await call(client)
            // One that is broken, or gone, leaves the last good one.
            for bytes in [Array("two words".utf8), [], Array("a\r\nx: y".utf8), [UInt8](repeating: 65, count: 9_000)] {
                try Files.replace(path, with: bytes, permissions: 0o600)
                client.server.credential.look()
                _ = try await call(client)
            }
            try Files.remove(path)
            client.server.credential.look()
            _ = try await call(client)
            #expect(
                server.requests.map { $0.head.fields["authorization"]?.text }
                    == ["Bearer first"] + [String](repeating: "Bearer second", count: 6))
            #expect(!"\(client.server.settings.credential)".contains("second"))
            server.stop()
            client.close()
        }
    }
}

@Suite struct `An upstream that misbehaves` {
    @Test func `is told from a good one by its certificate`() async throws {
        try await withLoop { _ in
            let house = House.shared
            let other = try CertificateMaker.authority(named: "Another", days: 30)
            let foreign = try CertificateMaker.server(names: [.dns("localhost")], days: 30, signedBy: other)
            let misnamed = try CertificateMaker.server(names: [.dns("api.test")], days: 30, signedBy: house.authority)
            for (key, kind) in [
                (foreign, CertificateFailure.Kind.unknownAuthority), (misnamed, .wrongName),
            ] {
                let context = try ServerContext(chain: key.certificate, key: key.key)
                let server = try ScriptedServer(tls: context) { visit in
                    _ = try await visit.request()
                    Issue.record("a request was sent")
                }
                let client = try house.client(house.settings(port: server.port))
                do throws(RequestFailure) {
                    _ = try await call(client)
                    Issue.record("believed")
                } catch {
                    guard case .certificate(let failure) = error else {
                        Issue.record("\(error)")
                        return
                    }
                    #expect(failure.kind == kind)
                    #expect(!error.mayHaveActed)
                }
                #expect(client.openConnections == 0)
                server.stop()
            }
        }
    }

    @Test func `by an expired certificate is not believed`() async throws {
        try await withLoop { _ in
            let house = House.shared
            let server = try ScriptedServer(tls: house.server) { _ = try await $0.request() }
            let client = try house.client(house.settings(port: server.port))
            client.server.tls?.handle.verify(asOf: Int(WallTime.now.seconds) + 40 * 86_400)
            do throws(RequestFailure) {
                _ = try await call(client)
                Issue.record("believed")
            } catch {
                guard case .certificate(let failure) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(failure.kind == .expired)
            }
            server.stop()
        }
    }

    @Test func `does not answer, stops, or is slow in each phase: the phase is named`() async throws {
        try await withLoop { _ in
            let head = try await failure(timing: short(\.head, 60)) { visit in
                _ = try await visit.request()
                await visit.pause(.milliseconds(300))
            }
            #expect(head == .timedOut(.head))
            let slowHead = try await failure(timing: short(\.head, 60)) { visit in
                _ = try await visit.request()
                for byte in "HTTP/1.1 200 OK\r\nx: y\r\n" {
                    try await visit.send(String(byte))
                    await visit.pause(.milliseconds(10))
                }
            }
            #expect(slowHead == .timedOut(.head))
            let body = try await failure(timing: short(\.body, 60)) { visit in
                _ = try await visit.request()
                try await visit.send("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhe")
                await visit.pause(.milliseconds(300))
            }
            #expect(body == .timedOut(.body))
            var timing = UpstreamTiming()
            timing.total = .milliseconds(200)
            let total = try await failure(timing: timing) { visit in
                _ = try await visit.request()
                try await visit.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                for _ in 0..<80 {
                    try await visit.send("1\r\nx\r\n")
                    await visit.pause(.milliseconds(10))
                }
            }
            #expect(total == .timedOut(.total))
            #expect(total?.mayHaveActed == true)
        }
    }

    @Test func `never shakes hands: the handshake's time is over`() async throws {
        try await withLoop { _ in
            let silent = try ScriptedServer(tls: nil) { await $0.pause(.milliseconds(400)) }
            var settings = try House.shared.settings(port: silent.port)
            settings.timing.handshake = .milliseconds(60)
            let client = try House.shared.client(settings)
            await #expect(throws: RequestFailure.timedOut(.handshake)) { _ = try await call(client) }
            silent.stop()
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello", RequestFailure.cutOff),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n", .cutOff),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhel", .cutOff),
        ("HTTP/1.1 200 OK\r\n", .cutOff), ("", .cutOff),
        ("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nhello", .codedBody),
        ("HTTP/1.1 200 OK\r\ncontent-encoding: identity, br\r\ncontent-length: 5\r\n\r\nhello", .codedBody),
        ("HTTP/1.1 200 OK\r\ncontent-length: 2000000\r\n\r\nhello", .tooLarge),
    ])
    func `cuts, lies, compresses or overwhelms, and is named for it`(
        answer: String, expected: RequestFailure
    ) async throws {
        try await withLoop { _ in
            let seen = try await failure { visit in
                _ = try await visit.request()
                try await visit.send(answer)
            }
            #expect(seen == expected)
        }
    }

    @Test func `sends a head without end`() async throws {
        try await withLoop { _ in
            let seen = try await failure { visit in
                _ = try await visit.request()
                try await visit.send("HTTP/1.1 200 OK\r\n")
                for number in 0..<10_000 {
                    try await visit.send("x-\(number): \(String(repeating: "a", count: 100))\r\n")
                }
            }
            guard case .malformed(let failure) = seen else {
                Issue.record("\(String(describing: seen))")
                return
            }
            #expect([.headTooLarge, .tooManyFields].contains(failure.reason))
        }
    }

    @Test func `sends a body without end to a caller with a limit`() async throws {
        try await withLoop { _ in
            let seen = try await failure { visit in
                _ = try await visit.request()
                try await visit.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                while true {
                    try await visit.send("10000\r\n" + String(repeating: "a", count: 65_536) + "\r\n")
                }
            }
            #expect(seen == .tooLarge)
        }
    }

    @Test func `ends a body with the connection: whole with TLS's goodbye, cut without`() async throws {
        try await withLoop { _ in
            let answer = "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello"
            let proper = try await failure { visit in
                _ = try await visit.request()
                try await visit.send(answer)
            }
            #expect(proper == nil)
            let cut = try await failure { visit in
                _ = try await visit.request()
                try await visit.send(answer)
                Sockets.finishSending(on: visit.stream.number)
                await visit.pause(.milliseconds(30))
            }
            #expect(cut == .cutOff)
            let plain = try await failure(secure: false) { visit in
                _ = try await visit.request()
                try await visit.send(answer)
            }
            #expect(plain == .cutOff)
        }
    }

    @Test func `is not there`() async throws {
        try await withLoop { _ in
            let server = try ScriptedServer(tls: nil) { _ in }
            let port = server.port
            server.stop()
            let client = try House.shared.client(House.shared.settings(port: port))
            await #expect(throws: RequestFailure.refused) { _ = try await call(client) }
            let nameless = try House.shared.client(House.shared.settings(port: port, host: "no.example"))
            await #expect(throws: RequestFailure.unreachable("no.example: unknown")) { _ = try await call(nameless) }
        }
    }
}

final class Box<Value> {
    var value: Value
    init(_ value: Value) { self.value = value }
}

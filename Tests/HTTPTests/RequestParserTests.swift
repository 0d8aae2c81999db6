import Bytes
import HTTP
import Testing

@Suite struct `A request` {
    @Test func `is refused for the reason that it gives, in whatever pieces it comes`() throws {
        for row in try CaseText.rows("refusals.txt") {
            let reason = try #require(HTTPFailure.Reason(rawValue: row[0]), "\(row[0])")
            let bytes = CaseText.bytes(row[1])
            for size in [1, 3, bytes.count] {
                let seen = Conversation(bytes, inPiecesOf: size)
                #expect(seen.failure?.reason == reason, "\(row) in pieces of \(size)")
                #expect(seen.requests.isEmpty)
            }
        }
    }

    @Test func `can be refused for every reason there is`() throws {
        let onlyInResponses: Set<HTTPFailure.Reason> = [.badStatus, .badReason, .truncated, .unexpectedUpgrade]
        let onlyInHTTP2: Set<HTTPFailure.Reason> = [.badPseudoField, .connectionField, .lengthMismatch]
        let seen = Set(try CaseText.rows("refusals.txt").compactMap { HTTPFailure.Reason(rawValue: $0[0]) })
        #expect(Set(HTTPFailure.Reason.allCases).subtracting(seen) == onlyInResponses.union(onlyInHTTP2))
    }

    private func head(_ text: String) throws -> RequestHead {
        var parser = RequestParser()
        let bytes = Array((text + "\r\n\r\n").utf8)
        let (head, consumed) = try #require(try parser.parse(bytes.span))
        #expect(consumed == bytes.count)
        return head
    }

    @Test func `gives its parts`() throws {
        let head = try head(
            "POST /mcp/a%20b?c=d&e?/ HTTP/1.1\r\nHost: MCP.Example.com:8443\r\nX-A:  1 \t\r\nContent-Length: 3")
        #expect(head.method == .post)
        #expect(head.path == "/mcp/a%20b" && head.query == "c=d&e?/")
        #expect(head.minorVersion == 1 && head.keepsAlive && !head.expectsContinue)
        #expect(head.host == "mcp.example.com:8443")
        #expect(head.fields["x-a"] == "1")
        #expect(head.framing == .length(3))
    }

    @Test(arguments: [
        ("GET http://A.b:1/x?y HTTP/1.1\r\nHost: a.B:1", "/x", "y"),
        ("GET https://a HTTP/1.1\r\nHost: a", "/", nil),
        ("GET http://a?q HTTP/1.1\r\nHost: a", "/", "q"),
        ("OPTIONS * HTTP/1.1\r\nHost: a", "*", nil),
        ("GET /? HTTP/1.1\r\nHost: a", "/", ""),
        ("GET /.well-known/x/ HTTP/1.1\r\nHost: a", "/.well-known/x/", nil),
        ("GET /.../..a HTTP/1.1\r\nHost: a", "/.../..a", nil),
        ("GET /%C3%A9 HTTP/1.1\r\nHost: a", "/%C3%A9", nil),
    ])
    func `has a target in one of its forms`(_ text: String, _ path: String, _ query: String?) throws {
        let head = try head(text)
        #expect(head.path == ByteString(path))
        #expect(head.query == query.map { ByteString($0) })
    }

    @Test(arguments: [
        "a", "A-b_c.d9", "127.0.0.1:80", "[::]", "[::1]:8443", "[1:2:3:4:5:6:7:8]", "[1::8]", "[::ffff:1.2.3.4]",
        "[1:2:3:4:5:6:1.2.3.4]", "[2001:DB8::1]",
    ])
    func `names a host`(_ host: String) throws {
        #expect(try head("GET / HTTP/1.1\r\nHost: \(host)").host == ByteString(host.lowercased()))
    }

    @Test func `may be the last on its connection`() throws {
        #expect(try !head("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close").keepsAlive)
        #expect(try !head("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive").keepsAlive)
        #expect(try head("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive").keepsAlive)
    }

    @Test func `may wait before it sends its body, unless it is of HTTP 1 0`() throws {
        #expect(try head("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue").expectsContinue)
        #expect(try !head("POST / HTTP/1.0\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue").expectsContinue)
    }

    @Test func `is followed by another, which is left alone`() throws {
        let first = Array("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        let second = Array("GET /2 HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
        var parser = RequestParser()
        let (head, consumed) = try #require(try parser.parse((first + second).span))
        #expect(head.path == "/1" && consumed == first.count)
        #expect(try #require(try parser.parse(second.span)).head.path == "/2")
    }

    @Test func `answers with the status that its failure has`() {
        let statuses: [(HTTPFailure.Reason, Int)] = [
            (.badStartLine, 400), (.bodyTooLarge, 413), (.targetTooLong, 414), (.codedBody, 415),
            (.badExpectation, 417), (.headTooLarge, 431), (.tooManyFields, 431), (.fieldTooLarge, 431),
            (.connectRefused, 501), (.unsupportedVersion, 505),
        ]
        for (reason, status) in statuses { #expect(HTTPFailure(reason, at: 0).status == status) }
    }

    /// Whatever bytes come, they are read the same in any pieces, and nothing stops the process.
    @Test func `made of broken pieces of others is read the same in any pieces`() throws {
        var random = Dice(state: 0x5eed)
        let seeds = try CaseText.rows("refusals.txt").map { CaseText.bytes($0[1]) }.filter { $0.count < 200 }
        for _ in 0..<3_000 {
            var bytes: [UInt8] = []
            for _ in 0..<3 {
                let seed = seeds[random.below(seeds.count)]
                let start = random.below(seed.count)
                bytes += seed[start..<start + random.below(seed.count - start + 1)]
            }
            let whole = Conversation(bytes, inPiecesOf: 1 << 20)
            let pieces = Conversation(bytes, inPiecesOf: 1 + random.below(9))
            // In pieces, a line that is not complete may be found wrong only when its end comes.
            if !pieces.isIncomplete { #expect(whole.failure?.reason == pieces.failure?.reason, "\(bytes)") }
            #expect(whole.requests.map(\.body) == pieces.requests.map(\.body), "\(bytes)")
        }
    }
}

/// Numbers that are the same in every run.
struct Dice {
    var state: UInt64

    mutating func below(_ limit: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int(state % UInt64(limit))
    }
}

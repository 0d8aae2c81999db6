import Bytes
import HTTP
import Testing

@Suite struct `Header fields` {
    private func fields(_ pairs: (String, String)...) -> HeaderFields {
        var fields = HeaderFields()
        for (name, value) in pairs { fields.add(name: name, value: value) }
        return fields
    }

    @Test func `give a value only when there is one`() {
        let fields = fields(("Accept", "a"), ("Mcp-Name", "x"), ("accept", "b"))
        #expect(fields["accept"] == nil)
        #expect(fields.all("accept") == ["a", "b"])
        #expect(fields.count(of: "accept") == 2)
        #expect(fields["mcp-name"] == "x")
        #expect(fields["mcp-name" as ByteString] == "x")
        #expect(fields["accept" as ByteString] == nil)
        #expect(fields["absent"] == nil && !fields.contains("absent"))
    }

    @Test func `never let a value end its line`() {
        let fields = fields(("a", "x\r\nSet-Cookie: y\n\0z\u{7f}\tw"))
        var out: [UInt8] = []
        fields.encode(into: &out)
        #expect(String(decoding: out, as: UTF8.self) == "a: x  Set-Cookie: y  z \tw\r\n")
    }

    @Test(arguments: ["", "a b", "a:", "a\r\n", "é", "a\"", "(a)", "a\0"])
    func `take no name that is not a token`(_ name: String) {
        var fields = HeaderFields()
        let isAdded = fields.add(name: name, value: "x")
        #expect(!isAdded)
        #expect(fields.isEmpty)
    }

    @Test func `compare lists member by member`() {
        let fields = fields(("connection", "close, Upgrade ,,"), ("x", "y"), ("connection", "\tte"))
        #expect(fields.list("connection") == ["close", "Upgrade", "te"])
        #expect(fields.list("none").isEmpty)
    }

    @Test func `know one value in any letter case`() {
        let fields = fields(("te", "CHUNKED"), ("twice", "a"), ("twice", "a"))
        #expect(fields.has("te", "chunked"))
        #expect(!fields.has("te", "chunke"))
        #expect(!fields.has("twice", "a"))
    }

    @Test func `can be removed without moving others`() {
        var fields = fields(("a", "1"), ("b", "2"), ("a", "3"), ("c", "4"))
        fields.remove("a")
        #expect(fields == self.fields(("b", "2"), ("c", "4")))
        #expect(fields["c"] == "4")
    }
}

@Suite struct `A response head` {
    private func encoded(_ head: ResponseHead) -> String {
        var out: [UInt8] = []
        head.encode(into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func `has the framing that its sender decided, and no other`() {
        var fields = HeaderFields()
        fields.add(name: "content-length", value: "999")
        fields.add(name: "transfer-encoding", value: "x")
        fields.add(name: "connection", value: "keep-alive")
        fields.add(name: "x-a", value: "1")
        #expect(
            encoded(ResponseHead(status: 200, fields: fields, framing: .length(2)))
                == "HTTP/1.1 200 OK\r\nx-a: 1\r\ncontent-length: 2\r\n\r\n")
        #expect(
            encoded(ResponseHead(status: 200, fields: fields, framing: .chunked))
                == "HTTP/1.1 200 OK\r\nx-a: 1\r\ntransfer-encoding: chunked\r\n\r\n")
        #expect(
            encoded(ResponseHead(status: 204, framing: .none, keepsAlive: false))
                == "HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n")
        #expect(
            encoded(ResponseHead(status: 200, framing: .untilClose)) == "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", HTTPMethod.head, BodyFraming.none, true),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .get, .chunked, true),
        ("HTTP/1.1 200 OK\r\n\r\n", .get, .untilClose, false),
        ("HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", .get, .length(0), false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\n", .get, .length(3), false),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\n", .get, .length(3), true),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", .get, .none, true),
        ("HTTP/1.1 204 No Content\r\n\r\n", .get, .none, true),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", .get, .none, false),
        ("HTTP/1.1 100 Continue\r\n\r\n", .post, .none, true),
        ("HTTP/1.1 200 OK\r\n\r\n", .other("CONNECT"), .none, false),
        ("HTTP/1.1 200\r\nContent-Length: 3\r\n\r\n", .get, .length(3), true),
    ])
    func `is read with the framing of RFC 9112 section 6.3`(
        _ text: String, _ method: HTTPMethod, _ framing: BodyFraming, _ keepsAlive: Bool
    ) throws {
        var parser = ResponseParser(requestMethod: method)
        let (head, consumed) = try #require(try parser.parse(Array(text.utf8).span))
        #expect(head.framing == framing)
        #expect(head.keepsAlive == keepsAlive)
        #expect(consumed == text.utf8.count)
    }

    @Test func `that switches protocols is refused`() {
        var parser = ResponseParser(requestMethod: .get)
        let bytes = Array("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n".utf8)
        #expect(throws: HTTPFailure(.unexpectedUpgrade, at: 0)) { try parser.parse(bytes.span) }
    }
}

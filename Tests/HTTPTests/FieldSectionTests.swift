import Bytes
import HTTP
import Testing

@Suite struct `A field section` {
    private static let usual: [[UInt8]] = [
        ":method", "GET", ":scheme", "https", ":path", "/", ":authority", "a.b",
    ].map { Array($0.utf8) }

    /// Names and values by turns, and whether a body follows.
    private func fields(_ text: String) -> (fields: [[UInt8]], ends: Bool) {
        var text = text
        let ends = text.hasPrefix("*")
        if ends { text.removeFirst() }
        let isUsual = text.hasPrefix("OK")
        if isUsual { text.removeFirst(2) }
        var rest = CaseText.bytes(text)[...]
        if isUsual, !rest.isEmpty { rest.removeFirst() }
        var parts: [[UInt8]] = []
        while !rest.isEmpty {
            // A name ends at its tilde, a value at two of them.
            for stop in [[0x7e], [0x7e, 0x7e]] as [[UInt8]] {
                var part: [UInt8] = []
                while let byte = rest.first, !rest.starts(with: stop) {
                    part.append(byte)
                    rest.removeFirst()
                }
                rest = rest.dropFirst(stop.count)
                parts.append(part)
            }
        }
        return ((isUsual ? Self.usual : []) + parts, ends)
    }

    private func head(_ fields: [[UInt8]], ends: Bool) throws(HTTPFailure) -> RequestHead {
        var reader = FieldSectionReader()
        for index in stride(from: 0, to: fields.count, by: 2) {
            let (name, value) = (fields[index], fields[index + 1])
            try reader.add(name.span, value.span)
        }
        return try reader.head(ends: ends)
    }

    @Test func `is accepted or refused for the reason that its case gives`() throws {
        let rows = try CaseText.rows("field-sections.txt")
        for row in rows {
            let text = row[1]
            let (fields, ends) = fields(text)
            var seen = "accepted"
            do throws(HTTPFailure) {
                _ = try head(fields, ends: ends)
            } catch {
                seen = error.code
            }
            #expect(seen == row[0], "\(text.prefix(120))")
        }
        #expect(rows.count > 80)
    }

    @Test func `gives its parts`() throws {
        let (parts, _) = fields(
            ":method~POST~~:scheme~https~~:path~/a/b?c=d~~:authority~MCP.Example:8443~~x-a~1")
        let head = try head(parts, ends: false)
        #expect(head.method == .post && head.path == "/a/b" && head.query == "c=d")
        #expect(head.host == "mcp.example:8443" && head.fields["x-a"] == "1" && head.fields.count == 1)
        #expect(head.framing == .chunked && head.keepsAlive && head.minorVersion == 1)
        #expect(try self.head(Self.usual, ends: true).framing == .none)
    }

    @Test(
        arguments: [
            ("x-checksum", "a", nil), ("x", "", nil), (":path", "/", .badPseudoField), ("", "a", .badPseudoField),
            ("X-A", "a", .badTrailer), ("x", "a\r\nb", .badTrailer), ("content-length", "1", .forbiddenTrailer),
            ("authorization", "a", .forbiddenTrailer), ("connection", "close", .forbiddenTrailer),
        ] as [(String, String, HTTPFailure.Reason?)])
    func `has trailers that are checked like those of chunks`(
        _ name: String, _ value: String, _ reason: HTTPFailure.Reason?
    ) {
        var seen: HTTPFailure.Reason?
        do throws(HTTPFailure) {
            let (name, value) = (Array(name.utf8), Array(value.utf8))
            try FieldSectionReader.checkTrailer(name.span, value.span, index: 0, limits: .standard)
        } catch {
            seen = error.reason
        }
        #expect(seen == reason)
    }

    @Test func `of an answer has no fields of the connection, and its length`() {
        var fields = HeaderFields()
        for name in [
            "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade", "te", "trailer",
            "content-length", "x-a",
        ] {
            fields.add(name: name, value: " 7 ")
        }
        var seen: [String] = []
        ResponseHead(status: 200, fields: fields, framing: .length(3)).forEachFieldOfSection { name, value in
            seen.append(String(decoding: name + [0x3d] + value, as: UTF8.self))
        }
        #expect(seen == ["x-a=7", "content-length=3"])
    }
}

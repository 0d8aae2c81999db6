import Bytes
import JSON
import KomainuTesting
import MCP
import Testing

@testable import Policy
@testable import Redaction

/// Texts broken at random: nothing may stop the process, and what leaves is always JSON that we would read ourselves.
@Suite struct `Broken texts` {
    private static let pieces: [String] = [
        #"{"email":"ada@example.com","first":"Maren","users":[{"x":"Okonjo 7"}]}"#,
        "email: ada@example.com, first=Maren", "%40%20", "-----BEGIN PRIVATE KEY-----",
        "::1", "+1 (202) 555-0143 x12", "0044 20 7946 0958", "https://a:b@c.example", "4111 1111 1111 1111",
        "DE89 3704 0044 0532 0130 00", "eyJhbGciOiJIUzI1NiJ9.e30.x",
        "[1,[2,{\"a\":\"b\"}]]", "password = \"ldX5IBAb%WI5eT\"", "de:ad:be:ef:00:01", "2001:db8::7334",
        "AB123456C 756.1735.2614.23", "日本語 é", "\\u0041\\ud83d",
    ]

    @Test func `are redacted like any`() throws {
        var dice = Dice(state: 5)
        let ways = Way.allCases.filter { $0 != .withhold }
        let scanner = TextScanner(kinds: .all)
        for _ in 0..<3_000 {
            let text = broken(&dice)
            for finding in scanner.findings(in: text.span) {
                #expect(finding.start >= 0 && finding.start < finding.end && finding.end <= text.count)
            }
            let way = ways.randomElement(using: &dice) ?? .mask
            let groups = [
                try RedactionGroup.fields(["**.email", "**.first*", "users[*].x"], as: way), .detect(as: way),
            ]
            let value = try? JSONDocument(parsing: text)
            let inner = value.map { $0.value($0.root) } ?? .string(ByteString(text))
            let message: JSONValue = [
                "jsonrpc": "2.0", "id": 1,
                "result": [
                    "structuredContent": inner, "content": [["type": "text", "text": .string(ByteString(text))]],
                ],
            ]
            let result = try redact(String(decoding: message.encoded(), as: UTF8.self), groups)
            let document = try JSONDocument(parsing: result.bytes)
            #expect(document.encoded(document.root) == result.bytes)
        }
    }

    private func broken(_ dice: inout Dice) -> [UInt8] {
        var text: [UInt8] = []
        for _ in 0..<Int.random(in: 1...4, using: &dice) {
            text += Array((Self.pieces.randomElement(using: &dice) ?? "").utf8)
        }
        for _ in 0..<Int.random(in: 0...6, using: &dice) where !text.isEmpty {
            let place = Int.random(in: 0..<text.count, using: &dice)
            switch Int.random(in: 0..<5, using: &dice) {
            case 0: text[place] = UInt8.random(in: 0...255, using: &dice)
            case 1: text.remove(at: place)
            case 2: text.insert(Array("\"\\{}[]:,@+-.0 %=".utf8).randomElement(using: &dice) ?? 0, at: place)
            case 3: text = Array(text.prefix(place))
            default: text = Array(text.suffix(place))
            }
        }
        return text
    }
}

import Bytes
import JSON
import System
import Testing

@testable import Audit

private let noon = Moment(wall: WallTime(rfc3339: "2026-11-20T12:00:00.123456789Z") ?? .now, monotonic: 42)

/// The record's line, read back strictly.
private func read(_ record: AuditRecord) throws -> JSONDocument {
    try JSONDocument(parsing: Array("{".utf8) + record.encoded(at: noon) + Array("}".utf8))
}

private func text(_ record: AuditRecord) -> String {
    String(decoding: record.encoded(at: noon), as: UTF8.self)
}

@Suite struct `A record` {
    @Test func `is written with its members in the order of the format`() throws {
        var record = AuditRecord(.callIntent, call: CallID("01JD3R6K9QXXXXXXXXXXXXXXXX"))
        record.who = AuditRecord.Who(subject: "s_0123456789abcdef")
        record.who?.scopes = ["a", "b"]
        record.via = AuditRecord.Via(address: "192.0.2.7")
        record.via?.client = "claude"
        record.message = AuditRecord.Message(method: "tools/call", server: "torii", tool: "list_apps")
        record.decision = AuditRecord.Decision(.allow, rule: "r1")
        record.arguments = AuditRecord.Arguments(
            redacted: Array(#"{ "q" : 1.50 }"#.utf8), byteCount: 14, commitment: "c")
        record.outcome = AuditRecord.Outcome(.toolError)
        record.redactions = [.init(place: "args", rule: "people", count: 2)]
        record.findings = [.init(rule: "injection", severity: "high", action: "none")]
        record.trace = .init(trace: "4bf9", span: nil, source: "made")
        record.of = 7
        record.facts = [("n", .int(-3)), ("yes", .bool(true)), ("list", .texts(["x"]))]
        #expect(
            text(record)
                == #"""
                "ts":"2026-11-20T12:00:00.123456789Z","mono":42,"kind":"call.intent","cid":"01JD3R6K9QXXXXXXXXXXXXXXXX",
                "of":7,"who":{"sub":"s_0123456789abcdef","scopes":["a","b"]},
                "via":{"client":"claude","src":"self","addr":"192.0.2.7"},
                "mcp":{"m":"tools/call","srv":"torii","tool":"list_apps"},"dec":{"d":"allow","rule":"r1"},
                "args":{"a":{"q":1.50},"n":14,"c":"c"},"out":{"st":"tool_error"},
                "red":[{"w":"args","r":"people","k":2}],"fnd":[{"r":"injection","sev":"high","act":"none"}],
                "tr":"4bf9","trs":"made","info":{"n":-3,"yes":true,"list":["x"]}
                """#.split(separator: "\n").joined())
    }

    @Test(arguments: [1, 4_000])
    func `says the same of parties that it shares with others, however short its line must be`(long: Int) {
        var who = AuditRecord.Who(subject: "s_0123456789abcdef")
        who.scopes = (0..<40).map { ByteString("scope-\($0)") }
        let via = AuditRecord.Via(address: ByteString(String(repeating: "x", count: 300)))
        let message = AuditRecord.Message(method: "tools/call", server: "torii", tool: "list_apps")
        var record = AuditRecord(.callDenied)
        let values = [ByteString](repeating: "0123456789 0123456789 0123456789", count: long / 40)
        record.facts = (0..<60).map { ("fact_\($0)", .texts(values)) }
        var sharing = record
        sharing.parties = AuditRecord.Parties(who: who, via: via, message: message)
        (record.who, record.via, record.message) = (who, via, message)
        #expect(text(sharing) == text(record))
        #expect(text(record).contains("scope-39") == (long == 1))
    }

    @Test func `leaves out what nobody said`() {
        var record = AuditRecord(.logHeartbeat)
        record.who = AuditRecord.Who()
        record.via = AuditRecord.Via()
        #expect(text(record) == #""ts":"2026-11-20T12:00:00.123456789Z","mono":42,"kind":"log.heartbeat""#)
    }

    @Test(arguments: [
        ("quote\" back\\slash", "\"quote\\\" back\\\\slash\""),
        ("line\nfeed\r\ttab", "\"line\\nfeed\\r\\ttab\""),
        ("nul\u{0} bell\u{7} esc\u{1B} del\u{7F}", "\"nul\\u0000 bell\\u0007 esc\\u001b del\\u007f\""),
        ("next line\u{85} csi\u{9B}", "\"next line\\u0085 csi\\u009b\""),
        ("é 東京 🗝", "\"é 東京 🗝\""),
    ])
    func `escapes what a terminal or a reader could trip over`(value: String, written: String) throws {
        let record = AuditRecord(.finding, facts: [("x", .text(ByteString(value)))])
        #expect(text(record).hasSuffix("\"info\":{\"x\":\(written)}"))
        #expect(try read(record).text("info", "x") == ByteString(value))
    }

    @Test func `repairs bytes that are not UTF-8`() throws {
        let broken: [[UInt8]] = [
            [0xFF], [0xC0, 0xAF], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0x80],
            [0xF0, 0x80, 0x80, 0xAF],
            [0x61, 0xE2, 0x82, 0x61], [0xC2],
        ]
        for bytes in broken {
            let record = AuditRecord(.finding, facts: [("x", .text(ByteString(bytes)))])
            let value = try #require(try read(record).text("info", "x"))
            #expect(value.text.contains("\u{FFFD}"))
        }
    }

    @Test func `writes the length of what is too long`() throws {
        let long = ByteString([UInt8](repeating: 0x61, count: 5_000))
        var record = AuditRecord(.finding, facts: [("x", .text(long))])
        record.message = AuditRecord.Message(method: "tools/call", server: nil, tool: long)
        record.arguments = AuditRecord.Arguments(redacted: Array("not json".utf8), byteCount: 8)
        let line = text(record)
        #expect(line.contains(#""tool":{"…":5000}"#))
        #expect(line.contains(#""args":{"a":{"…":8},"n":8}"#))
        #expect(line.contains(#""info":{"x":{"…":5000}}"#))
        record.arguments?.redacted = Array("{\"k\":\"\(String(repeating: "v", count: 20_000))\"}".utf8)
        #expect(text(record).contains(#""args":{"a":{"…":20008},"n":8}"#))
    }

    @Test func `writes lists up to their limit, and how many more there were`() throws {
        var record = AuditRecord(.callOutcome)
        record.redactions = (0..<100).map { _ in .init(place: "result", rule: "r", count: 1) }
        let red = try #require(try read(record).member("red", of: read(record).root))
        #expect(try read(record).count(of: red) == 65)
        #expect(text(record).hasSuffix(#"{"…":36}]"#))
    }

    @Test func `fits into a line however much is said`() throws {
        // Every byte becomes six: the worst that escaping can do.
        let worst = ByteString([UInt8](repeating: 1, count: 1_000))
        let list = [ByteString](repeating: worst, count: 100)
        var record = AuditRecord(.callIntent, call: try CallID.make())
        record.who = AuditRecord.Who(subject: worst)
        record.who?.issuer = worst
        record.who?.scopes = list
        record.who?.actors = list
        record.via = AuditRecord.Via(address: worst)
        record.via?.client = worst
        record.message = AuditRecord.Message(method: worst, server: worst, tool: worst)
        record.message?.resource = worst
        record.message?.requestID = worst
        record.decision = AuditRecord.Decision(.allow, rule: worst, reason: worst)
        record.decision?.obligations = list
        record.decision?.shadow = list
        record.redactions = list.map { .init(place: $0, rule: $0, count: .max, way: $0, path: $0) }
        record.findings = list.map { .init(rule: $0, severity: $0, action: $0) }
        record.facts = (0..<100).map { ("fact_\($0)", .texts(list)) }
        record.arguments = AuditRecord.Arguments(
            redacted: Array("[\"\(String(repeating: "a", count: 16_000))\"]".utf8), byteCount: 16_004)
        let encoded = record.encoded(at: noon)
        #expect(encoded.count <= AuditRecord.lineLimit - AuditRecord.chainBytes)
        let document = try read(record)
        #expect(document.text("cid") == record.call?.text)
    }

    @Test func `says a fact once, and whole numbers beyond 2^53 as text`() throws {
        let record = AuditRecord(
            .finding, facts: [("n", .int(1)), ("n", .int(2)), ("big", .int(1 << 53)), ("least", .int(.min))])
        #expect(text(record).hasSuffix(#""info":{"n":1,"big":"9007199254740992","least":"-9223372036854775808"}"#))
    }

    @Test func `keeps arguments nested as deep as they may be, and no deeper`() throws {
        for (depth, isKept) in [(60, true), (61, false)] {
            var record = AuditRecord(.callIntent)
            let json = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
            record.arguments = AuditRecord.Arguments(redacted: Array(json.utf8), byteCount: json.utf8.count)
            #expect(text(record).contains(json) == isKept)
            _ = try read(record)
        }
    }
}

@Suite struct `The name of a call` {
    @Test func `has the time in front and 26 characters`() throws {
        let call = CallID(milliseconds: 1_469_918_176_385, random: [UInt8](repeating: 0xFF, count: 10))
        #expect(call.text == "01ARYZ6S41ZZZZZZZZZZZZZZZZ")
        #expect(CallID(call.text) == call)
        #expect(Set(try (0..<1_000).map { _ in try CallID.make() }).count == 1_000)
    }

    @Test(arguments: [
        "", "01ARYZ6S41ZZZZZZZZZZZZZZZ", "01ARYZ6S41ZZZZZZZZZZZZZZZZZ", "01aryz6s41zzzzzzzzzzzzzzzz",
        "81ARYZ6S41ZZZZZZZZZZZZZZZZ", "01ARYZ6S41ZZZZZZZZZZZZZZZI",
    ])
    func `is nothing else`(text: String) {
        #expect(CallID(ByteString(text)) == nil)
    }
}

@Suite struct `Numbers in a line` {
    @Test(arguments: [
        0, 1, 9, 10, 99, 100, 12_345, UInt64(Int64.max), 9_999_999_999_999_999_999, 10_000_000_000_000_000_000, .max,
    ])
    func `are decimal digits`(value: UInt64) {
        var bytes: [UInt8] = []
        bytes.appendDecimal(value)
        #expect(String(decoding: bytes, as: UTF8.self) == "\(value)")
    }
}

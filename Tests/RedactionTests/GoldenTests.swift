import Bytes
import JSON
import KomainuTesting
import MCP
import Testing

@testable import Policy
@testable import Redaction

/// `Cases/*.txt`: blocks of `# what it shows`, steps, `@` a method, `<` a message or value, `>` what becomes of it.
@Suite struct `Golden redactions` {
    struct Case {
        let title: String
        var groups: [RedactionGroup] = []
        var method = MCP.Method.toolsCall
        var input = ""
        var expected = ""
        var report = ""
    }

    static func cases(_ file: String) throws -> [Case] {
        let folder = #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined()
        let text = try #require(Shared.contents(of: folder + "/Cases/" + file))
        var cases: [Case] = []
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            let rest = String(line.dropFirst(2))
            switch line.first {
            case "#": cases.append(Case(title: rest))
            case "@": cases[cases.count - 1].method = MCP.Method(ByteString(rest))
            case "<": cases[cases.count - 1].input = rest
            case ">": cases[cases.count - 1].expected = rest
            case "!": cases[cases.count - 1].report = rest
            default: cases[cases.count - 1].groups.append(try step(String(line)))
            }
        }
        return cases
    }

    /// `mask **.email **.phone`, `mask detect email phone`.
    private static func step(_ line: String) throws -> RedactionGroup {
        let words = line.split(separator: " ").map(String.init)
        let way = try #require(Way(rawValue: words[0]))
        guard words[1] == "detect" else { return try .fields(Array(words.dropFirst()), as: way) }
        let kinds = try words.dropFirst(2).map { try #require(Detector(rawValue: $0)) }
        return .detect(kinds.isEmpty ? Detector.allCases : kinds, as: way)
    }

    @Test func `of structured content are as written`() throws {
        let cases = try Self.cases("structured.txt")
        for item in cases {
            let result = try structured(item.input, item.groups)
            #expect(result == item.expected, "\(item.title)")
        }
        #expect(cases.count >= 25)
    }

    @Test func `of texts are as written`() throws {
        let cases = try Self.cases("texts.txt")
        for item in cases {
            let result = try content(item.input, item.groups)
            #expect(result == item.expected, "\(item.title)")
        }
        #expect(cases.count >= 12)
    }

    @Test func `of JSON that lies too deep, or comes in too many pieces, leave nothing`() throws {
        let groups = [try RedactionGroup.fields(["**.address"], as: .mask)]
        var text = #"{"address":{"street":"Hill 1"}}"#
        for _ in 0..<7 {
            text = String(decoding: JSONValue.object([JSONMember("s", .text(text))]).encoded(), as: UTF8.self)
        }
        let deep = try content(text, groups)
        #expect(!deep.contains("Hill") && deep.contains("[REDACTED]"))
        let many = String(repeating: "[1] ", count: 300) + #"{"address":{"street":"Hill 1"}}"#
        #expect(try content(many, groups) == "[REDACTED]")
    }

    @Test func `of whole messages are as written`() throws {
        let cases = try Self.cases("messages.txt")
        for item in cases {
            let result = try redact(item.input, item.groups, method: item.method)
            var document = try JSONDocument(parsing: result.bytes)
            // What was done stands in `_meta`; the cases give it apart.
            if let told = document.pointer(try JSONPointer("/result/_meta/io.komainu~1redaction")) {
                #expect(String(decoding: document.encoded(told), as: UTF8.self) == item.report, "\(item.title)")
                var edits = JSONEdits()
                edits.remove(told)
                document = try JSONDocument(parsing: document.encoded(document.root, editing: edits))
            } else {
                #expect(item.report.isEmpty, "\(item.title)")
            }
            #expect(String(decoding: document.encoded(document.root), as: UTF8.self) == item.expected, "\(item.title)")
        }
        #expect(cases.count >= 10)
    }
}

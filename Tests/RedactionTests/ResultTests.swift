import Bytes
import JSON
import MCP
import Testing

@testable import Policy
@testable import Redaction

@Suite struct `A result` {
    private func withheld(_ message: String, _ groups: [RedactionGroup], limits: ResultLimits = .none) throws
        -> Withheld?
    {
        do {
            _ = try redact(message, groups, limits: limits)
            return nil
        } catch let withheld as Withheld {
            return withheld
        }
    }

    private func result(_ value: String) -> String {
        #"{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":\#(value)}}"#
    }

    @Test func `is withheld where a rule says so, by path and by detector, however deep`() throws {
        let byPath = [try RedactionGroup.fields(["**.ssn"], as: .withhold, named: "ids")]
        #expect(try withheld(result(#"{"a":[{"ssn":"x"}]}"#), byPath) == Withheld(.rule, rule: "ids"))
        #expect(try withheld(result(#"{"a":"{\"ssn\":1}"}"#), byPath) == Withheld(.rule, rule: "ids"))
        #expect(try withheld(result(#"{"a":[{"ssn":null}]}"#), byPath) == nil)
        // Withholding counts before a step that stands before it.
        #expect(try withheld(result(#"{"ssn":"x"}"#), [.fields(["**.ssn"], as: .mask)] + byPath)?.reason == .rule)
        let byKind = [RedactionGroup.detect([.card], as: .withhold, named: "cards")]
        #expect(try withheld(result(#"{"a":"4111 1111 1111 1111"}"#), byKind) == Withheld(.rule, rule: "cards"))
        #expect(try withheld(result(#"{"a":"4111 1111 1111 1112"}"#), byKind) == nil)
    }

    /// Names that all begin alike, in a text of that beginning: comparing each with each place would take minutes.
    @Test func `is withheld when it was made to be compared without end`() throws {
        let names = (1...700).map { "\"aaaa \(String(repeating: "b", count: $0))\"" }.joined(separator: ",")
        let text = String(repeating: "aaaa ", count: 140_000)
        let message = #"""
            {"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"names":[\#(names)]},\#
            "content":[{"type":"text","text":"\#(text)"}]}}
            """#
        #expect(try withheld(message, [.fields(["**.names[*]"], as: .mask)])?.reason == .tooMuch)
    }

    @Test func `is withheld when it has more rows or bytes than the rule allows`() throws {
        let rows = result(#"{"users":[{"a":1},{"a":2},{"a":3}],"ids":[1,2,3,4,5]}"#)
        #expect(try withheld(rows, [], limits: ResultLimits(rows: 2, bytes: nil))?.reason == .rows)
        #expect(try withheld(rows, [], limits: ResultLimits(rows: 3, bytes: nil)) == nil)
        let text = #"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"[{\"a\":1},{\"a\":2}]"}]}}"#
        #expect(try withheld(text, [], limits: ResultLimits(rows: 1, bytes: nil))?.reason == .rows)
        #expect(try withheld(rows, [], limits: ResultLimits(rows: nil, bytes: 50))?.reason == .bytes)
        #expect(try withheld(rows, [], limits: ResultLimits(rows: nil, bytes: 500)) == nil)
    }

    @Test func `is withheld when a removed value stands where nothing can be changed`() throws {
        let message =
            #"{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"{\"code\":\"Okonjo-7\"}","mimeType":"x/Okonjo-7"}]}}"#
        #expect(try withheld(message, [.fields(["code"], as: .mask)])?.reason == .residue)
    }

    @Test func `holds no removed value that is too long to be kept whole`() throws {
        let long = (0..<900).map { "word\($0)" }.joined(separator: " ")
        let value: JSONValue = [
            "secret": .text(long), "note": .text("see: " + long + " and more"), "cut": .text(String(long.prefix(1100))),
            "other": .text(String(long.prefix(1000)) + " but not that"),
        ]
        let made = try structured(
            String(decoding: value.encoded(), as: UTF8.self), [.fields(["**.secret"], as: .mask)])
        let kept = String(long.prefix(1000)) + " but not that"
        #expect(made == #"{"secret":"[REDACTED]","note":"see: [REDACTED]","cut":"[REDACTED]","other":"\#(kept)"}"#)
    }

    @Test func `carries the id that was asked with`() throws {
        let message = try ServerMessage(
            parsing: Array(#"{"jsonrpc":"2.0","id":"1","result":{}}"#.utf8), limits: .standard)
        let ticket = ResultTicket(method: .toolsCall, program: testRedactor.compiled([]).program)
        let bytes = try testRedactor.redact(message, answering: try RequestID(integer: 1), as: ticket).bytes
        #expect(String(decoding: bytes, as: UTF8.self) == #"{"jsonrpc":"2.0","id":1,"result":{}}"#)
    }

    @Test func `without rules is written anew, and nothing in our name`() throws {
        let redacted = try redact(
            #"{"jsonrpc":"2.0","id":1, "result":{"email":"ada@example.com","_meta":{"io.komainu/redaction":1}}}"#, [])
        #expect(
            String(decoding: redacted.bytes, as: UTF8.self)
                == #"{"jsonrpc":"2.0","id":1,"result":{"email":"ada@example.com","_meta":{}}}"#)
        #expect(redacted.report.isEmpty)
    }

    @Test func `tells of no hidden tool`() throws {
        let text =
            #"[{"name":"list_users","d":"lists"},{"name":"drop_users","d":"drops"},{"tool_name":"drop_users"},"drop_users","see drop_users"]"#
        let message = result(text)
        let redacted = try redact(message, [], hidden: ["drop_users"])
        let expected = result(#"[{"name":"list_users","d":"lists"},"see [REDACTED]"]"#)
        #expect(String(decoding: redacted.bytes, as: UTF8.self).hasPrefix(String(expected.dropLast(2))))
        #expect(redacted.report.map(\.count) == [4])
    }

    @Test func `keeps the edits of others`() throws {
        let message = try ServerMessage(
            parsing: Array(result(#"{"a":1,"email":"ada@example.com"}"#).utf8), limits: .standard)
        let ticket = ResultTicket(
            method: .toolsCall, program: testRedactor.compiled([try .fields(["email"], as: .mask)]).program)
        var edits = JSONEdits()
        edits.remove(try #require(message.document.pointer(JSONPointer("/result/structuredContent/a"))))
        let bytes = try testRedactor.redact(message, answering: try RequestID(integer: 1), as: ticket, editing: edits)
            .bytes
        #expect(String(decoding: bytes, as: UTF8.self).contains(#""structuredContent":{"email":"[REDACTED]"}"#))
    }

    @Test func `and a notice within its call are redacted by the groups of both`() throws {
        let message = try ServerMessage(
            parsing: Array(
                #"{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":{"email":"ada@example.com","x":"Okonjo"}}}"#
                    .utf8),
            limits: .standard)
        let ticket = ResultTicket(
            method: .toolsCall, program: testRedactor.compiled([try .fields(["email"], as: .mask)]).program)
        let both = try testRedactor.redact(notification: message, groups: [.fields(["x"], as: .mask)], as: ticket)
        #expect(
            String(decoding: both.bytes, as: UTF8.self).contains(#""data":{"email":"[REDACTED]","x":"[REDACTED]"}"#))
        #expect(both.report.count == 2)
        let one = try testRedactor.redact(notification: message, groups: [.fields(["x"], as: .mask)], as: nil)
        #expect(
            String(decoding: one.bytes, as: UTF8.self).contains(#""data":{"email":"ada@example.com","x":"[REDACTED]"}"#)
        )
    }

    /// The same redactor on many threads: programs and machines are shared.
    @Test func `is the same on every thread`() async throws {
        let groups = [try RedactionGroup.fields(["**.email", "a.*.b"], as: .pseudonym), .detect(as: .mask)]
        let redactor = Redactor(key: Array(repeating: 9, count: 32), upstream: "u", remembersPseudonyms: true)
        let messages = (0..<20).map {
            result(#"{"k\#($0)":{"email":"u\#($0)@example.com"},"a":{"x\#($0)":{"b":"Okonjo \#($0)"}}}"#)
        }
        let expected = try messages.map { try redact($0, groups, redactor: redactor).bytes }
        await withTaskGroup(of: Void.self) { tasks in
            for _ in 0..<8 {
                tasks.addTask { @concurrent in
                    for (message, bytes) in zip(messages, expected) {
                        let again = try? redact(message, groups, redactor: redactor)
                        #expect(again?.bytes == bytes)
                    }
                }
            }
        }
    }

    /// Answers made to be slow: each must take no more than a few times as long as an ordinary one.
    @Test(arguments: [
        String(repeating: "[", count: 60_000), String(repeating: "{\"a\":", count: 12_000),
        String(repeating: "[\"", count: 30_000),
        String(repeating: "{\"email\":\"", count: 6_000), String(repeating: "email:", count: 10_000),
        String(repeating: "[1],", count: 15_000),
        String(repeating: "%25", count: 20_000), "{\"x\":\"" + String(repeating: "\\\\", count: 30_000),
        (0..<1_000).map { "email: aaaaa" + String(repeating: "b", count: $0 % 50) + "\n" }.joined(),
    ]) func `is redacted in bounded time whatever its text`(text: String) throws {
        let groups = [try RedactionGroup.fields(["**.email", "**.a"], as: .mask), .detect(as: .mask)]
        let time = try ContinuousClock().measure { _ = try content(text, groups) }
        #expect(time < .seconds(20))
    }

    @Test func `with thousands of values that begin alike is redacted in bounded time`() throws {
        let rows = (0..<3_000).map {
            #"{"email":"https://same.example/\#(String(repeating: "y", count: $0 % 700))\#($0)","note":"https://same.example/zzz and more"}"#
        }
        let time = try ContinuousClock().measure {
            _ = try structured("[" + rows.joined(separator: ",") + "]", [.fields(["**.email"], as: .mask)])
        }
        #expect(time < .seconds(60))
    }
}

import Bytes
import JSON
import MCP
import Testing

@testable import Catalog
@testable import Policy
@testable import Redaction

@Suite struct `A call on its way to the server` {
    private struct Made {
        let encoded: String
        let recorded: String
        let original: String
    }

    private func call(
        _ arguments: String, _ groups: [RedactionGroup] = [], restores: Bool = false, redactor: Redactor = testRedactor
    ) throws -> Made {
        let text =
            #"{"jsonrpc":"2.0", "id":"a","method":"tools/call","params":{"name":"update_user","arguments":\#(arguments)}}"#
        let message = try ClientMessage(parsing: Array(text.utf8))
        let tool = JudgedTool(
            name: "update_user", calledThrough: nil,
            classification: Classification(method: "update", effect: .write, tags: [], evidence: []),
            arguments: message.parameter("arguments"), definition: nil)
        let permitted = PermittedCall(
            message, tool: tool, rules: ["r"], redactions: groups, restoresPseudonyms: restores)
        let call = try redactor.redact(permitted)
        #expect(call.ticket.isToolCall && call.ticket.method == .toolsCall)
        return Made(
            encoded: String(decoding: call.encoded, as: UTF8.self),
            recorded: String(decoding: call.auditArguments ?? [], as: UTF8.self),
            original: String(decoding: call.originalArguments ?? [], as: UTF8.self))
    }

    private func denial(_ arguments: String, restores: Bool = false, redactor: Redactor = testRedactor) throws
        -> Denial?
    {
        do {
            _ = try call(arguments, restores: restores, redactor: redactor)
            return nil
        } catch let denial as Denial {
            return denial
        }
    }

    @Test func `is written anew with its values as they are`() throws {
        let made = try call(#"{ "email": "ada@example.com", "n": 1.50 }"#)
        #expect(
            made.encoded
                == #"{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"update_user","arguments":{"email":"ada@example.com","n":1.50}}}"#
        )
        #expect(made.original == #"{"email":"ada@example.com","n":1.50}"#)
    }

    @Test func `is recorded redacted: by its groups, and by every detector always`() throws {
        let made = try call(
            #"{"email":"ada@example.com","lastName":"Okonjo","note":"for ada@example.com, Okonjo","cost":7,"phone":"2025550143"}"#,
            [.fields(["lastName"], as: .pseudonym), .fields(["**.cost"], as: .withhold)])
        #expect(
            made.recorded
                == #"{"email":"[REDACTED:email]","lastName":"p-93b014a0b5","note":"for [REDACTED:email], p-93b014a0b5","cost":0,"phone":"[REDACTED:phone]"}"#
        )
    }

    @Test(arguments: [
        #"{"email":"[REDACTED]"}"#, #"{"email":"m[REDACTED]@example.com"}"#, #"{"x":["see [REDACTED:email]"]}"#,
        #"{"email":"p-95e8bb5d6e@redacted.invalid"}"#,
        #"{"name":"p-95e8bb5d6e"}"#, #"{"text":"ask p-95e8bb5d6e."}"#, #"{"phone":"+999661433814"}"#,
        #"{"h":"h-29d51acf4f4d2e68"}"#,
        #"{"p-95e8bb5d6e":1}"#, #"{"json":"{\"a\":\"[REDACTED]\"}"}"#,
        #"{"url":"https://redacted.invalid/p-5ea3c2bf89"}"#,
        #"{"id":"ffffffff-ffff-8e15-b163-c9fa067fdde1"}"#, #"{"email":"\u005bREDACTED]"}"#,
    ]) func `is refused when it brings back what stood in place of data`(arguments: String) throws {
        let denial = try #require(try denial(arguments))
        #expect(denial.reason == .placeholderReturned && denial.rule == "r")
        #expect(!denial.description.contains("95e8bb5d6e"))
    }

    @Test(arguments: [
        #"{"email":"ada@example.com","x":"p-value of 0.05, h-index 12, group-95e8bb5d6e, p-95e8bb5d6e00"}"#,
        #"{"x":"redacted","y":"[redacted]"}"#,
        #"{"phone":"+99912"}"#, #"{"x":"ffffffff"}"#,
    ]) func `may speak of redaction`(arguments: String) throws {
        #expect(try denial(arguments) == nil)
    }

    @Test func `gets its pseudonyms put back where the rule says so`() throws {
        let redactor = Redactor(key: Array(repeating: 7, count: 32), upstream: "torii", remembersPseudonyms: true)
        let shown = try redact(
            #"{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"email":"ada@example.com","n":"Maren"}}}"#,
            [.fields(["email", "n"], as: .pseudonym)], redactor: redactor)
        #expect(String(decoding: shown.bytes, as: UTF8.self).contains("p-95e8bb5d6e@redacted.invalid"))
        let made = try call(
            #"{"to":"p-95e8bb5d6e@redacted.invalid","text":"Hello p-95e8bb5d6e@redacted.invalid."}"#, restores: true,
            redactor: redactor)
        #expect(
            made.original == #"{"to":"p-95e8bb5d6e@redacted.invalid","text":"Hello p-95e8bb5d6e@redacted.invalid."}"#)
        #expect(made.encoded.contains(#""arguments":{"to":"ada@example.com","text":"Hello ada@example.com."}"#))
        // Not by every rule, not what was never given, and no mask.
        #expect(try denial(#"{"to":"p-95e8bb5d6e@redacted.invalid"}"#, redactor: redactor) != nil)
        #expect(try denial(#"{"to":"p-0000000000@redacted.invalid"}"#, restores: true, redactor: redactor) != nil)
        #expect(
            try denial(#"{"to":"p-95e8bb5d6e@redacted.invalid [REDACTED]"}"#, restores: true, redactor: redactor) != nil
        )
        #expect(try denial(#"{"to":"p-95e8bb5d6e@redacted.invalid"}"#, restores: true) != nil)
    }

    @Test func `has pseudonyms of its own for each upstream and key`() throws {
        let groups = [try RedactionGroup.fields(["email"], as: .pseudonym)]
        let message =
            #"{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":{"email":"ada@example.com"}}}"#
        let redactors = [
            testRedactor, Redactor(key: Array(repeating: 7, count: 32), upstream: "other"),
            Redactor(key: Array(repeating: 8, count: 32), upstream: "torii"),
        ]
        let results = try redactors.map { try redact(message, groups, redactor: $0).bytes }
        #expect(Set(results).count == 3)
        #expect(try redact(message, groups).bytes == results[0])
    }
}

@Suite struct `Arguments for the record` {
    private func recorded(_ text: String) throws -> [UInt8] {
        let document = try JSONDocument(parsing: Array(text.utf8))
        return testRedactor.recorded(document.root, of: document, for: [])
    }

    @Test func `are whole up to 16 KiB`() throws {
        let text = #"{"a":""# + String(repeating: "x y ", count: 4_000) + #""}"#
        #expect(try recorded(text) == Array(text.utf8))
    }

    @Test(arguments: [
        #"{"keep":1,"a":""# + String(repeating: "x y ", count: 10_000) + #""}"#,
        #"{"keep":1,"a":["# + (0..<5_000).map { "\"e\($0)\"" }.joined(separator: ",") + "]}",
        #"{"keep":1,"# + (0..<5_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",") + "}",
        #"{"keep":1,"a":"# + String(repeating: "[", count: 50) + #""# + String(repeating: "\"z\",", count: 6_000) + "1"
            + String(repeating: "]", count: 50) + "}",
        #"{"keep":1,"a":["#
            + Array(repeating: #"{"t":""# + String(repeating: "q ", count: 300) + #""}"#, count: 200).joined(
                separator: ",") + "]}",
    ]) func `are cut to 16 KiB, say so, and stay JSON`(text: String) throws {
        let bytes = try recorded(text)
        #expect(bytes.count <= 16 << 10)
        let document = try JSONDocument(parsing: bytes)
        #expect(document.member("keep", of: document.root).flatMap { document.integer($0) } == 1)
        #expect(String(decoding: bytes, as: UTF8.self).contains("\"…\":"))
    }

    @Test func `that can't be cut are told by their length`() throws {
        let names = (0..<12).map { "\"" + String(repeating: "n", count: 60) + "\($0)\":\"" }
        let text = "{" + names.map { $0 + String(repeating: "é", count: 8_000) + "\"" }.joined(separator: ",") + "}"
        let bytes = try recorded(text)
        #expect(bytes.count <= 16 << 10)
        #expect(try JSONDocument(parsing: bytes).value(JSONDocument(parsing: bytes).root) != .null)
    }
}

import Bytes
import JSON
import MCP
import Testing

@testable import Policy
@testable import Redaction

let testRedactor = Redactor(key: Array(repeating: 7, count: 32), upstream: "torii")

extension RedactionGroup {
    /// `fields("**.email", as: .mask)` and the like, without a policy file.
    static func fields(_ paths: [String], as way: Way, named name: ByteString = "fields") throws -> RedactionGroup {
        RedactionGroup(
            name: name, steps: [.fields(try paths.map { try #require(FieldPath(ByteString($0)), "\($0)") }, way)])
    }

    static func detect(_ kinds: [Detector] = Detector.allCases, as way: Way, named name: ByteString = "texts")
        -> RedactionGroup
    {
        RedactionGroup(name: name, steps: [.detect(kinds, way)])
    }
}

/// Redacts a whole JSON-RPC message.
func redact(
    _ message: String, _ groups: [RedactionGroup], limits: ResultLimits = .none, words: Set<ByteString> = [],
    hidden: Set<ByteString> = [], redactor: Redactor = testRedactor,
    method: MCP.Method = .toolsCall
) throws -> RedactedResult {
    let message = try ServerMessage(parsing: Array(message.utf8), limits: .standard)
    let ticket = ResultTicket(
        method: method, isToolCall: method == .toolsCall, program: redactor.compiled(groups).program, limits: limits,
        vocabulary: words,
        hiddenTools: hidden)
    return try redactor.redact(message, answering: try RequestID(integer: 1), as: ticket)
}

/// Redacts a value as `structuredContent` and gives that back.
func structured(_ value: String, _ groups: [RedactionGroup], words: Set<ByteString> = []) throws -> String {
    let result = try redact(
        #"{"jsonrpc":"2.0","id":1,"result":{"content":[],"structuredContent":\#(value)}}"#, groups, words: words)
    let document = try JSONDocument(parsing: result.bytes)
    let node = try #require(document.pointer(JSONPointer("/result/structuredContent")))
    return String(decoding: document.encoded(node), as: UTF8.self)
}

/// Redacts a text in `content` and gives that back.
func content(_ text: String, _ groups: [RedactionGroup]) throws -> String {
    let block = JSONValue.object([JSONMember("type", "text"), JSONMember("text", .text(text))])
    let message: JSONValue = ["jsonrpc": "2.0", "id": 1, "result": ["content": [block]]]
    let result = try redact(String(decoding: message.encoded(), as: UTF8.self), groups)
    let document = try JSONDocument(parsing: result.bytes)
    let node = try #require(document.pointer(JSONPointer("/result/content/0/text")))
    return try #require(document.string(node)).text
}

extension RequestID {
    /// The id of a request that a client sent with this number.
    init(integer: Int) throws {
        let message = try ClientMessage(parsing: Array(#"{"jsonrpc":"2.0","id":\#(integer),"method":"ping"}"#.utf8))
        self = try #require(message.id)
    }
}

/// Every string in a value, names included, JSON within strings read too; with the name it stands under.
func strings(in value: JSONValue, under name: ByteString = "") -> [(name: ByteString, text: ByteString)] {
    switch value {
    case .string(let text):
        if let inner = try? JSONDocument(parsing: text.bytes),
            inner.kind(inner.root) == .object || inner.kind(inner.root) == .array
        {
            return strings(in: inner.value(inner.root), under: name)
        }
        return [(name, text)]
    case .array(let elements): return elements.flatMap { strings(in: $0, under: name) }
    case .object(let members): return members.flatMap { [("", $0.name)] + strings(in: $0.value, under: $0.name) }
    case .null, .bool, .number: return []
    }
}

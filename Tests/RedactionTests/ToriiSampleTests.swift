import Bytes
import JSON
import KomainuTesting
import MCP
import Testing

@testable import Policy
@testable import Redaction

/// Answers of Torii's and Truto's MCP servers, each with the paths of what is sensitive in it.
@Suite struct `Torii's answers, redacted` {
    struct Sample {
        let id: String
        let payload: JSONValue
        let response: JSONValue
        let sensitive: [String]
    }

    static func samples() throws -> [Sample]? {
        guard let bytes = Shared.file("data/torii-samples.json") else { return nil }
        let document = try JSONDocument(parsing: bytes)
        let all = try #require(document.value(document.root)["tools_call"])
        guard case .array(let items) = all else { return nil }
        return try items.map { item in
            guard case .array(let paths)? = item["sensitive_paths"] else { throw JSONMissing() }
            return Sample(
                id: item["id"]?.stringValue?.text ?? "", payload: try #require(item["payload"]),
                response: try #require(item["response"]),
                sensitive: paths.compactMap { $0.stringValue?.text }.flatMap(paths(of:)))
        }
    }

    /// `a[].{b,c} (a remark)` as field paths.
    static func paths(of text: String) -> [String] {
        var text = String(text.prefix { $0 != " " }).replacing("[]", with: "[*]")
        if text.hasSuffix(".**") { text = String(text.dropLast(3)) }
        guard let open = text.firstIndex(of: "{"), let close = text.firstIndex(of: "}") else { return [text] }
        return text[text.index(after: open)..<close].split(separator: ",").map {
            text[..<open] + String($0) + text[text.index(after: close)...]
        }
    }

    @Test(arguments: [Way.mask, .zero, .remove, .null, .hash, .pseudonym])
    func `keep no sensitive value in any channel`(way: Way) throws {
        guard let samples = try Self.samples() else { return Shared.skipped("Torii's samples") }
        #expect(samples.count == 31)
        for sample in samples {
            let groups = [try RedactionGroup.fields(sample.sensitive, as: way)].filter {
                !$0.steps.isEmpty && !sample.sensitive.isEmpty
            }
            let result = try redact(sample.response, groups)
            let values = sample.sensitive.flatMap {
                leaves(of: sample.payload, at: FieldPath(ByteString($0))?.segments[...] ?? [])
            }
            let removed = values.compactMap(\.stringValue).filter { $0.count >= 5 && !isState($0) }
            let document = try JSONDocument(parsing: result.bytes)
            for (name, text) in strings(in: document.value(document.root)) where !cursors.contains(name) {
                for value in removed {
                    #expect(
                        !text.text.lowercased().contains(value.text.lowercased()), "\(sample.id): \(value) in \(name)")
                }
            }
            #expect(sample.sensitive.isEmpty || removed.isEmpty || !result.report.isEmpty, "\(sample.id)")
        }
    }

    /// What the design's own example policy does to them.
    @Test func `keep no address, number or token that detectors know`() throws {
        guard let samples = try Self.samples() else { return Shared.skipped("Torii's samples") }
        let scanner = TextScanner(kinds: .all)
        for sample in samples {
            let result = try redact(sample.response, [.detect(as: .mask)])
            let document = try JSONDocument(parsing: result.bytes)
            for (name, text) in strings(in: document.value(document.root)) where !cursors.contains(name) {
                let findings = scanner.findings(in: text.bytes.span)
                #expect(findings.isEmpty, "\(sample.id): \(findings) in \(name)")
            }
        }
    }

    @Test func `keep cursors, and numbers that are not sensitive, byte for byte`() throws {
        guard let samples = try Self.samples() else { return Shared.skipped("Torii's samples") }
        var judged = 0
        for sample in samples {
            var groups: [RedactionGroup] = [.detect(as: .pseudonym)]
            if !sample.sensitive.isEmpty { groups.insert(try .fields(sample.sensitive, as: .mask), at: 0) }
            let result = try redact(sample.response, groups)
            let document = try JSONDocument(parsing: result.bytes)
            let before = exact(sample.response, sensitive: sample.sensitive)
            let after = exact(document.value(document.root), sensitive: sample.sensitive)
            judged += before.count
            for (path, text) in before { #expect(after[path] == text, "\(sample.id) \(path)") }
        }
        #expect(judged > 60)
    }

    // MARK: Plain readings

    private let cursors: Set<ByteString> = ["nextCursor", "next_cursor", "prev_cursor", "cursor"]

    private func isState(_ text: ByteString) -> Bool {
        ["active", "offboarded", "offboarding", "approved", "admin", "closed", "expired"].contains(
            text.text.lowercased())
    }

    private func redact(_ response: JSONValue, _ groups: [RedactionGroup]) throws -> RedactedResult {
        let message = try ServerMessage(parsing: response.encoded(), limits: .standard)
        let ticket = ResultTicket(method: .toolsCall, isToolCall: true, program: testRedactor.compiled(groups).program)
        return try testRedactor.redact(message, answering: try RequestID(integer: 1), as: ticket)
    }

    /// The strings and numbers at a path, read without the machine that the room uses.
    private func leaves(of value: JSONValue, at path: ArraySlice<FieldPath.Segment>) -> [JSONValue] {
        guard let first = path.first else { return all(value) }
        switch (first, value) {
        case (.elements, .array(let elements)): return elements.flatMap { leaves(of: $0, at: path.dropFirst()) }
        case (.name(let name), .object(let members)):
            return members.filter { $0.name == name }.flatMap { leaves(of: $0.value, at: path.dropFirst()) }
        case (.matching(let pattern), .object(let members)):
            return members.filter { pattern.matches($0.name.bytes.span) }.flatMap {
                leaves(of: $0.value, at: path.dropFirst())
            }
        case (.anyDepth, _):
            var found = leaves(of: value, at: path.dropFirst())
            if case .object(let members) = value { found += members.flatMap { leaves(of: $0.value, at: path) } }
            if case .array(let elements) = value { found += elements.flatMap { leaves(of: $0, at: path) } }
            return found
        default: return []
        }
    }

    private func all(_ value: JSONValue) -> [JSONValue] {
        switch value {
        case .array(let elements): elements.flatMap(all)
        case .object(let members): members.flatMap { all($0.value) }
        case .string, .number: [value]
        case .null, .bool: []
        }
    }

    /// Cursors and insensitive numbers of a message's payloads by their paths, indexes included.
    private func exact(_ message: JSONValue, sensitive: [String]) -> [String: ByteString] {
        var found: [String: ByteString] = [:]
        func walk(_ value: JSONValue, _ path: String, _ name: ByteString, _ isSensitive: Bool) {
            switch value {
            case .number(let text): if !isSensitive { found[path] = text }
            case .string(let text):
                if cursors.contains(name) { found[path] = text }
                if let inner = try? JSONDocument(parsing: text.bytes), inner.kind(inner.root) == .object {
                    walk(inner.value(inner.root), path + "!", "", isSensitive)
                }
            case .array(let elements):
                for (index, element) in elements.enumerated() { walk(element, path + "/\(index)", name, isSensitive) }
            case .object(let members):
                for member in members where member.name != "_meta" {
                    let isNamed = sensitive.contains {
                        $0.split(separator: ".").contains { part in
                            part.hasPrefix(member.name.text)
                                || part.contains("*") && part.count > 3
                                    && member.name.text.hasPrefix(part.prefix { $0 != "*" })
                        }
                    }
                    walk(
                        member.value, path + "/" + member.name.text, member.name,
                        isSensitive || isNamed && member.name != "result")
                }
            default: break
            }
        }
        walk(message, "", "", false)
        // The answer carries the id that was asked with.
        found["/id"] = nil
        return found
    }
}

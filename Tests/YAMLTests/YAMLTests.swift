import Bytes
import KomainuTesting
import Testing

@testable import YAML

/// One case of `refused.txt`.
struct RefusedFile: CustomTestStringConvertible, Sendable {
    let name: String
    let text: String
    let complaint: String
    var testDescription: String { name }

    static let all: [RefusedFile] = {
        let path = #filePath.dropLast("YAMLTests.swift".count) + "Cases/refused.txt"
        let text = String(decoding: Shared.contents(of: String(path)) ?? [], as: UTF8.self)
        var cases: [RefusedFile] = []
        var name = ""
        var body = ""
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("=== ") {
                (name, body) = (String(line.dropFirst(4)), "")
            } else if line.hasPrefix("--> ") {
                let file = body.replacing("⇥", with: "\t")
                cases.append(RefusedFile(name: name, text: file, complaint: String(line.dropFirst(4))))
            } else {
                body += line + "\n"
            }
        }
        return cases
    }()
}

private func parse(_ text: String) throws(Problem) -> Node {
    try YAML.parse(Array(text.utf8), file: "f.yaml")
}

@Suite struct `A YAML file` {
    @Test func `of every refused form is in the table`() {
        #expect(RefusedFile.all.count == 18)
    }

    @Test(arguments: RefusedFile.all) func `that could mean two things is refused where it does`(_ file: RefusedFile) {
        let problem = #expect(throws: Problem.self) { try parse(file.text) }
        #expect(problem?.description == file.complaint)
    }

    @Test func `keeps the order, the quotes and the place of everything`() throws {
        let root = try parse("b: 1\na: ['x', y,\n    \"z\"]\nc: |\n  two\n  lines\n")
        let entries = try #require(root.entries)
        #expect(entries.map(\.name) == ["b", "a", "c"])
        let elements = try #require(entries[1].value.elements)
        #expect(elements.map { $0.scalar?.text } == ["x", "y", "z"])
        #expect(elements.map { $0.scalar?.isPlain } == [false, true, false])
        #expect(elements.map(\.line) == [2, 2, 3])
        #expect(elements.map(\.column) == [5, 10, 5])
        #expect(entries[2].value.scalar?.text == "two\nlines\n")
        #expect(entries[2].value.scalar?.isPlain == false)
    }

    @Test func `keeps the bytes of keys that look the same apart`() throws {
        let root = try parse("\"\\u00E9\": 1\n\"e\\u0301\": 2\n")
        #expect(root.entries?.count == 2)
        #expect(root.value(of: "e\u{301}")?.scalar?.text == "2")
    }

    @Test func `of bytes that are not UTF-8 is refused`() {
        #expect(throws: Problem.self) { try YAML.parse([0x61, 0x3A, 0x20, 0xFF, 0x0A], file: "f") }
        #expect(throws: Problem.self) { try YAML.parse([0xFF, 0xFE, 0x61, 0x00], file: "f") }
        #expect(throws: Problem.self) { try YAML.parse([0xEF, 0xBB, 0xBF, 0x61], file: "f") }
        #expect(throws: Problem.self) { try YAML.parse([0x61, 0x3A, 0x00], file: "f") }
    }

    @Test func `that is too large or holds too much is refused`() {
        var limits = YAMLLimits.standard
        limits.bytes = 10
        #expect(throws: Problem.self) { try YAML.parse(Array("a: 12345678".utf8), file: "f", limits: limits) }
        limits = .standard
        limits.nodes = 4
        #expect(throws: Problem.self) { try YAML.parse(Array("[1, 2, 3, 4]".utf8), file: "f", limits: limits) }
        #expect(throws: Never.self) { try YAML.parse(Array("[1, 2, 3]".utf8), file: "f", limits: limits) }
    }

    @Test func `cut off anywhere gives a tree or a complaint and never more`() throws {
        let text = Array(
            "komainu: 1\nrules:\n  - {id: a, allow: {methods: [read]}}\n  - id: \"b\\u00e9\"\n    x: |\n      y\n".utf8)
        for length in 0...text.count {
            _ = try? YAML.parse(Array(text[..<length]), file: "f")
        }
        for index in text.indices {
            for byte: UInt8 in [0x00, 0x22, 0x26, 0x2A, 0x5B, 0x7B, 0x7C, 0xFF] {
                var changed = text
                changed[index] = byte
                _ = try? YAML.parse(changed, file: "f")
            }
        }
    }
}

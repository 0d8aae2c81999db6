import Bytes
import Catalog
import JSON
import KomainuTesting
import MCP
import System
import Testing
import YAML

@testable import Identity
@testable import Policy

/// One file of `Cases/calls`: a catalogue, the vendor's definitions, a policy, and lines of what must come of what.
///
/// ```
/// ada+dashboards | list_apps {"size": 5} => allowed by reads; redacts people
/// ada | list list_apps => {"type":"object"}         the schema as it is shown; `unchanged`; or `hidden CODE`
/// ada | {"jsonrpc":"2.0",…} => denied method_closed
/// ada | answer elicitation/create {"jsonrpc":"2.0","id":1,"result":{}} => …
/// ada {tags: [apps]} | …                             the caller's endpoint narrows
/// ```
struct CallFile: CustomTestStringConvertible, Sendable {
    struct Line: Sendable {
        let number: Int
        let who: String
        let what: String
        let expected: String
    }

    let name: String
    var catalog = ""
    var definitions: [String] = []
    var policy = ""
    var lines: [Line] = []
    var testDescription: String { name }

    static let all: [CallFile] = {
        let folder = String(#filePath.dropLast("CallCaseTests.swift".count)) + "Cases/calls"
        let names = (try? Files.list(folder)) ?? []
        return names.sorted().map { CallFile(name: $0, text: caseFile("calls/\($0)")) }
    }()

    init(name: String, text: String) {
        self.name = name
        var part = ""
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("--- ") {
                part = String(line.dropFirst(4))
                continue
            }
            switch part {
            case "catalog": catalog += line + "\n"
            case "policy": policy += line + "\n"
            case "definitions" where !line.isEmpty: definitions.append(String(line))
            case "calls" where !line.isEmpty && !line.hasPrefix("#"):
                let sides = line.split(separator: " => ", maxSplits: 1).map(String.init)
                let asked = sides[0].split(separator: " | ", maxSplits: 1).map(String.init)
                lines.append(Line(number: index + 1, who: asked[0], what: asked[1], expected: sides[1]))
            default: continue
            }
        }
    }
}

@Suite struct `A policy's word` {
    @Test func `is asked for in every file`() {
        #expect(CallFile.all.count >= 9)
        #expect(CallFile.all.allSatisfy { !$0.lines.isEmpty })
    }

    @Test(arguments: CallFile.all) func `is what the case file says`(_ file: CallFile) throws {
        let catalog = try readCatalog(file.catalog)
        let rules = try requirePolicy(file.policy, catalog)
        let tools = try inventory(catalog, file.definitions)
        for line in file.lines {
            let found = try answer(line, rules, tools)
            #expect(found == line.expected, "\(file.name):\(line.number)")
        }
    }

    private func answer(_ line: CallFile.Line, _ rules: RuleSet, _ tools: Inventory) throws -> String {
        let who = try caller(line.who)
        if line.what.hasPrefix("list ") {
            let tool = ByteString(String(line.what.dropFirst(5)))
            switch rules.listing(of: tool, for: who, tools: tools) {
            case .hidden(let reason): return "hidden \(reason.rawValue)"
            case .listed(let schema): return schema.map { String(decoding: $0, as: UTF8.self) } ?? "unchanged"
            }
        }
        if line.what.hasPrefix("{") { return rules.decision(try message(line.what), who, tools) }
        if line.what.hasPrefix("answer ") {
            let parts = line.what.split(separator: " ", maxSplits: 2).map(String.init)
            return rules.decision(try message(parts[2]), who, tools, answering: Method(ByteString(parts[1])))
        }
        let parts = line.what.split(separator: " ", maxSplits: 1).map(String.init)
        return rules.decision(try call(parts[0], parts.count > 1 ? parts[1] : "{}"), who, tools)
    }

    /// `ada+group {tags: [apps]}`
    private func caller(_ text: String) throws -> Principal {
        guard let brace = text.firstIndex(of: "{") else { return principal(text) }
        let node = try YAML.parse(Array(text[brace...].utf8), file: "endpoint")
        let words = { (key: String) in node.value(of: key)?.elements?.compactMap { $0.scalar?.bytes } }
        let selection = try Selection(methods: words("methods"), tags: words("tags"), tools: words("tools"))
        return principal(String(text[..<brace].dropLast()), selection: selection)
    }
}

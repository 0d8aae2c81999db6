import Bytes
import Catalog
import JSON
import KomainuTesting
import System
import Testing
import YAML

@testable import Policy

/// One tool of the collected data.
private struct CollectedTool {
    let server: String
    let name: String
    let definition: String

    static func all() throws -> [CollectedTool]? {
        guard let bytes = Shared.file("data/torii-catalog.json") else { return nil }
        let document = try JSONDocument(parsing: bytes)
        return document.elements(of: document.root).map { node in
            let text = { (key: String) in document.member(key, of: node).flatMap(document.string)?.text ?? "" }
            let fields = document.member("input_fields", of: node).map(document.elements) ?? []
            return CollectedTool(
                server: text("server"), name: text("tool"),
                definition: definition(text("tool"), fields.compactMap { document.string($0)?.text }))
        }
    }

    /// A definition with the arguments that were collected: the leading word of each, `a | b,c` being three.
    private static func definition(_ name: String, _ fields: [String]) -> String {
        let words = fields.flatMap { $0.prefix { $0 != "(" }.split(whereSeparator: { $0 == "|" || $0 == "," }) }
            .map { word in String(word.drop { $0 == " " }.prefix { $0.isLetter || $0.isNumber || $0 == "_" }) }
        let properties = Set(words.filter { !$0.isEmpty }).sorted().map { "\"\($0)\":{}" }.joined(separator: ",")
        return "{\"name\":\"\(name)\",\"inputSchema\":{\"type\":\"object\",\"properties\":{\(properties)}}}"
    }
}

@Suite struct `The shipped policies` {
    static let names = ["read-only-dashboard", "compliance-auditor", "it-operations"]

    @Test(arguments: names, ["torii", "truto"]) func `have no mistakes and no warnings`(
        _ name: String, _ catalog: String
    ) throws {
        let catalog = try readCatalog(repositoryFile("policies/catalogs/\(catalog).yaml"))
        let (rules, complaints) = readPolicy(repositoryFile("policies/\(name).yaml"), catalog)
        #expect(complaints == [])
        #expect(rules?.name.text == name)
    }

    /// Every collected tool under every policy. `Cases/matrix.txt` is what a person has read and found right; after a
    /// deliberate change, run with KOMAINU_RECORD_MATRIX=PATH, read the difference and copy the file.
    @Test func `show each tool as the matrix says`() throws {
        guard let tools = try CollectedTool.all() else { return Shared.skipped("the matrix of policies and tools") }
        #expect(tools.count == 155)
        let lines = try matrix(tools)
        if let path = CurrentProcess.environment("KOMAINU_RECORD_MATRIX") {
            try Files.replace(path, with: Array(lines.joined(separator: "\n").utf8), permissions: 0o644)
        }
        let expected = caseFile("matrix.txt").split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
        #expect(expected.count == lines.count)
        for (found, wanted) in zip(lines, expected) { #expect(found == wanted) }
    }

    private func matrix(_ tools: [CollectedTool]) throws -> [String] {
        let callers = ["it-operations": ["ada", "ada+it-operations", "ada+it-leads"]]
        var lines: [String] = []
        for server in Set(tools.map(\.server)).sorted() {
            let catalog = try readCatalog(
                repositoryFile("policies/catalogs/\(server.hasPrefix("truto") ? "truto" : "torii").yaml"))
            let own = tools.filter { $0.server == server }.sorted { $0.name < $1.name }
            let inventory = try inventory(catalog, own.map(\.definition))
            for name in Self.names {
                let rules = try requirePolicy(repositoryFile("policies/\(name).yaml"), catalog)
                for caller in callers[name] ?? ["ada"] {
                    for tool in own {
                        let shown = shown(
                            rules.listing(of: ByteString(tool.name), for: principal(caller), tools: inventory))
                        lines.append("\(server) | \(name) | \(caller) | \(tool.name) => \(shown)")
                    }
                }
            }
        }
        return lines
    }

    /// `hidden CODE`, or `listed` with the arguments that are shown, those with a restriction marked.
    private func shown(_ listing: Listing) -> String {
        switch listing {
        case .hidden(let reason): return "hidden \(reason.rawValue)"
        case .listed(nil): return "listed unchanged"
        case .listed(let schema?):
            guard let document = try? JSONDocument(parsing: schema),
                let properties = document.member("properties", of: document.root)
            else { return "listed, unreadable" }
            let names = document.members(of: properties).map { name, value in
                (document.string(name)?.text ?? "") + (document.count(of: value) > 0 ? "!" : "")
            }
            let required = document.member("required", of: document.root).map(document.elements) ?? []
            let must = required.compactMap { document.string($0)?.text }
            return "listed(\(names.sorted().joined(separator: ",")))"
                + (must.isEmpty ? "" : " needs \(must.joined(separator: ","))")
        }
    }

    @Test(arguments: names) func `let nothing destructive and no secret through`(_ name: String) throws {
        for catalogName in ["torii", "truto"] {
            let catalog = try readCatalog(repositoryFile("policies/catalogs/\(catalogName).yaml"))
            let rules = try requirePolicy(repositoryFile("policies/\(name).yaml"), catalog)
            let definitions = catalog.tools.map { "{\"name\":\"\($0.text)\",\"inputSchema\":{}}" }
            let inventory = try inventory(catalog, definitions)
            for tool in catalog.tools {
                guard let entry = catalog.classify(tool), entry.dispatch == nil else { continue }
                let everyone = principal("ada+it-operations+it-leads+dashboards")
                let listing = rules.listing(of: tool, for: everyone, tools: inventory)
                guard case .listed = listing else { continue }
                #expect(entry.effect < .destructive, "\(tool)")
                #expect(!entry.tags.contains("secrets") && !entry.tags.contains("files"), "\(tool)")
                if name != "it-operations" { #expect(entry.effect == .read, "\(tool)") }
            }
        }
    }

    @Test func `redact every field that was collected as sensitive`() throws {
        guard let bytes = Shared.file("data/torii-catalog.json") else { return Shared.skipped("the collected fields") }
        let document = try JSONDocument(parsing: bytes)
        let catalog = try readCatalog(repositoryFile("policies/catalogs/torii.yaml"))
        let rules = try requirePolicy(repositoryFile("policies/read-only-dashboard.yaml"), catalog)
        let last = rules.redactionGroups.flatMap(\.steps).flatMap { step -> [FieldPath] in
            if case .fields(let paths, _) = step { paths } else { [] }
        }.map { path in path.segments.last { $0 != .elements } }
        var missing: Set<String> = []
        for node in document.elements(of: document.root) {
            let text = { (key: String) in document.member(key, of: node).flatMap(document.string) }
            // Only what the policy lists; the rest is never fetched.
            guard let tool = text("tool"), text("server") == "torii-official", let entry = catalog.classify(tool),
                entry.effect == .read, !Set(entry.tags).isDisjoint(with: ["apps", "users", "contracts"]),
                let fields = document.member("sensitive_fields", of: node)
            else { continue }
            for field in document.elements(of: fields).compactMap(document.string) {
                let name = field.text.split(separator: ".").last.map { $0.replacing("[]", with: "") } ?? ""
                let isNamed = last.contains { segment in
                    switch segment {
                    case .name(let known): known.text == name
                    case .matching(let pattern): pattern.matches(Array(name.utf8).span)
                    default: false
                    }
                }
                if !isNamed { missing.insert(field.text) }
            }
        }
        // What remains: words of the collection rather than names of fields (the values beside a currency have their own
        // names above, custom fields are c_*), a currency, which tells nothing without its amount, and an owner's id.
        #expect(missing.sorted() == ["*.value where sibling currency", "<custom field keys>", "currency", "owner"])
    }
}

@Suite struct `A page of tools` {
    @Test func `is left with what may be called, narrowed, and without what isn't approved`() throws {
        let catalog = try readCatalog(
            """
            komainu: 1
            catalog: t
            tools:
              list_apps: {method: list, effect: read}
              list_users: {method: list, effect: read}
              run_x: {method: run, effect: write}
            """)
        let rules = try requirePolicy(
            """
            komainu: 1
            policy: p
            rules: [{id: r, allow: {methods: [read]}, arguments: {/size: {type: integer, maximum: 5}}}]
            """, catalog)
        let apps =
            #"{"name":"list_apps","description":"A","inputSchema":{"type":"object","properties":{"size":{"type":"integer"}}}}"#
        let users = #"{"name":"list_users","inputSchema":{"type":"object"}}"#
        let run = #"{"name":"run_x","inputSchema":{"type":"object"}}"#
        let tools = try inventory(catalog, [apps, users, run])
        let changed = users.replacing("object", with: "array")
        let page = try JSONDocument(
            parsing: Array(
                "{\"tools\":[\(apps),\(changed),\(run),{\"name\":\"get_y\",\"inputSchema\":{}},7,\(apps)],\"nextCursor\":\"\"}"
                    .utf8))
        let array = try #require(page.member("tools", of: page.root))
        let edits = rules.edits(forPage: page, definitions: array, for: principal("ada"), tools: tools)
        #expect(
            String(decoding: page.encoded(page.root, editing: edits), as: UTF8.self)
                == #"{"tools":[{"name":"list_apps","description":"A","inputSchema":{"type":"object","properties":{"size":{"type":"integer","maximum":5}}}}],"nextCursor":""}"#
        )
        // Members moved about are the same definition.
        let moved = try JSONDocument(parsing: Array(#"[{"inputSchema":{"type":"object"},"name":"list_users"}]"#.utf8))
        #expect(rules.edits(forPage: moved, definitions: moved.root, for: principal("ada"), tools: tools).count == 1)
    }
}

import Bytes
import JSON
import KomainuTesting
import Testing

@testable import Catalog

/// One case of `refused.txt`.
struct RefusedCatalog: CustomTestStringConvertible, Sendable {
    let name: String
    var text = ""
    var complaints: [String] = []
    var testDescription: String { name }

    static let all: [RefusedCatalog] = String(decoding: caseFile("refused.txt"), as: UTF8.self)
        .split(separator: "\n").reduce(into: []) { cases, line in
            if line.hasPrefix("=== ") {
                cases.append(RefusedCatalog(name: String(line.dropFirst(4))))
            } else if line.hasPrefix("--> ") {
                cases[cases.count - 1].complaints.append(String(line.dropFirst(4)))
            } else {
                cases[cases.count - 1].text += line + "\n"
            }
        }
}

@Suite struct `A catalogue` {
    @Test(arguments: RefusedCatalog.all) func `tells everything that is wrong with it`(_ file: RefusedCatalog) {
        #expect(RefusedCatalog.all.count == 5)
        let (catalog, complaints) = read(file.text)
        #expect(complaints == file.complaints)
        #expect((catalog == nil) == file.complaints.contains { !$0.contains(": warning: ") })
    }

    @Test func `keeps who said what, and the most dangerous effect wins`() throws {
        let (catalog, complaints) = read(
            "{komainu: 1, catalog: mine, tools: {list_x: {method: list, effect: read, tags: [mine]}}}",
            "{komainu: 1, catalog: t, shipped: true, tools: {list_x: {method: search, effect: write, tags: [theirs]}, y: {method: run, effect: write}}}"
        )
        #expect(complaints.isEmpty)
        let entry = try #require(catalog?.classify("list_x"))
        #expect(catalog?.name == "mine")
        #expect(entry.method == "list")
        #expect(entry.effect == .write)
        #expect(entry.tags == ["mine"])
        #expect(entry.evidence.map(\.source) == [.operator, .shipped, .grammar])
        #expect(entry.evidence.map(\.effect) == [.read, .write, .read])
        #expect(catalog?.classify("y")?.evidence.map(\.source) == [.shipped])
    }

    @Test func `classifies nothing by name or annotation alone`() {
        let (catalog, _) = read("{komainu: 1, catalog: t, tools: {list_x: {method: list, effect: read}}}")
        #expect(catalog?.classify("get_x") == nil)
        #expect(catalog?.classify("get_x", annotations: ToolAnnotations(readOnly: true, destructive: false)) == nil)
        #expect(catalog?.classify("LIST_X") == nil)
        #expect(catalog?.classify("list_x ") == nil)
    }

    @Test(
        arguments: [
            (nil, nil, Effect.write), (true, false, .write), (false, false, .write), (nil, true, .destructive),
            (true, true, .destructive), (false, true, .destructive),
        ] as [(Bool?, Bool?, Effect)])
    func `is only ever tightened by annotations`(_ readOnly: Bool?, _ destructive: Bool?, _ expected: Effect) {
        let (catalog, _) = read("{komainu: 1, catalog: t, tools: {sync_x: {method: sync, effect: write}}}")
        let claims = ToolAnnotations(readOnly: readOnly, destructive: destructive)
        #expect(catalog?.classify("sync_x", annotations: claims)?.effect == expected)
    }

    @Test func `takes a read for a write when the vendor says that it is none`() {
        let (catalog, _) = read("{komainu: 1, catalog: t, tools: {match_x: {method: match, effect: read}}}")
        let entry = catalog?.classify("match_x", annotations: ToolAnnotations(readOnly: false, destructive: false))
        #expect(entry?.effect == .write)
        #expect(entry?.evidence.last?.place == "readOnlyHint: false")
    }

    @Test func `knows a tool that runs others whichever file says so`() throws {
        let (catalog, _) = read(
            "{komainu: 1, catalog: mine, tools: {call: {method: run, effect: read}}}",
            "{komainu: 1, catalog: t, shipped: true, tools: {call: {dispatch: {tool: /tool_name, arguments: /arguments}}}}"
        )
        let entry = try #require(catalog?.classify("call"))
        #expect(entry.dispatch?.tool.text == "/tool_name")
        #expect(entry.dispatch?.allowsUnlisted == false)
        #expect(entry.effect == .destructive)
        #expect(catalog?.tools(in: .everything).isEmpty == true)
    }
}

@Suite struct `The shipped catalogues` {
    /// Where the shipped word for a method differs on purpose from the collected data: a list behind `get_`, and `custom`
    /// said more exactly.
    private static let otherMethods: [String: ByteString] = [
        "match_apps": "match", "get_contract_fields": "list", "get_app_fields": "list", "get_audit_logs": "list",
        "search_tools": "search", "get_tool_schema": "describe", "call_tool": "dispatch",
    ]

    @Test(arguments: ["torii", "truto"]) func `have no mistakes`(_ name: String) {
        let (catalog, complaints) = shippedCatalog(name)
        #expect(complaints.isEmpty)
        #expect(catalog?.name.text == name)
    }

    @Test func `declare the same tags`() {
        #expect(shippedCatalog("torii").0?.tags == shippedCatalog("truto").0?.tags)
    }

    @Test(arguments: [
        "torii-official": "torii", "torii-official-npm": "torii", "truto": "truto", "truto-discovery": "truto",
    ])
    func `agree with what was collected about each tool`(_ server: String, _ name: String) throws {
        guard let bytes = Shared.file("data/torii-catalog.json") else {
            return Shared.skipped("the collected catalogue")
        }
        let catalog = try #require(shippedCatalog(name).0)
        let document = try JSONDocument(parsing: bytes)
        var count = 0
        for node in document.elements(of: document.root) {
            let text = { (key: String) in document.member(key, of: node).flatMap(document.string)?.text }
            guard text("server") == server, let tool = text("tool") else { continue }
            count += 1
            let entry = try #require(catalog.classify(ByteString(tool)), "\(tool)")
            #expect(entry.method == Self.otherMethods[tool] ?? ByteString(text("method") ?? ""), "\(tool)")
            #expect(entry.effect.word == text("effect"), "\(tool)")
            guard entry.dispatch == nil, let tags = document.member("tags", of: node) else { continue }
            // The collected data marks destructive tools by a tag; here that is the effect.
            let collected = Set(document.elements(of: tags).compactMap(document.string)).subtracting(["destructive"])
            #expect(collected.isSubset(of: Set(entry.tags)), "\(tool)")
        }
        #expect(count == ["torii-official": 14, "torii-official-npm": 9, "truto": 26, "truto-discovery": 3][server])
    }

    @Test func `leave Truto's platform server out`() {
        for tool: ByteString in ["call_platform_api", "list_api_operations", "query_tool_result"] {
            #expect(shippedCatalog("truto").0?.classify(tool) == nil)
        }
    }
}

@Suite struct `A tool's name` {
    @Test(arguments: [
        ("list_apps", "list", Effect.read), ("list_all_torii_apps", "list", .read),
        ("get_single_torii_user_by_id", "get", .read), ("create_a_torii_app", "create", .write),
        ("update_a_torii_user_by_id", "update", .write), ("delete_a_torii_contract_by_id", "delete", .destructive),
        ("torii_list_apps", "list", .read), ("torii_create_app", "create", .write), ("apps.list", "list", .read),
        ("users.delete", "delete", .destructive), ("torii-get-admin-audit-logs", "get", .read),
        ("discover-apps", "discover", .read), ("update-contract", "update", .write), ("listApps", "list", .read),
        ("get_and_purge_users", "delete", .destructive), ("torii/apps.remove", "delete", .destructive),
        ("user_import", "import", .write), ("postAppsMatch", "match", .read),
    ]) func `is read by the four grammars`(_ name: String, _ method: String, _ effect: Effect) {
        let reading = NameGrammar.read(ByteString(name))
        #expect(reading?.method.text == method)
        #expect(reading?.effect == effect)
    }

    @Test(arguments: ["healthcheck", "run", "sql", "", "___", "deleted_users_report"])
    func `without a verb in its place says nothing, or only its verb`(_ name: String) {
        #expect(NameGrammar.read(ByteString(name))?.method.text == (name == "run" ? "run" : nil))
    }

    @Test func `is one that nothing can confuse`() {
        for name: ByteString in ["list_apps", "apps.list", "torii-list-apps", "a/b"] { #expect(isToolName(name)) }
        for name: ByteString in ["", "list apps", "list_apps\u{0}", "líst", "ｌist_apps", "list_apps\u{200B}", "a:b"] {
            #expect(!isToolName(name))
        }
        #expect(!isToolName(ByteString([UInt8](repeating: 0x61, count: 129))))
    }
}

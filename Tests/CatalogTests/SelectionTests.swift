import Bytes
import Testing

@testable import Catalog

private let catalog = read(
    """
    komainu: 1
    catalog: t
    tags: {plugins: later}
    tools:
      list_apps: {method: list, effect: read, tags: [apps]}
      match_apps: {method: match, effect: read, tags: [apps, catalog]}
      run_workflow: {method: run, effect: write, tags: [workflows]}
      update_user: {method: update, effect: write, tags: [users]}
      create_key: {method: create, effect: destructive, tags: [secrets]}
      delete_app: {method: delete, effect: destructive, tags: [apps]}
      healthcheck: {method: check, effect: read}
      call_tool: {dispatch: {tool: /tool_name, arguments: /arguments}}
    """
).0

private func admitted(_ methods: [ByteString]?, _ tags: [ByteString]? = nil, _ tools: [ByteString]? = nil) throws
    -> [String]
{
    let selection = try Selection(methods: methods, tags: tags, tools: tools)
    return try #require(catalog).tools(in: selection).map(\.text)
}

@Suite struct `A selection` {
    @Test func `by a group goes by effect and custom by method`() throws {
        #expect(try admitted(["read"]) == ["healthcheck", "list_apps", "match_apps"])
        #expect(try admitted(["write"]) == ["create_key", "delete_app", "run_workflow", "update_user"])
        #expect(try admitted(["destructive"]) == ["create_key", "delete_app"])
        #expect(try admitted(["custom"]) == ["healthcheck", "match_apps", "run_workflow"])
    }

    @Test func `is a union within a list and an intersection between lists`() throws {
        #expect(try admitted(["list", "run"]) == ["list_apps", "run_workflow"])
        #expect(try admitted(nil, ["apps", "users"]) == ["delete_app", "list_apps", "match_apps", "update_user"])
        #expect(try admitted(["read"], ["apps"]) == ["list_apps", "match_apps"])
        #expect(try admitted(["read"], ["apps"], ["*_apps"]) == ["list_apps", "match_apps"])
        #expect(try admitted(["read"], ["apps"], ["l*"]) == ["list_apps"])
        #expect(try admitted(nil, nil, ["?pdate_user", "create_key"]) == ["create_key", "update_user"])
    }

    @Test func `of nothing is everything but the tools that run others`() throws {
        #expect(try admitted(nil).count == 7)
        #expect(Selection.everything.isEverything)
    }

    @Test func `by tags leaves tools without tags out`() throws {
        #expect(try admitted(nil, ["apps"]).contains("healthcheck") == false)
    }

    @Test func `that is empty, in capitals or malformed is refused`() {
        #expect(throws: SelectionFailure.empty(.methods)) { try Selection(methods: [], tags: nil, tools: nil) }
        #expect(throws: SelectionFailure.empty(.tags)) { try Selection(methods: nil, tags: [], tools: nil) }
        #expect(throws: SelectionFailure.empty(.tools)) { try Selection(methods: nil, tags: nil, tools: []) }
        #expect(throws: SelectionFailure.notLowerCase(.methods, "GET")) {
            try Selection(methods: ["GET"], tags: nil, tools: nil)
        }
        for word: ByteString in ["", "a b", "é", "-a", "a*"] {
            #expect(throws: SelectionFailure.malformed(.tags, word)) {
                try Selection(methods: nil, tags: [word], tools: nil)
            }
        }
        #expect(throws: SelectionFailure.clientPrefix("mcp__u1__list_apps")) {
            try Selection(methods: nil, tags: nil, tools: ["mcp__u1__list_apps"])
        }
        #expect(throws: SelectionFailure.malformed(.tools, "list apps")) {
            try Selection(methods: nil, tags: nil, tools: ["list apps"])
        }
        #expect(throws: SelectionFailure.tooMany(.tools)) {
            try Selection(methods: nil, tags: nil, tools: [ByteString](repeating: "a", count: 1_001))
        }
    }

    @Test func `of words that nobody knows is complained about with a suggestion`() throws {
        let catalog = try #require(catalog)
        let complaints = catalog.complaints(
            about: try Selection(methods: ["lsit", "reed"], tags: ["user"], tools: ["list_app", "x*"]))
        #expect(
            complaints == [
                .unknown(.methods, "lsit", suggestion: "did you mean `list`?"),
                .unknown(.methods, "reed", suggestion: "did you mean `read`?"),
                .unknown(.tags, "user", suggestion: "did you mean `users`?"),
                .unknown(.tools, "list_app", suggestion: "did you mean `list_apps`?"),
                .unknown(.tools, "x*", suggestion: nil),
            ])
        #expect(SelectionFailure.notLowerCase(.methods, "GET").hint == "write `get`")
    }

    @Test func `that matches no tool is complained about`() throws {
        let catalog = try #require(catalog)
        #expect(
            catalog.complaints(about: try Selection(methods: ["read"], tags: ["plugins"], tools: nil)) == [
                .matchesNothing
            ])
        #expect(
            catalog.complaints(about: try Selection(methods: ["delete"], tags: ["users"], tools: nil)) == [
                .matchesNothing
            ])
        #expect(catalog.complaints(about: try Selection(methods: ["read"], tags: ["apps"], tools: nil)).isEmpty)
        #expect(catalog.complaints(about: .everything).isEmpty)
    }
}

@Suite struct `A glob` {
    @Test(arguments: [
        ("*", "", true), ("*", "abc", true), ("a*", "abc", true), ("*c", "abc", true), ("a*c", "ac", true),
        ("a*b*c", "axxbyyc", true), ("a*b*c", "axxcyyb", false), ("?", "", false), ("?", "a", true),
        ("a?c", "abc", true),
        ("abc", "ABC", false), ("list_*", "list", false), ("**", "a", true), ("*a", "aaaa", true), ("a", "ab", false),
    ]) func `matches the whole name`(_ pattern: String, _ name: String, _ expected: Bool) {
        #expect(Glob(pattern: Array(pattern.utf8)).matches(ByteString(name)) == expected)
    }

    @Test func `with many stars takes no longer than name times pattern`() {
        let glob = Glob(pattern: Array(String(repeating: "*a", count: 60).utf8) + Array("b".utf8))
        let start = ContinuousClock.now
        #expect(!glob.matches(ByteString([UInt8](repeating: 0x61, count: 128))))
        #expect(ContinuousClock.now - start < .milliseconds(100))
    }
}

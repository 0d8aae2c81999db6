import Bytes
import Catalog
import JSON
import Pattern
import System
import Testing
import YAML

@testable import Policy

@Suite struct `A field path` {
    @Test(
        arguments: [
            ("email", [.name("email")]), ("**.email", [.anyDepth, .name("email")]),
            ("owner.name", [.name("owner"), .name("name")]),
            ("**.additionalEmails[*]", [.anyDepth, .name("additionalEmails"), .elements]),
            ("[*].id", [.elements, .name("id")]), ("a[*][*].b", [.name("a"), .elements, .elements, .name("b")]),
            ("\"a.b\".c", [.name("a.b"), .name("c")]), ("a.**.b", [.name("a"), .anyDepth, .name("b")]),
            ("**[*]", [.anyDepth, .elements]), ("*.value", [.matching(NamePattern(Array("*".utf8))), .name("value")]),
            ("**.annualCost*", [.anyDepth, .matching(NamePattern(Array("annualCost*".utf8)))]),
        ] as [(String, [FieldPath.Segment])]) func `is read into its segments`(
            _ text: String, _ segments: [FieldPath.Segment]
        )
    {
        #expect(FieldPath(ByteString(text))?.segments == segments)
    }

    @Test(arguments: [
        "", "**", "a..b", ".a", "a.", "a[0]", "a[]", "a[*", "a[*]b", "**.**.a", "a.**", "a b", "\"a", "\"\"", "a\"b",
        "a**b", "a]", String(repeating: "a.", count: 40) + "a",
    ]) func `that isn't one is refused`(_ text: String) {
        #expect(FieldPath(ByteString(text)) == nil)
    }

    @Test(arguments: [
        ("annualCost*", "annualCost", true), ("annualCost*", "annualCostConverted", true),
        ("annualCost*", "annualcost", false),
        ("*Id", "userId", true), ("*Id", "Id", true), ("*Id", "Ids", false), ("a*b*c", "aXbYc", true),
        ("a*b*c", "abc", true), ("a*b*c", "acb", false), ("a*a", "a", false), ("*", "", true),
    ]) func `matches names by its stars`(_ pattern: String, _ name: String, _ expected: Bool) {
        let name = Array(name.utf8)
        #expect(NamePattern(Array(pattern.utf8)).matches(name.span) == expected)
    }
}

@Suite struct `A pattern for clients` {
    @Test(arguments: [
        ("[a-z]+", "^(?:[a-z]+)$"), ("a.b", "^(?:a[\\s\\S]b)$"), ("a|bc", "^(?:a|bc)$"), ("\\d{2,4}", "^(?:\\d{2,4})$"),
        ("(?:a)?b*?", "^(?:(?:a)?b*?)$"), ("[^\\]\\-]", "^(?:[^\\]\\-])$"), ("\\.\\/", "^(?:\\.\\/)$"),
    ]) func `means the same in every dialect`(_ pattern: String, _ expected: String) {
        #expect(portable(pattern) == expected)
    }

    @Test(arguments: [
        "(?i)a", "a++", "a{,3}", "\\s", "\\h", "[[:alpha:]]", "(?<n>a)", "(*ACCEPT)", "\\Qa\\E", "é", "a{2}+", "[a",
        "\\",
        "(?=a)", "[]a]", "\\p{L}", "a{x}",
    ]) func `is left out when dialects may differ`(_ pattern: String) {
        #expect(portable(pattern) == nil)
    }
}

@Suite struct `Calls that are counted` {
    private let rates = [0: Rate(count: 3, period: .seconds(60)), 1: Rate(count: 1, period: .seconds(1))]

    @Test func `come three at once and then one in twenty seconds`() {
        let limiter = CallLimiter(rates)
        let ada = principal("ada")
        for _ in 0..<3 { #expect(limiter.take([0], ada, at: noon) == nil) }
        #expect(limiter.take([0], ada, at: noon) == .init(rule: 0, wait: .seconds(20)))
        #expect(limiter.take([0], ada, at: noon + .milliseconds(19_999)) == .init(rule: 0, wait: .milliseconds(1)))
        #expect(limiter.take([0], ada, at: noon + .seconds(20)) == nil)
        #expect(limiter.take([0], ada, at: noon + .seconds(20)) != nil)
        // A bucket never holds more than its period.
        for _ in 0..<3 { #expect(limiter.take([0], ada, at: noon + .seconds(9_999)) == nil) }
        #expect(limiter.take([0], ada, at: noon + .seconds(9_999)) != nil)
    }

    @Test func `are counted for each caller, and a clock that goes back refills nothing`() {
        let limiter = CallLimiter(rates)
        for _ in 0..<3 { #expect(limiter.take([0], principal("ada"), at: noon) == nil) }
        #expect(limiter.take([0], principal("ada"), at: noon + .seconds(-60)) != nil)
        #expect(limiter.take([0], principal("eve"), at: noon) == nil)
        #expect(limiter.take([0], principal("ada@okta"), at: noon) == nil)
        #expect(limiter.take([0], principal("ada#7d8b1c9e-0000-4000-8000-000000000001"), at: noon) == nil)
        #expect(limiter.take([7], principal("ada"), at: noon) == nil)
    }

    @Test func `are taken from every rule or from none`() {
        let limiter = CallLimiter(rates)
        let ada = principal("ada")
        #expect(limiter.take([0, 1], ada, at: noon) == nil)
        for _ in 0..<5 { #expect(limiter.take([0, 1], ada, at: noon) == .init(rule: 1, wait: .seconds(1))) }
        for _ in 0..<2 { #expect(limiter.take([0], ada, at: noon) == nil) }
        #expect(limiter.take([0], ada, at: noon) != nil)
    }

    @Test func `of too many callers are refused until buckets have filled up`() {
        let limiter = CallLimiter(rates, limit: 10)
        for number in 0..<10 { #expect(limiter.take([0], principal("p\(number)"), at: noon) == nil) }
        #expect(limiter.take([0], principal("newcomer"), at: noon) == .init(rule: 0, wait: .seconds(1)))
        #expect(limiter.take([0], principal("p3"), at: noon) == nil)
        #expect(limiter.take([0], principal("newcomer"), at: noon + .seconds(61)) == nil)
    }

    @Test func `that are too many are denied in so many words, and a denied call isn't counted`() throws {
        let catalog = try readCatalog("{komainu: 1, catalog: t, tools: {list_apps: {method: list, effect: read}}}")
        let rules = try requirePolicy(
            """
            komainu: 1
            policy: p
            rules: [{id: r, allow: {tools: [list_apps]}, arguments: {/size: {maximum: 5}}, limits: {calls: 2/min}}]
            """, catalog)
        let tools = try inventory(catalog, [#"{"name":"list_apps","inputSchema":{}}"#])
        let ada = principal("ada")
        for _ in 0..<5 {
            #expect(rules.decision(try call("list_apps", #"{"size":9}"#), ada, tools).hasPrefix("denied"))
        }
        for _ in 0..<2 { #expect(rules.decision(try call("list_apps"), ada, tools) == "allowed by r") }
        #expect(
            rules.decision(try call("list_apps"), ada, tools) == "denied rate_limited; by r; retry after 30.0 seconds")
        #expect(rules.decision(try call("list_apps"), principal("eve"), tools) == "allowed by r")
        #expect(rules.decision(try call("list_apps"), ada, tools, at: noon + .seconds(30)) == "allowed by r")
    }
}

@Suite struct `The cache of views` {
    @Test func `begins anew when it is full and gives the same answers`() throws {
        let cache = ViewCache(limit: 3)
        var made = 0
        func ask(_ tool: String) {
            let key = ViewCache.Key(
                tool: ByteString(tool), hash: nil, method: "get", effect: .read, tags: [], rules: [0])
            _ = cache.view(key) {
                made += 1
                return .unrestricted
            }
        }
        for _ in 0..<3 { ["a", "b", "c"].forEach(ask) }
        #expect(made == 3)
        ask("d")
        ask("a")
        #expect(made == 5)
    }

    @Test func `gives an example for what is listed`() throws {
        let catalog = try readCatalog("{komainu: 1, catalog: t, tools: {t: {method: list, effect: read}}}")
        let rules = try requirePolicy(
            """
            komainu: 1
            policy: p
            rules: [{id: r, allow: {tools: [t]}, arguments: {/n: {present: true, minimum: 5}, /q: {present: true, pattern: "x+y"}}}]
            """, catalog)
        let tools = try inventory(catalog, [#"{"name":"t","inputSchema":{"type":"object"}}"#])
        let example = try #require(rules.example(of: "t", for: principal("ada"), tools: tools))
        #expect(example.arguments["n"] == 5)
        #expect(example.isAssumed)
        #expect(rules.example(of: "u", for: principal("ada"), tools: tools) == nil)
    }
}

@Suite struct `A denial` {
    @Test func `never repeats what was sent`() throws {
        let catalog = try readCatalog("{komainu: 1, catalog: t, tools: {list_apps: {method: list, effect: read}}}")
        let rules = try requirePolicy(
            """
            komainu: 1
            policy: p
            rules:
              - {id: r, allow: {tools: [list_apps]}, arguments: {/q: {pattern: "[a-z]+"}}, additional: false}
              - {id: d, deny: {tools: [list_apps]}, arguments: {/q: {equals: hunter}}}
            """, catalog)
        let tools = try inventory(catalog, [#"{"name":"list_apps","inputSchema":{}}"#])
        for arguments in [#"{"q":"Tr0ub4dor"}"#, #"{"Tr0ub4dor":1}"#, #"{"q":["Tr0ub4dor"]}"#] {
            let message = try call("list_apps", arguments)
            let denial = #expect(throws: Denial.self) {
                _ = try rules.permit(message, for: principal("ada"), tools: tools, now: noon)
            }
            #expect(denial.map { "\($0) \(rules.why($0.verdicts))".contains("Tr0ub4dor") } == false)
        }
    }

    @Test func `has a code for every reason and no two alike`() {
        #expect(Set(Denial.Reason.allCases.map(\.rawValue)).count == Denial.Reason.allCases.count)
        #expect(
            Denial(.argumentsNotAllowed, rule: "r", demand: "argument `/q` must be given").description
                == "Denied by policy (rule `r`): the tool may not be called with these arguments: argument `/q` must be given."
        )
    }

    @Test func `is explained rule by rule`() throws {
        let catalog = try readCatalog(
            "{komainu: 1, catalog: t, tools: {list_apps: {method: list, effect: read}, run_x: {method: run, effect: write}}}"
        )
        let rules = try requirePolicy(
            """
            komainu: 1
            policy: p
            rules:
              - {id: reads, allow: {methods: [read]}, arguments: {/size: {maximum: 5}}}
              - {id: leads, allow: {methods: [read]}, who: {groups: [leads]}}
              - {id: writes, allow: {methods: [write]}}
              - {id: trial, deny: {methods: [read]}, mode: shadow}
              - {id: never, deny: {methods: [run]}}
            """, catalog)
        let tools = try inventory(
            catalog, [#"{"name":"list_apps","inputSchema":{}}"#, #"{"name":"run_x","inputSchema":{}}"#])
        let explanation = try rules.explain("list_apps", arguments: ["size": 9], for: principal("ada"), tools: tools)
        #expect(explanation.denial?.reason == .argumentsNotAllowed)
        #expect(
            explanation.lines.map { "\($0.decides ? "*" : " ") \($0.rule.text) \($0.text)" } == [
                "* reads does not apply: argument `/size` must be at most 5", "  leads is not about this caller",
                "  writes is not about this tool", "  trial would deny it", "  never is not about this tool",
            ])
        let allowed = try rules.explain("list_apps", for: principal("ada"), tools: tools)
        #expect(allowed.denial == nil)
        #expect(allowed.allowing == ["reads"])
        let denied = try rules.explain("run_x", for: principal("ada"), tools: tools)
        #expect(denied.denial?.reason == .toolDenied)
        #expect(denied.lines.last.map { $0.text } == "denies it")
        #expect(denied.lines.last?.decides == true)
        #expect(rules.why([RuleVerdict(rule: "reads", outcome: .allows)]) == "reads allows it")
    }
}

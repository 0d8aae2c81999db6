import Bytes
import HTTP
import JSON
import KomainuTesting
import Testing

@testable import Gateway

/// Fields that repeat arguments (2026-07-28, "Custom Headers").
@Suite struct `A field that repeats an argument` {
    private static let tools = """
        {"name":"list_apps","inputSchema":{"type":"object","properties":{"region":{"type":"string","x-mcp-header":"Region"},\
        "size":{"type":"integer","x-mcp-header":"Size"},"deep":{"type":"object","properties":{"flag":{"type":"boolean",\
        "x-mcp-header":"Flag"}}}}}},{"name":"list_users","inputSchema":{"type":"object","properties":{"n":{"type":"number",\
        "x-mcp-header":"N"},"region":{"type":"string","x-mcp-header":"Region"}}}}
        """

    private static func house(_ body: @escaping @Sendable (House) async throws -> Void) async throws -> [Record] {
        try await House.run { house in
            house.server.on("tools/list", .result(#"{"tools":[\#(Self.tools)]}"#))
            try await house.knowing()
            try await body(house)
        }
    }

    @Test(
        arguments: [
            (#"{"region":"eu"}"#, ["mcp-param-region": "eu"], ["mcp-param-region": "eu"]),
            (#"{"region":"é "}"#, ["mcp-param-region": "=?base64?w6kg?="], ["mcp-param-region": "=?base64?w6kg?="]),
            (#"{"size":42}"#, ["mcp-param-size": "42.0"], ["mcp-param-size": "42"]),
            (#"{"size":100}"#, ["mcp-param-size": "=?base64?MTAw?="], ["mcp-param-size": "100"]),
            (#"{"deep":{"flag":true}}"#, ["mcp-param-flag": "true"], ["mcp-param-flag": "true"]),
            (#"{"region":null}"#, [:], [:]), ("{}", ["mcp-param-other": "kept"], ["mcp-param-other": "kept"]),
        ] as [(String, [String: String], [String: String])])
    func `is checked and made anew`(_ arguments: String, _ fields: [String: String], _ sent: [String: String])
        async throws
    {
        _ = try await Self.house { house in
            let answer = await house.guest().send(
                .call("list_apps", arguments), fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
            #expect(answer.status == 200, "\(answer.text)")
            let received = try #require(house.server.received.last)
            for (name, value) in sent { #expect(received.fields[ByteString(name)]?.text == value) }
            var count = 0
            received.fields.forEach { name, _ in if name.hasPrefix("mcp-param-") { count += 1 } }
            #expect(count == sent.count)
        }
    }

    @Test(
        arguments: [
            (#"{"region":"eu"}"#, []), (#"{"region":"eu"}"#, [("mcp-param-region", "us")]),
            (#"{"region":"eu"}"#, [("mcp-param-region", "EU")]), ("{}", [("mcp-param-region", "eu")]),
            (#"{"region":null}"#, [("mcp-param-region", "null")]),
            (#"{"region":"eu"}"#, [("mcp-param-region", "eu"), ("mcp-param-region", "eu")]),
            (#"{"region":"eu"}"#, [("mcp-param-region", "=?base64?ZXU?=")]),
            (#"{"region":"eu"}"#, [("mcp-param-region", "=?BASE64?ZXU=?=")]),
            (#"{"size":42}"#, [("mcp-param-size", "43")]), (#"{"size":42}"#, [("mcp-param-size", "4.2e1")]),
            (#"{"size":9007199254740993}"#, [("mcp-param-size", "9007199254740992")]),
            (#"{"deep":{"flag":true}}"#, [("mcp-param-flag", "True")]),
            (#"{"region":{"a":1}}"#, [("mcp-param-region", "x")]),
            ("{}", [("mcp-param-other", "=?base64?!?=")]),
            ("{}", [("mcp-param-other", "a"), ("mcp-param-other", "b")]),
        ] as [(String, [(String, String)])])
    func `that says otherwise refuses the call`(_ arguments: String, _ fields: [(String, String)]) async throws {
        let trail = try await Self.house { house in
            let answer = await house.guest().send(.call("list_apps", arguments), fields)
            #expect(answer.status == 400)
            #expect(answer.code == "-32020")
            #expect(house.server.received.isEmpty)
        }
        #expect(trail.of("request.refused").count == 1)
    }

    @Test func `means nothing for a tool whose annotations are not as they must be`() async throws {
        _ = try await Self.house { house in
            #expect(await house.guest().send(.call("list_users", #"{"region":"eu"}"#)).status == 200)
        }
    }

    @Test func `does not tell which tools are hidden`() async throws {
        _ = try await Self.house { house in
            let hidden = await house.guest().send(.call("never_was", #"{"region":"eu"}"#), [("mcp-param-region", "x")])
            #expect(hidden.status == 200)
            #expect(hidden.code == "-32602")
        }
    }
}

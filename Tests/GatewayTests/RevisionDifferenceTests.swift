import Bytes
import Catalog
import HTTP
import Identity
import JSON
import KomainuTesting
import Testing

@testable import Gateway

/// One policy, whichever revision a client speaks: every tool of the shipped catalogues under every shipped policy, asked by a client
/// of 2025-03-26, one of 2025-11-25 and one of 2026-07-28.
@Suite struct `The revision that a client speaks` {
    /// A policy and who asks.
    struct Setting: Sendable, CustomTestStringConvertible {
        let policy: String
        let groups: Set<ByteString>
        var testDescription: String { "\(policy) \(groups.map(\.text).sorted())" }
    }

    static let settings = [
        Setting(policy: "read-only-dashboard", groups: []), Setting(policy: "compliance-auditor", groups: []),
        Setting(policy: "it-operations", groups: []), Setting(policy: "it-operations", groups: ["it-operations"]),
        Setting(policy: "it-operations", groups: ["it-leads"]),
    ]

    private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

    private static let answer = """
        {"resultType":"complete","content":[{"type":"text","text":"{\\"users\\":[{\\"id\\":1,\\"email\\":\\"maren@example.com\\",\
        \\"firstName\\":\\"Maren\\",\\"amount\\":12.50}],\\"note\\":\\"GB82 WEST 1234 5698 7654 32\\"}"},{"type":"text",\
        "text":"ask maren@example.com"}],"structuredContent":{"users":[{"email":"maren@example.com","annualCost":7}]}}
        """

    @Test(arguments: settings)
    func `changes neither verdict nor redaction nor record`(_ setting: Setting) async throws {
        let catalogs = ["torii", "truto"].map { "\(Self.root)/policies/catalogs/\($0).yaml" }
        let tools = try House.catalog(catalogs).tools
        #expect(tools.count > 50)
        let trail = try await House.run {
            $0.catalogs = catalogs
            $0.policies = ["\(Self.root)/policies/\(setting.policy).yaml"]
        } _: { house in
            let definitions = tools.map {
                #"{"name":"\#($0.text)","inputSchema":{"type":"object","properties":{"size":{"type":"integer"}}}}"#
            }
            house.server.on("tools/list", .result(#"{"tools":[\#(definitions.joined(separator: ","))]}"#))
            house.server.on("tools/call", .result(Self.answer))
            // What a caller's calls are counted by must not be shared: each is a person of their own.
            let people = try ["2025-03-26", "2025-11-25", "2026-07-28"].enumerated().map { number, version in
                let token = try house.token(ByteString("person-\(number)"), groups: setting.groups)
                return Speaker(house, version, token.secret, ByteString("192.0.2.\(10 + number)"))
            }
            for person in people { try await person.begin() }
            var lists: [JSONValue?] = []
            for person in people { lists.append(await person.tools()) }
            #expect(lists[0] != nil)
            #expect(lists.allSatisfy { $0 == lists[0] })
            for tool in tools + ["never_was"] {
                for arguments in ["{}", #"{"size":5}"#, #"{"size":100000,"filters":{"a":1}}"#] {
                    var heard: [[String]] = []
                    for person in people { heard.append(await person.call(tool.text, arguments)) }
                    #expect(heard.allSatisfy { $0 == heard[0] }, "\(tool.text) \(arguments): \(heard)")
                }
            }
        }
        let told = (0..<3).map { number in
            trail.filter { $0["via.addr"] == "192.0.2.\(10 + number)" && $0["mcp.tool"] != nil }.map(\.withoutItself)
        }
        #expect(told[0].count >= 3 * tools.count)
        #expect(told[0] == told[1])
        #expect(told[1] == told[2])
        // The comparison has something to compare: but for the policy whose every rule names groups, calls pass and are redacted.
        let passes = setting.policy != "it-operations" || !setting.groups.isEmpty
        #expect(trail.of("call.intent").contains { $0["mcp.tool"] != nil } == passes)
        #expect(trail.of("call.outcome").contains { $0["red"] != nil && $0["red"] != "[]" } == passes)
    }
}

/// Somebody who speaks one revision.
private struct Speaker {
    let client: Client
    let version: String

    init(_ house: House, _ version: String, _ token: ByteString, _ address: ByteString) {
        self.version = version
        client = Client(house, path: "/u/torii/mcp", token: token)
        client.address = address
    }

    private var isStateless: Bool { version == Stateless.version }

    func begin() async throws {
        guard !isStateless else { return }
        client.house.server.on(
            "initialize",
            .result(
                #"{"protocolVersion":"\#(version)","capabilities":{"tools":{}},"serverInfo":{"name":"v","version":"1"}}"#
            ))
        try await client.initialize(Client.hello.replacing("2025-11-25", with: version))
        #expect(client.version?.text == version)
    }

    func tools() async -> JSONValue? {
        let answer = isStateless ? await client.send(Stateless("tools/list")) : await client.ask("tools/list")
        return answer.result?["tools"]
    }

    /// What is heard of a call, and what reached the server.
    func call(_ tool: String, _ arguments: String) async -> [String] {
        client.house.server.forget()
        let answer =
            isStateless ? await client.send(.call(tool, arguments)) : await client.call(tool, arguments)
        var text = "none"
        if case .object(let members)? = answer.result {
            let kept =
                members.filter { $0.name != "_meta" } + [
                    JSONMember("redacted", answer.result?["_meta"]?["io.komainu/redaction"] ?? .null)
                ]
            text = String(decoding: JSONValue.object(kept).encoded(), as: UTF8.self)
        }
        let sent = client.house.server.received.filter { $0.way == .call }.map {
            "\($0.method) \($0.json["params"]?["name"]?.stringValue?.text ?? "") \($0.json["params"]?["arguments"] ?? .null)"
        }
        // The type that results have in one revision alone, and the decision's id.
        let same = text.replacing(#""resultType":"complete","#, with: "").replacing(/, decision [0-9A-Z]+/, with: "")
        return [String(answer.status ?? 0), answer.code ?? "none", answer.decision ?? "none", same] + sent
    }
}

extension Record {
    /// The record without what is its own and not the call's: when, whose, in which revision, under which id.
    fileprivate var withoutItself: String {
        guard case .object(let members) = json else { return "" }
        let own: Set<ByteString> = ["seq", "ts", "mono", "cid", "of", "prev", "via", "who", "dur"]
        // The revision, the id and with it the answer's length; the commitment, which is each call's own.
        let differing: [ByteString: Set<ByteString>] = [
            "mcp": ["pv", "rpc", "id"], "out": ["n", "ms"], "args": ["c"],
        ]
        let kept = members.filter { !own.contains($0.name) }.map { member -> JSONMember in
            guard case .object(let inner) = member.value, let out = differing[member.name] else { return member }
            return JSONMember(member.name, .object(inner.filter { !out.contains($0.name) }))
        }
        return String(decoding: JSONValue.object(kept).encoded(), as: UTF8.self)
    }
}

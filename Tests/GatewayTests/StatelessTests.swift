import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Testing
import Upstream

@testable import Gateway

@Suite struct `A stateless request` {
    @Test func `belongs to no session: none is asked for, none given, and old fields mean nothing`() async throws {
        let trail = try await House.run { house in
            try await house.knowing()
            let answer = await house.adaAtTheDoor().send(
                .call("list_apps"), [("mcp-session-id", "never-was"), ("last-event-id", "4")])
            #expect(answer.status == 200)
            #expect(answer.result?["resultType"] == "complete")
            #expect(!answer.fields.contains("mcp-session-id"))
            let sent = try #require(house.server.received.first)
            #expect(sent.fields["mcp-protocol-version"] == "2026-07-28")
            #expect(sent.fields["mcp-method"] == "tools/call")
            #expect(sent.fields["mcp-name"] == "list_apps")
            #expect(!sent.fields.contains("mcp-session-id"))
            #expect(!sent.fields.contains("last-event-id"))
        }
        let intent = try #require(trail.of("call.intent").last)
        #expect(intent["via.client"] == "modern")
        #expect(intent["mcp.proto"] == "2026-07-28" || intent.description.contains("2026-07-28"))
        #expect(trail.outcomes == ["ok", "ok"])
    }

    @Test func `makes the gateway read the tools first, in the same revision`() async throws {
        try await House.run { house in
            await house.adaAtTheDoor().send(.call("list_apps"))
            #expect(house.server.received.map(\.method) == ["tools/list", "tools/call"])
            let list = house.server.received[0]
            #expect(list.way == .own)
            #expect(list.fields["mcp-method"] == "tools/list")
            #expect(list.fields["mcp-protocol-version"] == "2026-07-28")
            let meta = list.json["params"]?["_meta"]
            #expect(meta?["io.modelcontextprotocol/protocolVersion"] == "2026-07-28")
            #expect(meta?["io.modelcontextprotocol/clientCapabilities"] == .object([]))
        }
    }

    @Test func `tells the server nothing that policy closes`() async throws {
        try await House.run { house in
            try await house.knowing()
            var request = Stateless.call("list_apps")
            request.capabilities =
                #"{"sampling":{},"roots":{},"elicitation":{"form":{},"url":{}},"experimental":{"x":{}},"extensions":{"io.modelcontextprotocol/ui":{},"io.modelcontextprotocol/tasks":{},"com.example/x":{}}}"#
            request.meta = #","io.modelcontextprotocol/logLevel":"debug","traceparent":"00-1-1-01""#
            await house.adaAtTheDoor().send(request)
            let closed = try #require(house.server.received.last?.json["params"]?["_meta"])
            #expect(closed["io.modelcontextprotocol/clientCapabilities"] == .object([]))
            #expect(closed["io.modelcontextprotocol/logLevel"] == nil)
            #expect(closed["traceparent"] != nil)
            await house.wideGuest().send(request)
            let open = try #require(house.server.received.last?.json["params"]?["_meta"])
            let told = open["io.modelcontextprotocol/clientCapabilities"]
            #expect(told?["sampling"] != nil && told?["roots"] != nil && told?["elicitation"]?["url"] != nil)
            #expect(told?["experimental"] == nil)
            #expect(told?["extensions"]?["io.modelcontextprotocol/ui"] != nil)
            #expect(told?["extensions"]?["io.modelcontextprotocol/tasks"] != nil)
            #expect(told?["extensions"]?["com.example/x"] == nil)
            #expect(open["io.modelcontextprotocol/logLevel"] == "debug")
        }
    }

    @Test func `that is a notice is taken and dropped, and an answer answers nothing`() async throws {
        let trail = try await House.run { house in
            let client = house.adaAtTheDoor()
            let fields = [("mcp-protocol-version", Stateless.version)]
            let notice = await client.send(
                #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}"#, fields)
            #expect(notice.status == 202)
            #expect(notice.body.isEmpty)
            let answer = await client.send(#"{"jsonrpc":"2.0","id":7,"result":{}}"#, fields)
            #expect(answer.status == 400)
            #expect(answer.code == "-32600")
            #expect(house.server.received.isEmpty)
        }
        #expect(trail.of("request.refused").words == ["notice_dropped", "unsolicited_response"])
    }

    @Test(arguments: [HTTPMethod.get, .delete])
    func `is posted: streams of sessions and their ends are no methods here`(_ method: HTTPMethod) async throws {
        try await House.run { house in
            let answer = await house.adaAtTheDoor().handled(
                house.adaAtTheDoor().exchange(method, "", [("mcp-protocol-version", Stateless.version)]))
            #expect(answer.status == 405)
            #expect(answer.fields["allow"] == "POST")
            #expect(house.server.received.isEmpty)
        }
    }

    @Test func `is denied in words of its own revision`() async throws {
        let trail = try await House.run { house in
            try await house.knowing()
            let client = house.adaAtTheDoor()
            let denied = await client.send(.call("list_apps", #"{"size":1000}"#))
            #expect(denied.status == 200)
            #expect(denied.isToolError)
            #expect(denied.result?["resultType"] == "complete")
            let hidden = await client.send(.call("list_secrets"))
            let unknown = await client.send(.call("never_was"))
            for answer in [hidden, unknown] {
                #expect(answer.status == 200)
                #expect(answer.code == "-32602")
            }
            #expect(hidden.text.replacing("list_secrets", with: "never_was") == unknown.text)
            #expect(house.server.received.isEmpty)
        }
        #expect(trail.of("call.denied").words == ["arguments_not_allowed", "tool_denied", "tool_unknown"])
    }

    @Test func `is redacted like any other`() async throws {
        let trail = try await House.run { house in
            house.server.on(
                "tools/call",
                .result(
                    #"{"resultType":"complete","content":[{"type":"text","text":"{\"email\":\"ada@example.com\"}"}],"structuredContent":[{"email":"ada@example.com"}]}"#
                ))
            try await house.knowing()
            let answer = await house.adaAtTheDoor().send(.call("list_apps"))
            #expect(!answer.text.contains("ada@example.com"))
            #expect(answer.result?["resultType"] == "complete")
            guard case .array? = answer.result?["structuredContent"] else { return #expect(Bool(false)) }
        }
        #expect(!trail.text.contains("ada@example.com"))
        #expect(trail.of("call.outcome").last?["red"] != nil || trail.text.contains("pseudonym"))
    }

    @Test(arguments: ["mystery", "task", "input_required", ""])
    func `brings back no result of a type that is not known here`(_ type: String) async throws {
        try await House.run { house in
            house.server.on(
                "tools/list", .result(#"{"resultType":"\#(type)","tools":[],"ttlMs":1,"cacheScope":"public"}"#))
            let answer = await house.adaAtTheDoor().send(Stateless("tools/list"))
            #expect(answer.json["result"] == nil)
            #expect(answer.id == "7")
            #expect(answer.code == "53011" || answer.code != nil)
        }
    }
}

@Suite struct `What a stateless server lists` {
    @Test func `is filtered on each page, private, and kept no longer than the policy's horizon`() async throws {
        try await House.run { house in
            house.server.on(
                "tools/list",
                .result(
                    #"{"resultType":"complete","tools":[\#(ScriptedServer.tools)],"nextCursor":"","ttlMs":86400000,"cacheScope":"public","_meta":{"io.modelcontextprotocol/serverInfo":{"name":"v","version":"1"}}}"#
                ))
            let answer = await house.adaAtTheDoor().send(Stateless("tools/list"))
            guard case .array(let tools)? = answer.result?["tools"] else { return #expect(Bool(false)) }
            #expect(tools.compactMap { $0["name"]?.stringValue } == ["list_apps", "list_users", "run_tool"])
            #expect(answer.result?["nextCursor"] == "")
            #expect(answer.result?["cacheScope"] == "private")
            #expect(answer.result?["ttlMs"] == 300_000)
            #expect(answer.result?["_meta"]?["io.modelcontextprotocol/serverInfo"]?["name"] == "v")
        }
    }

    @Test func `is kept no longer than the token lasts, and a shorter time stays`() async throws {
        try await House.run { house in
            let short = try house.endpoint("short", ttl: 5)
            let client = Client(house, path: ByteString("/mcp/" + short.secret.text))
            house.server.on("tools/list", .result(#"{"tools":[],"ttlMs":60000,"cacheScope":"public"}"#))
            let answer = await client.send(Stateless("tools/list"))
            let time = answer.result?["ttlMs"].flatMap { Int(String(decoding: $0.encoded(), as: UTF8.self)) } ?? -1
            #expect((0...5_000).contains(time))
            #expect(answer.result?["resultType"] == "complete")
            house.server.on("tools/list", .result(#"{"tools":[],"ttlMs":3,"cacheScope":"private"}"#))
            #expect(await house.adaAtTheDoor().send(Stateless("tools/list")).result?["ttlMs"] == 3)
            house.server.on("tools/list", .result(#"{"tools":[]}"#))
            let bare = await house.adaAtTheDoor().send(Stateless("tools/list"))
            #expect(bare.result?["ttlMs"] == 0 && bare.result?["cacheScope"] == "private")
        }
    }

    @Test func `names pages of MCP Apps only where policy opens them`() async throws {
        try await House.run { house in
            house.server.on(
                "tools/list",
                .result(
                    #"{"tools":[{"name":"list_apps","inputSchema":{"type":"object"},"_meta":{"ui":{"resourceUri":"ui://panels/apps"},"x":1}},{"name":"list_users","inputSchema":{"type":"object"},"_meta":{"ui":{"resourceUri":"ui://other/x"},"ui/resourceUri":"ui://other/x","x":1}}]}"#
                ))
            let open = await house.wideGuest().send(Stateless("tools/list"))
            #expect(open.result?["tools"]?[0]?["_meta"] == ["ui": ["resourceUri": "ui://panels/apps"], "x": 1])
            #expect(open.result?["tools"]?[1]?["_meta"] == ["x": 1])
            let closed = await house.adaAtTheDoor().send(Stateless("tools/list"))
            #expect(closed.result?["tools"]?[0]?["_meta"] == ["x": 1])
        }
    }

    @Test func `of resources and prompts is what policy opens`() async throws {
        try await House.run { house in
            house.server.on(
                "resources/list",
                .result(
                    #"{"resultType":"complete","resources":[{"uri":"torii://docs/a","name":"a"},{"uri":"torii://users/1","name":"b"},{"uri":"ui://panels/x","name":"p"}],"ttlMs":5,"cacheScope":"public"}"#
                ))
            let open = await house.wideGuest().send(Stateless("resources/list"))
            guard case .array(let resources)? = open.result?["resources"] else { return #expect(Bool(false)) }
            #expect(resources.compactMap { $0["uri"]?.stringValue } == ["torii://docs/a", "ui://panels/x"])
            let closed = await house.adaAtTheDoor().send(Stateless("resources/list"))
            #expect(closed.status == 404)
            #expect(closed.code == "-32601")
            #expect(house.server.calls == ["resources/list"])
        }
    }
}

@Suite struct `A server's introduction` {
    private static let introduction = """
        {"resultType":"complete","supportedVersions":["2026-07-28","2025-11-25","2024-11-05","2030-01-01"],\
        "capabilities":{"tools":{"listChanged":true},"resources":{},"logging":{},"experimental":{"x":{}},\
        "extensions":{"io.modelcontextprotocol/tasks":{},"io.modelcontextprotocol/ui":{},"com.example/x":{}}},\
        "instructions":"Ask ada@example.com.","ttlMs":3600000,"cacheScope":"public"}
        """

    @Test func `names revisions that both carry, and what policy opens`() async throws {
        try await House.run { house in
            house.server.on("server/discover", .result(Self.introduction))
            let closed = await house.adaAtTheDoor().send(Stateless("server/discover"))
            #expect(closed.status == 200)
            #expect(closed.result?["supportedVersions"] == ["2026-07-28", "2025-11-25"])
            #expect(closed.result?["capabilities"] == ["tools": ["listChanged": true]])
            #expect(closed.result?["cacheScope"] == "private")
            #expect(closed.result?["ttlMs"] == 300_000)
            #expect(!closed.text.contains("ada@example.com"))
            let open = await house.wideGuest().send(Stateless("server/discover"))
            let capabilities = open.result?["capabilities"]
            #expect(capabilities?["resources"] != nil && capabilities?["logging"] != nil)
            #expect(capabilities?["experimental"] == nil)
            #expect(capabilities?["extensions"]?["io.modelcontextprotocol/tasks"] != nil)
            #expect(capabilities?["extensions"]?["io.modelcontextprotocol/ui"] != nil)
            #expect(capabilities?["extensions"]?["com.example/x"] == nil)
        }
    }

    /// What servers of older revisions say to it, and how both SDK families hear it: as the reason to begin with `initialize`.
    @Test(arguments: [
        Reply.body("Bad Request", type: "text/plain", status: 400), .body("", type: nil, status: 404),
        .body("", type: nil, status: 405), .body("<html>", type: "text/html", status: 415),
        .json(#"{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Missing session ID"}}"#, status: 400),
        .json(#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32601,"message":"Method not found"}}"#, status: 200),
        .json(#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32602,"message":"ada@example.com"}}"#, status: 400),
        .json(#"{"error":"no session"}"#, status: 400),
    ])
    func `that an older server refuses is a method that does not exist`(_ reply: Reply) async throws {
        let trail = try await House.run { house in
            house.server.on("server/discover", reply)
            let answer = await house.adaAtTheDoor().send(Stateless("server/discover"))
            #expect(answer.status == 404)
            #expect(answer.code == "-32601")
            #expect(answer.id == "7")
        }
        #expect(trail.codes == ["upstream_not_stateless"])
    }

    @Test(arguments: [
        Reply.fails(.refused), .body("", type: nil, status: 500), .body("", type: nil, status: 503),
        .body("", type: nil, status: 401), .body("", type: nil, status: 403), .body("", type: nil, status: 307),
        .json(#"{"jsonrpc":"2.0","id":ID,"result":{"resultType":"complete"}}"#),
    ])
    func `that fails otherwise is no HTTP error either`(_ reply: Reply) async throws {
        try await House.run { house in
            house.server.on("server/discover", reply)
            let answer = await house.adaAtTheDoor().send(Stateless("server/discover"))
            #expect(answer.status == 200)
            #expect(answer.code != nil)
            #expect(answer.id == "7")
        }
    }

    @Test func `of revisions it does speak is cut to those that are carried`() async throws {
        try await House.run { house in
            house.server.on(
                "server/discover",
                .json(
                    #"{"jsonrpc":"2.0","id":ID,"error":{"code":-32022,"message":"x","data":{"supported":["2024-11-05","2025-06-18"],"requested":"2026-07-28"}}}"#,
                    status: 400))
            let answer = await house.adaAtTheDoor().send(Stateless("server/discover"))
            #expect(answer.status == 400)
            #expect(answer.code == "-32022")
            #expect(answer.json["error"]?["data"]?["supported"] == ["2025-06-18"])
        }
    }
}

@Suite struct `An error of a stateless server` {
    @Test(arguments: [
        (-32_601, 200, 404, -32_601), (-32_602, 400, 400, -32_602), (-32_602, 200, 200, -32_602),
        (-32_020, 200, 400, -32_020), (-32_021, 200, 400, -32_021), (-32_002, 200, 200, -32_602),
        (-32_042, 200, 200, -32_603), (-32_603, 200, 200, -32_603), (1, 200, 200, 1),
    ])
    func `keeps its code but for those that the revision took away, and has the status of its code`(
        _ code: Int, _ status: Int, _ told: Int, _ codeTold: Int
    ) async throws {
        try await House.run { house in
            try await house.knowing()
            house.server.on(
                "tools/call",
                .json(
                    #"{"jsonrpc":"2.0","id":null,"error":{"code":\#(code),"message":"ada@example.com","data":{"url":"https://x.example/?t=1"}}}"#,
                    status: status))
            let answer = await house.adaAtTheDoor().send(.call("list_apps"))
            #expect(answer.status == told)
            #expect(answer.code == String(codeTold))
            #expect(answer.id == "7")
            #expect(!answer.text.contains("ada@example.com"))
            if code == -32_042 { #expect(!answer.text.contains("x.example")) }
        }
    }

    @Test func `that has no id gets the one that was asked with`() async throws {
        try await House.run { house in
            try await house.knowing()
            house.server.on("tools/call", .json(#"{"jsonrpc":"2.0","error":{"code":1,"message":"x"}}"#))
            #expect(await house.adaAtTheDoor().send(.call("list_apps")).id == "7")
        }
    }
}

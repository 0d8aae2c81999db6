import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Sessions
import System
import Testing
import Upstream

@testable import Gateway

@Suite struct `A conversation` {
    @Test func `begins with a session of ours, and the vendor's stays with us`() async throws {
        let trail = try await House.run { house in
            let client = house.adaAtTheDoor()
            let hello = try await client.initialize()
            #expect(hello.status == 200)
            #expect(hello.id == "1")
            let session = try #require(client.session)
            #expect(session.count == 43)
            #expect(session != ByteString(ScriptedServer.sessionID))
            #expect(!hello.text.contains(ScriptedServer.sessionID))
            await client.notify("notifications/initialized")
            await client.ask("ping")
            for received in house.server.received.dropFirst() {
                #expect(received.fields["mcp-session-id"]?.text == ScriptedServer.sessionID)
                #expect(received.fields["mcp-protocol-version"] == "2025-11-25")
                #expect(received.fields["authorization"] == nil)
            }
            let first = try #require(house.server.received.first)
            #expect(first.fields["mcp-session-id"] == nil)
            #expect(first.fields["mcp-protocol-version"] == nil)
        }
        #expect(trail.outcomes == ["ok", "ok", "ok"])
        #expect(!trail.text.contains(ScriptedServer.sessionID))
        #expect(
            trail.of("call.intent").allSatisfy {
                $0["who.key"]?.isEmpty == false && $0["via.sess"] != nil || $0["mcp.m"] == "initialize"
            })
        #expect(trail.of("call.intent").first?["via.client"] == "tester")
    }

    @Test func `offers the server no capability that the policy closes, nor the client`() async throws {
        try await House.run { house in
            let hello = try await house.adaAtTheDoor().initialize()
            #expect(house.server.received.first?.json["params"]?["capabilities"] == .object([]))
            #expect(hello.json["result"]?["capabilities"] == ["tools": ["listChanged": true]])
            house.server.forget()
            let open = try await house.guest().initialize()
            #expect(house.server.received.first?.json["params"]?["capabilities"] == ["sampling": .object([])])
            let capabilities = open.json["result"]?["capabilities"]
            #expect(capabilities?["resources"] != nil && capabilities?["logging"] != nil)
            #expect(capabilities?["experimental"] == nil)
        }
    }

    @Test(arguments: ["2024-11-05", "2026-07-28", "1999-01-01", "", "latest"])
    func `is asked for in a revision that is carried, whatever the client names`(_ version: String) async throws {
        try await House.run { house in
            let hello = Client.hello.replacing("2025-11-25", with: version)
            try await house.adaAtTheDoor().initialize(hello)
            let sent = house.server.received.first?.json["params"]?["protocolVersion"]?.stringValue?.text
            #expect(sent == "2025-11-25")
        }
    }

    @Test(arguments: ["2025-03-26", "2025-06-18", "2025-11-25"])
    func `keeps a revision that is carried, and holds the client to it`(_ version: String) async throws {
        try await House.run { house in
            house.server.on(
                "initialize",
                .json(
                    #"{"jsonrpc":"2.0","id":ID,"result":{"protocolVersion":"\#(version)","capabilities":{},"serverInfo":{"name":"v","version":"1"}}}"#
                ))
            let client = house.adaAtTheDoor()
            try await client.initialize(Client.hello.replacing("2025-11-25", with: version))
            #expect(house.server.received.first?.json["params"]?["protocolVersion"]?.stringValue?.text == version)
            #expect(client.version?.text == version)
            #expect(await client.ask("ping").status == 200)
            client.version = nil
            #expect(await client.ask("ping").status == 200)
            client.version = version == "2025-06-18" ? "2025-11-25" : "2025-06-18"
            #expect(await client.ask("ping").status == 400)
        }
    }

    @Test(
        arguments: [
            #"{"protocolVersion":"2026-07-28","capabilities":{}}"#, #"{"protocolVersion":"1.0","capabilities":{}}"#,
            #"{"protocolVersion":5,"capabilities":{}}"#, #"{"protocolVersion":"2025-11-25"}"#,
            #"{"protocolVersion":"2025-11-25","capabilities":[]}"#, "[]", "null", "7",
        ])
    func `does not begin on an answer that settles nothing`(_ result: String) async throws {
        let trail = try await House.run { house in
            house.server.on("initialize", .result(result))
            let exchange = await house.adaAtTheDoor().ask("initialize", Client.hello)
            #expect(exchange.status == 200)
            #expect(exchange.code == "53011")
            #expect(!exchange.fields.contains("mcp-session-id"))
        }
        #expect(trail.outcomes == ["upstream_error"])
        #expect(trail.codes == ["upstream_handshake"])
    }

    @Test func `does not begin when the server refuses`() async throws {
        let trail = try await House.run { house in
            house.server.on(
                "initialize",
                .json(#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32000,"message":"ask ada@example.com"}}"#))
            let exchange = await house.adaAtTheDoor().ask("initialize", Client.hello)
            #expect(exchange.code == "-32000")
            #expect(!exchange.fields.contains("mcp-session-id"))
        }
        #expect(trail.outcomes == ["rpc_error"])
    }

    @Test func `begins with the events of a stream, notices before the answer left out`() async throws {
        let trail = try await House.run { house in
            house.server.on(
                "initialize",
                .body(
                    """
                    : hello

                    id: 1
                    data:

                    data: {"jsonrpc":"2.0","method":"notifications/message","params":{"data":"x"}}

                    data: {"jsonrpc":"2.0","id":"other","result":{"protocolVersion":"2025-03-26","capabilities":{}}}

                    data: {"jsonrpc":"2.0","id":ID,"result":{"protocolVersion":"2025-06-18","capabilities":{}}}


                    """, type: "text/event-stream", fields: ["mcp-session-id": "s"]))
            let client = house.adaAtTheDoor()
            let hello = try await client.initialize()
            #expect(hello.fields["content-type"] == "application/json")
            #expect(client.version == "2025-06-18")
        }
        #expect(trail.outcomes == ["ok"])
    }

    @Test func `shows instructions only after the caller's detectors`() async throws {
        let trail = try await House.run { house in
            let hello = try await house.adaAtTheDoor().initialize()
            let text = hello.json["result"]?["instructions"]?.stringValue?.text
            #expect(text?.contains("ada@example.com") == false, "\(hello.text)")
            #expect(text?.hasPrefix("Ask ") == true)
            #expect(hello.json["result"]?["serverInfo"]?["name"] == "vendor")
        }
        #expect(!trail.text.contains("ada@example.com"))
    }

    @Test func `is its owner's alone`() async throws {
        try await House.run { house in
            let ada = try await house.conversing()
            let bob = house.bobAtTheDoor()
            bob.version = ada.version
            bob.session = "never-was"
            let unknown = await bob.send(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
            bob.session = ada.session
            let foreign = await bob.send(#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)
            #expect(foreign.status == 404)
            #expect(foreign.textWithoutRecord == unknown.textWithoutRecord)
            #expect(await bob.deleteSession().status == 404)
            // The same person through another door is another conversation too.
            let guarded = Client(house, path: ByteString("/mcp/" + house.guarded.secret.text), token: house.ada.secret)
            (guarded.session, guarded.version) = (ada.session, ada.version)
            #expect(await guarded.ask("ping").status == 404)
            #expect(house.server.received.isEmpty)
            #expect(await ada.ask("ping").status == 200)
        }
    }

    @Test func `ends with DELETE, here and at the server`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let gone = await client.deleteSession()
            #expect(gone.status == 204)
            #expect(gone.body.isEmpty)
            let end = try #require(house.server.received.first)
            #expect(end.way == .end)
            #expect(end.fields["mcp-session-id"]?.text == ScriptedServer.sessionID)
            #expect(await client.ask("ping").status == 404)
            #expect(await client.deleteSession().status == 404)
            #expect(house.server.received.count == 1)
        }
        #expect(trail.of("call.intent").last?["dec.rule"] == "session")
        #expect(trail.of("call.outcome").last?["out.http"] == "204")
    }

    @Test func `ends with DELETE although the server is down`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            house.server.on("DELETE", .fails(.refused))
            #expect(await client.deleteSession().status == 204)
            #expect(await client.ask("ping").status == 404)
        }
    }

    @Test func `ends when nobody uses it, but not while something is under way`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let busy = try await house.conversing()
            let answer = ScriptedAnswer()
            house.server.on("GET", .stream(answer))
            let stream = busy.begin(busy.exchange(.get))
            await eventually { stream.isStream }
            house.clock.pass(seconds: 1_801)
            #expect(house.gateway.sessions.sweep().count == 1)
            #expect(await client.ask("ping").status == 404)
            #expect(await busy.ask("ping").status == 200)
            stream.leave()
        }
    }

    @Test func `ends at the server too when its token is revoked, once`() async throws {
        try await House.run { house in
            let token = try house.token("carol", ttl: nil)
            let client = try await house.conversing(Client(house, path: "/u/torii/mcp", token: token.secret))
            try house.applied(house.store.revokeAPIToken(token.record.id, now: .now))
            await eventually { !house.server.received.isEmpty }
            #expect(house.server.received.map(\.way) == [.end])
            #expect(house.server.received.first?.fields["mcp-session-id"]?.text == ScriptedServer.sessionID)
            #expect(house.gateway.sessions.count == 0)
            #expect(await client.ask("ping").status == 401)
            #expect(house.server.received.count == 1)
        }
    }

    @Test func `ends at the server too when the token's time is over`() async throws {
        try await House.run { house in
            let brief = try house.endpoint("brief", ttl: 0.6)
            let client = Client(house, path: ByteString("/mcp/" + brief.secret.text))
            try await client.initialize()
            await eventually { house.server.received.last?.way == .end }
            #expect(house.gateway.sessions.count == 0)
        }
    }

    @Test func `ends when the server has lost it`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            house.server.on("tools/call", .body("Session not found", type: "text/plain", status: 404))
            let lost = await client.call("list_apps")
            #expect(lost.status == 404)
            #expect(lost.code == "-32001")
            #expect(lost.id != nil)
            house.server.forget()
            #expect(await client.call("list_apps").status == 404)
            #expect(house.server.received.isEmpty)
        }
        #expect(trail.codes.contains("session_unknown"))
    }

    @Test func `holds no id twice while it is unanswered, and takes it again afterwards`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer(status: 200, type: "application/json")
            house.server.on("tools/call", .stream(answer))
            let body = #"{"jsonrpc":"2.0","id":"same","method":"tools/call","params":{"name":"list_apps"}}"#
            let first = client.begin(client.exchange(.post, body))
            await eventually { !house.server.received.isEmpty }
            let second = await client.send(body)
            #expect(second.status == 400)
            #expect(second.id == "\"same\"")
            #expect(await client.send(#"{"jsonrpc":"2.0","id":1000,"method":"ping"}"#).status == 200)
            answer.send(#"{"jsonrpc":"2.0","id":"same","result":{"content":[]}}"#)
            answer.end()
            await eventually { first.isFinished }
            #expect(first.status == 200)
            house.server.on("tools/call", .result(#"{"content":[]}"#))
            #expect(await client.send(body).json["result"] != nil)
        }
    }

    @Test func `tells an id that is a text from one that is a number`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            for id in ["7", "\"7\"", "-3", "\"\"", "90071992547409931", #""\u00e9\n""#] {
                let answer = await client.send(
                    #"{"jsonrpc":"2.0","id":\#(id),"method":"tools/call","params":{"name":"list_apps"}}"#)
                let sent = try #require(house.server.received.last?.id)
                #expect(answer.id == sent)
                if !id.contains("\\") { #expect(sent == id) }
            }
        }
    }

    @Test func `is one too many when the store is full`() async throws {
        let trail = try await House.run({ $0.sessions.total = 1 }) { house in
            try await house.adaAtTheDoor().initialize()
            let second = await house.bobAtTheDoor().ask("initialize", Client.hello)
            #expect(second.status == 503)
            #expect(second.code == "53003")
        }
        #expect(trail.codes.contains("sessions_full"))
    }
}

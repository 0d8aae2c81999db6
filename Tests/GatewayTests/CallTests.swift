import Audit
import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Policy
import System
import Testing

@testable import Gateway
@testable import Upstream

@Suite struct `A tool call` {
    @Test func `that is allowed goes on as it was parsed, with our fields and nobody's else`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = await client.send(
                """
                 { "method" : "tools/call", "jsonrpc":"2.0", "params":{"n\\u0061me":"list_apps","arguments":
                 {"size": 100, "q":"\\u0041"},"_meta":{"progressToken":"t"},"vendor":1 }, "id":"a" }
                """, [("mcp-name", "list_apps"), ("mcp-method", "tools/call"), ("x-secret", "1"), ("cookie", "a=b")])
            #expect(answer.json["result"]?["content"]?[0]?["text"] == "done")
            #expect(answer.fields["cache-control"] == "no-store")
            let sent = try #require(house.server.received.first)
            #expect(
                sent.text
                    == #"{"method":"tools/call","jsonrpc":"2.0","params":{"name":"list_apps","arguments":{"size":100,"q":"A"},"_meta":{"progressToken":"t"}},"id":"a"}"#
            )
            #expect(sent.fields["accept"] == "application/json, text/event-stream")
            #expect(sent.fields["content-type"] == "application/json")
            for name in ["authorization", "cookie", "x-secret", "host", "origin"] {
                #expect(!sent.fields.contains(name))
            }
        }
        let intent = try #require(trail.of("call.intent").last)
        #expect(intent["dec.rule"] == "apps")
        #expect(intent["dec.polv"] == "readers")
        #expect(intent["mcp.tool"] == "list_apps")
        #expect(intent["mcp.eff"] == "read")
        #expect(intent["mcp.id"] == "\"a\"")
        #expect(intent["who.sub"] != nil && intent["who.key"] != nil)
        #expect(intent["args.a"] == #"{"size":100,"q":"A"}"#)
        #expect(intent["args.c"] != nil)
        let outcome = try #require(trail.of("call.outcome").last)
        #expect(outcome["of"] == intent["seq"])
        #expect(outcome["out.http"] == "200")
    }

    @Test func `that is denied says so to the model, with the rule and the record's id`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let denied = await client.call("list_apps", #"{"size":5000}"#)
            #expect(denied.status == 200)
            #expect(denied.isToolError)
            let decision = denied.json["result"]?["_meta"]?["io.komainu/decision"]
            #expect(decision?["code"] == "arguments_not_allowed")
            #expect(decision?["rule"] == "apps")
            #expect(decision?["id"]?.stringValue != nil)
            let text = try #require(denied.json["result"]?["content"]?[0]?["text"]?.stringValue?.text)
            #expect(text.contains("arguments_not_allowed") && text.contains("apps"))
            #expect(text.contains(try #require(decision?["id"]?.stringValue?.text)))
            #expect(!denied.text.contains("5000"))
            #expect(house.server.received.isEmpty)
        }
        #expect(trail.of("call.denied").first?["dec.rule"] == "apps")
    }

    @Test func `of a hidden tool is answered in the vendor's own words for what does not exist`() async throws {
        try await House.run({ $0.unknownTool = .result(text: "MCP error -32602: Tool NAME not found") }) { house in
            let client = try await house.conversing()
            let hidden = await client.call("delete_app")
            let unknown = await client.call("never_was")
            #expect(hidden.isToolError && unknown.isToolError)
            #expect(
                hidden.json["result"]?["content"]?[0]?["text"] == "MCP error -32602: Tool delete_app not found"
                    && unknown.json["result"]?["content"]?[0]?["text"] == "MCP error -32602: Tool never_was not found")
            #expect(hidden.text.count == unknown.text.count + 1)
            #expect(hidden.decision == nil)
        }
    }

    @Test func `through a tool that runs tools is judged, redacted and recorded as the tool inside`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            house.server.on(
                "tools/call", .result(#"{"content":[],"structuredContent":{"email":"grace@example.com","n":1.50}}"#))
            let answer = await client.call("run_tool", #"{"tool_name":"list_users","arguments":{"a":1}}"#)
            #expect(answer.json["result"]?["structuredContent"]?["n"] == .number("1.50"))
            #expect(!answer.text.contains("grace"))
            #expect(house.server.received.first?.json["params"]?["name"] == "run_tool")
        }
        let intent = try #require(trail.of("call.intent").last)
        #expect(intent["mcp.tool"] == "list_users")
        #expect(intent["mcp.through"] == "run_tool")
        #expect(intent["args.a"] == #"{"a":1}"#)
    }

    @Test func `brings back nothing that the rule redacts, wherever it stands`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            house.server.on(
                "tools/call",
                .result(
                    #"{"content":[{"type":"text","text":"{\"email\":\"grace@example.com\"}"},{"type":"text","text":"write to grace@example.com"}],"structuredContent":{"email":"grace@example.com"},"_meta":{"who":"grace@example.com"}}"#
                ))
            let answer = await client.call("list_users")
            #expect(!answer.text.contains("grace@example.com"))
            let pseudonym = try #require(answer.json["result"]?["structuredContent"]?["email"]?.stringValue?.text)
            #expect(pseudonym.hasSuffix("@redacted.invalid"))
            // What stands in place of data must not overwrite it.
            let back = await client.call("list_apps", #"{"q":"\#(pseudonym)"}"#)
            #expect(back.decision == "placeholder_returned")
            #expect(house.server.received("tools/call").count == 1)
        }
        #expect(!trail.text.contains("grace@example.com"))
        let red = try #require(trail.of("call.outcome").last(where: { $0["red"] != nil }))
        #expect(red["red"]?.contains("people") == true)
    }

    @Test func `brings back an error only redacted`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            house.server.on(
                "tools/call",
                .json(
                    #"{"jsonrpc":"2.0","id":ID,"error":{"code":-32050,"message":"no grace@example.com","data":{"email":"grace@example.com"}}}"#
                ))
            let error = await client.call("list_users")
            #expect(error.code == "-32050")
            #expect(!error.text.contains("grace"))
            house.server.on(
                "tools/call", .result(#"{"isError":true,"content":[{"type":"text","text":"no grace@example.com"}]}"#))
            let failed = await client.call("list_users")
            #expect(failed.isToolError)
            #expect(!failed.text.contains("grace"))
        }
        #expect(trail.outcomes.suffix(2) == ["rpc_error", "tool_error"])
        #expect(trail.codes == ["-32050"])
    }

    @Test(
        arguments: [
            (#"{"content":[],"structuredContent":{"secret":"s3cr3t-value"}}"#, "result_withheld"),
            (#"{"content":[],"structuredContent":{"rows":[{"a":1},{"a":2},{"a":3},{"a":4}]}}"#, "result_rows"),
        ])
    func `withholds a result that must not leave, and says that the call was made`(
        _ result: String, _ word: String
    ) async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            house.server.on("tools/call", .result(result))
            let withheld = await client.call("list_users")
            #expect(withheld.isToolError)
            #expect(withheld.decision == word)
            #expect(!withheld.text.contains("s3cr3t"))
            #expect(house.server.received.count == 1)
        }
        #expect(trail.outcomes.last == "blocked")
        #expect(trail.codes == [ByteString(word).text])
        #expect(!trail.text.contains("s3cr3t"))
    }

    @Test func `brings back the client's id whatever the server made of it`() async throws {
        try await House.run { house in
            let client = try await house.conversing()
            house.server.on("tools/call", .json(#"{"jsonrpc":"2.0","id":"7","result":{"content":[]}}"#))
            let answer = await client.send(
                #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_apps"}}"#)
            #expect(answer.decision == "upstream_id")
            #expect(answer.id == "7")
            house.server.on("tools/call", .json(#"{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"?"}}"#))
            let error = await client.call("list_apps")
            #expect(error.code == "-32700")
            #expect(error.id != nil && error.id != "null")
        }
    }

    @Test func `is not released when its token was revoked meanwhile`() async throws {
        let trail = try await House.run { house in
            let token = try house.token("carol", ttl: nil)
            let client = try await house.conversing(Client(house, path: "/u/torii/mcp", token: token.secret))
            house.server.on("tools/call") { _ in
                _ = try? house.applied(house.store.revokeAPIToken(token.record.id, now: .now))
                return .result(#"{"content":[{"type":"text","text":"precious"}]}"#)
            }
            let answer = await client.call("list_apps")
            #expect(answer.status == 401)
            #expect(!answer.text.contains("precious"))
            #expect(await client.call("list_apps").status == 401)
        }
        #expect(trail.outcomes.last == "blocked")
        #expect(trail.codes == ["auth_ended_meanwhile"])
    }

    @Test func `goes on to its record when the client has left`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer(type: "application/json")
            house.server.on("tools/call", .stream(answer))
            let exchange = client.begin(client.exchange(.post, client.calling("list_apps")))
            await eventually { !house.server.received.isEmpty }
            exchange.leave()
            answer.send(#"{"jsonrpc":"2.0","id":3,"result":{"content":[]}}"#)
            answer.end()
            await eventually { answer.reads >= 2 }
        }
        #expect(trail.outcomes.last == "ok")
    }
}

@Suite struct `Without a record` {
    @Test func `nothing is forwarded`() async throws {
        let trail = try await House.run({ $0.isDamagedOnPurpose = true }) { house in
            let client = try await house.conversing()
            house.disk.isFull = true
            for exchange in [
                await client.call("list_apps"), await client.ask("tools/list"), await client.ask("ping"),
                await client.ask("initialize", Client.hello), await client.call("delete_app"),
                await client.handled(client.exchange(.get)), await client.deleteSession(),
                await client.notify("notifications/initialized"),
            ] {
                if exchange.status == 404 || exchange.status == 202 { continue }
                #expect(exchange.status == 503)
                #expect(exchange.code == "53001")
                #expect(exchange.fields["retry-after"] == "5")
            }
            #expect(house.server.received.isEmpty)
            house.disk.isFull = false
            await eventually { house.audit.health.isReady }
            #expect(await client.call("list_apps").json["result"] != nil)
        }
        #expect(trail.outcomes.last == "ok")
    }

    @Test func `of its outcome no result is released`() async throws {
        let trail = try await House.run({
            $0.isDamagedOnPurpose = true
            $0.openIntents = 1
        }) { house in
            let client = try await house.conversing()
            house.server.on("tools/call") { _ in
                house.disk.isFull = true
                return .result(#"{"content":[{"type":"text","text":"precious"}]}"#)
            }
            let answer = await client.call("list_apps")
            #expect(answer.status == 503)
            #expect(answer.code == "53001")
            #expect(answer.id != nil)
            #expect(!answer.text.contains("precious"))
            house.disk.isFull = false
            await eventually { house.audit.health.isReady }
        }
        #expect(trail.of("call.intent").count == trail.of("call.outcome").count + 1)
    }

    @Test func `of its outcome no stream's answer is released`() async throws {
        try await House.run({
            $0.isDamagedOnPurpose = true
            $0.openIntents = 1
        }) { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer()
            house.server.on("tools/call", .stream(answer))
            let exchange = client.begin(
                client.exchange(.post, #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_apps"}}"#)
            )
            await eventually { exchange.isStream }
            house.disk.isFull = true
            answer.send(event: #"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":"precious"}]}}"#)
            await eventually { exchange.isFinished }
            #expect(!exchange.text.contains("precious"))
            #expect(exchange.data.last?.contains("53001") == true)
            house.disk.isFull = false
            await eventually { house.audit.health.isReady }
        }
    }
}

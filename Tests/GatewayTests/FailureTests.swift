import Bytes
import HTTP
import JSON
import KomainuTesting
import OpenSSL
import Sessions
import Testing

@testable import Gateway
@testable import Upstream

/// One way in which a server fails, and what becomes of it.
struct ServerFailure: Sendable, CustomTestStringConvertible {
    let name: String
    let reply: Reply
    let word: String
    let state: String
    var testDescription: String { name }

    init(_ name: String, _ reply: Reply, _ word: String, _ state: String = "upstream_error") {
        (self.name, self.reply, self.word, self.state) = (name, reply, word, state)
    }

    static let connections: [ServerFailure] = [
        ServerFailure("unreachable", .fails(.unreachable("no address")), "upstream_unreachable"),
        ServerFailure("refused", .fails(.refused), "upstream_refused"),
        ServerFailure("a proxy's refusal", .fails(.proxyRefused(407)), "upstream_proxy_refused"),
        ServerFailure("busy", .fails(.busy), "upstream_busy"),
        ServerFailure("no credential", .fails(.noCredential("/run/x")), "upstream_no_credential"),
        ServerFailure("no turn", .fails(.timedOut(.turn)), "upstream_timed_out", "timeout"),
        ServerFailure("no connection in time", .fails(.timedOut(.connecting)), "upstream_timed_out", "timeout"),
        ServerFailure("silence", .fails(.timedOut(.head)), "upstream_timed_out", "timeout"),
        ServerFailure("cut off", .fails(.cutOff), "upstream_cut_off", "unknown"),
        ServerFailure("a coded body", .fails(.codedBody), "upstream_coded_body", "unknown"),
        ServerFailure("too large", .fails(.tooLarge), "upstream_too_large", "unknown"),
        ServerFailure("aborted", .fails(.aborted), "upstream_aborted", "unknown"),
        ServerFailure(
            "no HTTP", .fails(.malformed(HTTPFailure(.badStatus, at: 0))), "upstream_malformed", "unknown"),
    ]

    static let answers: [ServerFailure] = [
        ServerFailure("202", .body("", type: nil, status: 202), "upstream_empty"),
        ServerFailure("204", .body("", type: nil, status: 204), "upstream_204"),
        ServerFailure("201 with JSON", .json("{}", status: 201), "upstream_201"),
        ServerFailure(
            "301", .body("", type: nil, status: 301, fields: ["location": "https://v/"]), "upstream_redirect"),
        ServerFailure("307", .json("{}", status: 307, fields: ["location": "https://v/"]), "upstream_redirect"),
        ServerFailure(
            "401", .body("", type: nil, status: 401, fields: ["www-authenticate": "Bearer realm=v"]),
            "upstream_credential"),
        ServerFailure("403", .json("{}", status: 403), "upstream_credential"),
        ServerFailure("400 in HTML", .body("<html>", type: "text/html", status: 400), "upstream_400"),
        ServerFailure("400 in JSON that is no message", .json(#"{"detail":"x"}"#, status: 400), "upstream_400"),
        ServerFailure("500", .body("<html>", type: "text/html", status: 500), "upstream_500"),
        ServerFailure("500 in JSON", .json("{}", status: 500), "upstream_500"),
        ServerFailure("503", .body("", type: nil, status: 503, fields: ["retry-after": "9"]), "upstream_503"),
        ServerFailure("no type", .body("{}", type: nil), "upstream_media_type"),
        ServerFailure("HTML", .body("<html>", type: "text/html"), "upstream_media_type"),
        ServerFailure(
            "JSON in another charset", .body("{}", type: "application/json; charset=utf-16"), "upstream_media_type"),
        ServerFailure("JSON that is none", .json("nonsense"), "upstream_unreadable"),
        ServerFailure("nothing at all", .json(""), "upstream_unreadable"),
        ServerFailure("JSON with a mark", .json("\u{feff}{}"), "upstream_unreadable"),
        ServerFailure(
            "JSON with two results", .json(#"{"jsonrpc":"2.0","id":ID,"result":{},"result":{}}"#), "upstream_unreadable"
        ),
        ServerFailure("a batch", .json(#"[{"jsonrpc":"2.0","id":ID,"result":{}}]"#), "upstream_unreadable"),
        ServerFailure("an answer to somebody else", .json(#"{"jsonrpc":"2.0","id":99,"result":{}}"#), "upstream_id"),
        ServerFailure("a text as id", .json(#"{"jsonrpc":"2.0","id":"ID","result":{}}"#), "upstream_id"),
        ServerFailure(
            "a request as answer", .json(#"{"jsonrpc":"2.0","id":ID,"method":"ping"}"#), "upstream_id"),
        ServerFailure("events that are called JSON", .json("data: {}\n\n"), "upstream_unreadable"),
    ]

    static let streams: [ServerFailure] = [
        ServerFailure("no event", .body("", type: "text/event-stream"), "upstream_no_answer", "unknown"),
        ServerFailure("comments only", .body(": x\n\n", type: "text/event-stream"), "upstream_no_answer", "unknown"),
        ServerFailure("raw JSON", .body("{}", type: "text/event-stream"), "upstream_no_answer", "unknown"),
        ServerFailure(
            "an unfinished event", .body(#"data: {"jsonrpc":"2.0","id":ID,"result":{}}"#, type: "text/event-stream"),
            "upstream_no_answer", "unknown"),
        ServerFailure(
            "another's answer", .events(#"{"jsonrpc":"2.0","id":99,"result":{}}"#), "upstream_no_answer", "unknown"),
        ServerFailure("a mark", .body("\u{feff}data: {}\n\n", type: "text/event-stream"), "upstream_unreadable"),
        ServerFailure("an event that is no JSON", .events("nonsense"), "upstream_unreadable"),
        ServerFailure("a batch in an event", .events("[]"), "upstream_unreadable"),
        ServerFailure(
            "another event name",
            .body("event: other\ndata: {\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":{}}\n\n", type: "text/event-stream"),
            "upstream_no_answer", "unknown"),
    ]
}

@Suite struct `A server that fails` {
    @Test(arguments: ServerFailure.connections + ServerFailure.answers)
    func `is told of within the tool's result, and its call has an outcome`(_ failure: ServerFailure) async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            // A session without an id at the server: 404 then has no other meaning.
            house.server.on("tools/call", failure.reply)
            let answer = await client.call("list_apps")
            #expect(answer.status == 200)
            #expect(answer.isToolError)
            #expect(answer.id != nil)
            #expect(answer.decision == failure.word)
            for name in ["location", "www-authenticate", "retry-after", "set-cookie", "server"] {
                #expect(!answer.fields.contains(name))
            }
            #expect(!answer.text.contains("/run/x") && !answer.text.contains("html"))
            // The same for what is no tool: an error of JSON-RPC.
            house.server.on("tools/list", failure.reply)
            let list = await client.ask("tools/list")
            #expect(list.status == 200)
            #expect(list.code == "53010" || list.code == "53011")
            #expect(list.id != nil)
            house.server.on("tools/call", .result("{}"))
            #expect(await client.call("list_apps").json["result"] == .object([]))
        }
        #expect(trail.codes == [failure.word, failure.word])
        #expect(trail.outcomes.suffix(3) == [failure.state, failure.state, "ok"])
        #expect(trail.of("call.intent").count == trail.of("call.outcome").count)
    }

    @Test(arguments: ServerFailure.streams)
    func `within a stream ends it with a result that says so`(_ failure: ServerFailure) async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            house.server.on("tools/call", failure.reply)
            let answer = await client.send(
                #"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"list_apps"}}"#)
            #expect(answer.isStream && answer.isFinished)
            let last = try #require(answer.data.last)
            let document = try JSONDocument(parsing: Array(last.utf8))
            let json = document.value(document.root)
            #expect(json["id"] == 7)
            #expect(json["result"]?["_meta"]?["io.komainu/decision"]?["code"]?.stringValue?.text == failure.word)
            #expect(answer.data.count == 1)
        }
        #expect(trail.codes == [failure.word])
        #expect(trail.outcomes.last == failure.state)
    }

    @Test(arguments: [400, 404])
    func `with an error of JSON-RPC under an error's status is heard`(_ status: Int) async throws {
        let trail = try await House.run { house in
            house.server.on(
                "initialize",
                .json(
                    #"{"jsonrpc":"2.0","id":ID,"result":{"protocolVersion":"2025-11-25","capabilities":{}}}"#))
            let client = try await house.conversing()
            house.server.on(
                "tools/call",
                .json(#"{"jsonrpc":"2.0","id":ID,"error":{"code":-32602,"message":"no"}}"#, status: status))
            let answer = await client.call("list_apps")
            #expect(answer.status == 200)
            #expect(answer.code == "-32602")
        }
        #expect(trail.outcomes.last == "rpc_error")
        #expect(trail.of("call.outcome").last?["out.http"] == "\(status)")
    }

    @Test func `that limits its callers says so to the client, with its numbers and nothing else`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            house.server.on(
                "tools/call",
                .body(
                    "slow down", type: "text/plain", status: 429,
                    fields: [
                        "retry-after": "30", "ratelimit-remaining": "0", "x-ratelimit-reset": "5",
                        "x-rate-limit-limit": "7", "set-cookie": "a=b", "x-secret": "1", "content-length": "9",
                    ]))
            let answer = await client.call("list_apps")
            #expect(answer.status == 429)
            #expect(answer.id != nil)
            #expect(answer.fields["retry-after"] == "30")
            #expect(answer.fields["ratelimit-remaining"] == "0")
            #expect(answer.fields["x-ratelimit-reset"] == "5")
            #expect(answer.fields["x-rate-limit-limit"] == "7")
            #expect(!answer.fields.contains("set-cookie") && !answer.fields.contains("x-secret"))
            #expect(!answer.text.contains("slow down"))
        }
        #expect(trail.codes == ["upstream_429"])
    }

    @Test func `in the middle of its answer has an outcome`() async throws {
        let trail = try await House.run { house in
            let client = try await house.conversing()
            let answer = ScriptedAnswer(type: "application/json")
            answer.send(#"{"jsonrpc":"2.0","#)
            answer.fail(.cutOff)
            house.server.on("tools/call", .stream(answer))
            #expect(await client.call("list_apps").decision == "upstream_cut_off")
        }
        #expect(trail.outcomes.last == "unknown")
    }

    @Test func `with more than a message may have is not heard to its end`() async throws {
        let trail = try await House.run({ $0.rules = { $0.resultLimit = 10_000 } }) { house in
            let client = try await house.conversing()
            house.server.on("tools/call", .result(#"{"content":[],"x":"\#(String(repeating: "x", count: 20_000))"}"#))
            #expect(await client.call("list_apps").decision == "upstream_too_large")
            house.server.on("tools/call", .events(String(repeating: "x", count: 20_000)))
            let stream = await client.call("list_apps")
            #expect(stream.data.last?.contains("upstream_unreadable") == true)
        }
        #expect(trail.codes == ["upstream_too_large", "upstream_unreadable"])
    }

    @Test func `during initialize leaves no session behind`() async throws {
        for failure in ServerFailure.connections + ServerFailure.answers + ServerFailure.streams {
            let trail = try await House.run { house in
                house.server.on("initialize", failure.reply)
                let answer = await house.adaAtTheDoor().ask("initialize", Client.hello)
                #expect(answer.status == 200, "\(failure.name)")
                #expect(answer.code == "53010" || answer.code == "53011", "\(failure.name)")
                #expect(answer.id == "1")
                #expect(!answer.fields.contains("mcp-session-id"))
                #expect(house.gateway.sessions.count == 0)
            }
            #expect(trail.codes.count == 1)
        }
    }
}

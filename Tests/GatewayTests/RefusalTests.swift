import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import MCP
import Reactor
import Synchronization
import System
import Testing

@testable import Gateway

/// One case of `refused.json`: a request and what becomes of it. What it does not say is as Ada would send it in her
/// conversation.
private struct RefusedRequest: Sendable {
    let json: JSONValue
    /// An address of its own, by which its record is found.
    let address: ByteString

    static let all: [RefusedRequest] = {
        guard let bytes = Cases.read("refused.json", beside: #filePath), let file = try? JSONDocument(parsing: bytes)
        else { return [] }
        return file.elements(of: file.root).enumerated().map { number, node in
            RefusedRequest(json: file.value(node), address: ByteString("2001:db8::\(String(number, radix: 16))"))
        }
    }()

    subscript(_ name: ByteString) -> String? { json[name]?.stringValue?.text }

    /// A member as JSON text; a text is JSON text already.
    func written(_ name: ByteString) -> String? {
        json[name].map { $0.stringValue?.text ?? String(decoding: $0.encoded(), as: UTF8.self) }
    }

    var name: Comment { Comment(rawValue: self["name"] ?? "?") }
    var fields: [(String, String)] {
        guard case .array(let pairs)? = json["fields"] else { return [] }
        return pairs.map { ($0[0]?.stringValue?.text ?? "", $0[1]?.stringValue?.text ?? "") }
    }
    var without: Set<String> {
        guard case .array(let names)? = json["without"] else { return [] }
        return Set(names.compactMap { $0.stringValue?.text })
    }
    var bodyFailure: ExchangeFailure? {
        switch self["bodyFailure"] {
        case "tooLarge": .tooLarge
        case "slow": .slow
        default: nil
        }
    }

    func path(in house: House) -> ByteString {
        switch self["path"] {
        case nil: "/u/torii/mcp"
        // Well formed, and nobody's.
        case "unknown endpoint": ByteString("/mcp/" + house.unknownSecret.text)
        case "guarded endpoint": ByteString("/mcp/" + house.guarded.secret.text)
        case let path?: ByteString(path)
        }
    }

    func token(in house: House) -> ByteString? {
        if self["authorization"] != nil { return nil }
        return switch self["token"] {
        case nil: house.ada.secret
        case "none": nil
        case "stranger": house.stranger.secret
        case let text?: ByteString(text)
        }
    }
}

@Suite struct `A request that is refused` {
    /// Every case of the file, in one house: each from an address of its own, in a conversation of its own.
    @Test func `is answered by the one table, recorded under its word, and goes no further`() async throws {
        #expect(RefusedRequest.all.count > 150)
        let trail = try await House.run { house in
            let bob = try await house.conversing(house.bobAtTheDoor())
            for refused in RefusedRequest.all { try await self.check(refused, in: house, bob) }
        }
        for refused in RefusedRequest.all {
            let records = trail.filter { $0["via.addr"] == refused.address.text }
            let word = try #require(refused["word"])
            let own = records.last
            #expect(records.count == 1, refused.name)
            #expect(own?.kind == refused["kind"], refused.name)
            if word.hasSuffix("*") {
                #expect(own?.word?.hasPrefix(word.dropLast()) == true, refused.name)
            } else {
                #expect(own?.word == word, refused.name)
            }
            if own?.kind == "request.refused" || own?.kind == "auth.failed" {
                #expect(own?["info.status"] == refused.written("status"), refused.name)
            }
            if let rule = refused["rule"] { #expect(own?["dec.rule"] == rule, refused.name) }
        }
        #expect(!trail.text.contains("kmn_"))
        #expect(!trail.text.contains("Bearer"))
    }

    private func check(_ refused: RefusedRequest, in house: House, _ bob: Client) async throws {
        let client = house.adaAtTheDoor()
        client.address = "192.0.2.99"
        switch refused["session"] {
        case nil:
            try await client.initialize()
            await client.call("list_apps")
        case "unknown": (client.session, client.version) = ("never-was", "2025-11-25")
        case "vendor": (client.session, client.version) = (ByteString(ScriptedServer.sessionID), "2025-11-25")
        case "empty": client.session = ""
        case "bob": (client.session, client.version) = (bob.session, bob.version)
        default: break
        }
        house.server.forget()
        client.address = refused.address
        client.path = refused.path(in: house)
        client.token = refused.token(in: house)
        client.query = refused["query"].map { ByteString($0) }
        var fields = refused.fields
        if let authorization = refused["authorization"] { fields.append(("authorization", authorization)) }
        let exchange = client.exchange(
            HTTPMethod(ByteString(refused["method"] ?? "POST")), refused.written("body") ?? "", fields,
            without: refused.without)
        exchange.bodyFailure = refused.bodyFailure
        await client.handled(exchange)
        compare(exchange, with: refused)
        #expect(house.server.received.isEmpty, refused.name)
    }

    private func compare(_ exchange: MemoryExchange, with refused: RefusedRequest) {
        #expect(exchange.status.map(String.init) == refused.written("status"), refused.name)
        #expect(exchange.fields["content-type"] == "application/json", refused.name)
        #expect(exchange.fields["cache-control"] == "no-store", refused.name)
        #expect(!exchange.fields.contains("mcp-session-id"), refused.name)
        #expect(exchange.id == refused.written("id"), refused.name)
        #expect(exchange.isToolError == (refused.json["isError"] == .bool(true)), refused.name)
        #expect(exchange.code == refused.written("code"), refused.name)
        #expect(exchange.fields["allow"]?.text == refused["allow"], refused.name)
        #expect(exchange.fields["www-authenticate"]?.text == refused["challenge"], refused.name)
        if refused.json["bodyRead"] == .bool(false) { #expect(exchange.bodyReads == 0, refused.name) }
        if let tool = refused["unknownTool"] {
            let text = exchange.json["error"]?["message"]?.stringValue?.text
            #expect(text == "Unknown tool: \(tool)", refused.name)
            #expect(exchange.json["error"]?["data"] == nil, refused.name)
        } else if exchange.isToolError {
            #expect(exchange.decision == refused["word"], refused.name)
        }
    }

    @Test func `names every revision that is carried when another is asked for`() async throws {
        try await House.run { house in
            let client = house.adaAtTheDoor()
            let probe = await client.send(
                """
                {"jsonrpc":"2.0","id":"probe","method":"server/discover","params":{"_meta":{\
                "io.modelcontextprotocol/protocolVersion":"2099-01-01",\
                "io.modelcontextprotocol/clientInfo":{"name":"x","version":"1"},\
                "io.modelcontextprotocol/clientCapabilities":{}}}}
                """, [("mcp-protocol-version", "2099-01-01")])
            #expect(probe.status == 400)
            #expect(probe.code == "-32022")
            #expect(probe.id == "\"probe\"")
            let data = probe.json["error"]?["data"]
            #expect(data?["requested"] == "2099-01-01")
            guard case .array(let supported)? = data?["supported"] else { return #expect(Bool(false)) }
            #expect(supported.contains("2025-11-25") && supported.contains("2025-03-26"))
            #expect(house.server.received.isEmpty)
        }
    }

    @Test func `at a dead URL looks the same whether the endpoint never was, has expired or was deleted`() async throws
    {
        try await House.run { house in
            let live = try house.endpoint("short", ttl: 0.4)
            let deleted = try house.endpoint("deleted", ttl: nil)
            try house.applied(house.store.deleteEndpoint(deleted.record.id, now: .now))
            let guest = Client(house, path: ByteString("/mcp/" + live.secret.text))
            try await guest.initialize()
            await house.loop.sleep(for: .milliseconds(500))
            var answers: [MemoryExchange] = []
            for secret in [live.secret, deleted.secret, house.unknownSecret, "malformed", "%2e%2e"] {
                for body in ["{", #"{"jsonrpc":"2.0","id":7,"method":"ping"}"#] {
                    let client = Client(house, path: ByteString("/mcp/" + secret.text))
                    client.session = guest.session
                    answers.append(await client.send(body))
                }
            }
            for answer in answers {
                #expect(answer.status == 404)
                #expect(answer.textWithoutRecord == answers.first?.textWithoutRecord)
                #expect(answer.fields == answers.first?.fields)
            }
        }
    }

    @Test func `for its second factor looks the same whatever is wrong with it`() async throws {
        let trail = try await House.run { house in
            let revoked = try house.token("revoked", ttl: nil)
            try house.applied(house.store.revokeAPIToken(revoked.record.id, now: .now))
            let expired = try house.token("expired", ttl: 0.2)
            await house.loop.sleep(for: .milliseconds(300))
            var answers: [MemoryExchange] = []
            for token in [
                revoked.secret, expired.secret, house.stranger.secret, house.bob.secret + "x", "kmn_api_x", "a.b.c", "",
            ] {
                let client = Client(house, path: ByteString("/mcp/" + house.guarded.secret.text), token: token)
                answers.append(await client.ask("tools/list"))
            }
            for answer in answers {
                #expect(answer.status == 401)
                #expect(answer.textWithoutRecord == answers.first?.textWithoutRecord)
                #expect(answer.fields == answers.first?.fields)
            }
        }
        #expect(trail.of("auth.failed").words.contains("auth_token_revoked"))
        #expect(trail.of("auth.failed").words.contains("auth_token_expired"))
    }
}

private func + (left: ByteString, right: String) -> ByteString { ByteString(left.text + right) }

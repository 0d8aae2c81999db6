import Bytes
import HTTP
import JSON
import KomainuTesting
import Synchronization
import Testing

@testable import SampleTorii

@Suite struct `A conversation with the sample server` {
    @Test(arguments: ["2025-03-26", "2025-06-18", "2025-11-25"])
    func `begins with the version that was asked for`(version: String) async throws {
        let client = try await Asking(version: version)
        #expect(client.session.count > 20)
        #expect(try await client.ask("ping")["result"] == [:])
    }

    @Test func `is offered the newest version when the one asked for is unknown`() async throws {
        let exchange = try await Asking().post(
            #"{"jsonrpc":"2.0","id":"a","method":"initialize","params":{"protocolVersion":"2031-01-01"}}"#, headers: [])
        #expect(try value(exchange.body)["result"]?.text("protocolVersion") == "2025-11-25")
        #expect(try value(exchange.body)["id"] == "a")
    }

    @Test func `needs its session: 400 without, 404 with an unknown one, 404 after good-bye`() async throws {
        let client = try await Asking()
        let ping = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
        #expect(await client.post(ping, headers: []).status == 400)
        #expect(await client.post(ping, headers: [("mcp-session-id", "sample-nobody")]).status == 404)
        var fields = HeaderFields()
        fields.add(name: "mcp-session-id", value: client.session)
        let farewell = MemoryExchange(head: RequestHead(method: .delete, path: "/mcp", fields: fields))
        await client.server.handle(farewell)
        #expect(farewell.status == 200)
        #expect(await client.post(ping).status == 404)
    }

    @Test func `answers a probe of a later revision so that clients fall back`() async throws {
        var settings = SampleSettings()
        settings.speaksStateless = false
        let client = try await Asking(SampleServer(settings: settings))
        let exchange = await client.post(
            #"{"jsonrpc":"2.0","id":9,"method":"server/discover","params":{}}"#,
            headers: [("mcp-protocol-version", "2026-07-28")])
        #expect(exchange.status == 404)
        #expect(try value(exchange.body)["error"]?.number("code") == -32_601)
        #expect(try value(exchange.body).number("id") == 9)
    }

    @Test func `accepts notifications with 202 and no body`() async throws {
        let exchange = try await Asking().post(#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#)
        #expect(exchange.status == 202)
        #expect(exchange.body.isEmpty)
    }

    @Test func `is refused with another credential than the one it wants`() async throws {
        var settings = SampleSettings()
        settings.bearer = "torii-key"
        let client = try await Asking(SampleServer(settings: settings))
        let ping = #"{"jsonrpc":"2.0","id":1,"method":"ping"}"#
        #expect(await client.post(ping, headers: [("authorization", "Bearer other")]).status == 401)
        #expect(await client.post(ping, headers: [("authorization", "Bearer torii-key")]).status == 400)
    }
}

@Suite struct `The sample tools` {
    @Test func `are listed in pages, each once`() async throws {
        let client = try await Asking()
        var names: [ByteString] = []
        var pages = 0
        var cursor: JSONValue?
        repeat {
            let page = try await client.ask("tools/list", cursor.map { ["cursor": $0] } ?? [:])["result"] ?? .null
            names += page["tools"]?.elements.compactMap { $0.text("name") } ?? []
            cursor = page["nextCursor"]
            pages += 1
        } while cursor != nil
        #expect(pages == 3)
        #expect(names.count == Toolbox.tools.count)
        #expect(Set(names).count == names.count)
        #expect(try await client.ask("tools/list", ["cursor": "page-99999"])["error"]?.number("code") == -32_602)
    }

    @Test func `answer in Torii's and in Truto's envelopes`() async throws {
        let client = try await Asking()
        let official = try await client.data("list_users", ["size": 2])
        #expect(official["users"]?.elements.count == 2)
        #expect(official.number("total") == 120)
        let truto = try await client.data("list_all_torii_users", ["limit": 3])
        #expect(truto["result"]?[2]?.text("email") == "ifeoma.brandt@contractor.example")
        #expect(truto.number("result_count") == 3)
    }

    @Test func `page by cursors that hold an address`() async throws {
        let client = try await Asking()
        let first = try await client.data("list_all_torii_users", ["limit": 3])
        let cursor = try #require(first["next_cursor"]?.stringValue)
        #expect(try #require(Base64.decode(cursor)).contains(UInt8(ascii: "@")))
        let second = try await client.data("list_all_torii_users", ["limit": 3, "next_cursor": .string(cursor)])
        #expect(second["result"]?[0]?["id"] != first["result"]?[0]?["id"])
        #expect(try await client.call("list_all_torii_users", ["next_cursor": "nonsense"])["isError"] == true)
    }

    @Test func `filter, search, sort, pick columns and group`() async throws {
        let client = try await Asking()
        let found = try await client.data(
            "list_apps", ["filters": #"[{"key":"state","op":"equals","value":"discovered"}]"#, "fields": "id,state"])
        #expect(found["apps"]?.elements.allSatisfy { $0.text("state") == "discovered" && $0["name"] == nil } == true)
        #expect(try await client.data("list_users", ["q": "ABRAMCZYK"])["total"] == 1)
        let sorted = try await client.data("list_transactions", ["sort": "amount:desc", "size": 3])
        let sums = sorted["transactions"]?.elements.compactMap { $0["amount"]?.number("value") } ?? []
        #expect(sums.count == 3 && sums == sums.sorted(by: >))
        let groups = try await client.data("list_users", ["aggs": #"{"field":"email","options":{"size":2}}"#])
        #expect(groups["aggregations"]?[0]?.text("key") == "maren.okonjo@northquay.example")
    }

    @Test func `change what they say they change`() async throws {
        let client = try await Asking()
        #expect(
            try await client.data("update_a_torii_user_by_id", ["id": "41988", "lifecycleStatus": "offboarded"])[
                "user"]?
                .text("lifecycleStatus") == "offboarded")
        #expect(try await client.data("get_user", ["idUser": 41988])["user"]?.text("lifecycleStatus") == "offboarded")
        let made = try await client.data(
            "create_contract", ["name": "Figtree Enterprise", "idApp": 55502, "status": "active", "amount": 4_800_000])
        let id = try #require(made["contract"]?["id"])
        #expect(
            try await client.data("get_contract", ["idContract": id])["contract"]?["amount"] == money(4_800_000, "USD"))
        #expect(try await client.call("delete_a_torii_contract_by_id", ["id": id])["isError"] == nil)
        #expect(try await client.call("get_contract", ["idContract": id])["isError"] == true)
    }

    @Test func `keep to the output schemas they advertise`() async throws {
        let client = try await Asking()
        let user = try await client.call("get_user", ["idUser": 41207])
        let schema = Schemas.user["properties"]?["user"] ?? .null
        let shown = Set(user["structuredContent"]?["user"]?.members.map(\.name) ?? [])
        #expect(shown.isSubset(of: Set(schema["properties"]?.members.map(\.name) ?? [])))
        let required = Set(schema["required"]?.elements.compactMap(\.stringValue) ?? [])
        #expect(!required.isEmpty && required.isSubset(of: shown))
        let found = try await client.call("search_apps", ["q": "fox"])
        #expect(found["structuredContent"]?["apps"]?.elements.count ?? 0 >= 2)
    }

    @Test func `are reached through call_tool as well, and counted by their own name`() async throws {
        var settings = SampleSettings()
        settings.hasControl = true
        let client = try await Asking(SampleServer(settings: settings))
        let result = try await client.data(
            "call_tool", ["tool_name": "delete_a_torii_contract_by_id", "arguments": ["id": "9107"]])
        #expect(result["success"] == true)
        let report = client.server.state.withLock { $0.control.report(since: 0, sessions: 0) }
        #expect(report["tools"]?.number("delete_a_torii_contract_by_id") == 1)
        #expect(report["tools"]?.number("call_tool") == 1)
    }

    @Test(arguments: [2_000, 50_000]) func `give results of the size that is asked for`(bytes: Int) async throws {
        let result = try await Asking().call("sample_blob", ["bytes": .integer(bytes)])
        let count = result["content"]?[0]?.text("text")?.count ?? 0
        #expect(count >= bytes && count < bytes + 1_000)
    }

    @Test func `change their definitions on demand and announce it`() async throws {
        let client = try await Asking()
        async let heard = client.listen()
        while client.server.state.withLock({ !$0.sessions.values.allSatisfy(\.announcements.isHeard) }) {
            await Task.yield()
        }
        let changed = try await client.call(
            "sample_change_definition", ["tool": "list_apps", "change": "description", "text": "Also mails them."])
        #expect(changed["isError"] == nil)
        let page = try await client.ask("tools/list")["result"]
        #expect(page?["tools"]?[0]?.text("description") == "Also mails them.")
        client.server.state.withLock { state in for session in state.sessions.values { session.end() } }
        #expect(await heard.contains("notifications/tools/list_changed"))
    }
}

@Suite struct `A tool that answers in steps` {
    @Test func `reports progress and then answers`() async throws {
        let client = try await Asking()
        let exchange = await client.post(
            #"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"sample_progress","arguments":{"steps":2},"#
                + #""_meta":{"progressToken":"t"}}}"#)
        let messages = try exchange.events().compactMap { $0.data }.map(value)
        #expect(messages.map { $0["params"]?.number("progress") } == [1, 2, nil])
        #expect(messages.last?.number("id") == 5)
    }

    @Test func `is resumed where the connection broke`() async throws {
        let client = try await Asking(version: "2025-11-25")
        let exchange = await client.post(
            #"{"jsonrpc":"2.0","id":5,"method":"tools/call","params":{"name":"sample_progress","#
                + #""arguments":{"steps":1,"hang_up":true}}}"#)
        let prime = try #require(try exchange.events().first)
        #expect(try exchange.events().count == 1)
        #expect(prime.data == [])
        var fields = HeaderFields()
        for (name, value) in client.headers + [("last-event-id", prime.id?.text ?? "")] {
            fields.add(name: name, value: value)
        }
        let rest = MemoryExchange(head: RequestHead(method: .get, path: "/mcp", fields: fields))
        await client.server.handle(rest)
        let last = try #require(try rest.events().last?.data)
        #expect(try value(last).number("id") == 5)
    }

    @Test func `stops when it is called off`() async throws {
        let client = try await Asking()
        async let answer = client.ask("tools/call", ["name": "sample_slow", "arguments": ["seconds": 60]], id: 5)
        let cancelled = #"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":5}}"#
        while client.server.state.withLock({ $0.control.cancelled }) == 0 {
            await client.post(cancelled)
            await Task.yield()
        }
        #expect(try await answer["error"]?.text("message") == "Request cancelled")
    }
}

@Suite struct `A sample server that is told to misbehave` {
    private func client() async throws -> Asking {
        var settings = SampleSettings()
        settings.hasControl = true
        return try await Asking(SampleServer(settings: settings))
    }

    private let ping = #"{"jsonrpc":"2.0","id":3,"method":"ping"}"#

    @Test func `does so as often as it was told, then no more`() async throws {
        let client = try await client()
        let order: JSONValue = ["fault": "status", "status": 429, "fields": ["retry-after": "7"], "times": 2]
        #expect(await client.control(order) == 204)
        #expect(await client.post(ping).fields["retry-after"] == "7")
        #expect(await client.post(ping).status == 429)
        #expect(await client.post(ping).status == 200)
    }

    @Test func `lies about its content type, its coding and the id`() async throws {
        let client = try await client()
        _ = await client.control(["fault": "type", "type": "text/plain"])
        #expect(await client.post(ping).fields["content-type"] == "text/plain")
        _ = await client.control(["fault": "gzip"])
        let coded = await client.post(ping)
        #expect(coded.fields["content-encoding"] == "gzip")
        #expect(Array(coded.body.prefix(3)) == [0x1f, 0x8b, 8])
        _ = await client.control(["fault": "id", "id": 99])
        #expect(try value(await client.post(ping).body).number("id") == 99)
    }

    @Test func `breaks off in the middle`() async throws {
        let client = try await client()
        _ = await client.control(["fault": "cut", "method": "ping", "bytes": 5])
        let exchange = await client.post(ping)
        #expect(exchange.wasCut)
        #expect(exchange.body.count == 5)
    }

    @Test func `has no controls for those who come from elsewhere, nor without leave`() async throws {
        let stranger = MemoryExchange(head: RequestHead(method: .get, path: "/sample/control"))
        await (try await client()).server.handle(stranger)
        #expect(stranger.status == 404)
        let closed = MemoryExchange(
            head: RequestHead(method: .get, path: "/sample/control"), peer: PeerAddress(address: "127.0.0.1", port: 4))
        await SampleServer().handle(closed)
        #expect(closed.status == 404)
    }

    @Test func `tells what reached it`() async throws {
        let client = try await client()
        await client.post(ping)
        let report = client.server.state.withLock { $0.control.report(since: 0, sessions: 1) }
        #expect(report["counts"]?.number("ping") == 1)
        #expect(report["received"]?[1]?.text("body") == ByteString(ping))
    }
}

@Suite struct `The invented data` {
    @Test func `names nobody outside the names kept for examples`() throws {
        let here = Organisation()
        let everything = JSONValue.array([
            .array(here.users), .array(here.apps), .array(here.contracts), .array(here.audit),
            .array(here.transactions), .array(here.executions), .array(Made.workflowAudit(users: here.users)),
        ])
        let text = everything.encodedText
        for address in text.split(whereSeparator: { " \"\\():<>,".contains($0) }) where address.contains("@") {
            #expect(address.hasSuffix(".example"), "\(address)")
        }
        #expect(text.split(separator: "555-").count + text.split(separator: "555 ").count > 100)
        for phone in text.split(separator: "555-").dropFirst() { #expect(phone.hasPrefix("01"), "\(phone.prefix(8))") }
        for phone in text.split(separator: "555 ").dropFirst() { #expect(phone.hasPrefix("01"), "\(phone.prefix(8))") }
    }

    @Test func `gives no two people one address or one id`() {
        let users = Organisation().users
        #expect(Set(users.map { $0["email"] }).count == Made.userCount)
        #expect(Set(users.map { $0["id"] }).count == Made.userCount)
    }

    @Test func `compresses to what a decoder gives back`() {
        // The CRC of "123456789" is the check value of RFC 1952's polynomial.
        let coded = gzipped(Array("123456789".utf8))
        #expect(Array(coded.suffix(8)) == [0x26, 0x39, 0xf4, 0xcb, 9, 0, 0, 0])
    }
}

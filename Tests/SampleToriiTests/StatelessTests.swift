import Bytes
import HTTP
import JSON
import KomainuTesting
import Testing

@testable import SampleTorii

/// The sample server in 2026-07-28.
@Suite struct `The stateless sample` {
    private let server = SampleServer()

    private func ask(_ method: String, _ params: String = "", _ more: [(String, String)] = [], name: String? = nil)
        async
        -> MemoryExchange
    {
        let claim = """
            "_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28",\
            "io.modelcontextprotocol/clientCapabilities":{"extensions":{"io.modelcontextprotocol/tasks":{}}}}
            """
        let params = params.isEmpty ? claim : "\(params),\(claim)"
        let exchange = MemoryExchange(
            posting: #"{"jsonrpc":"2.0","id":7,"method":"\#(method)","params":{\#(params)}}"#, to: "/mcp",
            fields: [("mcp-protocol-version", "2026-07-28"), ("mcp-method", method)]
                + (name.map { [("mcp-name", $0)] } ?? []) + more)
        await server.handle(exchange)
        return exchange
    }

    @Test(arguments: ["server/discover", "tools/list", "resources/list", "prompts/list"])
    func `says of each list how long and by whom it may be kept`(_ method: String) async throws {
        let result = try value(await ask(method).body)["result"]
        #expect(result?["resultType"] == "complete")
        #expect(result?.number("ttlMs") != nil)
        #expect(result?["cacheScope"] == "public")
    }

    @Test(arguments: ["initialize", "ping", "logging/setLevel", "resources/subscribe", "tasks/list", "nothing"])
    func `has no methods of other revisions`(_ method: String) async throws {
        let answer = await ask(method)
        #expect(answer.status == 404)
        #expect(try value(answer.body)["error"]?.number("code") == -32_601)
    }

    @Test func `compares the fields that repeat the body`() async throws {
        #expect(await ask("tools/call", #""name":"list_apps""#, name: "list_users").status == 400)
        #expect(await ask("tools/call", #""name":"list_apps""#).status == 400)
        let region = #""name":"sample_region","arguments":{"region":"eu"}"#
        #expect(await ask("tools/call", region, name: "sample_region").status == 400)
        #expect(
            await ask("tools/call", region, [("mcp-param-region", "eu")], name: "sample_region").status == 200)
    }

    @Test func `asks, and goes on with the answer`() async throws {
        let asked = try value(await ask("tools/call", #""name":"sample_ask""#, name: "sample_ask").body)["result"]
        #expect(asked?["resultType"] == "input_required")
        let state = try #require(asked?.text("requestState")?.text)
        let answered = await ask(
            "tools/call",
            #""name":"sample_ask","requestState":"\#(state)","inputResponses":{"who":{"action":"accept","content":{"name":"Ada"}}}"#,
            name: "sample_ask")
        #expect(answered.text.contains("Hello, Ada!"))
        let junk = await ask("tools/call", #""name":"sample_ask","requestState":"junk""#, name: "sample_ask")
        #expect(junk.status == 400)
    }

    @Test func `makes a task of a call`() async throws {
        let begun = try value(
            await ask("tools/call", #""name":"sample_task","arguments":{"seconds":0}"#, name: "sample_task").body)
        let id = try #require(begun["result"]?.text("taskId")?.text)
        var status: ByteString?
        for _ in 0..<500 where status != "completed" {
            status = try value(await ask("tasks/get", #""taskId":"\#(id)""#, name: id).body)["result"]?.text("status")
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(status == "completed")
        #expect(await ask("tasks/cancel", #""taskId":"\#(id)""#, name: id).status == 200)
        #expect(await ask("tasks/get", #""taskId":"\#(id)""#, name: id).status == 400)
    }

    @Test func `streams without ids`() async throws {
        let answer = await ask(
            "tools/call",
            #""name":"sample_progress","arguments":{"steps":2}"#, name: "sample_progress")
        #expect(answer.isStream)
        #expect(!answer.text.contains("id: "))
        #expect(answer.text.contains(#""resultType":"complete""#))
    }
}

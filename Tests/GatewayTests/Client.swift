import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Reactor
import Testing

@testable import Gateway

/// Somebody who talks MCP to the gateway; on the house's loop.
final class Client {
    let house: House
    var path: ByteString
    var token: ByteString?
    /// The session and its revision, after `initialize`.
    var session: ByteString?
    var version: ByteString?
    var address: ByteString = "192.0.2.1"
    var query: ByteString?
    private var lastID = 0

    init(_ house: House, path: ByteString, token: ByteString? = nil) {
        self.house = house
        self.path = path
        self.token = token
    }

    // MARK: Requests

    /// A request that is not sent yet.
    func exchange(
        _ method: HTTPMethod = .post, _ body: String = "", _ more: [(String, String)] = [], without: Set<String> = []
    ) -> MemoryExchange {
        var fields = HeaderFields()
        func add(_ name: String, _ value: ByteString?) {
            if let value, !without.contains(name) { fields.add(name: name, value: value) }
        }
        add("host", "mcp.example.com")
        if method == .post { add("content-type", "application/json") }
        add("accept", method == .get ? "text/event-stream" : "application/json, text/event-stream")
        add("authorization", token.map { ByteString("Bearer " + $0.text) })
        add("mcp-session-id", session)
        add("mcp-protocol-version", version)
        for (name, value) in more { fields.add(name: name, value: value) }
        let bytes = Array(body.utf8)
        return MemoryExchange(
            head: RequestHead(
                method: method, path: path, query: query, fields: fields,
                framing: method == .post ? .length(bytes.count) : .none, host: "mcp.example.com"),
            body: bytes, peer: PeerAddress(address: address, port: 50_000))
    }

    /// Sends a message and waits for the whole answer.
    @discardableResult
    func send(_ body: String, _ more: [(String, String)] = [], without: Set<String> = []) async -> MemoryExchange {
        await handled(exchange(.post, body, more, without: without))
    }

    /// Sends a request under a new id.
    @discardableResult
    func ask(_ method: String, _ params: String = "{}", _ more: [(String, String)] = []) async -> MemoryExchange {
        await send(request(method, params), more)
    }

    func request(_ method: String, _ params: String = "{}") -> String {
        lastID += 1
        return #"{"jsonrpc":"2.0","id":\#(lastID),"method":"\#(method)","params":\#(params)}"#
    }

    @discardableResult
    func notify(_ method: String, _ params: String = "{}") async -> MemoryExchange {
        await send(#"{"jsonrpc":"2.0","method":"\#(method)","params":\#(params)}"#)
    }

    /// Calls a tool.
    @discardableResult
    func call(_ tool: String, _ arguments: String = "{}", meta: String? = nil) async -> MemoryExchange {
        await send(calling(tool, arguments, meta: meta))
    }

    func calling(_ tool: String, _ arguments: String = "{}", meta: String? = nil) -> String {
        let meta = meta.map { #","_meta":\#($0)"# } ?? ""
        return request("tools/call", #"{"name":"\#(tool)","arguments":\#(arguments)\#(meta)}"#)
    }

    /// Sends a request and does not wait.
    func begin(_ exchange: MemoryExchange) -> MemoryExchange {
        let house = house
        house.loop.spawnHere { await house.gateway.handle(exchange) }
        return exchange
    }

    @discardableResult
    func handled(_ exchange: MemoryExchange) async -> MemoryExchange {
        await house.gateway.handle(exchange)
        return exchange
    }

    // MARK: A conversation

    static let hello = """
        {"protocolVersion":"2025-11-25","capabilities":{"sampling":{},"roots":{"listChanged":true}},\
        "clientInfo":{"name":"tester","version":"9"}}
        """

    @discardableResult
    func initialize(_ params: String = hello) async throws -> MemoryExchange {
        let exchange = await ask("initialize", params)
        session = try #require(exchange.fields["mcp-session-id"] as ByteString?, "\(exchange.text)")
        version = exchange.json["result"]?["protocolVersion"]?.stringValue
        return exchange
    }

    func deleteSession() async -> MemoryExchange { await handled(exchange(.delete)) }
}

extension House {
    /// At the upstream's own door, with her token.
    func adaAtTheDoor() -> Client { Client(self, path: "/u/torii/mcp", token: ada.secret) }
    func bobAtTheDoor() -> Client { Client(self, path: "/u/torii/mcp", token: bob.secret) }
    /// At an endpoint, under the policy that opens more than tools.
    func guest() -> Client { Client(self, path: ByteString("/mcp/" + open.secret.text)) }

    /// Ada, in a conversation, with nothing of it in the server's memory.
    func conversing(_ client: Client? = nil) async throws -> Client {
        let client = client ?? adaAtTheDoor()
        try await client.initialize()
        await client.notify("notifications/initialized")
        // The first call makes the gateway read what tools there are.
        await client.call("list_apps")
        server.forget()
        return client
    }
}

extension MemoryExchange {
    /// The answer's body.
    var json: JSONValue {
        let document = try? JSONDocument(parsing: body)
        return document.map { $0.value($0.root) } ?? .null
    }

    /// The code of a JSON-RPC error.
    var code: String? { json["error"]?["code"].map { String(decoding: $0.encoded(), as: UTF8.self) } }

    /// The id as it was written.
    var id: String? { json["id"].map { String(decoding: $0.encoded(), as: UTF8.self) } }

    var isToolError: Bool { json["result"]?["isError"] == .bool(true) }

    /// The stable word of a refusal.
    var decision: String? {
        let meta = json["result"]?["_meta"] ?? json["error"]?["data"]
        return meta?["io.komainu/decision"]?["code"]?.stringValue?.text
    }

    /// The body without what differs from one record to the next.
    var textWithoutRecord: String {
        let id = json["error"]?["data"]?["io.komainu/decision"]?["id"]?.stringValue?.text
        return id.map { text.replacing($0, with: "") } ?? text
    }

    /// The data of the stream's events, so far.
    var data: [String] {
        ((try? events()) ?? []).compactMap(\.data).map { String(decoding: $0, as: UTF8.self) }
    }
}

import Bytes
import HTTP
import JSON
import KomainuTesting

@testable import SampleTorii

/// A client of a sample server in memory: one session, one message after the other.
struct Asking {
    let server: SampleServer
    var session = ""
    var version = "2025-06-18"

    init(_ server: SampleServer = SampleServer(), version: String = "2025-06-18") async throws {
        self.server = server
        self.version = version
        let exchange = await post(
            #"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"\#(version)"}}"#)
        session = exchange.fields["mcp-session-id"]?.text ?? ""
    }

    var headers: [(String, String)] {
        session.isEmpty ? [] : [("mcp-session-id", session), ("mcp-protocol-version", version)]
    }

    @discardableResult func post(_ body: String, headers more: [(String, String)]? = nil) async -> MemoryExchange {
        let exchange = MemoryExchange(posting: body, to: "/mcp", fields: more ?? headers)
        await server.handle(exchange)
        return exchange
    }

    func ask(_ method: String, _ params: JSONValue = [:], id: Int = 7) async throws -> JSONValue {
        let message: JSONValue = [
            "jsonrpc": "2.0", "id": .integer(id), "method": .text(method), "params": params,
        ]
        let exchange = await post(String(decoding: message.encoded(), as: UTF8.self))
        return try value(exchange.body)
    }

    func call(_ tool: String, _ arguments: JSONValue = [:]) async throws -> JSONValue {
        try await ask("tools/call", ["name": .text(tool), "arguments": arguments])["result"] ?? .null
    }

    /// What the first text item of a call's result holds, as JSON.
    func data(_ tool: String, _ arguments: JSONValue = [:]) async throws -> JSONValue {
        let result = try await call(tool, arguments)
        return try value(result["content"]?[0]?.text("text")?.bytes ?? [])
    }

    /// Everything that a GET stream said until it ended.
    func listen() async -> String {
        var fields = HeaderFields()
        for (name, value) in headers + [("accept", "text/event-stream")] { fields.add(name: name, value: value) }
        let exchange = MemoryExchange(head: RequestHead(method: .get, path: "/mcp", fields: fields))
        await server.handle(exchange)
        return exchange.text
    }

    func control(_ order: JSONValue) async -> Int? {
        let exchange = MemoryExchange(
            head: RequestHead(method: .post, path: "/sample/control"), body: order.encoded(),
            peer: PeerAddress(address: "127.0.0.1", port: 4))
        await server.handle(exchange)
        return exchange.status
    }
}

func value(_ bytes: [UInt8]) throws -> JSONValue {
    let document = try JSONDocument(parsing: bytes)
    return document.value(document.root)
}

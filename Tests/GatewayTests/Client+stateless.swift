import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Testing

@testable import Gateway

/// A request of the stateless revision, as a right client sends it.
struct Stateless {
    var method: String
    /// A JSON object.
    var params = "{}"
    /// A JSON object.
    var capabilities = "{}"
    /// More members of `_meta`, each with a comma before it.
    var meta = ""
    var id = "7"

    static let version = "2026-07-28"

    init(_ method: String, _ params: String = "{}", capabilities: String = "{}", meta: String = "", id: String = "7") {
        self.method = method
        self.params = params
        self.capabilities = capabilities
        self.meta = meta
        self.id = id
    }

    /// A call of a tool.
    static func call(_ tool: String, _ arguments: String = "{}", more: String = "", capabilities: String = "{}")
        -> Stateless
    {
        Stateless("tools/call", #"{"name":"\#(tool)","arguments":\#(arguments)\#(more)}"#, capabilities: capabilities)
    }

    var body: String {
        let claim = """
            "_meta":{"io.modelcontextprotocol/protocolVersion":"\(Stateless.version)",\
            "io.modelcontextprotocol/clientCapabilities":\(capabilities),\
            "io.modelcontextprotocol/clientInfo":{"name":"modern","version":"3"}\(meta)}
            """
        let own = params == "{}" ? "{\(claim)}" : "\(params.dropLast()),\(claim)}"
        return #"{"jsonrpc":"2.0","id":\#(id),"method":"\#(method)","params":\#(own)}"#
    }

    var fields: [(String, String)] {
        var fields = [("mcp-protocol-version", Stateless.version), ("mcp-method", method)]
        let document = try? JSONDocument(parsing: Array(params.utf8))
        let value = document.map { $0.value($0.root) }
        let name: JSONValue? =
            switch method {
            case "tools/call", "prompts/get": value?["name"]
            case "resources/read": value?["uri"]
            case "tasks/get", "tasks/update", "tasks/cancel": value?["taskId"]
            default: nil
            }
        if let name = name?.stringValue { fields.append(("mcp-name", name.text)) }
        return fields
    }
}

extension Client {
    func exchange(
        _ request: Stateless, _ more: [(String, String)] = [], without: Set<String> = []
    ) -> MemoryExchange {
        exchange(.post, request.body, request.fields.filter { !without.contains($0.0) } + more, without: without)
    }

    @discardableResult
    func send(_ request: Stateless, _ more: [(String, String)] = [], without: Set<String> = []) async -> MemoryExchange
    {
        await handled(exchange(request, more, without: without))
    }
}

extension House {
    /// At an endpoint under the policy that opens whatever can be opened.
    func wideGuest() -> Client { Client(self, path: ByteString("/mcp/" + wide.secret.text)) }

    /// The server's tools are known, and nothing is in its memory.
    func knowing() async throws {
        await adaAtTheDoor().send(.call("list_apps"))
        server.forget()
    }
}

extension MemoryExchange {
    var result: JSONValue? { json["result"] }
}

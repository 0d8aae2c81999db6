import Bytes
import JSON
import System

/// What people paste into their MCP clients. The address and the token stand in it in the clear: it is printed once, when
/// they are made, and never kept.
struct ClientSettings {
    /// The name that the server gets in the client.
    let name: String
    /// The whole URL, with its capability when it has one.
    let url: String
    /// What goes into `Authorization: Bearer`; nil when the URL is enough.
    let bearer: String?
    /// The certificate authority that clients must be told about; nil when every machine knows it.
    let authority: String?

    /// Whether the address is one that other networks may reach.
    let isPublic: Bool

    /// This program's own path, for clients that start it.
    var program = CurrentProcess.executable ?? "komainu"

    /// The settings of every client we know, for a terminal.
    var text: String {
        var parts = [hosted, desktop, claudeCode, cursor, python]
        if let authority { parts.append("All of them must trust \(authority); it isn't a public authority.\n") }
        return parts.joined(separator: "\n")
    }

    /// Claude and ChatGPT take a URL and send no header of ours.
    private var hosted: String {
        if bearer != nil {
            return
                "Claude (claude.ai) and ChatGPT can't send an API token: make an endpoint without `--require-token` for them.\n"
        }
        let reach = isPublic && authority == nil ? "" : " (reaches only public addresses with public certificates)"
        return """
            Claude (claude.ai)\(reach)
              Settings > Connectors > Add custom connector: \(url)

            ChatGPT\(reach)
              Settings > Apps & Connectors > Advanced > Developer mode > Create: \(url), no authentication

            """
    }

    /// Clients that start a program and speak with it: `komainu connect` goes the rest of the way.
    var desktop: String {
        var arguments = ["connect", url]
        if let bearer { arguments += ["--header", "Authorization: Bearer \(bearer)"] }
        if let authority { arguments += ["--ca", authority] }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("mcpServers")
        writer.beginObject()
        writer.key(ByteString(name))
        writer.beginObject()
        writer.member("command", program)
        writer.member("args", arguments)
        writer.endObject()
        writer.endObject()
        writer.endObject()
        return """
            Claude Desktop, in claude_desktop_config.json, and others that start a program
              \(String(decoding: writer.bytes, as: UTF8.self))

            """
    }

    private var claudeCode: String {
        let header = bearer.map { " \\\n    --header \"Authorization: Bearer \($0)\"" } ?? ""
        let trust = authority.map { "NODE_EXTRA_CA_CERTS=\($0) " } ?? ""
        return "Claude Code\n  \(trust)claude mcp add --transport http \(name) \(url)\(header)\n"
    }

    private var cursor: String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("mcpServers")
        writer.beginObject()
        writer.key(ByteString(name))
        writer.beginObject()
        writer.member("url", url)
        if let bearer {
            writer.key("headers")
            writer.beginObject()
            writer.member("Authorization", "Bearer \(bearer)")
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
        writer.endObject()
        return "Cursor, in ~/.cursor/mcp.json\n  \(String(decoding: writer.bytes, as: UTF8.self))\n"
    }

    private var python: String {
        let trust = authority.map { ", verify=\"\($0)\"" } ?? ""
        let headers = bearer.map { "headers={\"Authorization\": \"Bearer \($0)\"}" } ?? ""
        let options = [headers, trust].joined().drop { $0 == "," || $0 == " " }
        if options.isEmpty {
            return """
                Python SDK
                  from mcp import Client
                  async with Client("\(url)") as client:
                      print(await client.list_tools())

                """
        }
        return """
            Python SDK
              import httpx2
              from mcp import Client
              from mcp.client.streamable_http import streamable_http_client
              http = httpx2.AsyncClient(\(options))
              async with Client(streamable_http_client("\(url)", http_client=http)) as client:
                  print(await client.list_tools())

            """
    }
}

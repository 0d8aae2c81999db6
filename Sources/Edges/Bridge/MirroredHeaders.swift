internal import Bytes
internal import HTTP
internal import JSON
internal import MCP

/// The header fields that repeat what a message of 2026-07-28 says (streamable-http, "Request Metadata").
enum MirroredHeaders {
    /// The revision that a message claims for itself; nil when it belongs to a session.
    static func claim(of message: ClientMessage) -> ByteString? {
        let document = message.document
        guard message.method != .initialize, let meta = message.parameter("_meta"),
            let claim = document.member("io.modelcontextprotocol/protocolVersion", of: meta),
            let version = document.string(claim), ProtocolVersion(version)?.hasHandshake != true
        else { return nil }
        return version
    }

    static func add(for message: ClientMessage, claiming version: ByteString, to fields: inout HeaderFields) {
        fields.add(name: "mcp-protocol-version", value: version)
        if let method = message.method { fields.add(name: "mcp-method", value: method.name) }
        if let name = name(of: message) { fields.add(name: "mcp-name", value: MirroredText.encode(name)) }
    }

    /// `tools/list` of our own, with the claims that a client's message makes.
    static func listing(
        _ id: RequestID, from cursor: ByteString?, as meta: JSONDocument.Node, of document: JSONDocument
    ) -> [UInt8] {
        var edits = JSONEdits()
        if let token = document.member("progressToken", of: meta) { edits.remove(token) }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("jsonrpc")
        writer.string("2.0")
        writer.key("id")
        writer.raw(id.encoded.bytes)
        writer.key("method")
        writer.string(Method.toolsList.name)
        writer.key("params")
        writer.beginObject()
        if let cursor {
            writer.key("cursor")
            writer.string(cursor)
        }
        writer.key("_meta")
        writer.raw(document.encoded(meta, editing: edits))
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    private static func name(of message: ClientMessage) -> ByteString? {
        let member: String
        switch message.method {
        case .toolsCall, .promptsGet: member = "name"
        case .resourcesRead: member = "uri"
        case .tasksGet, .tasksUpdate, .tasksCancel: member = "taskId"
        default: return nil
        }
        return message.parameter(member).flatMap { message.document.string($0) }
    }
}

/// Which arguments of which tools travel in header fields too: what `x-mcp-header` says in the definitions that passed.
struct MirroredArguments {
    private struct Place {
        let path: [ByteString]
        let field: ByteString
    }

    private var places: [ByteString: [Place]] = [:]

    private static let toolLimit = 10_000
    private static let depthLimit = 16

    func knows(_ tool: ByteString) -> Bool { places[tool] != nil }

    /// Takes the definitions in the result of `tools/list`.
    mutating func take(_ result: JSONDocument.Node, of document: JSONDocument) {
        guard let tools = document.member("tools", of: result) else { return }
        document.forEachElement(of: tools) { tool in
            guard let name = document.member("name", of: tool).flatMap({ document.string($0) }),
                places.count < MirroredArguments.toolLimit || places[name] != nil
            else { return }
            var found: [Place] = []
            if let schema = document.member("inputSchema", of: tool) {
                MirroredArguments.look(schema, of: document, at: [], into: &found)
            }
            places[name] = found
        }
    }

    /// Adds the fields of a call.
    func add(for message: ClientMessage, to fields: inout HeaderFields) {
        let document = message.document
        guard message.method == .toolsCall, let arguments = message.parameter("arguments"),
            let tool = message.parameter("name").flatMap({ document.string($0) }), let places = places[tool]
        else { return }
        for place in places {
            var node: JSONDocument.Node? = arguments
            for name in place.path { node = node.flatMap { document.member(name, of: $0) } }
            guard let node, let value = MirroredArguments.text(node, of: document) else { continue }
            fields.add(name: place.field, value: MirroredText.encode(value))
        }
    }

    /// Only pure chains of `properties` count, and only strings, integers and truth values.
    private static func look(
        _ schema: JSONDocument.Node, of document: JSONDocument, at path: [ByteString], into found: inout [Place]
    ) {
        guard path.count < depthLimit, let properties = document.member("properties", of: schema) else { return }
        for (name, property) in document.members(of: properties) {
            let inner = path + [document.string(name) ?? ""]
            if let field = document.member("x-mcp-header", of: property).flatMap({ document.string($0) }),
                isToken(field)
            {
                found.append(Place(path: inner, field: ByteString("mcp-param-" + field.asciiLowercased.text)))
            }
            look(property, of: document, at: inner, into: &found)
        }
    }

    private static func isToken(_ name: ByteString) -> Bool {
        let marks = Array("!#$%&'*+-.^_`|~".utf8)
        return (1...64).contains(name.count)
            && name.bytes.allSatisfy {
                (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || marks.contains($0)
            }
    }

    private static func text(_ node: JSONDocument.Node, of document: JSONDocument) -> ByteString? {
        switch document.kind(node) {
        case .string: document.string(node)
        case .number: document.numberText(node)
        case .bool: document.bool(node) == true ? "true" : "false"
        case .null, .array, .object: nil
        }
    }
}

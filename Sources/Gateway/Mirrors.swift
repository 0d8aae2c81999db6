import Bytes
import Catalog
import HTTP
import JSON
import MCP

/// Header fields that repeat what the body says. The body decides; a field that says otherwise, or says it twice, refuses the
/// request, because some server or box in between may believe the field (mcp-protocol section 5.3, rows 9 and 10).
enum Mirrors {
    /// Fields of which a request may have one at most: with two, one reader takes the first and another the last.
    static let single = [
        "mcp-protocol-version", "mcp-session-id", "mcp-method", "mcp-name", "authorization", "content-type",
        "content-encoding", "last-event-id", "origin", "accept-encoding",
    ]

    static func refuseDuplicates(in fields: HeaderFields) throws(Refusal) {
        if let name = fields.repeated(among: single) { throw .duplicateField(name) }
    }

    static func check(_ fields: HeaderFields, against message: ClientMessage) throws(Refusal) {
        if let method = fields["mcp-method"], method != message.method?.name {
            throw .mirroredField("mcp-method", message.id)
        }
        if let name = fields["mcp-name"] {
            guard let decoded = MirroredText.decode(name), decoded == named(by: message) else {
                throw .mirroredField("mcp-name", message.id)
            }
        }
    }

    /// What the stateless revision demands besides: the method always, the name wherever the body has one.
    static func require(in fields: HeaderFields, by message: ClientMessage, _ id: RequestID) throws(Refusal) {
        if !fields.contains("mcp-method") { throw .stateless(.fieldMissing("Mcp-Method"), id) }
        if named(by: message) != nil, !fields.contains("mcp-name") { throw .stateless(.fieldMissing("Mcp-Name"), id) }
    }

    /// What a request names: the tool, prompt, resource or task.
    static func named(by message: ClientMessage) -> ByteString? {
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

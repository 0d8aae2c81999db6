import Bytes
import JSON
import MCP
import Policy
import Redaction
import Sessions

/// A `subscriptions/listen` (2026-07-28, `basic/patterns/subscriptions`): what the client asked to hear of, cut to what policy opens
/// before the server learns of it. Nothing else comes through, whatever the server sends.
struct Subscription {
    let id: RequestID
    /// Ids of tasks that are not the caller's are left out.
    private(set) var edits = JSONEdits.none
    private var kinds: Set<MCP.Method> = []
    private var resources: Set<ByteString> = []
    private var tasks: Set<ByteString> = []

    /// - Parameter judged: what policy leaves out of the request.
    init(_ message: ClientMessage, _ id: RequestID, _ visit: Visit, _ caller: Caller, _ judged: JSONEdits) {
        self.id = id
        let document = message.document
        let filter = message.parameter("notifications")
        if let ids = filter.flatMap({ document.member("taskIds", of: $0) }) {
            for element in document.elements(of: ids) {
                let task = document.string(element).flatMap { visit.gateway.tasks.task($0, of: caller.principal) }
                if task == nil { edits.remove(element) }
            }
        }
        // What leaves is what is asked for: it is read from the message as it will be forwarded.
        let encoded = document.encoded(document.root, editing: edits.merging(judged))
        guard let asked = try? JSONDocument(parsing: encoded),
            let filter = asked.pointer(JSONPointer(tokens: ["params", "notifications"]), from: asked.root)
        else { return }
        asked.forEachMember(of: filter) { name, value in
            let strings = { asked.elements(of: value).compactMap { asked.string($0) } }
            switch asked.string(name)?.text {
            case "toolsListChanged": if asked.bool(value) == true { kinds.insert(.toolsChanged) }
            case "promptsListChanged": if asked.bool(value) == true { kinds.insert(.promptsChanged) }
            case "resourcesListChanged": if asked.bool(value) == true { kinds.insert(.resourcesChanged) }
            case "resourceSubscriptions": resources.formUnion(strings())
            case "taskIds": tasks.formUnion(strings())
            default: break
            }
        }
    }

    /// Whether a notice is one that was asked for.
    func wants(_ method: MCP.Method, _ message: ServerMessage) -> Bool {
        let text = { (name: String) in message.parameter(name).flatMap { message.document.string($0) } }
        return switch method {
        // A resource may be told of that lies beneath the one that was asked for (`server/resources`, "Subscriptions").
        case .resourceUpdated:
            text("uri").map { uri in resources.contains { uri == $0 || uri.hasPrefix(ByteString($0.bytes + [0x2f])) } }
                ?? false
        case .taskChanged: text("taskId").map(tasks.contains) ?? false
        default: kinds.contains(method)
        }
    }

    /// The task that a notice is about.
    static func task(of message: ServerMessage) -> ByteString? {
        message.parameter("taskId").flatMap { message.document.string($0) }
    }

    /// The notice as the client gets it: for this subscription, and acknowledging no more than was asked; nil when it is for another.
    func adapted(_ message: ServerMessage, _ method: MCP.Method) -> ServerMessage? {
        let document = message.document
        var edits = JSONEdits.none
        guard let params = message.params else { return nil }
        let meta = document.member("_meta", of: params)
        let name = ByteString(RequestClaim.Name.subscription)
        if let meta, let told = document.member(name, of: meta) {
            guard RequestID(told, in: document) == id else { return nil }
        } else if let meta, document.kind(meta) == .object {
            edits.append(to: meta, member: name, encoded: id.encoded.bytes)
        } else if meta == nil {
            edits.append(to: params, member: "_meta", encoded: Subscription.meta(id))
        } else {
            return nil
        }
        if method == .subscriptionAcknowledged {
            guard let honoured = document.member("notifications", of: params), document.kind(honoured) == .object else {
                return nil
            }
            document.forEachMember(of: honoured) { name, value in
                if !cut(document.string(name)?.text ?? "", value, in: document, &edits) { edits.remove(value) }
            }
        }
        let bytes = document.encoded(document.root, editing: edits)
        return try? ServerMessage(parsing: bytes, limits: .result(bytes: bytes.count))
    }

    /// - Returns: whether the member may stay, perhaps with less in it.
    private func cut(
        _ name: String, _ value: JSONDocument.Node, in document: JSONDocument, _ edits: inout JSONEdits
    ) -> Bool {
        let known: Set<ByteString>
        switch name {
        case "toolsListChanged": return kinds.contains(.toolsChanged)
        case "promptsListChanged": return kinds.contains(.promptsChanged)
        case "resourcesListChanged": return kinds.contains(.resourcesChanged)
        case "resourceSubscriptions": known = resources
        case "taskIds": known = tasks
        default: return false
        }
        for element in document.elements(of: value) {
            if document.string(element).map(known.contains) != true { edits.remove(element) }
        }
        return !known.isEmpty
    }

    /// Whether changes of tools were asked for.
    var wantsTools: Bool { kinds.contains(.toolsChanged) }

    /// `notifications/tools/list_changed`, from us.
    var toolsChanged: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("jsonrpc")
        writer.string("2.0")
        writer.key("method")
        writer.string(MCP.Method.toolsChanged.name)
        writer.key("params")
        writer.beginObject()
        writer.key("_meta")
        writer.raw(Subscription.meta(id))
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    /// The result that ends a subscription properly.
    var end: [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("resultType")
        writer.string("complete")
        writer.key("_meta")
        writer.raw(Subscription.meta(id))
        writer.endObject()
        return Answer.result(id: id, writer.bytes)
    }

    private static func meta(_ id: RequestID) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key(RequestClaim.Name.subscription)
        writer.raw(id.encoded.bytes)
        writer.endObject()
        return writer.bytes
    }
}

import Bytes
import JSON
import MCP
import Policy

/// `initialize`, in both directions: the revision is clamped to those that are carried, and capabilities that policy does not open
/// are taken out, so that neither side may use what the gateway would refuse (mcp-protocol section 2.1).
enum Handshake {
    enum Failure: Error, Hashable {
        /// `params` or `params.protocolVersion` is missing or has another type.
        case request
    }

    /// What the server's answer settled.
    struct Settled {
        let version: ProtocolVersion
        let edits: JSONEdits
    }

    /// The newest revision that is offered to a server when the client named one that is not carried.
    private static let newest: ProtocolVersion = .v20251125

    /// The edits that the request needs before it is forwarded.
    static func edits(of message: ClientMessage, opening open: OpenCapabilities) throws(Failure) -> JSONEdits {
        let document = message.document
        guard let version = message.parameter("protocolVersion"), let asked = document.string(version),
            let capabilities = message.parameter("capabilities"), document.kind(capabilities) == .object
        else { throw .request }
        var edits = JSONEdits.none
        if ProtocolVersion(asked)?.hasHandshake != true {
            edits.replace(version, with: JSONValue.string(newest.name).encoded())
        }
        document.forEachMember(of: capabilities) { key, value in
            let name = document.string(key) ?? ""
            guard open.client.contains(name), let parts = open.closedParts[name] else {
                if !open.client.contains(name) { edits.remove(value) }
                return
            }
            narrow(value, of: document, without: parts, into: &edits)
        }
        return edits
    }

    /// Takes parts out of a capability. One that had nothing else goes as a whole: empty, it would promise what its revision takes
    /// an empty one for (2025-11-25, `client/elicitation`: a form).
    private static func narrow(
        _ capability: JSONDocument.Node, of document: JSONDocument, without parts: Set<ByteString>,
        into edits: inout JSONEdits
    ) {
        guard document.kind(capability) == .object else { return edits.remove(capability) }
        var closed: [JSONDocument.Node] = []
        var count = 0
        document.forEachMember(of: capability) { key, value in
            count += 1
            if parts.contains(document.string(key) ?? "") { closed.append(value) }
        }
        if count > 0, closed.count == count { return edits.remove(capability) }
        for part in closed { edits.remove(part) }
    }

    /// Reads the server's answer: the revision it settled on, and the edits that the answer needs before the client sees it.
    static func settle(
        _ result: JSONDocument.Node, of document: JSONDocument, opening open: OpenCapabilities
    ) throws(AnswerFailure) -> Settled {
        guard document.kind(result) == .object, let member = document.member("protocolVersion", of: result),
            let version = document.string(member).flatMap(ProtocolVersion.init), version.hasHandshake,
            let capabilities = document.member("capabilities", of: result), document.kind(capabilities) == .object
        else { throw .handshake }
        var edits = JSONEdits.none
        document.forEachMember(of: capabilities) { key, value in
            let name = document.string(key) ?? ""
            if name != "tools", !open.server.contains(name) { edits.remove(value) }
            if name == "tools", document.kind(value) == .object { announceChanges(of: value, of: document, &edits) }
        }
        return Settled(version: version, edits: edits)
    }

    /// `tools.listChanged`: what changes here is told on the session's own stream, whether the server ever tells or not.
    private static func announceChanges(
        of tools: JSONDocument.Node, of document: JSONDocument, _ edits: inout JSONEdits
    ) {
        let yes = JSONValue.bool(true).encoded()
        if let member = document.member("listChanged", of: tools) {
            edits.replace(member, with: yes)
        } else {
            edits.append(to: tools, member: "listChanged", encoded: yes)
        }
    }

    /// What the client says of itself.
    static func client(of message: ClientMessage) -> ClaimedNames {
        let document = message.document
        guard let info = message.parameter("clientInfo"), document.kind(info) == .object else { return (nil, nil) }
        return (
            document.member("name", of: info).flatMap { document.string($0) },
            document.member("version", of: info).flatMap { document.string($0) }
        )
    }

    typealias ClaimedNames = (name: ByteString?, version: ByteString?)
}

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
            if !open.client.contains(document.string(key) ?? "") { edits.remove(value) }
        }
        return edits
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
        }
        return Settled(version: version, edits: edits)
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

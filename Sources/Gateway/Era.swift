import Bytes
import HTTP
import JSON
import MCP

/// Which revision a request speaks, settled from the header and the body together: servers differ in which of the two
/// they believe, so a request whose two claims disagree is refused (mcp-protocol section 3.2).
enum Era: Hashable {
    /// A revision with a handshake. `nil`: the header was absent, and the session's own version counts.
    case handshake(ProtocolVersion?)

    enum Failure: Error, Hashable {
        /// The header and the body's `_meta` disagree, or the header does not fit the session.
        case mismatch
        /// A revision of the stateless kind whose request lacks the required `_meta`.
        case claimMissing
        /// A well-formed request of a revision that is not carried; the client is told which are.
        case unsupported(requested: ByteString)
        /// `initialize` in a stateless request: that revision has no such method.
        case noSuchMethod
    }

    static func settle(header: ByteString?, message: ClientMessage) throws(Failure) -> Era {
        let claim = claimedVersion(message)
        guard let header else {
            // A modern body without the header would be taken for a legacy call by servers that route by header.
            guard claim == nil else { throw .mismatch }
            return .handshake(nil)
        }
        let version = ProtocolVersion(header)
        if let version, version.hasHandshake {
            guard claim == nil else { throw .mismatch }
            return .handshake(version)
        }
        switch claim {
        case nil:
            // Unknown versions that no revision names are legacy clients' mistakes; the stateless one lacks its `_meta`.
            throw version == nil ? .unsupported(requested: header) : .claimMissing
        case .some(header):
            throw message.method == .initialize ? .noSuchMethod : .unsupported(requested: header)
        case .some:
            throw .mismatch
        }
    }

    /// `params._meta["io.modelcontextprotocol/protocolVersion"]`; a value that is no string counts as a claim of nothing.
    private static func claimedVersion(_ message: ClientMessage) -> ByteString? {
        guard let meta = message.parameter("_meta"),
            let claim = message.document.member("io.modelcontextprotocol/protocolVersion", of: meta)
        else { return nil }
        return message.document.string(claim) ?? ""
    }
}

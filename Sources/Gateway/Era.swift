import Bytes
import HTTP
import JSON
import MCP

/// Which revision a request speaks, settled from the header and the body together: servers differ in which of the two
/// they believe, so a request whose two claims disagree is refused (mcp-protocol section 3.2).
enum Era {
    /// A revision with a handshake. `nil`: the header was absent, and the session's own version counts.
    case handshake(ProtocolVersion?)
    /// A request of the stateless kind, with what it says of itself.
    case stateless(RequestClaim)
    /// What is no request in a revision of the stateless kind: a notice, or an answer to what was never asked.
    case beside

    enum Failure: Error, Hashable {
        /// The header and the body's `_meta` disagree, or the header does not fit the session.
        case mismatch
        /// A revision of the stateless kind whose request lacks the required `_meta`, by the member's name.
        case claimMissing(String)
        /// A well-formed request of a revision that is not carried; the client is told which are.
        case unsupported(requested: ByteString)
    }

    static func settle(header: ByteString?, message: ClientMessage) throws(Failure) -> Era {
        let claimed = RequestClaim.version(of: message)
        guard let header else {
            // A modern body without the header would be taken for a legacy call by servers that route by header.
            guard claimed == nil else { throw .mismatch }
            return .handshake(nil)
        }
        let version = ProtocolVersion(header)
        if let version, version.hasHandshake {
            guard claimed == nil else { throw .mismatch }
            return .handshake(version)
        }
        guard message.id != nil else {
            guard claimed == nil || claimed == header else { throw .mismatch }
            guard version != nil else { throw .unsupported(requested: header) }
            return .beside
        }
        // What a revision of the future demands is not known: it is told which are spoken here.
        guard version != nil else {
            throw claimed == nil || claimed == header ? .unsupported(requested: header) : .mismatch
        }
        let claim: RequestClaim
        do throws(RequestClaim.Failure) {
            claim = try RequestClaim(message)
        } catch {
            switch error {
            case .missing(let name): throw .claimMissing(name)
            }
        }
        guard claim.version == header else { throw .mismatch }
        return .stateless(claim)
    }
}

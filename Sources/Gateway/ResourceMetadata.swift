public import Bytes
import HTTP
import Identity
import JSON

/// What OAuth clients are told about the doors `/u/<upstream>/mcp` (RFC 9728; mcp-protocol section 4.2): which resource it is, byte for
/// byte as it is configured and never as a request names it, and who issues tokens for it. Public, and the same for everybody.
public struct ResourceMetadata: Sendable {
    private let publicURL: ByteString
    private let authorizationServers: [ByteString]

    private static let wellKnown = ByteString("/.well-known/oauth-protected-resource")

    /// Nothing is told, and challenges name nothing, when there are no authorization servers.
    ///
    /// - Parameters:
    ///   - publicURL: scheme and authority of what clients use, without a slash at its end.
    ///   - authorizationServers: issuers with an `https` identifier (RFC 8414), the preferred first: SDK 2 takes that one.
    public init(publicURL: ByteString, authorizationServers: [ByteString]) {
        self.publicURL = publicURL
        self.authorizationServers = authorizationServers
    }

    /// The upstream whose metadata stands at a path; nil when it is no such path. The well-known name comes before the
    /// resource's own path, and nothing stands at the root: it would speak for all upstreams.
    static func upstream(of path: ByteString) -> ByteString? {
        guard path.hasPrefix(wellKnown), case .upstream(let name)? = EndpointRoute(path: path.dropping(wellKnown.count))
        else { return nil }
        return name
    }

    /// The metadata of one upstream's door.
    func document(of upstream: ByteString) -> [UInt8]? {
        guard !authorizationServers.isEmpty else { return nil }
        return JSONValue.object([
            JSONMember("resource", .string(resource(upstream))),
            JSONMember("authorization_servers", .array(authorizationServers.map { .string($0) })),
            JSONMember("bearer_methods_supported", .array([.string("header")])),
        ]).encoded()
    }

    /// Where that metadata stands, for challenges.
    func location(of upstream: ByteString) -> ByteString? {
        guard !authorizationServers.isEmpty else { return nil }
        return ByteString(publicURL.bytes + Self.wellKnown.bytes + door(upstream).bytes)
    }

    private func resource(_ upstream: ByteString) -> ByteString { ByteString(publicURL.bytes + door(upstream).bytes) }

    private func door(_ upstream: ByteString) -> ByteString { ByteString("/u/".utf8 + upstream.bytes + "/mcp".utf8) }
}

extension ByteString {
    fileprivate func dropping(_ count: Int) -> ByteString { ByteString(bytes.dropFirst(count)) }
}

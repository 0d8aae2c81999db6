import Bytes
import HTTP

/// One way to ask for an action: a method and a path. What is in this table is served and described, and nothing else.
struct AdminRoute: Sendable {
    /// Whose words the bodies are in.
    enum Style: Sendable {
        /// Ours.
        case own
        /// Truto's, whose upstreams are integrated accounts.
        case truto
    }

    let method: HTTPMethod
    /// Such as `/v1/upstreams/{upstream}/endpoints/{id}`.
    let template: String
    let action: AdminAction
    let style: Style

    private init(_ method: HTTPMethod, _ template: String, _ action: AdminAction, _ style: Style = .own) {
        self.method = method
        self.template = template
        self.action = action
        self.style = style
    }

    static let table: [AdminRoute] =
        endpoints("/v1/upstreams/{upstream}/endpoints", .own)
        + endpoints("/integrated-account/{upstream}/mcp", .truto)
        + [
            AdminRoute(.get, "/v1/api-tokens", .listAPITokens),
            AdminRoute(.post, "/v1/api-tokens", .createAPIToken),
            AdminRoute(.get, "/v1/api-tokens/{id}", .readAPIToken),
            AdminRoute(.delete, "/v1/api-tokens/{id}", .revokeAPIToken),
            AdminRoute(.get, "/v1/admin-tokens", .listAdminTokens),
            AdminRoute(.post, "/v1/admin-tokens", .createAdminToken),
            AdminRoute(.get, "/v1/admin-tokens/{id}", .readAdminToken),
            AdminRoute(.delete, "/v1/admin-tokens/{id}", .revokeAdminToken),
            AdminRoute(.get, "/v1/tools", .listTools),
            AdminRoute(.post, "/v1/tools/approvals", .approveTool),
            AdminRoute(.post, "/v1/explain", .explain),
            AdminRoute(.get, "/v1/openapi.json", .describe),
        ]

    private static func endpoints(_ base: String, _ style: Style) -> [AdminRoute] {
        [
            AdminRoute(.get, base, .listEndpoints, style),
            AdminRoute(.post, base, .createEndpoint, style),
            AdminRoute(.get, "\(base)/{id}", .readEndpoint, style),
            AdminRoute(.other("PATCH"), "\(base)/{id}", .changeEndpoint, style),
            AdminRoute(.delete, "\(base)/{id}", .deleteEndpoint, style),
            AdminRoute(.post, "\(base)/{id}/rotate", .rotateEndpoint, style),
        ]
    }

    /// The route of a request, with what stands in the template's places. HEAD is served as GET.
    static func find(_ head: RequestHead) throws(AdminError) -> (route: AdminRoute, places: [String: ByteString]) {
        var allowed: [String] = []
        for route in table {
            guard let places = route.places(in: head.path) else { continue }
            if route.method == head.method || route.method == .get && head.method == .head { return (route, places) }
            allowed.append(route.method.name.text)
            if route.method == .get { allowed.append("HEAD") }
        }
        guard allowed.isEmpty else {
            let list = allowed.joined(separator: ", ")
            throw AdminError(405, "this address takes \(list)", fields: [("allow", list)])
        }
        throw AdminError(404, "there is nothing at this address")
    }

    /// What stands in the places; nothing when the path is another one. No escape is undone: upstreams' names and ids need
    /// none, and an address has one spelling.
    private func places(in path: ByteString) -> [String: ByteString]? {
        let parts = path.bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        let wanted = template.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == wanted.count else { return nil }
        var places: [String: ByteString] = [:]
        for (part, word) in zip(parts, wanted) {
            if word.hasPrefix("{") {
                guard !part.isEmpty else { return nil }
                places[String(word.dropFirst().dropLast())] = ByteString(part)
            } else if !part.elementsEqual(word.utf8) {
                return nil
            }
        }
        return places
    }
}

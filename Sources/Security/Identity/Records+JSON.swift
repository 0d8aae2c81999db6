public import Bytes
public import JSON
internal import System

// The records as the admin API and `--json` show them, and as Truto's bodies ask for them (reference/torii.md 1.1).

extension Endpoint {
    /// Writes the record as one object.
    ///
    /// - Parameters:
    ///   - upstreamField: what the upstream is called: `upstream`, or `integrated_account_id` for Truto's callers.
    ///   - secret: the token and the URL with it, in the one answer that shows them.
    public func encode(
        into writer: inout JSONWriter, upstreamField: String = "upstream",
        secret: (token: ByteString, url: ByteString)? = nil
    ) {
        writer.beginObject()
        writer.member("id", id.text)
        writer.member("name", name)
        writer.member(upstreamField, upstream)
        writer.key("config")
        config.encode(into: &writer)
        writer.member("created_by", createdBy)
        writer.member("expires_at", expiresAt)
        writer.member("created_at", createdAt)
        writer.member("updated_at", updatedAt)
        if let secret {
            writer.member("token", secret.token)
            writer.member("url", secret.url)
        }
        writer.endObject()
    }
}

extension EndpointConfig {
    fileprivate func encode(into writer: inout JSONWriter) {
        writer.beginObject()
        for (name, words) in [("methods", methods), ("tags", tags), ("tools", tools)] {
            guard let words else { continue }
            writer.key(name)
            writer.value(.array(words.map { .string($0) }))
        }
        if let policy { writer.member("policy", policy) }
        writer.key("require_api_token_auth")
        writer.bool(requireAPITokenAuth)
        writer.endObject()
    }
}

extension APIToken {
    /// Writes the record as one object, with its secret in the one answer that shows it.
    public func encode(into writer: inout JSONWriter, secret: ByteString? = nil) {
        writer.beginObject()
        writer.member("id", id.text)
        writer.member("name", name)
        writer.member("subject", subject)
        writer.key("groups")
        writer.value(.array(groups.sorted().map { .string($0) }))
        writer.key("endpoints")
        writer.value(.array(endpoints.map(\.text).sorted().map { .string($0) }))
        writer.key("upstreams")
        writer.value(.array(upstreams.sorted().map { .string($0) }))
        writer.member("kind", ByteString(kind.rawValue))
        writer.member("created_by", createdBy)
        writer.member("expires_at", expiresAt)
        writer.member("created_at", createdAt)
        writer.member("revoked_at", revokedAt)
        if let secret { writer.member("token", secret) }
        writer.endObject()
    }
}

extension EndpointDraft {
    /// Reads `{name, config?, expires_at?}`. Names it does not know are mistakes.
    public init(json document: JSONDocument, upstream: ByteString) throws(StateFailure) {
        let body = BodyReader(document)
        try body.checkNames(["name", "config", "expires_at"])
        guard let name = try body.text("name") else { throw StateFailure(.invalid, field: "name", "name is required") }
        var change = EndpointChange()
        try change.readConfig(body)
        self.init(
            name: name, upstream: upstream, config: change.applied(to: EndpointConfig()),
            expiresAt: try body.time("expires_at").applied(to: nil))
    }
}

extension EndpointChange {
    /// Reads `{name?, config?, expires_at?}`: what is not mentioned stays, also within `config`; null clears.
    public init(json document: JSONDocument) throws(StateFailure) {
        self.init()
        let body = BodyReader(document)
        try body.checkNames(["name", "config", "expires_at"])
        if let name = try body.text("name") { self.name = .set(name) }
        expiresAt = try body.time("expires_at")
        try readConfig(body)
    }

    fileprivate mutating func readConfig(_ body: BodyReader) throws(StateFailure) {
        guard let config = try body.object("config") else { return }
        let names = ["methods", "tags", "tools", "policy", "require_api_token_auth", "tool_exposure"]
        try config.checkNames(names)
        methods = try config.texts("methods")
        tags = try config.texts("tags")
        tools = try config.texts("tools")
        policy = try config.textOrNull("policy")
        requireAPITokenAuth = try config.bool("require_api_token_auth")
        // Truto's newest bodies may carry it. Its other value would hide the tools behind three generic ones.
        if let exposure = try config.text("tool_exposure"), exposure != "all" {
            throw StateFailure(.invalid, field: "config.tool_exposure", "only \"all\" is supported")
        }
    }
}

extension APITokenDraft {
    /// Reads `{name, subject, groups?, endpoints?, upstreams?, kind?, expires_at?}`.
    public init(json document: JSONDocument) throws(StateFailure) {
        let body = BodyReader(document)
        try body.checkNames(["name", "subject", "groups", "endpoints", "upstreams", "kind", "expires_at"])
        guard let name = try body.text("name") else { throw StateFailure(.invalid, field: "name", "name is required") }
        guard let subject = try body.text("subject") else {
            throw StateFailure(.invalid, field: "subject", "subject is required")
        }
        var endpoints: Set<EndpointID> = []
        for text in try body.texts("endpoints").applied(to: nil) ?? [] {
            guard let id = EndpointID(text) else {
                throw StateFailure(.invalid, field: "endpoints", "an endpoint's id is a UUID")
            }
            endpoints.insert(id)
        }
        guard let kind = APIToken.Kind(rawValue: (try body.text("kind") ?? "opaque").text) else {
            throw StateFailure(.invalid, field: "kind", "kind is opaque or signed")
        }
        self.init(
            name: name, subject: subject, groups: Set(try body.texts("groups").applied(to: nil) ?? []),
            endpoints: endpoints, upstreams: Set(try body.texts("upstreams").applied(to: nil) ?? []), kind: kind,
            expiresAt: try body.time("expires_at").applied(to: nil))
    }
}

extension AdminToken {
    /// Writes the record as one object, with its secret in the one answer that shows it.
    public func encode(into writer: inout JSONWriter, secret: ByteString? = nil) {
        writer.beginObject()
        writer.member("id", id.text)
        writer.member("name", name)
        writer.member("role", ByteString(role.rawValue))
        writer.member("created_by", createdBy)
        writer.member("expires_at", expiresAt)
        writer.member("created_at", createdAt)
        writer.member("revoked_at", revokedAt)
        if let secret { writer.member("token", secret) }
        writer.endObject()
    }
}

extension AdminTokenDraft {
    /// Reads `{name, role, expires_at?}`.
    public init(json document: JSONDocument) throws(StateFailure) {
        let body = BodyReader(document)
        try body.checkNames(["name", "role", "expires_at"])
        guard let name = try body.text("name") else { throw StateFailure(.invalid, field: "name", "name is required") }
        guard let role = AdminRole(rawValue: (try body.text("role"))?.text ?? "") else {
            throw StateFailure(.invalid, field: "role", "role is required: admin, operator or reviewer")
        }
        self.init(name: name, role: role, expiresAt: try body.time("expires_at").applied(to: nil))
    }
}

extension JSONWriter {
    fileprivate mutating func member(_ name: String, _ text: ByteString) {
        key(name)
        string(text)
    }

    fileprivate mutating func member(_ name: String, _ time: WallTime?) {
        key(name)
        guard let time else { return null() }
        string(time.rfc3339(fractionDigits: 3))
    }
}

internal import Bytes
internal import JSON
internal import SQLite
internal import System

/// An endpoint as the database holds it.
struct EndpointRecord: Sendable {
    let endpoint: Endpoint
    let secretHMAC: [UInt8]
    /// Grows with each change that a caller would notice; a new name is none.
    let revision: Int64

    static let selectAll: StaticString = """
        SELECT id, name, upstream, methods, tags, tools, policy, require_api_token_auth, expires_at, created_at,
               updated_at, created_by, secret_hmac, revision FROM endpoints
        """
    static let selectOne: StaticString = """
        SELECT id, name, upstream, methods, tags, tools, policy, require_api_token_auth, expires_at, created_at,
               updated_at, created_by, secret_hmac, revision FROM endpoints WHERE id = ?1
        """

    /// Reads the row that a statement stands on. A row that is no endpoint is a failure: nobody is let in by it.
    init(row: borrowing Statement) throws(StateFailure) {
        guard let id = row.text(0).flatMap({ EndpointID($0) }), let name = row.text(1), let upstream = row.text(2),
            let needsToken = row.integer(7), let createdAt = row.integer(9), let updatedAt = row.integer(10),
            let createdBy = row.text(11), let secret = row.blob(12), let revision = row.integer(13)
        else { throw StateFailure(.damaged, "an endpoint's record is damaged") }
        let config = EndpointConfig(
            methods: try row.text(3).map(texts), tags: try row.text(4).map(texts), tools: try row.text(5).map(texts),
            policy: row.text(6), requireAPITokenAuth: needsToken != 0)
        self.endpoint = Endpoint(
            id: id, name: name, upstream: upstream, config: config,
            expiresAt: row.integer(8).map { WallTime(nanoseconds: $0) }, createdAt: WallTime(nanoseconds: createdAt),
            updatedAt: WallTime(nanoseconds: updatedAt), createdBy: createdBy)
        self.secretHMAC = secret
        self.revision = revision
    }
}

/// An API token as the database holds it.
struct APITokenRecord: Sendable {
    let token: APIToken
    /// Nothing for a signed one.
    let secretHMAC: [UInt8]?
    let revision: Int64

    static let selectAll: StaticString = """
        SELECT id, name, subject, groups, endpoints, upstreams, kind, expires_at, created_at, created_by, revoked_at,
               secret_hmac, revision FROM api_tokens ORDER BY created_at, id
        """
    static let selectOne: StaticString = """
        SELECT id, name, subject, groups, endpoints, upstreams, kind, expires_at, created_at, created_by, revoked_at,
               secret_hmac, revision FROM api_tokens WHERE id = ?1
        """

    /// Reads the row that a statement stands on.
    init(row: borrowing Statement) throws(StateFailure) {
        guard let id = row.text(0).flatMap({ TokenID($0) }), let name = row.text(1), let subject = row.text(2),
            let groups = row.text(3), let endpoints = row.text(4), let upstreams = row.text(5),
            let kind = row.text(6).flatMap({ APIToken.Kind(rawValue: $0.text) }), let createdAt = row.integer(8),
            let createdBy = row.text(9), let revision = row.integer(12)
        else { throw StateFailure(.damaged, "an API token's record is damaged") }
        self.token = APIToken(
            id: id, name: name, subject: subject, groups: Set(try texts(groups)),
            endpoints: Set(try texts(endpoints).compactMap { EndpointID($0) }), upstreams: Set(try texts(upstreams)),
            kind: kind, expiresAt: row.integer(7).map { WallTime(nanoseconds: $0) },
            createdAt: WallTime(nanoseconds: createdAt), createdBy: createdBy,
            revokedAt: row.integer(10).map { WallTime(nanoseconds: $0) })
        self.secretHMAC = row.blob(11)
        self.revision = revision
    }
}

/// The texts of a JSON array.
private func texts(_ json: ByteString) throws(StateFailure) -> [ByteString] {
    guard let document = try? JSONDocument(parsing: json.bytes), document.kind(document.root) == .array else {
        throw StateFailure(.damaged, "a list in a record is damaged")
    }
    let texts = document.elements(of: document.root).map { document.string($0) }
    guard !texts.contains(nil) else { throw StateFailure(.damaged, "a list in a record is damaged") }
    return texts.compactMap { $0 }
}

/// A JSON array of texts, for the database.
func list(_ texts: some Sequence<ByteString>) -> SQLiteValue {
    .text(ByteString(JSONValue.array(texts.map { .string($0) }).encoded()))
}

/// A JSON array of texts, or null.
func list(_ texts: [ByteString]?) -> SQLiteValue {
    texts.map { list($0[...]) } ?? .null
}

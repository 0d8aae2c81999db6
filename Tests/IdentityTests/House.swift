import Bytes
import HTTP
import JOSE
import JSON
import OpenSSL
import System

@testable import Identity

/// A folder with keys and records that lives as long as its test.
final class House {
    let folder: String
    let settings: StateSettings
    let store: StateStore

    static let publicURL: ByteString = "https://mcp.example.com"

    init() throws {
        folder = try Files.makeTemporaryFolder(prefix: "komainu-identity-")
        settings = StateSettings(
            database: folder + "/state.db", tokenKey: folder + "/token.key", signingKey: folder + "/signing.key",
            publicURL: House.publicURL)
        try KeyFile.create(settings.tokenKey)
        try KeyFile.create(folder + "/signing.key")
        store = try StateStore(settings)
    }

    deinit {
        try? Files.removeTree(folder)
    }

    func registry(_ issuers: [TokenIssuer] = [], staleAfter: Duration = .seconds(10)) throws -> IdentityRegistry {
        var identity = IdentitySettings(state: settings, issuers: issuers)
        identity.pollInterval = .milliseconds(5)
        identity.staleAfter = staleAfter
        return try IdentityRegistry(identity)
    }

    /// Makes an endpoint and waits until every registry knows it.
    func endpoint(
        _ config: EndpointConfig = EndpointConfig(), upstream: ByteString = "torii", expiresAt: WallTime? = nil,
        now: WallTime = .now
    ) throws -> Issued<Endpoint> {
        let draft = EndpointDraft(name: "a dashboard", upstream: upstream, config: config, expiresAt: expiresAt)
        return try applied(store.createEndpoint(draft, by: "tests", now: now))
    }

    func token(_ draft: APITokenDraft, now: WallTime = .now) throws -> Issued<APIToken> {
        try applied(store.createAPIToken(draft, by: "tests", now: now))
    }

    @discardableResult
    func applied<Value>(_ change: Changed<Value>) throws -> Value {
        let behind = try store.waitUntilApplied(change.number, within: .seconds(5))
        guard behind.isEmpty else { throw NotApplied() }
        return change.value
    }

    struct NotApplied: Error {}
}

func head(_ fields: (String, String)..., query: ByteString? = nil) -> RequestHead {
    var all = HeaderFields()
    for field in fields { all.add(name: field.0, value: field.1) }
    return RequestHead(method: .post, path: "/mcp", query: query, fields: all)
}

func head(bearing token: ByteString) -> RequestHead {
    head(("Authorization", "Bearer " + token.text))
}

/// Somebody who issues JWTs.
struct Authority {
    let key: SigningKey
    let issuer: ByteString

    init(_ issuer: ByteString = "https://as.example.com") throws {
        key = try SigningKey.ed25519()
        self.issuer = issuer
    }

    func trusted(
        as name: ByteString = "idp", audiences: Set<ByteString> = [], groups: ByteString? = "roles"
    ) throws -> TokenIssuer {
        try TokenIssuer(
            name: name, issuer: issuer, audiences: audiences, algorithms: ["EdDSA"], keys: [key.verificationKey.pem()],
            groupsClaim: groups)
    }

    func token(
        subject: String? = "ada", audience: ByteString, expiresAt: WallTime, roles: JSONValue? = nil
    ) throws -> ByteString {
        var claims = JSONWriter()
        claims.beginObject()
        claims.key("iss")
        claims.string(issuer)
        if let subject {
            claims.key("sub")
            claims.string(subject)
        }
        claims.key("aud")
        claims.string(audience)
        claims.key("exp")
        claims.int(Int(expiresAt.seconds))
        claims.key("scope")
        claims.string("mcp:read mcp:list")
        if let roles {
            claims.key("roles")
            claims.value(roles)
        }
        claims.endObject()
        let signed =
            Base64URL.encode([UInt8](#"{"alg":"EdDSA","typ":"at+jwt"}"#.utf8)) + "."
            + Base64URL.encode(claims.bytes)
        let signature = try key.sign([UInt8](signed.utf8), by: .eddsa)
        return ByteString(signed + "." + Base64URL.encode(signature))
    }
}

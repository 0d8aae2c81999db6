public import Bytes
internal import JSON
internal import OpenSSL

/// What a token that we sign is to say.
public struct TokenDraft: Sendable {
    /// `sub`.
    public var subject: ByteString
    /// `aud`, one or several.
    public var audiences: [ByteString]
    /// `jti`: what it is revoked by.
    public var id: ByteString
    /// `iat` and `nbf`, in seconds since 1970.
    public var issuedAt: Int64
    /// `exp`, in seconds since 1970.
    public var expiresAt: Int64
    /// `groups`; left out when empty.
    public var groups: [ByteString]

    /// A draft.
    public init(
        subject: ByteString, audiences: [ByteString], id: ByteString, issuedAt: Int64, expiresAt: Int64,
        groups: [ByteString] = []
    ) {
        self.subject = subject
        self.audiences = audiences
        self.id = id
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.groups = groups
    }
}

/// Signs tokens with HMAC-SHA-256 under a secret of our own, and gives the key that verifies them.
public struct TokenMinter: Sendable {
    /// `iss` of every token.
    public let issuer: ByteString
    /// What verifies them.
    public let key: TokenKey
    private let secret: [UInt8]
    private let keyID: ByteString

    /// A minter whose secret has at least 32 bytes.
    ///
    /// The `kid` is derived from the secret, so that tokens of an older secret fail as tokens without a key.
    public init(issuer: ByteString, secret: [UInt8]) throws(JOSEFailure) {
        let mark = HKDF.derive(6, from: secret, info: [UInt8]("komainu token kid".utf8))
        self.keyID = ByteString("k-" + Hex.encode(mark))
        self.key = try TokenKey(secret: secret, id: keyID, algorithm: .hs256)
        self.issuer = issuer
        self.secret = secret
    }

    /// The signed token, in compact form.
    public func mint(_ draft: TokenDraft) throws(JOSEFailure) -> ByteString {
        var claims = JSONWriter()
        claims.beginObject()
        claims.key("iss")
        claims.string(issuer)
        claims.key("sub")
        claims.string(draft.subject)
        claims.key("aud")
        claims.value(.array(draft.audiences.map { .string($0) }))
        claims.key("jti")
        claims.string(draft.id)
        for (name, seconds) in [("iat", draft.issuedAt), ("nbf", draft.issuedAt), ("exp", draft.expiresAt)] {
            claims.key(name)
            claims.int(Int(seconds))
        }
        if !draft.groups.isEmpty {
            claims.key("groups")
            claims.value(.array(draft.groups.map { .string($0) }))
        }
        claims.endObject()
        let token = try LibJWT.sign(
            header: [("typ", "JWT"), ("kid", keyID.text)], claims: claims.bytes, secret: secret, algorithm: .hs256)
        // Whatever the library wrote, it must pass our own reader before anybody gets it.
        let read = try CompactToken(token)
        guard read.keyID == keyID, try key.verifies(read) else { throw JOSEFailure(.internalFailure, "minting") }
        return token
    }
}

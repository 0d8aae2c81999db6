public import Bytes
public import OpenSSL

/// A key that may verify tokens, and by which algorithms: our configuration says so, never the token.
public struct TokenKey: Sendable {
    /// The `kid` it goes by; nothing when the operator gave none, then it is tried for any `kid`.
    public let id: ByteString?
    /// What it may verify by; never empty.
    public let algorithms: Set<TokenAlgorithm>
    let material: Material

    enum Material: Sendable {
        /// The key, and its SubjectPublicKeyInfo as libjwt wants it.
        case publicKey(VerificationKey, pem: [UInt8])
        case secret([UInt8])
    }

    /// A public key for those of `algorithms` that suit its kind; at least one must.
    public init(
        _ key: VerificationKey, id: ByteString? = nil, algorithms: some Sequence<SignatureAlgorithm>
    ) throws(JOSEFailure) {
        let suited = algorithms.filter { key.kind.suits($0) }
        guard !suited.isEmpty else { throw JOSEFailure(.unusableKey, "no allowed algorithm suits the key") }
        guard let pem = try? key.pem() else { throw JOSEFailure(.unusableKey, "PEM") }
        self.id = id
        self.algorithms = Set(suited.map { .signature($0) })
        self.material = .publicKey(key, pem: pem)
    }

    /// A secret for one algorithm, at least as long as its hash (RFC 7518 section 3.2) and 32 bytes.
    ///
    /// A PEM text or a JWK is refused: it is a public key in the wrong place, and everybody knows it (RFC 8725 2.1).
    public init(secret: [UInt8], id: ByteString? = nil, algorithm: HMACAlgorithm) throws(JOSEFailure) {
        guard secret.count >= algorithm.byteCount else { throw JOSEFailure(.unusableKey, "the secret is too short") }
        guard secret.count <= 1024 else { throw JOSEFailure(.unusableKey, "the secret is too long") }
        let text = String(decoding: secret, as: UTF8.self)
        guard !text.contains("-----BEGIN"), !text.contains("\"kty\""), !TokenKey.isDERKey(secret) else {
            throw JOSEFailure(.unusableKey, "a public key is no secret")
        }
        self.id = id
        self.algorithms = [.authentication(algorithm)]
        self.material = .secret(secret)
    }

    /// Whether the bytes read as DER: SEQUENCE, and a length that is exactly the rest.
    private static func isDERKey(_ bytes: [UInt8]) -> Bool {
        guard bytes.first == 0x30 else { return false }
        switch bytes[1] {
        case ..<0x80: return Int(bytes[1]) == bytes.count - 2
        case 0x81: return Int(bytes[2]) == bytes.count - 3
        case 0x82: return Int(bytes[2]) << 8 | Int(bytes[3]) == bytes.count - 4
        default: return false
        }
    }
}

internal import COpenSSL

/// The signature algorithms of RFC 7518 section 3.1 and RFC 8037 that a public key can verify.
public enum SignatureAlgorithm: String, CaseIterable, Hashable, Sendable {
    /// RSASSA-PKCS1-v1_5.
    case rs256 = "RS256"
    /// RSASSA-PKCS1-v1_5.
    case rs384 = "RS384"
    /// RSASSA-PKCS1-v1_5.
    case rs512 = "RS512"
    /// RSASSA-PSS, the salt as long as the hash.
    case ps256 = "PS256"
    /// RSASSA-PSS, the salt as long as the hash.
    case ps384 = "PS384"
    /// RSASSA-PSS, the salt as long as the hash.
    case ps512 = "PS512"
    /// ECDSA on P-256.
    case es256 = "ES256"
    /// ECDSA on P-384.
    case es384 = "ES384"
    /// ECDSA on P-521.
    case es512 = "ES512"
    /// Ed25519; Ed448 is not supported.
    case eddsa = "EdDSA"

    fileprivate var digest: String? {
        switch self {
        case .rs256, .ps256, .es256: "SHA256"
        case .rs384, .ps384, .es384: "SHA384"
        case .rs512, .ps512, .es512: "SHA512"
        case .eddsa: nil
        }
    }

    fileprivate var isPSS: Bool {
        switch self {
        case .ps256, .ps384, .ps512: true
        default: false
        }
    }
}

extension KeyKind {
    /// Whether a key of this kind may verify by `algorithm`. An elliptic curve goes with one algorithm only.
    public func suits(_ algorithm: SignatureAlgorithm) -> Bool {
        switch algorithm {
        case .rs256, .rs384, .rs512, .ps256, .ps384, .ps512: if case .rsa = self { true } else { false }
        case .es256: self == .ellipticCurve(.p256)
        case .es384: self == .ellipticCurve(.p384)
        case .es512: self == .ellipticCurve(.p521)
        case .eddsa: self == .ed25519
        }
    }
}

extension VerificationKey {
    /// Whether `signature` is this key's over `message` by `algorithm`. Anything wrong, an algorithm that does not suit
    /// the key and a failure inside OpenSSL included, is a no.
    ///
    /// ECDSA signatures are r and s side by side, each as long as the curve's coordinates (RFC 7518 section 3.4).
    public func isValid(_ signature: [UInt8], for message: [UInt8], by algorithm: SignatureAlgorithm) -> Bool {
        guard kind.suits(algorithm), let encoded = encodedForOpenSSL(signature) else { return false }
        defer { ERR_clear_error() }
        guard let context = try? SignatureContext() else { return false }
        var parameters: OpaquePointer?
        guard
            unsafe EVP_DigestVerifyInit_ex(
                context.raw, &parameters, algorithm.digest, nil, nil, handle.raw, nil) == 1,
            unsafe SignatureContext.setPadding(of: parameters, for: algorithm)
        else { return false }
        return unsafe EVP_DigestVerify(context.raw, encoded, encoded.count, message, message.count) == 1
    }

    private func encodedForOpenSSL(_ signature: [UInt8]) -> [UInt8]? {
        switch kind {
        case .rsa(let bits): return signature.count == (bits + 7) / 8 ? signature : nil
        case .ed25519: return signature.count == 64 ? signature : nil
        case .ellipticCurve(let curve):
            let half = curve.coordinateBytes
            guard signature.count == 2 * half else { return nil }
            return DER.signature(r: signature[..<half], s: signature[half...])
        }
    }
}

extension SigningKey {
    /// The signature over `message` by `algorithm`, in JOSE's form (see ``VerificationKey/isValid(_:for:by:)``).
    public func sign(_ message: [UInt8], by algorithm: SignatureAlgorithm) throws(OpenSSLFailure) -> [UInt8] {
        guard verificationKey.kind.suits(algorithm) else {
            throw OpenSSLFailure(call: "the key cannot sign by \(algorithm.rawValue)")
        }
        let context = try SignatureContext()
        var parameters: OpaquePointer?
        try attempt("EVP_DigestSignInit_ex") {
            unsafe EVP_DigestSignInit_ex(context.raw, &parameters, algorithm.digest, nil, nil, handle.raw, nil) == 1
                && SignatureContext.setPadding(of: parameters, for: algorithm)
        }
        var output = [UInt8](repeating: 0, count: 1100)
        var count = output.count
        try attempt("EVP_DigestSign") {
            unsafe EVP_DigestSign(context.raw, &output, &count, message, message.count) == 1
        }
        let signature = [UInt8](output.prefix(count))
        guard case .ellipticCurve(let curve) = verificationKey.kind else { return signature }
        guard let raw = DER.numbers(ofSignature: signature, each: curve.coordinateBytes) else {
            throw OpenSSLFailure(call: "OpenSSL wrote an ECDSA signature that does not fit its curve")
        }
        return raw
    }
}

/// Owns one `EVP_MD_CTX` for one signature.
@safe private struct SignatureContext: ~Copyable {
    let raw: OpaquePointer

    init() throws(OpenSSLFailure) {
        unsafe raw = try made("EVP_MD_CTX_new") { unsafe EVP_MD_CTX_new() }
    }

    deinit {
        unsafe EVP_MD_CTX_free(raw)
    }

    /// `parameters` belongs to the context that it configures.
    static func setPadding(of parameters: OpaquePointer?, for algorithm: SignatureAlgorithm) -> Bool {
        guard algorithm.isPSS else { return true }
        return unsafe EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1
            && EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1
    }
}

internal import COpenSSL

/// The elliptic curves of RFC 7518 section 6.2.1.1.
public enum EllipticCurve: String, CaseIterable, Hashable, Sendable {
    /// NIST P-256, also prime256v1.
    case p256 = "P-256"
    /// NIST P-384, also secp384r1.
    case p384 = "P-384"
    /// NIST P-521, also secp521r1.
    case p521 = "P-521"

    /// The length of a coordinate, and of r and of s in a signature, in bytes.
    public var coordinateBytes: Int {
        switch self {
        case .p256: 32
        case .p384: 48
        case .p521: 66
        }
    }

    var groupName: String {
        switch self {
        case .p256: "prime256v1"
        case .p384: "secp384r1"
        case .p521: "secp521r1"
        }
    }
}

/// What a key is, which bounds what it may verify.
public enum KeyKind: Hashable, Sendable {
    /// RSA with a modulus of so many bits.
    case rsa(bits: Int)
    /// An elliptic curve key.
    case ellipticCurve(EllipticCurve)
    /// Ed25519 (RFC 8032).
    case ed25519
}

/// A public key that was checked when it was made: a known kind, big enough, a point on its curve.
///
/// Floors: RSA of 2,048 to 8,192 bits with an exponent above 2^16 (FIPS 186-5) and not of the ROCA kind
/// (CVE-2017-15361); P-256, P-384, P-521; Ed25519. Anything else fails here rather than at the first token.
public struct VerificationKey: Sendable {
    /// What this key is.
    public let kind: KeyKind
    let handle: KeyHandle

    /// Reads a SubjectPublicKeyInfo (`BEGIN PUBLIC KEY`) or a certificate. A private key is refused: it has no
    /// business where signatures are only verified.
    public init(pem: [UInt8]) throws(OpenSSLFailure) {
        guard !String(decoding: pem, as: UTF8.self).contains("PRIVATE KEY-----") else {
            throw OpenSSLFailure(call: "a private key where a public one belongs")
        }
        try self.init(checking: KeyHandle.reading(publicPEM: pem))
    }

    /// An RSA key of its two numbers, big-endian (RFC 7518 section 6.3.1).
    public init(rsaModulus modulus: [UInt8], exponent: [UInt8]) throws(OpenSSLFailure) {
        guard modulus.count <= 1025, exponent.count <= 8 else { throw OpenSSLFailure(call: "an RSA key too long") }
        try self.init(checking: KeyHandle.reading(publicDER: DER.rsaKey(modulus: modulus, exponent: exponent)))
    }

    /// An elliptic curve key of its affine coordinates, each exactly as long as the curve's (RFC 7518 section 6.2.1).
    public init(curve: EllipticCurve, x: [UInt8], y: [UInt8]) throws(OpenSSLFailure) {
        guard x.count == curve.coordinateBytes, y.count == curve.coordinateBytes else {
            throw OpenSSLFailure(call: "coordinates of another length than the curve's")
        }
        try self.init(checking: KeyHandle.reading(publicDER: DER.curveKey(curve, point: [4] + x + y)))
    }

    /// An Ed25519 key of its 32 bytes (RFC 8037).
    public init(ed25519 bytes: [UInt8]) throws(OpenSSLFailure) {
        guard bytes.count == 32 else { throw OpenSSLFailure(call: "an Ed25519 key that is not 32 bytes long") }
        let raw = unsafe try made("EVP_PKEY_new_raw_public_key") {
            unsafe EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, bytes, bytes.count)
        }
        try self.init(checking: unsafe KeyHandle(owning: raw))
    }

    init(checking handle: KeyHandle) throws(OpenSSLFailure) {
        self.kind = try handle.checkedKind()
        self.handle = handle
    }

    /// The key as SubjectPublicKeyInfo in PEM.
    public func pem() throws(OpenSSLFailure) -> [UInt8] {
        try handle.publicPEM()
    }

    /// The 32 bytes of an Ed25519 key, nothing for another kind.
    public var ed25519Bytes: [UInt8]? {
        guard kind == .ed25519 else { return nil }
        return handle.rawPublicBytes()
    }
}

/// A private key that signs.
public struct SigningKey: Sendable {
    /// The key that verifies what this one signs.
    public let verificationKey: VerificationKey
    let handle: KeyHandle

    /// Reads an unencrypted private key in PEM.
    public init(pem: [UInt8]) throws(OpenSSLFailure) {
        try self.init(checking: KeyHandle.reading(privatePEM: pem))
    }

    /// An Ed25519 key of its 32 secret bytes (RFC 8032 section 5.1.5).
    public init(ed25519Seed seed: [UInt8]) throws(OpenSSLFailure) {
        guard seed.count == 32 else { throw OpenSSLFailure(call: "an Ed25519 seed that is not 32 bytes long") }
        let raw = unsafe try made("EVP_PKEY_new_raw_private_key") {
            unsafe EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count)
        }
        try self.init(checking: unsafe KeyHandle(owning: raw))
    }

    /// A fresh Ed25519 key.
    public static func ed25519() throws(OpenSSLFailure) -> SigningKey {
        try SigningKey(ed25519Seed: Random.bytes(32))
    }

    /// A fresh elliptic curve key.
    public static func ellipticCurve(_ curve: EllipticCurve) throws(OpenSSLFailure) -> SigningKey {
        unsafe try SigningKey(
            checking: KeyHandle.fresh("EC") { context in
                unsafe EVP_PKEY_CTX_set_group_name(context, curve.groupName)
            })
    }

    /// A fresh RSA key of `bits` bits, 2,048 to 8,192. Takes from a tenth of a second to many.
    public static func rsa(bits: Int) throws(OpenSSLFailure) -> SigningKey {
        guard (2048...8192).contains(bits) else { throw OpenSSLFailure(call: "an RSA key of \(bits) bits") }
        return unsafe try SigningKey(
            checking: KeyHandle.fresh("RSA") { context in
                unsafe EVP_PKEY_CTX_set_rsa_keygen_bits(context, Int32(bits))
            })
    }

    private init(checking handle: KeyHandle) throws(OpenSSLFailure) {
        self.verificationKey = try VerificationKey(checking: handle)
        self.handle = handle
    }

    /// The private key as PKCS #8 in PEM, not encrypted: for a file that only its owner may read.
    public func pem() throws(OpenSSLFailure) -> [UInt8] {
        try handle.privatePEM()
    }
}

extension KeyHandle {
    /// The kind, when this is a key we are willing to trust a signature of.
    fileprivate func checkedKind() throws(OpenSSLFailure) -> KeyKind {
        switch unsafe EVP_PKEY_get_base_id(raw) {
        case EVP_PKEY_RSA: return try checkedRSA()
        case EVP_PKEY_EC: return try checkedCurve()
        case EVP_PKEY_ED25519: return .ed25519
        default: throw OpenSSLFailure(call: "a key of a kind that is not supported")
        }
    }

    private func checkedRSA() throws(OpenSSLFailure) -> KeyKind {
        let bits = Int(unsafe EVP_PKEY_get_bits(raw))
        guard (2048...8192).contains(bits) else { throw OpenSSLFailure(call: "an RSA key of \(bits) bits") }
        let modulus = try BigNumber(OSSL_PKEY_PARAM_RSA_N, of: self)
        let exponent = try BigNumber(OSSL_PKEY_PARAM_RSA_E, of: self)
        guard modulus.isOdd, exponent.isOdd, (17...64).contains(exponent.bits) else {
            throw OpenSSLFailure(call: "an RSA key whose exponent is even, longer than 64 bits, or below 65537")
        }
        guard !modulus.looksLikeROCA else { throw OpenSSLFailure(call: "an RSA key of the ROCA kind") }
        return .rsa(bits: bits)
    }

    private func checkedCurve() throws(OpenSSLFailure) -> KeyKind {
        let name = unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer -> String? in
            unsafe buffer.initialize(repeating: 0)
            guard unsafe EVP_PKEY_get_group_name(raw, buffer.baseAddress, buffer.count, nil) == 1 else { return nil }
            return unsafe buffer.baseAddress.map { unsafe String(cString: $0) }
        }
        guard let curve = EllipticCurve.allCases.first(where: { $0.groupName == name }) else {
            throw OpenSSLFailure(call: "a key on a curve that is not supported")
        }
        let context = try KeyContext(self)
        try attempt("EVP_PKEY_public_check") { unsafe EVP_PKEY_public_check(context.raw) == 1 }
        return .ellipticCurve(curve)
    }

    /// A public key out of a SubjectPublicKeyInfo, with nothing after it.
    fileprivate static func reading(publicDER der: [UInt8]) throws(OpenSSLFailure) -> KeyHandle {
        let raw = unsafe try made("d2i_PUBKEY") {
            unsafe der.withUnsafeBufferPointer { der -> OpaquePointer? in
                var start = der.baseAddress
                guard let key = unsafe d2i_PUBKEY(nil, &start, der.count) else { return nil }
                if unsafe start == der.baseAddress.map({ unsafe $0 + der.count }) { return unsafe key }
                unsafe EVP_PKEY_free(key)
                return nil
            }
        }
        return unsafe KeyHandle(owning: raw)
    }

    /// A fresh key of the algorithm that OpenSSL calls `name`.
    fileprivate static func fresh(
        _ name: String, _ configure: (OpaquePointer) -> Int32
    ) throws(OpenSSLFailure) -> KeyHandle {
        let context = try KeyContext(named: name)
        try attempt("EVP_PKEY_keygen_init") { unsafe EVP_PKEY_keygen_init(context.raw) == 1 }
        try attempt("EVP_PKEY_CTX_set") { unsafe configure(context.raw) == 1 }
        let raw = unsafe try made("EVP_PKEY_generate") {
            var key: OpaquePointer?
            return unsafe EVP_PKEY_generate(context.raw, &key) == 1 ? key : nil
        }
        return unsafe KeyHandle(owning: raw)
    }

    fileprivate func rawPublicBytes() -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 32)
        var count = bytes.count
        guard unsafe EVP_PKEY_get_raw_public_key(raw, &bytes, &count) == 1, count == 32 else { return nil }
        return bytes
    }
}

/// Owns one `EVP_PKEY_CTX`.
@safe private struct KeyContext: ~Copyable {
    let raw: OpaquePointer

    init(_ key: KeyHandle) throws(OpenSSLFailure) {
        unsafe raw = try made("EVP_PKEY_CTX_new") { unsafe EVP_PKEY_CTX_new_from_pkey(nil, key.raw, nil) }
    }

    init(named name: String) throws(OpenSSLFailure) {
        unsafe raw = try made("EVP_PKEY_CTX_new") { unsafe EVP_PKEY_CTX_new_from_name(nil, name, nil) }
    }

    deinit {
        unsafe EVP_PKEY_CTX_free(raw)
    }
}

/// Owns one `BIGNUM` that was read out of a key.
@safe private struct BigNumber: ~Copyable {
    private let raw: OpaquePointer

    init(_ parameter: String, of key: KeyHandle) throws(OpenSSLFailure) {
        unsafe raw = try made("EVP_PKEY_get_bn_param") {
            var number: OpaquePointer?
            return unsafe EVP_PKEY_get_bn_param(key.raw, parameter, &number) == 1 ? number : nil
        }
    }

    deinit {
        unsafe BN_free(raw)
    }

    var bits: Int { Int(unsafe BN_num_bits(raw)) }
    var isOdd: Bool { unsafe BN_is_odd(raw) == 1 }

    /// Whether the number is a power of 65537 modulo every small prime, as the moduli of Infineon's broken generator
    /// are (CVE-2017-15361, "The Return of Coppersmith's Attack", section 4). A sound key passes by chance once in 2^27.
    var looksLikeROCA: Bool {
        [
            3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101, 103, 107,
            109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
        ].allSatisfy { (prime: UInt) in
            let rest = UInt(unsafe BN_mod_word(raw, UInt(prime)))
            var power: UInt = 1
            for _ in 0..<prime {
                if power == rest { return true }
                power = power * 65537 % prime
            }
            return false
        }
    }
}

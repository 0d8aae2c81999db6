internal import Bytes
internal import CJWT
internal import Glibc
internal import OpenSSL

/// The only caller of libjwt.
///
/// libjwt 1.10.2 believes the token about its algorithm, takes no key for "do not verify", reads base64 and JSON loosely
/// and copies the token to its stack. So here: the token was read strictly and is short, its algorithm was found among
/// those that the configuration binds to the key, the key is never missing, and a secret never goes with a token that a
/// public key should verify.
enum LibJWT {
    static func verifies(_ token: CompactToken, with key: TokenKey) throws(JOSEFailure) -> Bool {
        guard let expected = token.algorithm.libjwt, key.algorithms.contains(token.algorithm) else { return false }
        let material: [UInt8]
        switch (key.material, token.algorithm) {
        case (.publicKey(_, let pem), .signature): material = pem
        case (.secret(let secret), .authentication): material = secret
        default: return false
        }
        guard !material.isEmpty, token.form.text.count <= 64 * 1024, !token.form.text.bytes.contains(0) else {
            throw JOSEFailure(.internalFailure, "libjwt")
        }
        // What OpenSSL says about a wrong signature must not become the reason of somebody else's failure.
        defer { forgetOpenSSLReasons() }
        var decoded: OpaquePointer?
        let code = unsafe jwt_decode(&decoded, token.form.text.text, material, Int32(material.count))
        defer { if unsafe decoded != nil { unsafe jwt_free(decoded) } }
        guard code == 0, unsafe decoded != nil else { return false }
        return unsafe jwt_get_alg(decoded) == expected
    }

    /// Signs a header and claims, each given as one JSON object, with a secret.
    static func sign(
        header: [(name: String, value: String)], claims: [UInt8], secret: [UInt8], algorithm: HMACAlgorithm
    ) throws(JOSEFailure) -> ByteString {
        guard !secret.isEmpty, let expected = TokenAlgorithm.authentication(algorithm).libjwt else {
            throw JOSEFailure(.internalFailure, "libjwt")
        }
        defer { forgetOpenSSLReasons() }
        var made: OpaquePointer?
        guard unsafe jwt_new(&made) == 0, let made = unsafe made else { throw JOSEFailure(.internalFailure, "jwt_new") }
        defer { unsafe jwt_free(made) }
        for field in header {
            guard unsafe jwt_add_header(made, field.name, field.value) == 0 else {
                throw JOSEFailure(.internalFailure, "jwt_add_header")
            }
        }
        guard unsafe jwt_add_grants_json(made, String(decoding: claims, as: UTF8.self)) == 0 else {
            throw JOSEFailure(.internalFailure, "jwt_add_grants_json")
        }
        guard unsafe jwt_set_alg(made, expected, secret, Int32(secret.count)) == 0 else {
            throw JOSEFailure(.internalFailure, "jwt_set_alg")
        }
        guard let text = unsafe jwt_encode_str(made) else { throw JOSEFailure(.internalFailure, "jwt_encode_str") }
        defer { unsafe free(text) }
        return unsafe ByteString(String(cString: text))
    }
}

extension CompactToken {
    /// Whether libjwt can verify it: the RS, ES and HS families, and no type but JWT.
    var isForLibJWT: Bool { form.type == .plain && algorithm.libjwt != nil }
}

extension TokenAlgorithm {
    fileprivate var libjwt: jwt_alg_t? {
        switch self {
        case .signature(.rs256): JWT_ALG_RS256
        case .signature(.rs384): JWT_ALG_RS384
        case .signature(.rs512): JWT_ALG_RS512
        case .signature(.es256): JWT_ALG_ES256
        case .signature(.es384): JWT_ALG_ES384
        case .signature(.es512): JWT_ALG_ES512
        case .authentication(.hs256): JWT_ALG_HS256
        case .authentication(.hs384): JWT_ALG_HS384
        case .authentication(.hs512): JWT_ALG_HS512
        case .signature(.ps256), .signature(.ps384), .signature(.ps512), .signature(.eddsa): nil
        }
    }
}

internal import COpenSSL
internal import COpenSSLShims

/// HMAC-SHA-256 (RFC 2104) under one key, prepared once: each message costs two copies of a hash's state.
public struct HMACSHA256: Sendable {
    private let states: States

    /// The length of a code in bytes.
    public static let byteCount = 32

    /// Prepares `key`, of any length; 32 random bytes are right.
    public init(key: [UInt8]) {
        states = States(key)
    }

    /// The code of `message`, 32 bytes.
    public func authenticate(_ message: [UInt8]) -> [UInt8] {
        authenticate(message.span)
    }

    /// The code of `message`, 32 bytes.
    public func authenticate(_ message: Span<UInt8>) -> [UInt8] {
        unsafe message.withUnsafeBufferPointer { message in
            unsafe written(HMACSHA256.byteCount) { code in
                unsafe komainu_hmac_sha256(states.inner, states.outer, message.baseAddress, message.count, code)
            }
        }
    }

    /// Whether `code` is the code of `message`, taking equally long wherever they differ.
    public func isValid(_ code: [UInt8], for message: [UInt8]) -> Bool {
        guard code.count == HMACSHA256.byteCount else { return false }
        let expected = authenticate(message)
        return unsafe CRYPTO_memcmp(code, expected, HMACSHA256.byteCount) == 0
    }

    /// The hash states after the padded key (RFC 2104 section 4). Only ever copied from, so threads may share them.
    private final class States: Sendable {
        let inner: SHA256_CTX
        let outer: SHA256_CTX

        init(_ key: [UInt8]) {
            let blockBytes = 64
            var padded = key.count > blockBytes ? SHA256.hash(key) : key
            padded.append(contentsOf: repeatElement(0, count: blockBytes - padded.count))
            inner = unsafe komainu_sha256_after(padded.map { $0 ^ 0x36 })
            outer = unsafe komainu_sha256_after(padded.map { $0 ^ 0x5c })
        }
    }
}

/// The HMACs of JOSE (RFC 7518 section 3.2), for messages that come one at a time under many keys.
public enum HMACAlgorithm: String, CaseIterable, Hashable, Sendable {
    /// HMAC with SHA-256.
    case hs256 = "HS256"
    /// HMAC with SHA-384.
    case hs384 = "HS384"
    /// HMAC with SHA-512.
    case hs512 = "HS512"

    /// The length of a code in bytes; a key must be at least as long.
    public var byteCount: Int {
        switch self {
        case .hs256: 32
        case .hs384: 48
        case .hs512: 64
        }
    }

    /// The code of `message` under `key`.
    public func authenticate(_ message: [UInt8], key: [UInt8]) throws(OpenSSLFailure) -> [UInt8] {
        guard !key.isEmpty, let keyCount = Int32(exactly: key.count) else { throw OpenSSLFailure(call: "an HMAC key") }
        let method =
            switch self {
            case .hs256: unsafe EVP_sha256()
            case .hs384: unsafe EVP_sha384()
            case .hs512: unsafe EVP_sha512()
            }
        var code = [UInt8](repeating: 0, count: byteCount)
        try attempt("HMAC") { unsafe HMAC(method, key, keyCount, message, message.count, &code, nil) != nil }
        return code
    }

    /// Whether `code` is the code of `message` under `key`, taking equally long wherever they differ.
    public func isValid(_ code: [UInt8], for message: [UInt8], key: [UInt8]) -> Bool {
        guard code.count == byteCount, let expected = try? authenticate(message, key: key) else { return false }
        return unsafe CRYPTO_memcmp(code, expected, byteCount) == 0
    }
}

/// HKDF with SHA-256 (RFC 5869): keys for separate purposes out of one secret.
public enum HKDF {
    /// Derives `count` bytes, at most 8,160, from `secret`.
    ///
    /// - Parameter info: names the purpose; two purposes never share one.
    public static func derive(_ count: Int, from secret: [UInt8], salt: [UInt8] = [], info: [UInt8]) -> [UInt8] {
        precondition(count > 0 && count <= 255 * SHA256.byteCount, "HKDF gives 1 to 8,160 bytes")
        let pseudorandom = HMACSHA256(key: salt).authenticate(secret)
        let expand = HMACSHA256(key: pseudorandom)
        var output: [UInt8] = []
        var block: [UInt8] = []
        var round: UInt8 = 0
        while output.count < count {
            round += 1
            block = expand.authenticate(block + info + [round])
            output += block
        }
        return [UInt8](output.prefix(count))
    }
}

internal import COpenSSL

/// Authenticated encryption, AES-256-GCM (NIST SP 800-38D): for what is given to somebody who must neither read nor change it, and
/// who gives it back.
///
/// Nonces are random, so one key may seal 2^32 times (SP 800-38D section 8.3); make a key anew at each start.
public struct SealingKey: Sendable {
    private let key: [UInt8]

    /// The length of a key in bytes.
    public static let byteCount = 32
    /// How much longer what is sealed is than what was: a nonce before and a tag behind.
    public static let overhead = nonceBytes + tagBytes

    private static let nonceBytes = 12
    private static let tagBytes = 16

    /// A key of 32 secret bytes; nil for any other number.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == SealingKey.byteCount else { return nil }
        key = bytes
    }

    /// A key that nobody had before.
    public init() throws(OpenSSLFailure) {
        key = try Random.bytes(SealingKey.byteCount)
    }

    /// Seals `plain`: a nonce, the ciphertext, a tag.
    ///
    /// - Parameter context: who and what it is for; it opens only with the very same, which is not part of what is sealed.
    public func seal(_ plain: [UInt8], for context: [UInt8]) throws(OpenSSLFailure) -> [UInt8] {
        let nonce = try Random.bytes(SealingKey.nonceBytes)
        let cipher = try CipherContext()
        try attempt("EVP_EncryptInit_ex") {
            unsafe EVP_EncryptInit_ex(cipher.pointer, EVP_aes_256_gcm(), nil, key, nonce) == 1
        }
        var count: Int32 = 0
        try attempt("EVP_EncryptUpdate") {
            unsafe EVP_EncryptUpdate(cipher.pointer, nil, &count, context, Int32(context.count)) == 1
        }
        var hidden = [UInt8](repeating: 0, count: plain.count)
        try attempt("EVP_EncryptUpdate") {
            unsafe EVP_EncryptUpdate(cipher.pointer, &hidden, &count, plain, Int32(plain.count)) == 1
        }
        var rest: UInt8 = 0
        try attempt("EVP_EncryptFinal_ex") { unsafe EVP_EncryptFinal_ex(cipher.pointer, &rest, &count) == 1 }
        var tag = [UInt8](repeating: 0, count: SealingKey.tagBytes)
        try attempt("EVP_CTRL_AEAD_GET_TAG") {
            unsafe EVP_CIPHER_CTX_ctrl(cipher.pointer, EVP_CTRL_AEAD_GET_TAG, Int32(tag.count), &tag) == 1
        }
        return nonce + hidden + tag
    }

    /// What was sealed under this key for this context; nil for anything else.
    public func open(_ sealed: [UInt8], for context: [UInt8]) -> [UInt8]? {
        guard sealed.count >= SealingKey.overhead, let cipher = try? CipherContext() else { return nil }
        let nonce = Array(sealed.prefix(SealingKey.nonceBytes))
        var tag = Array(sealed.suffix(SealingKey.tagBytes))
        let hidden = Array(sealed[SealingKey.nonceBytes..<sealed.count - SealingKey.tagBytes])
        var plain = [UInt8](repeating: 0, count: hidden.count)
        var count: Int32 = 0
        var rest: UInt8 = 0
        defer { forgetOpenSSLReasons() }
        let isOurs =
            unsafe EVP_DecryptInit_ex(cipher.pointer, EVP_aes_256_gcm(), nil, key, nonce) == 1
            && EVP_DecryptUpdate(cipher.pointer, nil, &count, context, Int32(context.count)) == 1
            && EVP_DecryptUpdate(cipher.pointer, &plain, &count, hidden, Int32(hidden.count)) == 1
            && EVP_CIPHER_CTX_ctrl(cipher.pointer, EVP_CTRL_AEAD_SET_TAG, Int32(tag.count), &tag) == 1
            && EVP_DecryptFinal_ex(cipher.pointer, &rest, &count) == 1
        return isOurs ? plain : nil
    }
}

/// Owns one `EVP_CIPHER_CTX`.
@safe private final class CipherContext {
    let pointer: OpaquePointer

    init() throws(OpenSSLFailure) {
        guard let made = unsafe EVP_CIPHER_CTX_new() else { throw OpenSSLFailure(call: "EVP_CIPHER_CTX_new") }
        unsafe pointer = made
    }

    deinit { unsafe EVP_CIPHER_CTX_free(pointer) }
}

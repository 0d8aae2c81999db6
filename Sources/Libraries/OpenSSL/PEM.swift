internal import COpenSSL

/// Owns one memory `BIO`, freed when this value dies. PEM goes in and out through it.
@safe struct MemoryBuffer: ~Copyable {
    let raw: OpaquePointer

    /// An empty buffer to write into.
    init() throws(OpenSSLFailure) {
        unsafe raw = try made("BIO_new") { unsafe BIO_new(BIO_s_mem()) }
    }

    /// A buffer that gives `bytes`, at most 1 MiB of them.
    static func holding(_ bytes: [UInt8]) throws(OpenSSLFailure) -> MemoryBuffer {
        guard bytes.count <= 1 << 20 else { throw OpenSSLFailure(call: "a PEM text longer than 1 MiB") }
        let buffer = try MemoryBuffer()
        guard !bytes.isEmpty else { return buffer }
        try attempt("BIO_write") { unsafe BIO_write(buffer.raw, bytes, Int32(bytes.count)) == Int32(bytes.count) }
        return buffer
    }

    deinit {
        unsafe BIO_free_all(raw)
    }

    /// What was written so far.
    func contents() -> [UInt8] {
        let pending = unsafe BIO_ctrl_pending(raw)
        guard pending > 0 else { return [] }
        return unsafe [UInt8](unsafeUninitializedCapacity: pending) { output, count in
            count = Int(max(0, unsafe BIO_read(raw, output.baseAddress, Int32(pending))))
        }
    }
}

/// Refuses a pass phrase: without it, OpenSSL would ask for one on the terminal and a daemon would wait for ever.
func noPassphrase(
    _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32, _: UnsafeMutableRawPointer?
) -> Int32 { -1 }

/// Owns one reference to an `EVP_PKEY`. Keys are never changed after they are made, so threads may share them.
@safe final class KeyHandle: @unchecked Sendable {
    let raw: OpaquePointer

    /// Takes over the reference that `raw` holds.
    init(owning raw: OpaquePointer) {
        unsafe self.raw = raw
    }

    deinit {
        unsafe EVP_PKEY_free(raw)
    }

    /// A public key out of a SubjectPublicKeyInfo or a certificate.
    static func reading(publicPEM pem: [UInt8]) throws(OpenSSLFailure) -> KeyHandle {
        let buffer = try MemoryBuffer.holding(pem)
        if let raw = unsafe PEM_read_bio_PUBKEY(buffer.raw, nil, noPassphrase, nil) {
            return unsafe KeyHandle(owning: raw)
        }
        let certificate = try CertificateHandle.reading(pem)
        let raw = unsafe try made("X509_get_pubkey") { unsafe X509_get_pubkey(certificate.raw) }
        return unsafe KeyHandle(owning: raw)
    }

    /// An unencrypted private key.
    static func reading(privatePEM pem: [UInt8]) throws(OpenSSLFailure) -> KeyHandle {
        let buffer = try MemoryBuffer.holding(pem)
        let raw = unsafe try made("PEM_read_bio_PrivateKey") {
            unsafe PEM_read_bio_PrivateKey(buffer.raw, nil, noPassphrase, nil)
        }
        return unsafe KeyHandle(owning: raw)
    }

    func publicPEM() throws(OpenSSLFailure) -> [UInt8] {
        let buffer = try MemoryBuffer()
        try attempt("PEM_write_bio_PUBKEY") { unsafe PEM_write_bio_PUBKEY(buffer.raw, raw) == 1 }
        return buffer.contents()
    }

    func privatePEM() throws(OpenSSLFailure) -> [UInt8] {
        let buffer = try MemoryBuffer()
        try attempt("PEM_write_bio_PKCS8PrivateKey") {
            unsafe PEM_write_bio_PKCS8PrivateKey(buffer.raw, raw, nil, nil, 0, nil, nil) == 1
        }
        return buffer.contents()
    }
}

/// Owns one reference to an `X509`.
@safe final class CertificateHandle: @unchecked Sendable {
    let raw: OpaquePointer

    /// Takes over the reference that `raw` holds.
    init(owning raw: OpaquePointer) {
        unsafe self.raw = raw
    }

    deinit {
        unsafe X509_free(raw)
    }

    static func reading(_ pem: [UInt8]) throws(OpenSSLFailure) -> CertificateHandle {
        let buffer = try MemoryBuffer.holding(pem)
        let raw = unsafe try made("PEM_read_bio_X509") { unsafe PEM_read_bio_X509(buffer.raw, nil, noPassphrase, nil) }
        return unsafe CertificateHandle(owning: raw)
    }

    func pem() throws(OpenSSLFailure) -> [UInt8] {
        let buffer = try MemoryBuffer()
        try attempt("PEM_write_bio_X509") { unsafe PEM_write_bio_X509(buffer.raw, raw) == 1 }
        return buffer.contents()
    }
}

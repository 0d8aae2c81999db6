internal import COpenSSL
internal import COpenSSLShims

/// Owns one `SSL_CTX` with the settings that servers and clients share. Not changed after it is set up, so threads may
/// share it: OpenSSL locks what is left.
@safe final class TLSContextHandle: @unchecked Sendable {
    let raw: OpaquePointer

    init(owning raw: OpaquePointer) {
        unsafe self.raw = raw
    }

    deinit {
        unsafe SSL_CTX_free(raw)
    }

    /// TLS 1.2 and 1.3, forward secrecy and authenticated ciphers only: Mozilla's *intermediate* profile without its
    /// finite-field suites, and the groups of the *modern* one.
    static func make(_ method: OpaquePointer?) throws(OpenSSLFailure) -> TLSContextHandle {
        let raw = unsafe try made("SSL_CTX_new") { unsafe SSL_CTX_new(method) }
        let handle = unsafe TLSContextHandle(owning: raw)
        unsafe SSL_CTX_set_security_level(raw, 2)
        try attempt("SSL_CTX_set_min_proto_version") {
            unsafe komainu_ssl_ctx_set_versions(raw, TLS1_2_VERSION, TLS1_3_VERSION) == 1
        }
        try attempt("SSL_CTX_set_cipher_list") { unsafe SSL_CTX_set_cipher_list(raw, ciphersOfVersion12) == 1 }
        try attempt("SSL_CTX_set_ciphersuites") { unsafe SSL_CTX_set_ciphersuites(raw, ciphersOfVersion13) == 1 }
        try attempt("SSL_CTX_set1_groups_list") {
            unsafe komainu_ssl_ctx_set_groups(raw, "X25519:P-256:P-384") == 1
        }
        unsafe SSL_CTX_set_options(raw, KOMAINU_OPTIONS_OF_BOTH)
        let modes =
            SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS
        unsafe komainu_ssl_ctx_set_mode(raw, Int(modes))
        // One recv for many small records: the session reads until it would block, so nothing is left behind unseen.
        unsafe komainu_ssl_ctx_set_read_ahead(raw)
        return handle
    }

    /// Presents a certificate: `chain` is the leaf and then what leads to the authority, in PEM.
    func present(chain: [UInt8], key: [UInt8]) throws(OpenSSLFailure) {
        let certificates = try CertificateList.reading(chain)
        guard let leaf = certificates.first else { throw OpenSSLFailure(call: "no certificate in the PEM text") }
        try attempt("SSL_CTX_use_certificate") { unsafe SSL_CTX_use_certificate(raw, leaf.raw) == 1 }
        for certificate in certificates.dropFirst() {
            try attempt("SSL_CTX_add1_chain_cert") {
                unsafe komainu_ssl_ctx_add_chain(raw, certificate.raw) == 1
            }
        }
        let privateKey = try KeyHandle.reading(privatePEM: key)
        try attempt("SSL_CTX_use_PrivateKey") { unsafe SSL_CTX_use_PrivateKey(raw, privateKey.raw) == 1 }
        try attempt("SSL_CTX_check_private_key") { unsafe SSL_CTX_check_private_key(raw) == 1 }
    }

    /// Trusts these authorities, in PEM, at least one.
    func trust(_ authorities: [UInt8]) throws(OpenSSLFailure) -> [CertificateHandle] {
        let certificates = try CertificateList.reading(authorities)
        guard !certificates.isEmpty else { throw OpenSSLFailure(call: "no certificate in the PEM text") }
        for certificate in certificates {
            try attempt("X509_STORE_add_cert") {
                unsafe X509_STORE_add_cert(SSL_CTX_get_cert_store(raw), certificate.raw) == 1
            }
        }
        return certificates
    }

    /// RFC 5280 without OpenSSL's leniency, names from subjectAltName only.
    func verifyStrictly() throws(OpenSSLFailure) {
        let parameters = unsafe try made("SSL_CTX_get0_param") { unsafe SSL_CTX_get0_param(raw) }
        try attempt("X509_VERIFY_PARAM_set_flags") {
            unsafe X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_X509_STRICT)) == 1
        }
        unsafe X509_VERIFY_PARAM_set_hostflags(
            parameters, UInt32(X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    }

    /// Verifies as if it were another time (seconds since 1970); for tests of expiry.
    func verify(asOf seconds: Int) {
        guard let parameters = unsafe SSL_CTX_get0_param(raw) else { return }
        unsafe X509_VERIFY_PARAM_set_time(parameters, seconds)
    }

    private static let ciphersOfVersion12 = [
        "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-CHACHA20-POLY1305",
    ].joined(separator: ":")
    private static let ciphersOfVersion13 =
        "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
}

/// The certificates of a PEM text.
enum CertificateList {
    /// All certificates in order, at most 1,000. Text between them is skipped; a broken one fails the whole.
    static func reading(_ pem: [UInt8]) throws(OpenSSLFailure) -> [CertificateHandle] {
        let buffer = try MemoryBuffer.holding(pem)
        var certificates: [CertificateHandle] = []
        while certificates.count < 1_000 {
            ERR_clear_error()
            if let raw = unsafe PEM_read_bio_X509(buffer.raw, nil, noPassphrase, nil) {
                unsafe certificates.append(CertificateHandle(owning: raw))
                continue
            }
            let code = ERR_peek_last_error()
            let reasons = drainedReasons()
            guard komainu_error_reason(code) == PEM_R_NO_START_LINE else {
                throw OpenSSLFailure(call: "PEM_read_bio_X509", reasons: reasons)
            }
            return certificates
        }
        throw OpenSSLFailure(call: "more than 1,000 certificates in the PEM text")
    }
}

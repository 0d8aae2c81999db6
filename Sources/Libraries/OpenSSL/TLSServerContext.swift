internal import COpenSSL
internal import COpenSSLShims

/// What a server asks of its clients' certificates.
public enum ClientCertificates: Sendable {
    /// None is asked for.
    case ignored
    /// One is asked for; who sends none is let in, who sends one that these authorities (PEM) did not sign is not.
    case requested([UInt8])
    /// Without one of these authorities' (PEM) certificates there is no connection.
    case required([UInt8])
}

/// A server's certificate, key and rules, checked when made. Shared by all loops; to reload, make another one and use it for
/// connections that come later.
public final class ServerContext: Sendable {
    let handle: TLSContextHandle

    /// Checks that the key belongs to the certificate.
    ///
    /// - Parameters:
    ///   - chain: the server's certificate and the intermediate ones, in PEM.
    ///   - key: its private key, unencrypted, in PEM.
    ///   - clients: what is asked of clients' certificates.
    ///   - http2: whether clients may have HTTP/2, which is then preferred.
    public init(
        chain: [UInt8], key: [UInt8], clients: ClientCertificates = .ignored, http2: Bool = false
    ) throws(OpenSSLFailure) {
        handle = unsafe try TLSContextHandle.make(TLS_server_method())
        unsafe SSL_CTX_set_options(handle.raw, KOMAINU_OPTIONS_OF_A_SERVER)
        try handle.present(chain: chain, key: key)
        // Resumption by tickets alone: no session is kept here, and a new context's fresh keys end all of them.
        unsafe komainu_ssl_ctx_set_session_cache(handle.raw, Int(SSL_SESS_CACHE_OFF))
        try attempt("SSL_CTX_set_session_id_context") {
            let name = Array("komainu".utf8)
            return unsafe SSL_CTX_set_session_id_context(handle.raw, name, UInt32(name.count)) == 1
        }
        if http2 {
            unsafe SSL_CTX_set_alpn_select_cb(handle.raw, selectEither, nil)
        } else {
            unsafe SSL_CTX_set_alpn_select_cb(handle.raw, selectHTTP1, nil)
        }
        switch clients {
        case .ignored: break
        case .requested(let authorities): try ask(authorities, SSL_VERIFY_PEER)
        case .required(let authorities): try ask(authorities, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT)
        }
    }

    private func ask(_ authorities: [UInt8], _ mode: Int32) throws(OpenSSLFailure) {
        let certificates = try handle.trust(authorities)
        try handle.verifyStrictly()
        for certificate in certificates {
            try attempt("SSL_CTX_add_client_CA") { unsafe SSL_CTX_add_client_CA(handle.raw, certificate.raw) == 1 }
        }
        unsafe SSL_CTX_set_verify(handle.raw, mode, nil)
    }
}

/// The server prefers `h2`, or knows `http/1.1` alone; a client that offers protocols and none of these is refused
/// (RFC 7301 section 3.2). Functions without state, because OpenSSL keeps them and nothing else.
private func selectEither(
    _: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenLength: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    let found = unsafe select("h2", chosen, chosenLength, offered, offeredLength)
    return unsafe found == SSL_TLSEXT_ERR_OK ? found : select("http/1.1", chosen, chosenLength, offered, offeredLength)
}

private func selectHTTP1(
    _: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenLength: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    unsafe select("http/1.1", chosen, chosenLength, offered, offeredLength)
}

private func select(
    _ wanted: StaticString, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenLength: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredLength: UInt32
) -> Int32 {
    let refused = SSL_TLSEXT_ERR_ALERT_FATAL
    guard let chosen = unsafe chosen, let chosenLength = unsafe chosenLength, let offered = unsafe offered
    else { return refused }
    var index = 0
    while index < Int(offeredLength) {
        let length = Int(unsafe offered[index])
        guard index + 1 + length <= Int(offeredLength) else { return refused }
        let name = unsafe offered + index + 1
        if length == wanted.utf8CodeUnitCount, unsafe memcmp(name, wanted.utf8Start, length) == 0 {
            unsafe chosen.pointee = UnsafePointer(name)
            unsafe chosenLength.pointee = UInt8(length)
            return SSL_TLSEXT_ERR_OK
        }
        index += 1 + length
    }
    return refused
}

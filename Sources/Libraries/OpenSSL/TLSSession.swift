internal import COpenSSL
internal import COpenSSLShims

/// One TLS connection over a nonblocking socket that somebody else owns and watches.
///
/// Belongs to one thread. No call blocks: each says how far it came, and what to wait for. After a failure only
/// `close()` and dropping it are allowed. The socket must stay open as long as this lives.
@safe public final class TLSSession {
    private let ssl: OpaquePointer
    private let state: UnsafeMutablePointer<SocketState>
    private let client: ClientContext?
    private let serverName: String
    private var isOpen = false

    /// The server's side of a connection that was accepted on `socket`.
    public convenience init(server context: ServerContext, socket: Int32) throws(OpenSSLFailure) {
        try self.init(context.handle, socket: socket, client: nil, serverName: "")
        unsafe SSL_set_accept_state(ssl)
    }

    /// The client's side of a connection to `serverName`, a DNS name or an IP address, which the server's certificate
    /// must hold.
    public convenience init(
        client context: ClientContext, socket: Int32, serverName: String
    ) throws(OpenSSLFailure) {
        try self.init(context.handle, socket: socket, client: context, serverName: serverName)
        unsafe SSL_set_connect_state(ssl)
        try expect(ServerName(serverName))
        if let session = context.takeSession(for: serverName) {
            try attempt("SSL_set_session") { unsafe SSL_set_session(ssl, session.raw) == 1 }
        }
    }

    private init(
        _ context: TLSContextHandle, socket: Int32, client: ClientContext?, serverName: String
    ) throws(OpenSSLFailure) {
        let ssl = unsafe try made("SSL_new") { unsafe SSL_new(context.raw) }
        guard let bio = unsafe BIO_new(SocketMethod.shared.raw) else {
            unsafe SSL_free(ssl)
            throw OpenSSLFailure(call: "BIO_new", reasons: drainedReasons())
        }
        unsafe self.ssl = ssl
        unsafe state = .allocate(capacity: 1)
        unsafe state.initialize(to: SocketState(socket: socket))
        self.client = client
        self.serverName = serverName
        unsafe BIO_set_data(bio, state)
        unsafe BIO_set_init(bio, 1)
        unsafe SSL_set_bio(ssl, bio, bio)
    }

    deinit {
        // OpenSSL forbids to resume the session of a connection that is freed without a goodbye. One that is merely dropped
        // has done nothing wrong.
        if isOpen { unsafe SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN) }
        unsafe SSL_free(ssl)
        if let session = unsafe state.pointee.newSession { unsafe SSL_SESSION_free(session) }
        unsafe state.deinitialize(count: 1)
        unsafe state.deallocate()
    }

    // MARK: What the one who watches the socket says

    /// The socket became readable, or may be.
    public func socketIsReadable() { unsafe state.pointee.isReadable = true }

    /// The socket became writable, or may be.
    public func socketIsWritable() { unsafe state.pointee.isWritable = true }

    /// The peer has sent its last byte: reads go on until the kernel says so too.
    public func peerHasFinished() {
        unsafe state.pointee.peerFinished = true
        unsafe state.pointee.isReadable = true
    }

    /// Whether a read could find something: the socket may be readable, or bytes that are not decrypted yet are held.
    public var mayHaveBytes: Bool {
        unsafe state.pointee.isReadable || SSL_has_pending(ssl) == 1
    }

    // MARK: The connection

    /// Goes on with the handshake. `.done(0)` when the connection is open and the peer verified.
    public func handshake() throws(TLSFailure) -> TLSProgress {
        clearErrors()
        let result = unsafe SSL_do_handshake(ssl)
        guard result == 1 else { return try outcome(of: result) }
        if client != nil, unsafe SSL_session_reused(ssl) == 0 { try checkServerUsage() }
        isOpen = true
        fetchSession()
        return .done(0)
    }

    /// Appends decrypted bytes, at most `limit` of them.
    public func read(into buffer: inout [UInt8], atMost limit: Int) throws(TLSFailure) -> TLSProgress {
        clearErrors()
        var result: Int32 = 0
        var got = 0
        buffer.append(addingCapacity: limit) { (space: inout OutputSpan<UInt8>) in
            unsafe space.withUnsafeMutableBufferPointer { memory, count in
                result = unsafe SSL_read_ex(ssl, memory.baseAddress, min(limit, memory.count), &got)
                if result == 1 { count += got }
            }
        }
        if unsafe state.pointee.newSession != nil { fetchSession() }
        return result == 1 ? .done(got) : try outcome(of: result)
    }

    /// Encrypts and sends bytes from `start` on; `.done` says how many were taken, at least one. After
    /// `.needsWritable` the same bytes must be given again.
    public func write(_ bytes: [UInt8], from start: Int) throws(TLSFailure) -> TLSProgress {
        clearErrors()
        var sent = 0
        let result = unsafe bytes.withUnsafeBytes { all in
            let rest = unsafe UnsafeRawBufferPointer(rebasing: all[start...])
            return unsafe SSL_write_ex(ssl, rest.baseAddress, rest.count, &sent)
        }
        return result == 1 ? .done(sent) : try outcome(of: result)
    }

    /// Says properly that we send no more (close_notify), if that can be said without waiting. Not after a failure.
    public func close() {
        guard isOpen else { return }
        isOpen = false
        ERR_clear_error()
        unsafe SSL_shutdown(ssl)
        ERR_clear_error()
    }

    // MARK: What was agreed

    /// Whether an earlier session was resumed.
    public var isResumed: Bool { unsafe SSL_session_reused(ssl) == 1 }

    /// Such as `TLSv1.3`.
    public var version: String { unsafe SSL_get_version(ssl).map { unsafe String(cString: $0) } ?? "" }

    /// Whether HTTP/2 was agreed on.
    public var speaksHTTP2: Bool {
        var name: UnsafePointer<UInt8>?
        var length: UInt32 = 0
        unsafe SSL_get0_alpn_selected(ssl, &name, &length)
        guard let name = unsafe name, length == 2 else { return false }
        return unsafe name[0] == UInt8(ascii: "h") && name[1] == UInt8(ascii: "2")
    }

    /// Such as `TLS_AES_128_GCM_SHA256`.
    public var cipher: String {
        guard let cipher = unsafe SSL_get_current_cipher(ssl), let name = unsafe SSL_CIPHER_get_name(cipher)
        else { return "" }
        return unsafe String(cString: name)
    }

    /// The verified certificate of the peer in DER; nil when it showed none.
    public var peerCertificate: [UInt8]? {
        guard let certificate = unsafe SSL_get0_peer_certificate(ssl),
            unsafe SSL_get_verify_result(ssl) == X509_V_OK
        else { return nil }
        let length = unsafe i2d_X509(certificate, nil)
        guard length > 0 else { return nil }
        return unsafe [UInt8](unsafeUninitializedCapacity: Int(length)) { buffer, count in
            var start = buffer.baseAddress
            count = max(0, Int(unsafe i2d_X509(certificate, &start)))
        }
    }
}

extension TLSSession {
    /// What the certificate must hold: OpenSSL reads a leading dot as "any subdomain", so only plain names get there.
    private func expect(_ name: ServerName) throws(OpenSSLFailure) {
        switch name {
        case .address(let text):
            try attempt("X509_VERIFY_PARAM_set1_ip_asc") {
                unsafe X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), text) == 1
            }
        case .dns(let text):
            let bytes = text.utf8
            let isPlain = bytes.allSatisfy {
                (48...57).contains($0) || (97...122).contains($0 | 32) || [45, 46, 95].contains($0)
            }
            guard isPlain, let first = bytes.first, first != 46, bytes.last != 46, bytes.count <= 253 else {
                throw OpenSSLFailure(call: "a server name that is no DNS name")
            }
            try attempt("SSL_set1_host") { unsafe SSL_set1_host(ssl, text) == 1 }
            try attempt("SSL_set_tlsext_host_name") { unsafe komainu_ssl_set_server_name(ssl, text) == 1 }
        }
    }

    /// OpenSSL lets a certificate without extended key usage, or with "any", be a server's. The CA/Browser Forum's rules
    /// (7.1.2.7.10) do not, nor do we: a certificate made for something else must not speak for a server.
    private func checkServerUsage() throws(TLSFailure) {
        let certificate = unsafe SSL_get0_peer_certificate(ssl)
        let usage = unsafe X509_get_extended_key_usage(certificate)
        guard usage != UInt32.max, usage & UInt32(XKU_SSL_SERVER) != 0 else {
            throw .certificate(
                CertificateFailure(kind: .notForServers, reason: "the certificate is not for servers (serverAuth)"))
        }
    }

    private func fetchSession() {
        guard let session = unsafe state.pointee.newSession else { return }
        unsafe state.pointee.newSession = nil
        unsafe client?.keep(SessionHandle(owning: session), for: serverName)
    }

    /// The queue must be empty before a call, or `SSL_get_error` reads an older error. Looking is much cheaper than
    /// clearing.
    @inline(__always)
    private func clearErrors() {
        if ERR_peek_error() != 0 { ERR_clear_error() }
    }

    private func outcome(of result: Int32) throws(TLSFailure) -> TLSProgress {
        switch unsafe SSL_get_error(ssl, result) {
        case SSL_ERROR_WANT_READ: return .needsReadable
        case SSL_ERROR_WANT_WRITE: return .needsWritable
        case SSL_ERROR_ZERO_RETURN: return .end
        default: throw failure()
        }
    }

    private func failure() -> TLSFailure {
        isOpen = false
        let code = ERR_peek_last_error()
        let reasons = drainedReasons()
        // First, because OpenSSL answers the missing end with an alert, and sending that fails too.
        if unsafe state.pointee.hasEnded, reasons.isEmpty || komainu_error_reason(code) == unexpectedEnd {
            return .truncated
        }
        let broken = unsafe state.pointee.failure
        if broken != 0 { return .broken(broken) }
        let verified = unsafe SSL_get_verify_result(ssl)
        if verified != Int(X509_V_OK), komainu_error_reason(code) == SSL_R_CERTIFICATE_VERIFY_FAILED {
            return .certificate(CertificateFailure(verified))
        }
        if komainu_error_reason(code) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE {
            return .certificate(CertificateFailure(kind: .missing, reason: "the peer showed no certificate"))
        }
        return .broke(OpenSSLFailure(call: "TLS", reasons: reasons))
    }
}

private let unexpectedEnd = SSL_R_UNEXPECTED_EOF_WHILE_READING

extension CertificateFailure {
    fileprivate init(_ code: Int) {
        let text = unsafe X509_verify_cert_error_string(code).map { unsafe String(cString: $0) } ?? "error \(code)"
        let kind: Kind =
            switch Int32(code) {
            case X509_V_ERR_CERT_HAS_EXPIRED: .expired
            case X509_V_ERR_CERT_NOT_YET_VALID: .notYetValid
            case X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH: .wrongName
            case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN,
                X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
                .unknownAuthority
            case X509_V_ERR_INVALID_PURPOSE: .notForServers
            default: .other
            }
        self.init(kind: kind, reason: text)
    }
}

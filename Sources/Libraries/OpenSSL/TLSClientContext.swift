internal import COpenSSL
internal import COpenSSLShims

/// Whose signatures a client believes.
public enum TrustedAuthorities: Sendable {
    /// Those of the machine (OpenSSL's default folder and file).
    case system
    /// Only these, in PEM.
    case only([UInt8])
}

/// A client's rules for one kind of server, checked when made: the chain and the name are verified, always.
///
/// It keeps the last sessions of each server (by name, at most 64 names with 4 sessions each) to resume them.
public final class ClientContext: Sendable {
    let handle: TLSContextHandle
    private let sessions: SessionShelf

    /// - Parameters:
    ///   - authorities: whom to believe.
    ///   - certificate: what to show a server that asks (mutual TLS); its `certificate` may hold a chain.
    ///   - protocols: what is offered to be spoken (RFC 7301), the best first; nothing offers nothing.
    public init(
        trusting authorities: TrustedAuthorities, presenting certificate: CertifiedKey? = nil,
        offering protocols: [String] = ["http/1.1"]
    ) throws(OpenSSLFailure) {
        sessions = try SessionShelf()
        handle = unsafe try TLSContextHandle.make(TLS_client_method())
        switch authorities {
        case .system:
            try attempt("SSL_CTX_set_default_verify_paths") {
                unsafe SSL_CTX_set_default_verify_paths(handle.raw) == 1
            }
        case .only(let pem):
            _ = try handle.trust(pem)
        }
        try handle.verifyStrictly()
        unsafe SSL_CTX_set_verify(handle.raw, SSL_VERIFY_PEER, nil)
        if let certificate { try handle.present(chain: certificate.certificate, key: certificate.key) }
        let offer = protocols.flatMap { [UInt8(truncatingIfNeeded: $0.utf8.count)] + Array($0.utf8) }
        // This one function answers 0 for success.
        try attempt("SSL_CTX_set_alpn_protos") {
            unsafe SSL_CTX_set_alpn_protos(handle.raw, offer, UInt32(offer.count)) == 0
        }
        unsafe komainu_ssl_ctx_set_session_cache(
            handle.raw, Int(SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL))
        unsafe SSL_CTX_sess_set_new_cb(handle.raw, keepSession)
    }

    /// A session to resume with this server, used once (RFC 8446 appendix C.4); nil when there is none.
    func takeSession(for serverName: String) -> SessionHandle? { sessions.take(serverName) }

    func keep(_ session: SessionHandle, for serverName: String) { sessions.put(session, serverName) }
}

/// The sessions of a client's servers, shared by its threads. Locked with OpenSSL's own lock, which is a POSIX one: the thread
/// sanitizer understands it.
@safe private final class SessionShelf: @unchecked Sendable {
    private let lock: UnsafeMutableRawPointer
    // Touched while the lock is held only.
    private var sessions: [String: [SessionHandle]] = [:]

    init() throws(OpenSSLFailure) {
        unsafe lock = try made("CRYPTO_THREAD_lock_new") { unsafe CRYPTO_THREAD_lock_new() }
    }

    deinit {
        unsafe CRYPTO_THREAD_lock_free(lock)
    }

    func take(_ name: String) -> SessionHandle? {
        unsafe CRYPTO_THREAD_write_lock(lock)
        defer { unsafe CRYPTO_THREAD_unlock(lock) }
        return sessions[name]?.popLast()
    }

    func put(_ session: SessionHandle, _ name: String) {
        unsafe CRYPTO_THREAD_write_lock(lock)
        defer { unsafe CRYPTO_THREAD_unlock(lock) }
        if sessions[name] == nil, sessions.count >= 64 { sessions.removeAll() }
        sessions[name, default: []].append(session)
        if let kept = sessions[name], kept.count > 4 { sessions[name] = Array(kept.suffix(4)) }
    }
}

/// Owns one reference to an `SSL_SESSION`.
@safe final class SessionHandle: @unchecked Sendable {
    let raw: OpaquePointer

    init(owning raw: OpaquePointer) {
        unsafe self.raw = raw
    }

    deinit {
        unsafe SSL_SESSION_free(raw)
    }
}

/// OpenSSL has a new session of a client: it is left at the connection's socket state, for `TLSSession` to fetch after
/// the call that it came in. Answers 1 when it keeps the reference.
private func keepSession(_ ssl: OpaquePointer?, _ session: OpaquePointer?) -> Int32 {
    guard let bio = unsafe SSL_get_rbio(ssl), let state = unsafe socketState(of: bio) else { return 0 }
    if let older = unsafe state.pointee.newSession { unsafe SSL_SESSION_free(older) }
    unsafe state.pointee.newSession = session
    return 1
}

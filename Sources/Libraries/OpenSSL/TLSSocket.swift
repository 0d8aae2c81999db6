internal import COpenSSL
internal import COpenSSLShims
internal import Glibc

/// What the bytes of one connection pass through: OpenSSL's custom BIO over a nonblocking socket.
///
/// Plain memory, owned by the `TLSSession` and pointed to by the BIO, so that a callback from C touches no reference
/// count.
@safe struct SocketState {
    let socket: Int32
    /// Whether the kernel may have bytes for us. Cleared by a short read: with edge-triggered reports, the next byte makes
    /// a new report, so that the read which would only say "nothing" is saved.
    var isReadable = true
    /// Whether the kernel may have room. Cleared by a short send.
    var isWritable = true
    /// The peer has sent its last byte, so that no further report will come: then only a read of nothing proves the end.
    var peerFinished = false
    /// A read met the end.
    var hasEnded = false
    /// The errno that broke the connection; 0 while it is whole.
    var failure: Int32 = 0
    /// A session to be fetched by the client.
    var newSession: OpaquePointer?

    init(socket: Int32) {
        self.socket = socket
    }
}

func socketState(of bio: OpaquePointer?) -> UnsafeMutablePointer<SocketState>? {
    guard let data = unsafe BIO_get_data(bio) else { return nil }
    return unsafe data.assumingMemoryBound(to: SocketState.self)
}

/// The one method table for all sockets; made once, never freed.
@safe struct SocketMethod: @unchecked Sendable {
    static let shared = SocketMethod()
    let raw: OpaquePointer?

    private init() {
        unsafe raw = BIO_meth_new(BIO_get_new_index() | Int32(BIO_TYPE_SOURCE_SINK), "komainu socket")
        unsafe BIO_meth_set_read(raw, readSocket)
        unsafe BIO_meth_set_write(raw, writeSocket)
        unsafe BIO_meth_set_ctrl(raw, controlSocket)
    }
}

private func readSocket(
    _ bio: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ count: Int32
) -> Int32 {
    guard let bio = unsafe bio, let state = unsafe socketState(of: bio) else { return -1 }
    unsafe komainu_bio_clear_retry(bio)
    guard unsafe state.pointee.isReadable else {
        unsafe komainu_bio_retry_read(bio)
        return -1
    }
    while true {
        let got = unsafe recv(state.pointee.socket, buffer, Int(count), 0)
        if got > 0 {
            if got < Int(count), unsafe !state.pointee.peerFinished { unsafe state.pointee.isReadable = false }
            return Int32(got)
        }
        if got == 0 {
            unsafe state.pointee.hasEnded = true
            return 0
        }
        switch errno {
        case EINTR: continue
        case EAGAIN:
            unsafe state.pointee.isReadable = false
            unsafe komainu_bio_retry_read(bio)
            return -1
        default:
            unsafe state.pointee.failure = errno
            return -1
        }
    }
}

private func writeSocket(_ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ count: Int32) -> Int32 {
    guard let bio = unsafe bio, let state = unsafe socketState(of: bio) else { return -1 }
    unsafe komainu_bio_clear_retry(bio)
    guard unsafe state.pointee.isWritable else {
        unsafe komainu_bio_retry_write(bio)
        return -1
    }
    while true {
        let sent = unsafe send(state.pointee.socket, bytes, Int(count), Int32(MSG_NOSIGNAL))
        if sent >= 0 {
            if sent < Int(count) { unsafe state.pointee.isWritable = false }
            return Int32(sent)
        }
        switch errno {
        case EINTR: continue
        case EAGAIN:
            unsafe state.pointee.isWritable = false
            unsafe komainu_bio_retry_write(bio)
            return -1
        default:
            unsafe state.pointee.failure = errno
            return -1
        }
    }
}

private func controlSocket(
    _ bio: OpaquePointer?, _ command: Int32, _: Int, _: UnsafeMutableRawPointer?
) -> Int {
    switch command {
    case BIO_CTRL_FLUSH: 1
    case BIO_CTRL_EOF: unsafe socketState(of: bio)?.pointee.hasEnded == true ? 1 : 0
    default: 0
    }
}

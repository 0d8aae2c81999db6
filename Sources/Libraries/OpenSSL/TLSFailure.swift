/// Why a peer's certificate is not accepted.
public struct CertificateFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, where it is one of the usual things.
    public enum Kind: String, Sendable {
        case expired, notYetValid, wrongName, unknownAuthority, missing, notForServers, other
    }

    /// What is wrong.
    public let kind: Kind
    /// OpenSSL's sentence, or ours.
    public let reason: String

    init(kind: Kind, reason: String) {
        self.kind = kind
        self.reason = reason
    }

    /// The reason.
    public var description: String { reason }
}

/// Why a TLS connection cannot go on. After any of these it can only be closed.
public enum TLSFailure: Error, Hashable, Sendable {
    /// The peer closed the connection without saying so in TLS: what was read may have been cut by anybody.
    case truncated
    /// The connection broke; errno.
    case broken(Int32)
    /// The peer's certificate is not accepted.
    case certificate(CertificateFailure)
    /// The peer broke the protocol, or found that we did.
    case broke(OpenSSLFailure)
}

/// How far a TLS call came.
public enum TLSProgress: Equatable, Sendable {
    /// Done; that many bytes (0 for a handshake).
    case done(Int)
    /// The peer has said properly that it will send no more.
    case end
    /// Goes on when the socket is readable.
    case needsReadable
    /// Goes on when the socket is writable.
    case needsWritable
}

public import OpenSSL
public import System

/// Why a connection cannot go on. After any of these it can only be closed.
public enum StreamFailure: Error, Hashable, Sendable {
    /// We closed it, or its loop stops.
    case closed
    /// The peer stopped without ending TLS properly: what was read may have been cut by anybody.
    case truncated
    /// The peer broke the connection off.
    case reset
    /// The deadline passed.
    case timedOut
    /// Somebody called `interrupt`.
    case interrupted
    /// The peer's certificate is not accepted.
    case certificate(CertificateFailure)
    /// TLS failed otherwise.
    case tls(OpenSSLFailure)
    /// The kernel refused; connecting to where nobody listens comes here too.
    case system(SystemFailure)
}

extension StreamFailure {
    init(_ failure: TLSFailure) {
        switch failure {
        case .truncated: self = .truncated
        case .certificate(let certificate): self = .certificate(certificate)
        case .broke(let openSSL): self = .tls(openSSL)
        case .broken(let errno): self.init(errno: errno, call: "recv or send")
        }
    }

    init(errno: Int32, call: StaticString) {
        let (pipe, connectionReset): (Int32, Int32) = (32, 104)
        self = errno == pipe || errno == connectionReset ? .reset : .system(SystemFailure(call: call, errno: errno))
    }
}

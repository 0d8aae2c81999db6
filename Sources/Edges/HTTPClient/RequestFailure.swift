public import HTTP
public import OpenSSL
internal import Reactor
internal import System

/// Why there is no answer from a server, or no whole one. No case holds a byte of a message or a credential.
public enum RequestFailure: Error, Equatable, Sendable {
    /// What was being waited for when the time was over.
    public enum Phase: String, Sendable {
        /// A free connection.
        case turn
        /// The name's addresses, the TCP connection and the proxy's consent.
        case connecting
        /// The TLS handshake.
        case handshake
        /// The kernel to take the request.
        case writing
        /// The head of the answer.
        case head
        /// The next piece of the body.
        case body
        /// The whole exchange.
        case total
    }

    /// No connection: the name has no address, or no address answers. The text is for the operator.
    case unreachable(String)
    /// The machine answers that nobody listens there.
    case refused
    /// The server's certificate is not accepted.
    case certificate(CertificateFailure)
    /// TLS failed otherwise.
    case tls(OpenSSLFailure)
    /// The proxy answered CONNECT with this status.
    case proxyRefused(Int)
    /// All connections are in use and as many callers wait as may.
    case busy
    /// There is a credential to be sent and it cannot be read. The text names the source, never the content.
    case noCredential(String)
    /// A deadline passed.
    case timedOut(Phase)
    /// The connection ended before the answer did.
    case cutOff
    /// What came is not HTTP that we accept.
    case malformed(HTTPFailure)
    /// The body is compressed although that was excluded: it could not be inspected.
    case codedBody
    /// The body is larger than the caller wanted.
    case tooLarge
    /// The caller gave up, or the program ends.
    case aborted

    /// A stable word.
    public var code: StaticString {
        switch self {
        case .unreachable: "unreachable"
        case .refused: "refused"
        case .certificate: "certificate"
        case .tls: "tls"
        case .proxyRefused: "proxy_refused"
        case .busy: "busy"
        case .noCredential: "no_credential"
        case .timedOut: "timed_out"
        case .cutOff: "cut_off"
        case .malformed: "malformed"
        case .codedBody: "coded_body"
        case .tooLarge: "too_large"
        case .aborted: "aborted"
        }
    }

    /// Whether the server may have acted on the request. When false, it has not seen all of it.
    public var mayHaveActed: Bool {
        switch self {
        case .unreachable, .refused, .certificate, .tls, .proxyRefused, .busy, .noCredential: false
        case .timedOut(.turn), .timedOut(.connecting), .timedOut(.handshake): false
        case .timedOut, .cutOff, .malformed, .codedBody, .tooLarge, .aborted: true
        }
    }
}

extension RequestFailure {
    /// What a failure of the connection means while `phase` was waited for.
    init(_ failure: StreamFailure, during phase: Phase) {
        switch (failure, phase) {
        case (.timedOut, _): self = .timedOut(phase)
        case (.closed, _), (.interrupted, _): self = .aborted
        case (.certificate(let certificate), _): self = .certificate(certificate)
        case (.tls(let openSSL), .handshake): self = .tls(openSSL)
        case (.truncated, .handshake), (.reset, .handshake):
            self = .unreachable("the server broke off the TLS handshake")
        case (.system(let system), .connecting):
            let connectionRefused: Int32 = 111
            self = system.errno == connectionRefused ? .refused : .unreachable(system.description)
        case (_, .connecting): self = .unreachable("the connection broke off")
        default: self = .cutOff
        }
    }
}

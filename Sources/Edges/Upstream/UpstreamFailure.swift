public import HTTP
internal import HTTPClient
public import OpenSSL

/// Why there is no answer from the upstream, or no whole one. No case holds a byte of a message or a credential.
public enum UpstreamFailure: Error, Equatable, Sendable {
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
    /// The server is a program that cannot be started. The text is for the operator.
    case notStarted(String)
    /// The server was a program, which has ended.
    case ended
    /// The server is a program and wrote something that is no message of MCP; it was ended.
    case garbled

    /// A stable word for records, metrics and answers.
    public var code: StaticString {
        switch self {
        case .unreachable: "upstream_unreachable"
        case .refused: "upstream_refused"
        case .certificate: "upstream_certificate"
        case .tls: "upstream_tls"
        case .proxyRefused: "upstream_proxy_refused"
        case .busy: "upstream_busy"
        case .noCredential: "upstream_no_credential"
        case .timedOut: "upstream_timed_out"
        case .cutOff: "upstream_cut_off"
        case .malformed: "upstream_malformed"
        case .codedBody: "upstream_coded_body"
        case .tooLarge: "upstream_too_large"
        case .aborted: "upstream_aborted"
        case .notStarted: "upstream_not_started"
        case .ended: "upstream_ended"
        case .garbled: "upstream_garbled"
        }
    }

    /// Whether the upstream may have acted on the request. When false, it has not seen all of it.
    public var mayHaveActed: Bool {
        switch self {
        case .unreachable, .refused, .certificate, .tls, .proxyRefused, .busy, .noCredential, .notStarted: false
        case .timedOut(.turn), .timedOut(.connecting), .timedOut(.handshake): false
        case .timedOut, .cutOff, .malformed, .codedBody, .tooLarge, .aborted, .ended, .garbled: true
        }
    }
}

extension UpstreamFailure {
    /// What a failure of a request means for the call that it carried.
    init(_ failure: RequestFailure) {
        self =
            switch failure {
            case .unreachable(let reason): .unreachable(reason)
            case .refused: .refused
            case .certificate(let failure): .certificate(failure)
            case .tls(let failure): .tls(failure)
            case .proxyRefused(let status): .proxyRefused(status)
            case .busy: .busy
            case .noCredential(let source): .noCredential(source)
            case .timedOut(let phase): .timedOut(Phase(rawValue: phase.rawValue) ?? .total)
            case .cutOff: .cutOff
            case .malformed(let failure): .malformed(failure)
            case .codedBody: .codedBody
            case .tooLarge: .tooLarge
            case .aborted: .aborted
            }
    }
}

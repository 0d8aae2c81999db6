internal import Bytes
public import HTTP
public import OpenSSL
public import Reactor
internal import System

/// How long each wait of an exchange with an upstream may take.
public struct UpstreamTiming: Sendable {
    /// For a free connection. 5 s: who waits longer is better told that the upstream is busy.
    public var turn = Duration.seconds(5)
    /// For the name, the TCP connection and the proxy's consent.
    public var connecting = Duration.seconds(10)
    /// For the TLS handshake.
    public var handshake = Duration.seconds(10)
    /// For the kernel to take the whole request.
    public var writing = Duration.seconds(30)
    /// From the sent request to the head of the answer.
    public var head = Duration.seconds(60)
    /// Between two pieces of the body. Event streams that may be silent for longer need more.
    public var body = Duration.seconds(60)
    /// For the whole exchange; nil: only the others count.
    public var total: Duration?

    /// The times above.
    public init() {}

    /// The times above.
    public static let standard = UpstreamTiming()
}

/// How many connections one event loop keeps to one upstream.
public struct UpstreamPoolLimits: Sendable {
    /// Open at a time, whether used or idle.
    public var connections = 128
    /// Callers that wait for one.
    public var waiting = 1_024
    /// How long an unused one is kept. Less when the server announces less (`Keep-Alive: timeout=…`, minus a second): a
    /// request sent while the server closes is a request whose outcome nobody knows.
    public var idle = Duration.seconds(30)
    /// How long one is used at all, so that a moved server is found again.
    public var age = Duration.seconds(600)

    /// The limits above.
    public init() {}

    /// The limits above.
    public static let standard = UpstreamPoolLimits()
}

/// How one upstream is reached.
public struct UpstreamSettings: Sendable {
    /// Where it is.
    public var url: UpstreamURL
    /// Whose signature on its certificate is believed.
    public var authorities = TrustedAuthorities.system
    /// What we show when it asks for a client certificate.
    public var certificate: CertifiedKey?
    /// The credential that goes with each request.
    public var credential = CredentialSource.none
    /// The proxy on the way there; nil: none.
    public var proxy: ProxySettings?
    /// Connections.
    public var pool = UpstreamPoolLimits.standard
    /// Times; a request may bring its own.
    public var timing = UpstreamTiming.standard
    /// What the head of an answer and its framing may take. The body has no limit of its own: `UpstreamAnswer.whole` has.
    public var limits = UpstreamSettings.standardLimits

    /// A server reached directly, without a credential.
    public init(url: UpstreamURL) {
        self.url = url
    }

    private static var standardLimits: HTTPLimits {
        var limits = HTTPLimits.standard
        // Vendors' front ends send long policies and cookies; 32 KiB holds what is seen in the wild twice over.
        limits.headBytes = 32 << 10
        limits.fieldBytes = 16 << 10
        limits.bodyBytes = .max
        return limits
    }
}

/// One upstream as all event loops share it: its rules, TLS sessions to resume, credential and the resolver.
///
/// To change anything, make another one; connections of the old one end with its clients.
public final class UpstreamServer: Sendable {
    /// How it is reached.
    public let settings: UpstreamSettings
    let tls: ClientContext?
    let credential: UpstreamCredential
    let resolver: Resolver
    let files: ThreadPool
    let proxy: ProxySettings?
    let constant: [UInt8]

    /// Checks the authorities and reads the credential for the first time; this blocks, so not on an event loop.
    ///
    /// - Parameters:
    ///   - resolver: for names; one for the whole program.
    ///   - files: where the credential's file is read again.
    public init(
        _ settings: UpstreamSettings, resolver: Resolver, files: ThreadPool
    ) throws(OpenSSLFailure) {
        self.settings = settings
        self.resolver = resolver
        self.files = files
        constant = UpstreamRequest.constant(for: settings.url)
        tls =
            settings.url.isSecure
            ? try ClientContext(trusting: settings.authorities, presenting: settings.certificate) : nil
        proxy = settings.proxy.flatMap { $0.serves(settings.url) ? $0 : nil }
        credential = UpstreamCredential(settings.credential)
        if credential.shouldLook(.now) { credential.look() }
    }

    /// Reads the credential's file again soon: for whoever was answered 401.
    public func refreshCredential() {
        let credential = credential
        files.submit { credential.look() }
    }

    /// Whether there is a credential, or none is needed.
    public var hasCredential: Bool { !credential.isNeeded || credential.token != nil }
}

/// A certificate with its key.
public struct CertificateFiles: Hashable, Sendable {
    /// PEM, the leaf first.
    public var certificate: String
    /// PEM, without a passphrase.
    public var key: String

    /// Names the two files.
    public init(certificate: String, key: String) {
        self.certificate = certificate
        self.key = key
    }
}

/// The listener for operators: health and metrics.
public struct AdminConfiguration: Hashable, Sendable {
    /// Where it listens.
    public var listen: ListenAddress
    /// Needed when other machines can reach it.
    public var tls: CertificateFiles?
}

/// One MCP server behind the gate.
public struct UpstreamConfiguration: Hashable, Sendable {
    /// The name in `/u/NAME/mcp`: lower-case letters, digits and dashes.
    public var name: String
    /// Where it is.
    public var location: Location
    /// PEM bundle of the authorities to trust for it, instead of the system's.
    public var authorities: String?
    /// What we prove ourselves with; none for servers that ask for nothing.
    public var credential: Credential?
    /// The catalogue's files.
    public var catalogs: [String]
    /// The policies' files; the first is the default, an endpoint may name another.
    public var policies: [String]
    /// How a call of a tool that isn't there is answered.
    public var unknownTool: UnknownTool
    /// What happens to a tool definition that is seen for the first time.
    public var firstSight: FirstSight
    /// How long we wait for it.
    public var timeouts: UpstreamTimeouts
    /// How much we take from it.
    public var limits: UpstreamLimits

    /// Where an upstream is; `http` only on this machine.
    public enum Location: Hashable, Sendable {
        /// At this URL.
        case url(WebAddress)
        /// At the URL that a file holds, because the URL itself is a secret: Truto's hold a token.
        case file(String)
        /// On this machine: a program that is started, and spoken with over its standard streams.
        case command(CommandConfiguration)
    }

    /// Where the upstream's token comes from. The token itself never stands in the configuration.
    public enum Credential: Hashable, Sendable {
        /// A file that holds the token; read again at reload.
        case bearerFile(String)
        /// A variable of the environment.
        case bearerVariable(String)
    }

    /// The answer to a call of an unknown or hidden tool. It must be the upstream's own form, or the difference tells
    /// which tools are hidden. `NAME` in the text becomes the tool's name.
    public enum UnknownTool: Hashable, Sendable {
        /// A JSON-RPC error.
        case error(code: Int, message: String)
        /// A result with `isError`.
        case result(text: String)
    }

    /// What a first sight of a tool's definition is worth.
    public enum FirstSight: Hashable, Sendable {
        /// It is pinned as it is; later changes are quarantined.
        case trust
        /// It is quarantined until `komainu tools approve`.
        case quarantine
    }
}

/// An upstream that is a program of this machine.
public struct CommandConfiguration: Hashable, Sendable {
    /// The program's file.
    public var path: String
    /// What it gets besides its own name.
    public var arguments: [String]
    /// Its environment besides PATH, HOME and LANG.
    public var environment: [String: EnvironmentValue]

    /// Where the value of a variable comes from. A secret never stands in the configuration.
    public enum EnvironmentValue: Hashable, Sendable {
        /// From the configuration: nothing secret.
        case text(String)
        /// From a file, without the line's end.
        case file(String)
        /// From a variable of our own.
        case variable(String)
    }
}

/// How long we wait for an upstream.
public struct UpstreamTimeouts: Hashable, Sendable {
    /// For a connection with TLS. 10 s: a server that needs longer isn't there.
    public var connect = Duration.seconds(10)
    /// For the head of the answer. 60 s: what clients themselves wait.
    public var response = Duration.seconds(60)
    /// Between two pieces of an answer. 5 min: event streams are silent between events.
    public var idle = Duration.seconds(300)
    /// For one answer in all. 1 h: longer work belongs into tasks.
    public var total = Duration.seconds(3600)
}

/// How much we take from an upstream.
public struct UpstreamLimits: Hashable, Sendable {
    /// Connections of one event loop. 128: beyond that the vendor's own rate limit is the bound.
    public var connections = 128
    /// The largest answer or event. 16 MiB: it is held in memory to be redacted.
    public var resultBytes = 16 << 20
    /// Processes of an upstream that is a program. 32: each session has one, and each costs tens of megabytes.
    public var processes = 32
}

/// One issuer whose JWTs are believed.
public struct IssuerConfiguration: Hashable, Sendable {
    /// A name for messages and the audit trail.
    public var name: String
    /// The `iss` claim, compared byte by byte.
    public var issuer: String
    /// The `aud` claims of which a token must have one.
    public var audiences: [String]
    /// The algorithms its keys may be used with; the token doesn't choose.
    public var algorithms: [String]
    /// PEM files of public keys. Empty for HMAC.
    public var keys: [String]
    /// The file with the shared secret. Only for HMAC.
    public var secretFile: String?
    /// Where the issuer publishes its keys, in place of `keys`.
    public var keySet: KeySetConfiguration?
    /// The `typ` headers that are taken, lower case. `at+jwt` and `jwt` unless said otherwise.
    public var types: [String]
    /// The claim that names the subject.
    public var subjectClaim: String
    /// The claim that lists groups; nil when groups aren't taken from this issuer.
    public var groupsClaim: String?
}

/// A JWK Set that an issuer publishes.
public struct KeySetConfiguration: Hashable, Sendable {
    /// Its URL, `https`.
    public var url: String
    /// PEM file of the authorities to trust; nil for the system's.
    public var authorities: String?
    /// Whether its host may have an address that is not public.
    public var allowsPrivateAddress: Bool
    /// Between two looks at it.
    public var refresh: Duration
    /// How long its keys count when it can't be fetched any more.
    public var keep: Duration
}

/// The keys of the tokens that Komainu makes.
public struct TokenConfiguration: Hashable, Sendable {
    /// The key under which tokens are stored as HMAC-SHA-256. Kept apart from the database: whoever reads only one of the
    /// two can't test guesses, and the tokens are 256 random bits in any case.
    public var hmacKey: String
    /// The key (HMAC) of the tokens that Komainu signs itself, which nobody else has to verify.
    public var signingKey: String
}

/// The audit trail.
public struct AuditConfiguration: Hashable, Sendable {
    /// The trail's directory.
    public var directory: String
    /// The log's name, a URL without its scheme.
    public var origin: String
    /// The folder of its keys, outside the directory.
    public var keys: String
    /// The folder of the anchor, best on another volume; nil: the folder of the keys.
    public var anchor: String?
    /// A record at least this often proves that nothing happened in between. 5 min.
    public var heartbeat = Duration.seconds(300)
    /// The size at which a segment is closed. 64 MiB.
    public var segmentBytes = 64 << 20
}

/// What a client may send and hold.
public struct Limits: Hashable, Sendable {
    /// A request's line and headers. 16 KiB: twice what browsers and proxies send.
    public var headBytes = 16 << 10
    /// How many headers. 100.
    public var headerCount = 100
    /// A request's body. 4 MiB: arguments are not uploads.
    public var bodyBytes = 4 << 20
    /// Open connections. 10,000: about 400 MiB with TLS.
    public var connections = 10_000
    /// Open connections of one address. 1,000: an office behind one address still works.
    public var connectionsPerAddress = 1_000
    /// Requests under way on one HTTP/2 connection. 100. Each beyond the first counts as a connection, too.
    public var requestsPerConnection = 100
    /// Open event streams. 5,000: half of the connections, so that streams never keep calls out.
    public var streams = 5_000
    /// Open event streams of one principal. 64.
    public var streamsPerPrincipal = 64
    /// Calls under way at once, in all. 4,096: each holds its body and its result in memory.
    public var calls = 4_096
    /// Sessions remembered. 20,000: some 20 MiB.
    public var sessions = 20_000
    /// Sessions of one principal. 1,000: ChatGPT opens one for each call. The longest unused is ended for a new one.
    public var sessionsPerPrincipal = 1_000
    /// How long an unused session is kept. 30 min.
    public var sessionIdle = Duration.seconds(1800)
}

/// How long we wait for clients.
public struct Timeouts: Hashable, Sendable {
    /// For the TLS handshake. 10 s.
    public var handshake = Duration.seconds(10)
    /// For a request's head once it began. 15 s.
    public var head = Duration.seconds(15)
    /// For a request's body. 30 s.
    public var body = Duration.seconds(30)
    /// For a client to take what we write. 30 s.
    public var write = Duration.seconds(30)
    /// For the next request on an open connection. 75 s: longer than the clients' own pools keep one.
    public var idle = Duration.seconds(75)
    /// For calls under way when the proxy stops. 30 s: what `kill` and containers grant before they insist.
    public var drain = Duration.seconds(30)
}

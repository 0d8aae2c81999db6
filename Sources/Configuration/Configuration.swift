public import YAML

/// What the operator meant: one file, checked, with every path resolved and every default filled in.
public struct Configuration: Sendable {
    /// The file it stands in, as named by the operator.
    public var file: String
    /// Where clients reach us. Default `127.0.0.1:8443`: nothing is opened to other machines unasked.
    public var listen: [ListenAddress]
    /// What clients use; never derived from a request.
    public var publicURL: WebAddress
    /// Needed when other machines can reach us.
    public var tls: CertificateFiles?
    /// Default none: no port is opened unasked.
    public var admin: AdminConfiguration?
    /// At least one.
    public var upstreams: [UpstreamConfiguration]
    /// Default none: only Komainu's own tokens are believed.
    public var issuers: [IssuerConfiguration]
    /// The keys of our own tokens.
    public var tokens: TokenConfiguration
    /// The SQLite file with endpoints, tokens, sessions and pins. Default `var/komainu.db`.
    public var state: String
    /// The audit trail. There is no way to be without one.
    public var audit: AuditConfiguration
    /// What clients may send and hold.
    public var limits: Limits
    /// How long we wait for clients.
    public var timeouts: Timeouts
    /// Event loops. Default nil: one for each processor.
    public var threads: Int?
    /// `Host` headers taken besides the public URL's, lower case, with the port where there is one.
    public var allowedHosts: [String]
    /// `Origin` headers taken besides the public URL's.
    public var allowedOrigins: [String]
    /// The key of pseudonyms. Whoever has it can tell which pseudonym stands for a guessed value.
    public var redactionKey: String
    /// The quietest level that is logged. Default `info`.
    public var logLevel: String
    /// What is probably not meant, but works.
    public var warnings: [Problem]
}

/// Every mistake of a configuration, in the order of the file.
public struct ConfigurationFailure: Error, Equatable, Sendable {
    /// Mistakes and warnings.
    public let problems: [Problem]

    /// Everything that was found.
    public init(problems: [Problem]) {
        self.problems = problems
    }
}

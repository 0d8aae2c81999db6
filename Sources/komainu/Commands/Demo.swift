import Audit
import Bytes
import Commands
import Configuration
import Identity
import System

/// Shows everything at work on this machine.
struct Demo: Command {
    static let form = CommandForm(
        ["demo"], summary: "Show it at work: the proxy before a sample Torii server, decisions as they are made",
        discussion: """
            Prints an endpoint's URL and an API token that live for a day, and settings to paste into clients. Certificates
            under certs/ and everything under var/demo are kept; what the sample server changes is not.
            """,
        options: [
            .value("upstream", "URL", "stand before this server instead; its token comes from $\(tokenVariable)"),
            .value("listen", "ADDRESS", "where clients reach the proxy; 127.0.0.1:8443 when left out"),
            .value("directory", "DIR", "where to keep things; var/demo when left out", completion: .directories),
            .value("certificates", "DIR", "certs when left out", completion: .directories),
            .value("catalog", "FILE", "what the tools are; Torii's when left out", completion: .files),
            .value("policy", "FILE", "policies/read-only-dashboard.yaml when left out", completion: .files),
        ],
        examples: ["komainu demo", "UPSTREAM_TOKEN=… komainu demo --upstream https://api.toriihq.com/mcp"])

    /// Where the token of a real server comes from.
    static let tokenVariable = "UPSTREAM_TOKEN"

    /// Whom the demonstration's token names.
    private static let subject: ByteString = "demo@example.com"

    private let upstream: String?
    private let house: DemoHouse

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        upstream = arguments.value("upstream")
        let address = arguments.value("listen") ?? "127.0.0.1:8443"
        let listen = ListenAddress(address)
        if listen?.isLoopback != true { arguments.mistake("`--listen \(address)` isn't an address of this machine") }
        try arguments.finish()
        guard let listen else { throw UsageMistakes([], command: "komainu demo") }
        let isTruto = upstream?.contains("truto.one/") == true
        house = DemoHouse(
            folder: arguments.value("directory") ?? "var/demo",
            certificates: CertificateFolder(path: arguments.value("certificates") ?? "certs"), listen: listen,
            catalog: arguments.value("catalog") ?? "policies/catalogs/\(isTruto ? "truto" : "torii").yaml",
            policy: arguments.value("policy") ?? "policies/read-only-dashboard.yaml")
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            try house.prepare()
            if let upstream { try house.use(upstream) } else { try house.useSample() }
            let loaded = try LoadedConfiguration.loadOrReport(house.configuration)
            return try Serving(house.configuration, watches: true).run(loaded) {
                (proxy: Proxy) throws(ProgramFailure) in
                let start = WallTime.now
                proxy.introduce(Demo.subject)
                try welcome()
                try showDecisions(loaded.configuration, since: start)
            }
        }
    }

    /// A fresh endpoint and token in place of those of the last time, and what to do with them.
    private func welcome() throws(ProgramFailure) {
        let state = try OpenState(configuration: house.configuration)
        let (endpoint, token) = try asking { () throws(StateFailure) in try Demo.renew(state.store) }
        let configuration = state.loaded.configuration
        let url = EndpointReport(configuration: configuration).url(endpoint.secret)
        let what = upstream == nil ? "a sample Torii server with invented data" : "the server you named"
        Console.line("Komainu stands at \(configuration.publicURL.origin) before \(what), with \(house.policy).")
        Console.line()
        Console.line("endpoint URL  \(url)")
        Console.line("API token     \(token.secret.text)")
        Console.line("              shown this once; both live for a day")
        Console.line()
        Console.write(
            ClientSettings(
                name: "torii", url: url, bearer: token.secret.text, authority: configuration.ownAuthority,
                isPublic: false
            ).text)
        Console.line()
        Console.line(
            "More: komainu endpoint list --config \(house.configuration), komainu audit verify \(configuration.audit.directory)"
        )
        Console.line()
        Console.line("Decisions as they are made; Ctrl-C ends it.")
    }

    private static func renew(_ store: StateStore) throws(StateFailure) -> (Issued<Endpoint>, Issued<APIToken>) {
        let now = WallTime.now
        let (name, person): (ByteString, ByteString) = ("demo", "demo")
        for old in try store.endpoints() where old.createdBy == person {
            _ = try store.deleteEndpoint(old.id, now: now)
        }
        for old in try store.apiTokens() where old.createdBy == person && old.revokedAt == nil {
            _ = try store.revokeAPIToken(old.id, now: now)
        }
        let end = now + .seconds(86_400)
        let endpoint = try store.createEndpoint(
            EndpointDraft(
                name: name, upstream: "torii", config: EndpointConfig(requireAPITokenAuth: true), expiresAt: end),
            by: person, now: now)
        let token = try store.createAPIToken(
            APITokenDraft(
                name: name, subject: subject, groups: ["dashboards"], endpoints: [endpoint.value.record.id],
                upstreams: ["torii"], expiresAt: end), by: person, now: now)
        _ = try store.waitUntilApplied(token.number, within: .seconds(5))
        // With its first record the trail keeps the subject's name; whoever begins to read before that sees a pseudonym.
        let pause = Bell()
        for _ in 0..<60 {
            if try store.lastRecordedChange() >= token.number { break }
            pause.wait(until: MonotonicTime.now + .milliseconds(50))
        }
        return (endpoint.value, token.value)
    }

    /// The first list of a server's tools is a record for each of them, and no decision.
    private static func isWorthShowing(_ line: [UInt8]) -> Bool {
        !String(decoding: line, as: UTF8.self).contains("a server's tools changed: sight trusted_at_first_sight")
    }

    /// Follows the trail on a thread of its own, until the process ends.
    private func showDecisions(_ configuration: Configuration, since start: WallTime) throws(ProgramFailure) {
        var filter = AuditFilter()
        filter.since = start
        let (directory, keys) = (configuration.audit.directory, configuration.audit.keys)
        try attempting("a thread can't be started") { () throws(SystemFailure) in
            _ = try Thread.start("decisions") { [filter] in
                _ = AuditCommands.tail(
                    directory: directory, filter: filter, json: false, follow: true, keys: keys,
                    write: { if Demo.isWorthShowing($0) { Console.write(bytes: $0) } })
            }
        }
    }
}

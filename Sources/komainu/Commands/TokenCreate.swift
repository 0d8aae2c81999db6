import Bytes
import Commands
import Configuration
import Identity
import System

/// Makes an API token and prints it, once.
struct TokenCreate: Command {
    static let form = CommandForm(
        ["token", "create"], summary: "Make an API token, which names a person or program",
        discussion: """
            Bound to an endpoint it is the second factor there; bound to an upstream it also opens /u/UPSTREAM/mcp by itself.
            It is shown this once. A signed token is a JWT that names its subject; it must end, and can be revoked like the others.
            """,
        options: [
            .value("subject", "WHO", "whom it names: what policies and records say", isRequired: true),
            .value("name", "NAME", "what to call the token; its subject when left out"),
            .value("group", "GROUP", "a group of theirs", repeats: true),
            .value("endpoint", "ID", "an endpoint it is for", repeats: true),
            .value("upstream", "NAME", "an upstream it is for", repeats: true),
            .flag("signed", "make a signed token"), EndpointArguments.ttl, EndpointArguments.expiresAt,
            EndpointArguments.by, CommonArguments.configuration, CommonArguments.json,
        ],
        examples: ["komainu token create --subject ana@example.com --group dashboards --endpoint 3f9c2a1b --ttl 90d"])

    private let configuration: String
    private let name: String
    private let subject: String
    private let groups: [String]
    private let endpoints: [String]
    private let upstreams: [String]
    private let kind: APIToken.Kind
    private let end: WallTime?
    private let person: ByteString
    private let now: WallTime
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        now = WallTime.now
        configuration = arguments.configurationPath
        subject = arguments.required("subject")
        name = arguments.value("name") ?? subject
        groups = arguments.all("group")
        endpoints = arguments.all("endpoint")
        upstreams = arguments.all("upstream")
        kind = arguments.flag("signed") ? .signed : .opaque
        end = arguments.end(now: now)
        person = arguments.person
        asJSON = arguments.flag("json")
        if endpoints.isEmpty, upstreams.isEmpty {
            arguments.mistake("a token needs an `--endpoint` or an `--upstream`")
        }
        if kind == .signed, end == nil { arguments.mistake("a signed token needs `--ttl` or `--expires-at`") }
        try arguments.finish()
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let state = try OpenState(configuration: configuration)
            let draft = try draft(state)
            let made = try deciding { () throws(ChangeRefusal) in
                try state.changes.make(try state.changes.check(draft, now: now), by: person, now: now)
            }
            let (token, secret) = (made.value.record, made.value.secret)
            if asJSON {
                Console.json { token.encode(into: &$0, secret: secret) }
            } else {
                tell(token, secret, state.loaded.configuration)
            }
            return state.settle(made.number)
        }
    }

    private func draft(_ state: OpenState) throws(ProgramFailure) -> APITokenDraft {
        var bound: Set<EndpointID> = []
        for endpoint in endpoints { bound.insert(try state.endpoint(endpoint).id) }
        return APITokenDraft(
            name: ByteString(name), subject: ByteString(subject), groups: Set(groups.map { ByteString($0) }),
            endpoints: bound, upstreams: Set(upstreams.map { ByteString($0) }), kind: kind, expiresAt: end)
    }

    private func tell(_ token: APIToken, _ secret: ByteString, _ configuration: Configuration) {
        Console.line("token \(token.id)  \(token.subject.text), \(TokenReport.bindings(token))")
        Console.line("")
        Console.line("shown this once:")
        Console.line("  \(secret.text)")
        for upstream in token.upstreams.sorted() {
            Console.line("")
            let url = "\(configuration.publicURL.origin)/u/\(upstream.text)/mcp"
            Console.write(
                ClientSettings(
                    name: upstream.text, url: url, bearer: secret.text, authority: configuration.ownAuthority,
                    isPublic: !configuration.publicURL.isLoopback
                ).text)
        }
    }
}

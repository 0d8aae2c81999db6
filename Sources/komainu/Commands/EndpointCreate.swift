import Bytes
import Commands
import Identity
import System

/// Makes an endpoint and prints its URL, once.
struct EndpointCreate: Command {
    static let form = CommandForm(
        ["endpoint", "create"], summary: "Make an endpoint: a URL for one client or team, narrowed as you say",
        discussion: """
            What is left out isn't restricted by the endpoint; the policy always is. The URL holds a capability: it is shown
            this once and stored only as a keyed hash.
            """,
        operands: [Operand("UPSTREAM", "the server behind it")],
        options: [
            .value("name", "NAME", "what to call it", isRequired: true), EndpointArguments.methods,
            EndpointArguments.tags,
            EndpointArguments.tools, EndpointArguments.policy,
            .flag("require-token", "the URL isn't enough: an API token bound to it is needed as well"),
            EndpointArguments.ttl, EndpointArguments.expiresAt, EndpointArguments.by, CommonArguments.configuration,
            CommonArguments.json,
        ],
        examples: ["komainu endpoint create torii --name dashboards --methods read --tags apps,contracts --ttl 90d"])

    private let configuration: String
    private let draft: EndpointDraft
    private let person: ByteString
    private let now: WallTime
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        now = WallTime.now
        configuration = arguments.configurationPath
        let config = EndpointConfig(
            methods: arguments.names("methods"), tags: arguments.names("tags"), tools: arguments.names("tools"),
            policy: arguments.value("policy").map { ByteString($0) },
            requireAPITokenAuth: arguments.flag("require-token"))
        draft = EndpointDraft(
            name: ByteString(arguments.required("name")), upstream: ByteString(arguments.required(0)), config: config,
            expiresAt: arguments.end(now: now))
        person = arguments.person
        asJSON = arguments.flag("json")
        try arguments.finish()
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let state = try OpenState(configuration: configuration)
            let made = try deciding { () throws(ChangeRefusal) in
                try state.changes.make(try state.changes.check(draft, now: now), by: person, now: now)
            }
            let report = EndpointReport(configuration: state.loaded.configuration)
            let (endpoint, secret) = (made.value.record, made.value.secret)
            if asJSON {
                Console.json { report.write(endpoint, secret: secret, &$0) }
            } else {
                report.tellIssued(endpoint, secret)
            }
            return state.settle(made.number)
        }
    }
}

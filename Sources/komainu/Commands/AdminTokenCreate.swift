import Bytes
import Commands
import Configuration
import Identity
import System

/// Makes an admin token and prints it, once.
struct AdminTokenCreate: Command {
    static let form = CommandForm(
        ["admin-token", "create"], summary: "Make an admin token, which lets a person or program use the admin API",
        discussion: """
            A reviewer reads; an operator also makes, changes and revokes endpoints and API tokens; an admin also approves
            tools and makes admin tokens. It is shown this once and stored only as a keyed hash.
            """,
        options: [
            .value("name", "NAME", "whose it is", isRequired: true),
            .value(
                "role", "ROLE", "what its holder may do", isRequired: true,
                completion: .words(AdminRole.allCases.map(\.rawValue))),
            EndpointArguments.ttl, EndpointArguments.expiresAt, EndpointArguments.by, CommonArguments.configuration,
            CommonArguments.json,
        ],
        examples: ["komainu admin-token create --name 'deploy pipeline' --role operator --ttl 90d"])

    private let configuration: String
    private let draft: AdminTokenDraft
    private let person: ByteString
    private let now: WallTime
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        now = WallTime.now
        configuration = arguments.configurationPath
        let word = arguments.required("role")
        let role = AdminRole.allCases.first { $0.rawValue.utf8.elementsEqual(word.utf8) }
        if role == nil { arguments.mistake("`--role \(word)` is none of reviewer, operator, admin") }
        draft = AdminTokenDraft(
            name: ByteString(arguments.required("name")), role: role ?? .reviewer,
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
            let (token, secret) = (made.value.record, made.value.secret)
            if asJSON {
                Console.json { token.encode(into: &$0, secret: secret) }
            } else {
                Console.line("admin token \(token.id)  \(token.name.text), \(token.role.rawValue)")
                Console.line("")
                Console.line("shown this once:")
                Console.line("  \(secret.text)")
                if state.loaded.configuration.admin == nil {
                    Console.note("the configuration has no `admin`: nothing listens for it")
                }
            }
            return state.settle(made.number)
        }
    }
}

import Audit
import Commands

/// Shows the end of a trail, and what comes.
struct AuditTail: Command {
    static let form = CommandForm(
        ["audit", "tail"], summary: "Show the last records of the trail, and those that come",
        discussion: "What is shown isn't verified: `audit verify` does that.",
        operands: [AuditArguments.directory],
        options: [.flag("follow", "go on with the records that come, until interrupted")] + AuditArguments.conditions
            + [
                .value("last", "N", "how many; 10 when left out"), AuditArguments.keys, CommonArguments.configuration,
                AuditArguments.json,
            ],
        examples: ["komainu audit tail --follow --decision deny"])

    private let place: TrailPlace
    private let filter: AuditFilter
    private let keys: String?
    private let follows: Bool
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        place = AuditArguments.directory(arguments)
        filter = AuditArguments.filter(&arguments, more: ["last"])
        keys = arguments.value("keys")
        follows = arguments.flag("follow")
        asJSON = arguments.flag("json")
        try arguments.finish()
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let code = AuditCommands.tail(
                directory: try place.path(), filter: filter, json: asJSON, follow: follows, keys: keys,
                write: { Console.write(bytes: $0) })
            return ExitCode(rawValue: code) ?? .unknown
        }
    }
}

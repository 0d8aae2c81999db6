import Audit
import Commands

/// Finds records in a trail.
struct AuditQuery: Command {
    static let form = CommandForm(
        ["audit", "query"], summary: "Find records in the trail",
        discussion: "What is shown isn't verified: `audit verify` does that.",
        operands: [AuditArguments.directory],
        options: AuditArguments.conditions + [
            .value("limit", "N", "at most so many, the first ones"), .value("last", "N", "only the last so many"),
            AuditArguments.keys, CommonArguments.configuration, AuditArguments.json,
        ],
        examples: [
            "komainu audit query --decision deny --since 7d", "komainu audit query var/audit --tool 'torii.*' --json",
        ])

    private let place: TrailPlace
    private let filter: AuditFilter
    private let keys: String?
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        place = AuditArguments.directory(arguments)
        filter = AuditArguments.filter(&arguments, more: ["limit", "last"])
        keys = arguments.value("keys")
        asJSON = arguments.flag("json")
        try arguments.finish()
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let code = AuditCommands.query(
                directory: try place.path(), filter: filter, json: asJSON, keys: keys,
                write: { Console.write(bytes: $0) })
            return ExitCode(rawValue: code) ?? .unknown
        }
    }
}

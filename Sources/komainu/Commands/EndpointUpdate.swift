import Bytes
import Commands
import Identity
import System

/// Changes an endpoint; what isn't mentioned stays.
struct EndpointUpdate: Command {
    static let form = CommandForm(
        ["endpoint", "update"], summary: "Change an endpoint; what isn't mentioned stays, its URL too",
        discussion: "A change of what it leaves or of its end cuts the streams that were begun under the old one.",
        operands: [Operand("ID", "the endpoint, or the beginning of its id")],
        options: [
            .value("name", "NAME", "another name"), EndpointArguments.methods, EndpointArguments.tags,
            EndpointArguments.tools, EndpointArguments.policy,
            .value("require-token", "YESNO", "whether an API token is needed", completion: .words(["yes", "no"])),
            EndpointArguments.ttl, EndpointArguments.expiresAt,
            .value(
                "clear", "WHAT", "take a restriction away", repeats: true,
                completion: .words(["methods", "tags", "tools", "policy", "end"])),
            CommonArguments.configuration, CommonArguments.json,
        ],
        examples: ["komainu endpoint update 3f9c2a1b --methods read --clear end"])

    private let configuration: String
    private let id: String
    private let change: EndpointChange
    private let now: WallTime
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        now = WallTime.now
        configuration = arguments.configurationPath
        id = arguments.required(0)
        asJSON = arguments.flag("json")
        var change = EndpointChange()
        if let name = arguments.value("name") { change.name = .set(ByteString(name)) }
        if let methods = arguments.names("methods") { change.methods = .set(methods) }
        if let tags = arguments.names("tags") { change.tags = .set(tags) }
        if let tools = arguments.names("tools") { change.tools = .set(tools) }
        if let policy = arguments.value("policy") { change.policy = .set(ByteString(policy)) }
        if let answer = arguments.value("require-token") { change.requireAPITokenAuth = .set(answer == "yes") }
        if let end = arguments.end(now: now) { change.expiresAt = .set(end) }
        EndpointUpdate.clear(&change, &arguments)
        if change == EndpointChange() { arguments.mistake("nothing to change") }
        self.change = change
        try arguments.finish()
    }

    private static func clear(_ change: inout EndpointChange, _ arguments: inout Arguments) {
        for what in arguments.all("clear") {
            let isGiven =
                switch what {
                case "methods": change.methods != .keep
                case "tags": change.tags != .keep
                case "tools": change.tools != .keep
                case "policy": change.policy != .keep
                default: change.expiresAt != .keep
                }
            if isGiven { arguments.mistake("`--clear \(what)` contradicts a new value for it") }
            switch what {
            case "methods": change.methods = .set(nil)
            case "tags": change.tags = .set(nil)
            case "tools": change.tools = .set(nil)
            case "policy": change.policy = .set(nil)
            default: change.expiresAt = .set(nil)
            }
        }
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let state = try OpenState(configuration: configuration)
            let old = try state.endpoint(id)
            let changed = try deciding { () throws(ChangeRefusal) in
                let checked = try state.changes.check(change, of: old, now: now)
                return try state.changes.make(checked, by: OpenState.person, now: now)
            }
            if asJSON {
                let report = EndpointReport(configuration: state.loaded.configuration)
                Console.json { report.write(changed.value, &$0) }
            } else {
                Console.line(
                    "endpoint \(changed.value.id)  \(changed.value.name.text), \(EndpointReport.summary(changed.value))"
                )
            }
            return state.settle(changed.number)
        }
    }
}

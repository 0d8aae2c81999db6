import Bytes
import Commands
import Identity
import System

/// Gives an endpoint another URL.
struct EndpointRotate: Command {
    static let form = CommandForm(
        ["endpoint", "rotate"], summary: "Give an endpoint another URL; the old one is dead at once",
        operands: [Operand("ID", "the endpoint, or the beginning of its id")],
        options: [CommonArguments.configuration, CommonArguments.json])

    private let configuration: String
    private let id: String
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configuration = arguments.configurationPath
        id = arguments.required(0)
        asJSON = arguments.flag("json")
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let state = try OpenState(configuration: configuration)
            let endpoint = try state.endpoint(id)
            let rotated = try deciding { () throws(ChangeRefusal) in
                try state.changes.rotate(endpoint, by: OpenState.person, now: WallTime.now)
            }
            let report = EndpointReport(configuration: state.loaded.configuration)
            let (record, secret) = (rotated.value.record, rotated.value.secret)
            if asJSON {
                Console.json { report.write(record, secret: secret, &$0) }
            } else {
                report.tellIssued(record, secret)
            }
            return state.settle(rotated.number)
        }
    }
}

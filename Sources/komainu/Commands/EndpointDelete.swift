import Bytes
import Commands
import Identity
import System

/// Deletes an endpoint.
struct EndpointDelete: Command {
    static let form = CommandForm(
        ["endpoint", "delete"], summary: "Delete an endpoint; its URL is dead and its streams end at once",
        operands: [Operand("ID", "the endpoint, or the beginning of its id")], options: [CommonArguments.configuration])

    private let configuration: String
    private let id: String

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configuration = arguments.configurationPath
        id = arguments.required(0)
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let state = try OpenState(configuration: configuration)
            let endpoint = try state.endpoint(id)
            let deleted = try deciding { () throws(ChangeRefusal) in
                try state.changes.delete(endpoint, by: OpenState.person, now: WallTime.now)
            }
            Console.line("deleted \(endpoint.id)  \(endpoint.name.text)")
            return state.settle(deleted.number)
        }
    }
}

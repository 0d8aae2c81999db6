import Bytes
import Commands
import Identity
import System

/// Revokes an API token.
struct TokenRevoke: Command {
    static let form = CommandForm(
        ["token", "revoke"], summary: "Revoke an API token; its streams end at once",
        operands: [Operand("ID", "the token, or the beginning of its id")], options: [CommonArguments.configuration])

    private let configuration: String
    private let id: String

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configuration = arguments.configurationPath
        id = arguments.required(0)
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let state = try OpenState(configuration: configuration)
            let token = try state.token(id)
            let revoked = try deciding { () throws(ChangeRefusal) in
                try state.changes.revoke(token, by: OpenState.person, now: WallTime.now)
            }
            Console.line("revoked \(token.id)  \(token.subject.text)")
            return state.settle(revoked.number)
        }
    }
}

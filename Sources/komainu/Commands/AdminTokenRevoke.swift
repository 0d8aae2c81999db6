import Bytes
import Commands
import Identity
import System

/// Revokes an admin token.
struct AdminTokenRevoke: Command {
    static let form = CommandForm(
        ["admin-token", "revoke"], summary: "Revoke an admin token; it is worth nothing at once",
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
            let token = try state.adminToken(id)
            let revoked = try deciding { () throws(ChangeRefusal) in
                try state.changes.revoke(token, by: OpenState.person, now: WallTime.now)
            }
            Console.line("revoked \(token.id)  \(token.name.text)")
            return state.settle(revoked.number)
        }
    }
}

import Bytes
import Commands
import Identity
import JSON
import System

/// Lists the admin tokens.
struct AdminTokenList: Command {
    static let form = CommandForm(
        ["admin-token", "list"], summary: "List the admin tokens, the revoked ones included",
        options: [CommonArguments.configuration, CommonArguments.json])

    private let configuration: String
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configuration = arguments.configurationPath
        asJSON = arguments.flag("json")
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let state = try OpenState(configuration: configuration)
            let tokens = try asking { () throws(StateFailure) in try state.store.adminTokens() }
            if asJSON {
                Console.json { writer in
                    writer.beginObject()
                    writer.key("result")
                    writer.beginArray()
                    for token in tokens { token.encode(into: &writer) }
                    writer.endArray()
                    writer.endObject()
                }
            } else {
                let now = WallTime.now
                Console.table(
                    [["ID", "NAME", "ROLE", "ENDS", "STATE"]]
                        + tokens.map { token in
                            [
                                token.id.description, token.name.text, token.role.rawValue,
                                token.expiresAt?.description ?? "never",
                                TokenReport.state(revokedAt: token.revokedAt, expiresAt: token.expiresAt, now: now),
                            ]
                        })
            }
            return .yes
        }
    }
}

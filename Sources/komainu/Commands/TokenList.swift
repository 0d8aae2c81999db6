import Bytes
import Commands
import Identity
import JSON
import System

/// Lists the API tokens.
struct TokenList: Command {
    static let form = CommandForm(
        ["token", "list"], summary: "List the API tokens, the revoked ones included",
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
            let tokens = try asking { () throws(StateFailure) in try state.store.apiTokens() }
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
                    [["ID", "SUBJECT", "NAME", "FOR", "ENDS", "STATE"]]
                        + tokens.map { token in
                            [
                                token.id.description, token.subject.text, token.name.text, TokenReport.bindings(token),
                                token.expiresAt?.description ?? "never", TokenReport.state(token, now: now),
                            ]
                        })
            }
            return .yes
        }
    }
}

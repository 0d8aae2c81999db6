import Commands

/// The program: its commands, and the way from a command line to an exit code.
enum Komainu {
    static let program = Program(
        name: "komainu", summary: "Komainu stands before an MCP server and decides, for every message, what passes.",
        version: Version.text,
        commands: [
            Serve.self, Demo.self, Check.self, Doctor.self,
            EndpointCreate.self, EndpointList.self, EndpointShow.self, EndpointUpdate.self, EndpointRotate.self,
            EndpointDelete.self,
            TokenCreate.self, TokenList.self, TokenRevoke.self,
            AdminTokenCreate.self, AdminTokenList.self, AdminTokenRevoke.self,
            PolicyExplain.self, PolicyMatrix.self,
            ToolsList.self, ToolsDiff.self, ToolsApprove.self,
            AuditVerify.self, AuditTail.self, AuditQuery.self, AuditProve.self, AuditProveGrowth.self,
            AuditCheckProof.self, AuditRotateKey.self,
            Connect.self,
            CertificateCreate.self,
            CompletionScript.self,
            Sample.self,
        ])

    static func run(_ words: [String]) -> ExitCode {
        do throws(UsageMistakes) {
            switch try program.parse(words) {
            case .print(let text):
                Console.write(text)
                return .yes
            case .run(let command, let arguments):
                return try command.init(arguments).run()
            }
        } catch {
            for message in error.messages { Console.complain(message) }
            Console.note("see `\(error.command) --help`")
            return .usage
        }
    }
}

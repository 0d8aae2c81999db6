import Audit
import Commands
import System

/// Checks a trail.
struct AuditVerify: Command {
    static let form = CommandForm(
        ["audit", "verify"], summary: "Check that the trail is whole and as it was written",
        discussion: """
            Needs nothing but the directory, and may run while the proxy writes. Exit code 0: verified; 1: tampered with or cut
            short; 3: something needed is missing; 4: verified, with warnings.
            """,
        operands: [AuditArguments.directory], options: [CommonArguments.configuration, CommonArguments.json])

    private let place: TrailPlace
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        place = AuditArguments.directory(arguments)
        asJSON = arguments.flag("json")
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let progress = Progress("verifying")
            let code = AuditCommands.verify(
                directory: try place.path(), json: asJSON, progress: { progress.show($0, of: $1) },
                write: { answer in
                    progress.clear()
                    Console.write(bytes: answer)
                })
            return ExitCode(rawValue: code) ?? .unknown
        }
    }
}

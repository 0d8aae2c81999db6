import Audit
import Commands
import System
import TransparencyLog

/// Checks a trail.
struct AuditVerify: Command {
    static let form = CommandForm(
        ["audit", "verify"], summary: "Check that the trail is whole and as it was written",
        discussion: """
            Needs nothing but the directory, and may run while the proxy writes. Reads every line, and compares the chain, the
            seals, the tree's tiles and the signed checkpoints with it. With the log's key or the anchor it also notices a trail
            that was made anew or put back. Exit code 0: verified; 1: tampered with, forked, rolled back or cut short; 3: something
            needed is missing; 4: verified, with warnings.
            """,
        operands: [AuditArguments.directory],
        options: [
            AuditArguments.key,
            .value(
                "anchor", "FILE", "a signed checkpoint that was kept elsewhere: the anchor, or a copy",
                completion: .files),
            CommonArguments.configuration, CommonArguments.json,
        ],
        examples: ["komainu audit verify var/audit --key mcp.example.com/audit+530d903a+AekyeRrm56hA..."])

    private let place: TrailPlace
    private let key: NoteKey?
    private let anchor: String?
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        place = AuditArguments.directory(arguments)
        key = AuditArguments.key(&arguments)
        anchor = arguments.value("anchor")
        asJSON = arguments.flag("json")
        try arguments.finish()
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let progress = Progress("verifying")
            var outside: [VerifyReport.Outside] = []
            if let anchor { outside = [VerifyReport.Outside(file: anchor, note: try contents(of: anchor))] }
            let code = AuditCommands.verify(
                directory: try place.path(), key: key, outside: outside, json: asJSON,
                progress: { progress.show($0, of: $1) },
                write: { answer in
                    progress.clear()
                    Console.write(bytes: answer)
                })
            return ExitCode(rawValue: code) ?? .unknown
        }
    }
}

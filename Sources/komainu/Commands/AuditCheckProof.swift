import Audit
import Bytes
import Commands
import JSON
import TransparencyLog

/// Checks a proof, without the trail.
struct AuditCheckProof: Command {
    static let form = CommandForm(
        ["audit", "check-proof"], summary: "Check a proof with the log's public key alone",
        discussion:
            "Exit code 0: what the proof shows is so; 1: it is not; the proven record is printed as it stands in the trail.",
        operands: [Operand("FILE", "the proof", completion: .files)],
        options: [
            AuditArguments.requiredKey,
            .value("old", "FILE", "the earlier checkpoint, for a proof of growth", completion: .files),
            CommonArguments.json,
        ],
        examples: ["komainu audit check-proof 4711.tlog-proof --key mcp.example.com/audit+530d903a+AekyeRrm56hA..."])

    private let file: String
    private let key: NoteKey?
    private let old: String?
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        file = arguments.required(0)
        key = AuditArguments.key(&arguments)
        old = arguments.value("old")
        asJSON = arguments.flag("json")
        try arguments.finish()
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let proof = try contents(of: file)
            var earlier: [UInt8]?
            if let old { earlier = try contents(of: old) }
            guard let key else { return .usage }
            let shown: AuditProof.Shown
            do throws(AuditProof.Failure) {
                shown = try AuditProof.check(proof, key: key, old: earlier)
            } catch {
                throw ProgramFailure("nothing is proven: \(error.reason)", code: .no)
            }
            if asJSON { say(json: shown) } else { say(shown) }
            return .yes
        }
    }

    private func say(_ shown: AuditProof.Shown) {
        let log = "\(shown.checkpoint.origin), \(shown.checkpoint.size) records"
        if let old = shown.old {
            Console.line("proven: the log (\(log)) begins with the \(old) records of the earlier checkpoint")
        }
        if let (number, line) = shown.record {
            Console.line("proven: record \(number) is in the log (\(log))")
            Console.line(ByteString(line).text)
        }
    }

    private func say(json shown: AuditProof.Shown) {
        Console.json { writer in
            writer.beginObject()
            writer.member("origin", shown.checkpoint.origin.text)
            writer.member("size", Int(clamping: shown.checkpoint.size))
            writer.member("root", Base64.encode(shown.checkpoint.root.bytes))
            if let old = shown.old { writer.member("old", Int(clamping: old)) }
            if let (number, line) = shown.record {
                writer.member("record", Int(clamping: number))
                writer.member("line", ByteString(line).text)
            }
            writer.endObject()
        }
    }
}

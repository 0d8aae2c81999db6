import Audit
import Commands
import System
import TransparencyLog

/// Proves that one record is in a trail.
struct AuditProve: Command {
    static let form = CommandForm(
        ["audit", "prove"], summary: "Write a proof that a record is in the trail (C2SP .tlog-proof)",
        discussion: """
            The proof holds the record, its path in the tree and the signed checkpoint. Whoever has the log's public key checks it
            with `audit check-proof`, or with other tools for C2SP logs, and needs nothing else.
            """,
        operands: [
            Operand("RECORD", "its number, or the id of a call: what was decided about it"), AuditArguments.directory,
        ],
        options: [ProofOutput.option, CommonArguments.configuration],
        examples: ["komainu audit prove 4711 var/audit --output 4711.tlog-proof"])

    private let record: String
    private let place: TrailPlace
    private let output: ProofOutput

    init(_ arguments: Arguments) throws(UsageMistakes) {
        record = arguments.required(0)
        place = arguments.operand(1).map { .directory($0) } ?? .configuration(arguments.configurationPath)
        output = ProofOutput(arguments)
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let directory = try place.path()
            try output.write(
                try proving { () throws(AuditProof.Failure) in
                    try AuditProof.inclusion(of: record, in: directory).encoded
                })
            return .yes
        }
    }
}

/// Proves that a trail only grew.
struct AuditProveGrowth: Command {
    static let form = CommandForm(
        ["audit", "prove-growth"], summary: "Write a proof that the trail begins with that of an earlier checkpoint",
        discussion: """
            In the form in which C2SP witnesses are asked. `audit check-proof --old` checks it with the earlier checkpoint.
            """,
        operands: [Operand("SIZE", "how many records the earlier checkpoint covers"), AuditArguments.directory],
        options: [ProofOutput.option, CommonArguments.configuration],
        examples: ["komainu audit prove-growth 4000 var/audit --output growth"])

    private let size: UInt64
    private let place: TrailPlace
    private let output: ProofOutput

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        let text = arguments.required(0)
        let number = UInt64(text)
        if number == nil { arguments.mistake("`\(text)` isn't a number of records") }
        size = number ?? 0
        place = arguments.operand(1).map { .directory($0) } ?? .configuration(arguments.configurationPath)
        output = ProofOutput(arguments)
        try arguments.finish()
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let directory = try place.path()
            try output.write(
                try proving { () throws(AuditProof.Failure) in
                    try AuditProof.growth(from: size, in: directory).encoded
                })
            return .yes
        }
    }
}

/// Where a proof goes.
struct ProofOutput {
    static let option = Option.value(
        "output", "FILE", "where the proof goes; standard output when left out", completion: .files)

    private let path: String?

    init(_ arguments: Arguments) {
        path = arguments.value("output")
    }

    func write(_ proof: [UInt8]) throws(ProgramFailure) {
        guard let path else { return Console.write(bytes: proof) }
        try attempting("the proof can't be written") { () throws(SystemFailure) in
            try Files.replace(path, with: proof, permissions: 0o644)
        }
    }
}

/// What proving gives; without a proof nobody can tell.
func proving(_ body: () throws(AuditProof.Failure) -> [UInt8]) throws(ProgramFailure) -> [UInt8] {
    do throws(AuditProof.Failure) { return try body() } catch { throw ProgramFailure(error.reason, code: .unknown) }
}

import Bytes
import Catalog
import Commands
import System

/// Approves tool definitions that wait.
struct ToolsApprove: Command {
    static let form = CommandForm(
        ["tools", "approve"], summary: "Approve the definition of a tool that waits",
        discussion: """
            Without `--hash` it only shows what changed and the hash to approve, so that what is approved is what was looked
            at. The proxy carries the approval out and records it; without a running proxy it does so when it starts.
            """,
        operands: [Operand("UPSTREAM", "whose tool"), Operand("TOOL", "which tool")],
        options: [
            .value("hash", "HASH", "the definition that was looked at, at least its first 12 digits"),
            .value("by", "NAME", "who approves; the login name when left out"),
            CommonArguments.configuration,
        ],
        examples: [
            "komainu tools approve torii search_apps", "komainu tools approve torii search_apps --hash 3f9c2a1b7d04",
        ])

    private let configuration: String
    private let upstream: String
    private let tool: ByteString
    private let hash: String?
    private let person: String

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        configuration = arguments.configurationPath
        upstream = arguments.required(0)
        tool = ByteString(arguments.required(1))
        hash = arguments.value("hash")
        person =
            arguments.value("by") ?? CurrentProcess.environment("SUDO_USER") ?? CurrentProcess.environment("USER")
            ?? "cli"
        if let hash, hash.utf8.count < 12 { arguments.mistake("`--hash \(hash)` has fewer than 12 digits") }
        try arguments.finish()
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let loaded = try LoadedConfiguration.loadOrReport(configuration)
            guard let known = try KnownTools.load(loaded, upstream: upstream).first else { return .unknown }
            guard let change = WaitingChange(tool, known.pins) else {
                let what = known.pins.approved[tool] == nil ? "was never seen" : "is approved"
                throw ProgramFailure("no definition of `\(tool.text)` waits; it \(what)")
            }
            change.tell(upstream: upstream)
            guard let hash else {
                Console.note("approve it with --hash \(change.hash.description.prefix(12))")
                return .no
            }
            guard change.hash.description.hasPrefix(hash) else {
                throw ProgramFailure("the definition that waits is another one by now; look at it and approve its hash")
            }
            let request = ApprovalRequest(tool: tool, hash: change.hash, person: ByteString(person))
            try known.requests.add(request)
            return wait(for: request, known.requests, loaded)
        }
    }

    /// The proxy looks every second.
    private func wait(for request: ApprovalRequest, _ requests: ApprovalRequests, _ loaded: LoadedConfiguration)
        -> ExitCode
    {
        let pause = Bell()
        for _ in 0..<50 where requests.isWaiting(request) { pause.wait(until: MonotonicTime.now + .milliseconds(100)) }
        if requests.isWaiting(request) {
            Console.note("no proxy took it within 5 s; it is carried out when one runs")
            return .warnings
        }
        let known = try? KnownTools.load(loaded, upstream: upstream).first
        guard known?.pins.approved[tool]?.definition.hash == request.hash else {
            Console.complain("the proxy didn't approve it; its log says why")
            return .no
        }
        Console.line("approved")
        return .yes
    }
}

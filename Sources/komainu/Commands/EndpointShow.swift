import Bytes
import Catalog
import Commands
import Identity
import JSON
import System

/// Shows one endpoint and the tools it leaves.
struct EndpointShow: Command {
    static let form = CommandForm(
        ["endpoint", "show"], summary: "Show one endpoint and the tools that it leaves",
        operands: [Operand("ID", "the endpoint, or the beginning of its id")],
        options: [CommonArguments.configuration, CommonArguments.json])

    private let configuration: String
    private let id: String
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configuration = arguments.configurationPath
        id = arguments.required(0)
        asJSON = arguments.flag("json")
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let state = try OpenState(configuration: configuration)
            let endpoint = try state.endpoint(id)
            if asJSON {
                let report = EndpointReport(configuration: state.loaded.configuration)
                Console.json { report.write(endpoint, &$0) }
            } else {
                tell(endpoint, state)
            }
            return .yes
        }
    }

    private func tell(_ endpoint: Endpoint, _ state: OpenState) {
        Console.line("endpoint \(endpoint.id)  \(endpoint.name.text)")
        Console.line("  \(EndpointReport.summary(endpoint))")
        Console.line("  made \(endpoint.createdAt) by \(endpoint.createdBy.text), changed \(endpoint.updatedAt)")
        if let end = endpoint.expiresAt, end <= WallTime.now { Console.line("  it has ended") }
        guard let upstream = try? state.upstream(endpoint.upstream.text),
            let selection = try? endpoint.config.selection()
        else {
            Console.line("  no tool: its upstream is no longer configured")
            return
        }
        Console.line("  tools, as far as the policy allows them:")
        for tool in upstream.catalog.tools(in: selection) { Console.line("    \(tool.text)") }
        Console.line()
        Console.write(EndpointReport(configuration: state.loaded.configuration).desktopSettings(endpoint))
        Console.line(
            "ENDPOINT-TOKEN is the end of its URL, which was shown when it was made; `endpoint rotate` makes another.")
    }
}

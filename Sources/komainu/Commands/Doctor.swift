import Commands
import Configuration
import Identity
import JSON
import System

/// Looks at everything that must be right before the proxy can serve, and says what is not.
struct Doctor: Command {
    static let form = CommandForm(
        ["doctor"], summary: "Look at files, permissions, disk and upstreams, and say what is wrong",
        discussion: """
            Nothing is changed, and nothing is sent to an upstream: it is only connected to. Exit code 0: all is well; 4: with
            warnings; 1: something is wrong.
            """,
        options: [CommonArguments.configuration, CommonArguments.json])

    private let configuration: String
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configuration = arguments.configurationPath
        asJSON = arguments.flag("json")
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let loaded = try LoadedConfiguration.loadOrReport(configuration)
            let reached = try UpstreamProbe.probe(loaded.configuration.upstreams)
            let findings =
                HouseVisit(loaded).findings + reached
            if asJSON { tellPrograms(findings) } else { tellPeople(findings) }
            if findings.contains(where: { $0.state == .wrong }) { return .no }
            return findings.contains { $0.state == .doubtful } ? .warnings : .yes
        }
    }

    private func tellPeople(_ findings: [Finding]) {
        Console.table(findings.map { [$0.state.rawValue, $0.what, $0.text] })
    }

    private func tellPrograms(_ findings: [Finding]) {
        Console.json { writer in
            writer.beginObject()
            writer.key("findings")
            writer.beginArray()
            for finding in findings {
                writer.beginObject()
                writer.member("state", finding.state.rawValue)
                writer.member("what", finding.what)
                writer.member("text", finding.text)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }
}

/// One thing that was looked at.
struct Finding: Sendable {
    /// How it is.
    enum State: String, Sendable {
        case good = "ok"
        case doubtful = "warning"
        case wrong
    }

    let state: State
    let what: String
    let text: String

    init(_ state: State, _ what: String, _ text: String) {
        self.state = state
        self.what = what
        self.text = text
    }
}

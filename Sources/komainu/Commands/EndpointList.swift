import Bytes
import Commands
import Identity
import JSON

/// Lists the endpoints.
struct EndpointList: Command {
    static let form = CommandForm(
        ["endpoint", "list"], summary: "List the endpoints; their URLs can't be shown again",
        operands: [Operand("UPSTREAM", "only those of this one", isOptional: true)],
        options: [CommonArguments.configuration, CommonArguments.json])

    private let configuration: String
    private let upstream: ByteString?
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configuration = arguments.configurationPath
        upstream = arguments.operand(0).map { ByteString($0) }
        asJSON = arguments.flag("json")
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let state = try OpenState(configuration: configuration)
            if let upstream { _ = try state.upstream(upstream.text) }
            let endpoints = try asking { () throws(StateFailure) in try state.store.endpoints(of: upstream) }
            let report = EndpointReport(configuration: state.loaded.configuration)
            if asJSON {
                Console.json { writer in
                    writer.beginObject()
                    writer.key("result")
                    writer.beginArray()
                    for endpoint in endpoints { report.write(endpoint, &writer) }
                    writer.endArray()
                    writer.endObject()
                }
            } else {
                Console.table(
                    [["ID", "NAME", "WHAT"]]
                        + endpoints.map { [$0.id.description, $0.name.text, EndpointReport.summary($0)] })
            }
            return .yes
        }
    }
}

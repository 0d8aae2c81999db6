import Bytes
import Catalog
import Commands
import Configuration
import JSON

/// Says in words what changed in the definitions that wait for approval.
struct ToolsDiff: Command {
    static let form = CommandForm(
        ["tools", "diff"], summary: "Say in words what changed in tool definitions that wait for approval",
        discussion: "`!` marks what lets through more than before, `~` what the model reads.",
        operands: [
            Operand("UPSTREAM", "only this one", isOptional: true), Operand("TOOL", "only this one", isOptional: true),
        ],
        options: [CommonArguments.configuration, CommonArguments.json])

    private let configuration: String
    private let upstream: String?
    private let tool: ByteString?
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configuration = arguments.configurationPath
        upstream = arguments.operand(0)
        tool = arguments.operand(1).map { ByteString($0) }
        asJSON = arguments.flag("json")
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let known = try KnownTools.load(try LoadedConfiguration.loadOrReport(configuration), upstream: upstream)
            var waiting: [(upstream: String, change: WaitingChange)] = []
            for tools in known {
                for name in tools.pins.pending.keys.sorted() where tool == nil || tool == name {
                    if let change = WaitingChange(name, tools.pins) {
                        waiting.append((tools.upstream.settings.name, change))
                    }
                }
            }
            if asJSON {
                Console.json { writer in
                    writer.beginObject()
                    writer.key("waiting")
                    writer.beginArray()
                    for (upstream, change) in waiting { change.write(upstream: upstream, &writer) }
                    writer.endArray()
                    writer.endObject()
                }
            } else {
                for (upstream, change) in waiting { change.tell(upstream: upstream) }
                if waiting.isEmpty { Console.line("nothing waits for approval") }
            }
            return waiting.isEmpty ? .yes : .no
        }
    }
}

/// One definition that waits, and what differs from the approved one.
struct WaitingChange {
    let tool: ByteString
    let hash: DefinitionHash
    let changes: [DefinitionChange]

    init?(_ tool: ByteString, _ pins: Pins) {
        guard let waiting = pins.pending[tool], let changes = pins.changes(of: tool) else { return nil }
        self.tool = tool
        self.hash = waiting.definition.hash
        self.changes = changes
    }

    func tell(upstream: String) {
        Console.line("\(upstream) \(tool.text)  \(hash)")
        for change in changes { Console.line("  \(WaitingChange.mark(change.weight)) \(change.description)") }
    }

    func write(upstream: String, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("upstream", upstream)
        writer.key("tool")
        writer.string(tool)
        writer.member("hash", hash.description)
        writer.key("changes")
        WaitingChange.write(changes, &writer)
        writer.endObject()
    }

    /// Changes as JSON.
    static func write(_ changes: [DefinitionChange], _ writer: inout JSONWriter) {
        writer.beginArray()
        for change in changes {
            writer.beginObject()
            writer.member("weight", word(change.weight))
            writer.member("change", change.description)
            writer.endObject()
        }
        writer.endArray()
    }

    private static func mark(_ weight: DefinitionChange.Weight) -> String {
        switch weight {
        case .neutral: " "
        case .text: "~"
        case .widening: "!"
        }
    }

    private static func word(_ weight: DefinitionChange.Weight) -> String {
        switch weight {
        case .neutral: "neutral"
        case .text: "text"
        case .widening: "widening"
        }
    }
}

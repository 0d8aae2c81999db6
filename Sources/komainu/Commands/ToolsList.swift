import Bytes
import Catalog
import Commands
import Configuration
import JSON

/// Lists what is known about the tools of the upstreams.
struct ToolsList: Command {
    static let form = CommandForm(
        ["tools", "list"], summary: "List the tools of the upstreams, what they are and where they stand",
        discussion: """
            approved: seen and pinned. waiting: its definition is new or changed; hidden and denied until `tools approve`.
            unclassified: seen and in no catalogue; hidden and denied. unseen: in the catalogue and never seen.
            """,
        operands: [Operand("UPSTREAM", "only this one", isOptional: true)],
        options: [CommonArguments.configuration, CommonArguments.json])

    private let configuration: String
    private let upstream: String?
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configuration = arguments.configurationPath
        upstream = arguments.operand(0)
        asJSON = arguments.flag("json")
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let known = try KnownTools.load(try LoadedConfiguration.loadOrReport(configuration), upstream: upstream)
            if asJSON { tellPrograms(known) } else { tellPeople(known) }
            return known.contains { !$0.pins.pending.isEmpty } ? .warnings : .yes
        }
    }

    private func tellPeople(_ known: [KnownTools]) {
        var rows = [["UPSTREAM", "TOOL", "METHOD", "EFFECT", "TAGS", "STATE"]]
        for tools in known {
            for name in tools.names {
                let what = tools.classification(of: name)
                let tags = what?.tags.map(\.text).joined(separator: ",") ?? ""
                let method = what?.dispatch == nil ? what?.method.text : "(by the tool inside)"
                rows.append([
                    tools.upstream.settings.name, name.text, method ?? "?", what?.effect.word ?? "?", tags,
                    tools.state(of: name).rawValue,
                ])
            }
        }
        Console.table(rows)
    }

    private func tellPrograms(_ known: [KnownTools]) {
        Console.json { writer in
            writer.beginObject()
            writer.key("tools")
            writer.beginArray()
            for tools in known {
                for name in tools.names { tools.write(name, &writer) }
            }
            writer.endArray()
            writer.endObject()
        }
    }
}

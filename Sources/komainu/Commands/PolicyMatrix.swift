import Bytes
import Catalog
import Commands
import Identity
import JSON
import Policy

/// Shows which tools which callers would see.
struct PolicyMatrix: Command {
    static let form = CommandForm(
        ["policy", "matrix"], summary: "Show which tools which callers would be shown and may call",
        discussion:
            "`yes`: with any arguments its schema takes; `some`: with some arguments only; `-`: hidden and denied.",
        operands: [Operand("UPSTREAM", "whose tools")],
        options: [
            .value("group", "GROUP", "a column for a caller of this group", repeats: true),
            .value("subject", "WHO", "a column for this caller", repeats: true),
        ] + PolicyQuestion.options,
        examples: ["komainu policy matrix torii --group dashboards --group finance"])

    private let question: PolicyQuestion
    private let groups: [String]
    private let subjects: [String]
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        question = PolicyQuestion(arguments)
        groups = arguments.all("group")
        subjects = arguments.all("subject")
        asJSON = arguments.flag("json")
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let subject = try question.load()
            var columns: [(name: String, principal: Principal)] = []
            for (name, caller) in callers {
                var caller = caller
                caller.endpoint = subject.endpoint
                columns.append((name, try caller.principal(at: ByteString(question.upstream))))
            }
            let rows = subject.tools.names.map { tool in
                (tool, columns.map { cell(tool, $0.principal, subject) })
            }
            if asJSON {
                tellPrograms(columns.map(\.name), rows)
            } else {
                tellPeople(columns.map(\.name), rows, subject)
            }
            return .yes
        }
    }

    private var callers: [(String, SupposedCaller)] {
        let all =
            groups.map { ("group \($0)", SupposedCaller(groups: [ByteString($0)])) }
            + subjects.map { ($0, SupposedCaller(subject: ByteString($0))) }
        return all.isEmpty ? [("someone", SupposedCaller())] : all
    }

    private func cell(_ tool: ByteString, _ principal: Principal, _ subject: PolicyQuestion.Subject) -> String {
        switch subject.policy.listing(of: tool, for: principal, tools: subject.directory) {
        case .hidden: "-"
        case .listed(inputSchema: nil): "yes"
        case .listed: "some"
        }
    }

    private func tellPeople(_ columns: [String], _ rows: [(ByteString, [String])], _ subject: PolicyQuestion.Subject) {
        Console.line("policy \(subject.policy.name.text)")
        Console.table(
            [["TOOL", "EFFECT"] + columns]
                + rows.map { tool, cells in
                    [tool.text, subject.tools.classification(of: tool)?.effect.word ?? "?"] + cells
                })
    }

    private func tellPrograms(_ columns: [String], _ rows: [(ByteString, [String])]) {
        Console.json { writer in
            writer.beginObject()
            writer.key("tools")
            writer.beginArray()
            for (tool, cells) in rows {
                writer.beginObject()
                writer.key("tool")
                writer.string(tool)
                for (column, cell) in zip(columns, cells) { writer.member(column, cell) }
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }
}

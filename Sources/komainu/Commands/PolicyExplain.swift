import Bytes
import Commands
import JSON
import MCP
import Policy

/// Says what would become of a call, and why.
struct PolicyExplain: Command {
    static let form = CommandForm(
        ["policy", "explain"], summary: "Say whether a call would be allowed, and what each rule says about it",
        discussion:
            "Exit code 0: it would be allowed; 1: denied. Nothing is sent, and limits of calls aren't considered.",
        operands: [Operand("UPSTREAM", "whose tool"), Operand("TOOL", "which tool")],
        options: [
            .value("arguments", "JSON", "the call's arguments; {} when left out"),
            .value("subject", "WHO", "who calls; `someone` when left out"),
            .value("group", "GROUP", "a group of theirs", repeats: true),
        ] + PolicyQuestion.options,
        examples: [#"komainu policy explain torii list_users --group dashboards --arguments '{"size": 500}'"#])

    private let question: PolicyQuestion
    private let tool: ByteString
    private let arguments: JSONValue
    private let caller: SupposedCaller
    private let asJSON: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        question = PolicyQuestion(arguments)
        tool = ByteString(arguments.required(1))
        var caller = SupposedCaller()
        if let subject = arguments.value("subject") { caller.subject = ByteString(subject) }
        caller.groups = Set(arguments.all("group").map { ByteString($0) })
        self.caller = caller
        asJSON = arguments.flag("json")
        let text = arguments.value("arguments") ?? "{}"
        let document = try? JSONDocument(parsing: Array(text.utf8))
        if document.map({ $0.kind($0.root) }) != .object { arguments.mistake("`--arguments` must be a JSON object") }
        self.arguments = document.map { $0.value($0.root) } ?? .object([])
        try arguments.finish()
    }

    func run() -> ExitCode {
        reporting { () throws(ProgramFailure) in
            let subject = try question.load()
            var caller = caller
            caller.endpoint = subject.endpoint
            let principal = try caller.principal(at: ByteString(question.upstream))
            let explanation = try subject.explain(tool, arguments, for: principal)
            if asJSON {
                Console.json { explanation.write(subject.policy, &$0) }
            } else {
                tellPeople(explanation, subject)
            }
            return explanation.denial == nil ? .yes : .no
        }
    }

    private func tellPeople(_ explanation: Explanation, _ subject: PolicyQuestion.Subject) {
        if let denial = explanation.denial {
            Console.line("denied (\(denial.code))" + (denial.hidden ? ", as if there were no such tool" : ""))
            Console.line("  \(denial.description)")
        } else {
            Console.line("allowed by \(explanation.allowing.map(\.text).joined(separator: ", "))")
        }
        Console.line("policy \(subject.policy.name.text)")
        for line in explanation.lines {
            Console.line("  \(line.decides ? "*" : " ") \(line.rule.text): \(line.text)")
        }
        if subject.tools.state(of: tool) == .unseen, subject.tools.classification(of: tool) != nil {
            Console.note("the tool was never seen: what its own schema would refuse isn't told")
        }
    }
}

extension Explanation {
    /// Writes it as one JSON object.
    func write(_ policy: RuleSet, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("allowed", denial == nil)
        writer.member("policy", policy.name.text)
        writer.member("reason", denial?.code)
        writer.member("message", denial?.description)
        writer.member("allowing", allowing.map(\.text))
        writer.key("rules")
        writer.beginArray()
        for line in lines {
            writer.beginObject()
            writer.member("rule", line.rule.text)
            writer.member("decides", line.decides)
            writer.member("text", line.text)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
    }
}

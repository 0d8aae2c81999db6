public import Bytes
public import Catalog
public import Identity
public import JSON
public import MCP

/// Why a call would be allowed or denied, rule by rule, for people who write policies.
public struct Explanation: Sendable {
    /// One rule's part in it.
    public struct Line: Hashable, Sendable {
        /// The rule's id.
        public let rule: ByteString
        /// What it says, in words.
        public let text: String
        /// Whether it is among the rules that decided.
        public let decides: Bool
    }

    /// The denial; nil when the call would be allowed.
    public let denial: Denial?
    /// The rules that allow it, when it would be allowed.
    public let allowing: [ByteString]
    /// Every rule of the policy, in the order of the file.
    public let lines: [Line]
}

extension RuleSet {
    /// Explains what would become of a call. Nothing is counted, and limits of calls aren't considered.
    ///
    /// - Throws: When the arguments can't be sent as a call.
    public func explain(
        _ tool: ByteString, arguments: JSONValue = .object([]), for principal: Principal, tools: some ToolDirectory
    ) throws(MessageFailure) -> Explanation {
        let call: JSONValue = [
            "jsonrpc": "2.0", "id": 1, "method": "tools/call",
            "params": ["name": .string(tool), "arguments": arguments],
        ]
        let message = try ClientMessage(parsing: call.encoded())
        do throws(Denial) {
            let judgement = try judge(message, for: principal, tools)
            return Explanation(
                denial: nil, allowing: judgement.allowing.map { rules[$0].id },
                lines: lines(judgement.tool.name, judgement.verdicts, nil, for: principal, tools))
        } catch {
            return Explanation(
                denial: error, allowing: [],
                lines: lines(error.tool ?? tool, error.verdicts, error.rule, for: principal, tools))
        }
    }

    /// What rules said, in one line for a record: `dashboard-reads allows; no-offboarding: argument … must be …`.
    public func why(_ verdicts: [RuleVerdict]) -> String {
        verdicts.map { verdict in
            let words = words(verdict)
            return "\(verdict.rule.text) \(words)"
        }.joined(separator: "; ")
    }

    private func words(_ verdict: RuleVerdict) -> String {
        let demand = rules.first { $0.id == verdict.rule }?.demand(verdict.outcome) ?? "its conditions"
        return switch verdict.outcome {
        case .allows: "allows it"
        case .denies: "denies it"
        case .wouldDeny: "would deny it"
        case .notMet: "does not apply: \(demand)"
        case .unknownArgument: "does not apply: \(demand)"
        case .notEvaluable: "can't be evaluated: \(demand)"
        }
    }

    private func lines(
        _ tool: ByteString, _ verdicts: [RuleVerdict], _ decisive: ByteString?, for principal: Principal,
        _ tools: some ToolDirectory
    ) -> [Explanation.Line] {
        rules.map { rule in
            let verdict = verdicts.first { $0.rule == rule.id }
            let decides = decisive == rule.id || verdict?.outcome == .allows
            return Explanation.Line(
                rule: rule.id, text: verdict.map(words) ?? reasonForSilence(rule, tool, principal, tools),
                decides: decides)
        }
    }

    /// Why a rule said nothing about a call.
    private func reasonForSilence(
        _ rule: Rule, _ tool: ByteString, _ principal: Principal, _ tools: some ToolDirectory
    ) -> String {
        guard rule.who.includes(principal) else { return "is not about this caller" }
        switch tools.standing(of: tool) {
        case .approved(let classification), .unlisted(let classification):
            guard rule.selection.admits(tool, classification) else { return "is not about this tool" }
            return rule.isDenying ? "denies it" : "was not asked: the tool is hidden or denied"
        case .unknown, .unclassified, .quarantined: return "was not asked: the tool is hidden"
        }
    }
}

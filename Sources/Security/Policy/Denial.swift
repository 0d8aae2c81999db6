public import Bytes

/// Why something isn't forwarded. The text is for people and models: it names rules and arguments, never their values.
public struct Denial: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reasons. The raw value is the stable code in answers, records and metrics.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// Neither the vendor nor the catalogue knows the tool.
        case toolUnknown = "tool_unknown"
        /// The vendor lists the tool and nobody classified it.
        case toolUnclassified = "tool_unclassified"
        /// The tool's definition isn't approved.
        case toolQuarantined = "tool_quarantined"
        /// The catalogue knows the tool and the vendor doesn't list it.
        case toolUnlisted = "tool_unlisted"
        /// The endpoint leaves the tool out.
        case outsideEndpoint = "outside_endpoint"
        /// No rule allows the tool, whatever the arguments.
        case noRule = "no_rule"
        /// A rule denies the tool, whatever the arguments.
        case toolDenied = "tool_denied"
        /// Rules allow the tool, but not with these arguments.
        case argumentsNotAllowed = "arguments_not_allowed"
        /// A rule denies these arguments.
        case argumentsDenied = "arguments_denied"
        /// A rule couldn't be evaluated on these arguments: a wrong shape, a pattern without an end.
        case notEvaluable = "not_evaluable"
        /// The rule's calls are used up for now.
        case rateLimited = "rate_limited"
        /// The arguments hold a mask or a pseudonym that stood in place of data.
        case placeholderReturned = "placeholder_returned"
        /// The call names no tool, or its arguments are no object.
        case callMalformed = "call_malformed"
        /// A tool that runs others was called without a tool's name, or with arguments that aren't its own.
        case dispatchMalformed = "dispatch_malformed"
        /// A tool that runs others was told to run one that does the same.
        case dispatchNested = "dispatch_nested"
        /// The policy doesn't open this method.
        case methodClosed = "method_closed"
        /// The policy opens the method, but not for this URI or name.
        case targetNotAllowed = "target_not_allowed"
        /// The call asks for a task, or carries answers for the server, and the policy opens neither.
        case extensionClosed = "extension_closed"
        /// The answer belongs to no request that the policy opens.
        case answerUnexpected = "answer_unexpected"
        /// The message is of a version of MCP whose method the policy doesn't know.
        case methodUnknown = "method_unknown"
    }

    /// Why.
    public let reason: Reason
    /// The rule that said no, or whose conditions weren't met; nil when none came into it.
    public let rule: ByteString?
    /// The tool, when it was one and its name can be shown; the inner one when one tool was to run another.
    public let tool: ByteString?
    /// Whether to answer as if the tool didn't exist.
    public let hidden: Bool
    /// What the rule demands of which argument, from the policy's text; nil when no argument was the reason.
    public let demand: String?
    /// When to try again; for `rateLimited`.
    public let retryAfter: Duration?
    /// What each rule that speaks of the tool said, for the record.
    public let verdicts: [RuleVerdict]
    /// The trial rules (`mode: shadow`) that would have denied it too.
    public let shadow: [ByteString]

    init(
        _ reason: Reason, rule: ByteString? = nil, tool: ByteString? = nil, hidden: Bool = false, demand: String? = nil,
        retryAfter: Duration? = nil, verdicts: [RuleVerdict] = [], shadow: [ByteString] = []
    ) {
        self.reason = reason
        self.rule = rule
        self.tool = tool
        self.hidden = hidden
        self.demand = demand
        self.retryAfter = retryAfter
        self.verdicts = verdicts
        self.shadow = shadow
    }

    /// The refusal of arguments that hold what redaction put in place of data: forwarded, it would overwrite that data.
    public static func placeholderReturned(rule: ByteString, tool: ByteString?) -> Denial {
        Denial(.placeholderReturned, rule: rule, tool: tool)
    }

    /// The stable code, such as `arguments_not_allowed`.
    public var code: String { reason.rawValue }

    /// One sentence for the person or model that asked. Not to be shown when `hidden`.
    public var description: String {
        let cause = rule.map { " (rule `\($0.text)`)" } ?? ""
        let detail = demand.map { ": \($0)" } ?? ""
        return "Denied by policy\(cause): \(sentence)\(detail)."
    }

    private var sentence: String {
        switch reason {
        case .toolUnknown, .toolUnclassified, .toolQuarantined, .toolUnlisted, .outsideEndpoint, .noRule:
            "the tool is not available here"
        case .toolDenied: "the tool may not be called"
        case .argumentsNotAllowed, .argumentsDenied: "the tool may not be called with these arguments"
        case .notEvaluable: "the arguments can't be judged"
        case .rateLimited: "too many calls for now"
        case .placeholderReturned: "the arguments hold a value that stands in place of redacted data"
        case .callMalformed: "the call can't be read"
        case .dispatchMalformed: "the tool to run can't be read from the arguments"
        case .dispatchNested: "a tool that runs tools may not be run by another"
        case .methodClosed, .methodUnknown: "this method is not open"
        case .targetNotAllowed: "this name is not open"
        case .extensionClosed: "tasks and answers to the server are not open"
        case .answerUnexpected: "nothing was asked that this answers"
        }
    }
}

/// What one rule that speaks of a tool and a caller said about a call.
public struct RuleVerdict: Hashable, Sendable {
    /// What it said.
    public enum Outcome: Hashable, Sendable {
        /// It allows the call.
        case allows
        /// It denies the call.
        case denies
        /// It would deny the call if it weren't on trial.
        case wouldDeny
        /// Its conditions aren't met; the index of the argument among the rule's.
        case notMet(argument: Int)
        /// An argument was given that neither the definition nor the rule names.
        case unknownArgument
        /// It can't be evaluated; the index of the argument among the rule's.
        case notEvaluable(argument: Int)
    }

    /// The rule's id.
    public let rule: ByteString
    /// What it said.
    public let outcome: Outcome
}

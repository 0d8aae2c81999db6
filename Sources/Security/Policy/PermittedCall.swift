public import Bytes
public import Catalog
public import JSON
public import MCP

/// A message that may be forwarded, and under what conditions. Only a `RuleSet` makes one, for the very message it judged,
/// and it is used up by redaction.
public struct PermittedCall: ~Copyable, Sendable {
    /// The message that was judged.
    public let message: ClientMessage
    /// The tool, when it is a call of one: the inner one, when one tool runs another.
    public let tool: JudgedTool?
    /// The first rule that allows it; `protocol` for what every caller may do, `protocol.resources` and the like.
    public let rule: ByteString
    /// Every rule that allows it.
    public let rules: [ByteString]
    /// How the result is redacted: the groups of every rule that allows it.
    public let redactions: [RedactionGroup]
    /// How large the result may be: the strictest of every rule that allows it.
    public let limits: ResultLimits
    /// Whether pseudonyms in the arguments are put back instead of refused; only when every rule that allows it says so.
    public let restoresPseudonyms: Bool
    /// The trial rules that would have denied it.
    public let shadow: [ByteString]
    /// What each rule that speaks of the tool and the caller said, for the record.
    public let verdicts: [RuleVerdict]
    /// Changes to make to the message when it is encoded anew: members that nobody judged are left out.
    public let edits: JSONEdits
    /// For tools that tell about others: the only ones that may be told about. Nil for all other calls.
    public let visibleTools: Set<ByteString>?
    /// For tools that tell about others: those known by name that must not be told about, in prose and suggestions either.
    public let hiddenTools: [ByteString]

    init(
        _ message: ClientMessage, tool: JudgedTool? = nil, rules: [ByteString], redactions: [RedactionGroup] = [],
        limits: ResultLimits = .none, restoresPseudonyms: Bool = false, shadow: [ByteString] = [],
        verdicts: [RuleVerdict] = [], edits: JSONEdits = .none, visibleTools: Set<ByteString>? = nil,
        hiddenTools: [ByteString] = []
    ) {
        self.message = message
        self.tool = tool
        self.rule = rules.first ?? "protocol"
        self.rules = rules
        self.redactions = redactions
        self.limits = limits
        self.restoresPseudonyms = restoresPseudonyms
        self.shadow = shadow
        self.verdicts = verdicts
        self.edits = edits
        self.visibleTools = visibleTools
        self.hiddenTools = hiddenTools
    }
}

/// The tool that a call was judged as.
public struct JudgedTool: Sendable {
    /// Its name; the inner one when one tool runs another.
    public let name: ByteString
    /// The tool that the client called, when it runs this one.
    public let calledThrough: ByteString?
    /// What it is.
    public let classification: Classification
    /// Its arguments within the message; nil for none.
    public let arguments: JSONDocument.Node?
    /// The approved definition; nil for a tool that the vendor doesn't list.
    public let definition: ToolDefinition?
}

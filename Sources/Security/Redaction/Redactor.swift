public import Bytes
import Catalog
public import JSON
public import MCP
public import Policy
import Synchronization

/// Redacts what agents are shown, what the audit trail keeps, and nothing else. One for each upstream, for all threads.
public final class Redactor: Sendable {
    let pseudonyms: Pseudonyms
    private let memory: PseudonymMemory?
    private let programs = Mutex<[[ByteString]: [Compiled]]>([:])

    private let vocabularies = Mutex<[DefinitionHash: Set<ByteString>]>([:])

    /// A program and the groups it was made from.
    private struct Compiled {
        let groups: [RedactionGroup]
        let program: RedactionProgram
        let record: RedactionProgram
    }

    /// How many different sets of groups are kept compiled.
    private static let mostPrograms = 256
    /// How many definitions' words are kept.
    private static let mostVocabularies = 4096

    /// A redactor whose pseudonyms are stable for one upstream.
    ///
    /// - Parameters:
    ///   - key: at least 32 secret bytes, the same after every start; whoever has them can guess what pseudonyms stand for.
    ///   - upstream: the upstream's name, so that two upstreams' pseudonyms of one value differ.
    ///   - remembersPseudonyms: whether what pseudonyms stand for is kept in memory, so that a rule can put them back.
    public init(key: [UInt8], upstream: ByteString, remembersPseudonyms: Bool = false) {
        pseudonyms = Pseudonyms(key: key, upstream: upstream)
        memory = remembersPseudonyms ? PseudonymMemory() : nil
    }

    /// The programs for some groups: for results, and for the record of arguments.
    func compiled(_ groups: [RedactionGroup]) -> (program: RedactionProgram, record: RedactionProgram) {
        let names = groups.map(\.name)
        // Groups come from one rule set and share their memory, so that comparing them costs little.
        if let known = programs.withLock({ $0[names]?.first { $0.groups == groups } }) {
            return (known.program, known.record)
        }
        let made = Compiled(
            groups: groups, program: RedactionProgram(groups), record: RedactionProgram(groups, everyKind: true))
        programs.withLock { programs in
            if programs.count >= Self.mostPrograms { programs = [:] }
            // A reloaded policy has groups of the same names that differ: only the newest two are kept.
            programs[names] = [made] + (programs[names]?.prefix(1) ?? [])
        }
        return (made.program, made.record)
    }

    /// The words that a definition's output schema lists, kept for the next call.
    private func words(of definition: ToolDefinition) -> Set<ByteString> {
        guard let schema = definition.outputSchema else { return [] }
        if let known = vocabularies.withLock({ $0[definition.hash] }) { return known }
        let words = vocabulary(of: schema, in: definition.document)
        vocabularies.withLock { vocabularies in
            if vocabularies.count >= Self.mostVocabularies { vocabularies = [:] }
            vocabularies[definition.hash] = words
        }
        return words
    }

    // MARK: Calls

    /// Makes what may be forwarded from what policy permitted, and what its record may say.
    ///
    /// - Throws: `Denial` when the arguments hold a mask or a pseudonym: sent on, it would overwrite what it stands for.
    ///   When the rule says so, pseudonyms are put back instead; one that is not remembered is a denial all the same.
    public func redact(
        _ permitted: consuming PermittedCall, editing edits: JSONEdits = .none
    ) throws(Denial) -> RedactedCall {
        let message = permitted.message
        // What answers a server's request has a result in place of parameters.
        let said = message.params ?? message.document.member("result", of: message.document.root)
        let arguments = permitted.tool.map(\.arguments) ?? said
        var edits = edits.merging(permitted.edits)
        if let said {
            var returning = Returning(document: message.document, memory: permitted.restoresPseudonyms ? memory : nil)
            guard returning.take(said) else {
                throw Denial.placeholderReturned(rule: permitted.rule, tool: permitted.tool?.name)
            }
            edits = edits.merging(returning.edits)
        }
        let compiled = compiled(permitted.redactions)
        let ticket = ResultTicket(
            method: message.method ?? .other(""), isToolCall: message.method == .toolsCall, program: compiled.program,
            limits: permitted.limits, vocabulary: permitted.tool?.definition.map(words) ?? [],
            hiddenTools: Set(permitted.hiddenTools))
        return RedactedCall(
            encoded: message.document.encoded(message.document.root, editing: edits),
            auditArguments: arguments.map { recorded($0, of: message.document, by: compiled.record) },
            originalArguments: arguments.map { message.document.encoded($0) }, ticket: ticket)
    }

    // MARK: Results

    /// Redacts the answer to a call: a result or an error.
    ///
    /// - Parameters:
    ///   - id: the id that the client asked with, which the answer will carry.
    ///   - edits: changes of somebody else's, such as tools left out of a list.
    /// - Throws: `Withheld` when a group or a limit of the rule says that nothing of it may leave, or when a removed value
    ///   would survive where nothing can be changed.
    public func redact(
        _ message: ServerMessage, answering id: RequestID, as ticket: ResultTicket, editing edits: JSONEdits = .none
    ) throws(Withheld) -> RedactedResult {
        var edits = edits
        let document = message.document
        if let own = document.member("id", of: document.root) { edits.replace(own, with: id.encoded.bytes) }
        return try redact(document, as: ticket, editing: edits)
    }

    /// Redacts a notice or a request of the server's, by the groups for those and, when it belongs to a call, by that call's.
    public func redact(
        notification message: ServerMessage, groups: [RedactionGroup], as ticket: ResultTicket?
    ) throws(Withheld) -> RedactedResult {
        guard let ticket else {
            return try redact(message.document, as: ResultTicket(method: .ping, program: compiled(groups).program))
        }
        // Both apply; what one redacts the other sees redacted.
        let once = try redact(message.document, as: ticket, editing: .none)
        guard !groups.isEmpty, let document = try? JSONDocument(parsing: once.bytes, limits: .unlimited) else {
            return once
        }
        let twice = try redact(document, as: ResultTicket(method: ticket.method, program: compiled(groups).program))
        return RedactedResult(bytes: twice.bytes, report: once.report + twice.report)
    }

    private func redact(
        _ message: JSONDocument, as ticket: ResultTicket, editing edits: JSONEdits = .none
    ) throws(Withheld) -> RedactedResult {
        let result = message.member("result", of: message.root)
        if let most = ticket.limits.bytes, message.encodedCount(result ?? message.root) > most {
            throw Withheld(.bytes)
        }
        guard ticket.hasWork else { return asItIs(message, result, edits) }
        var pass = Pass(ticket.program, pseudonyms, vocabulary: ticket.vocabulary, remembers: memory != nil)
        pass.hiddenTools = ticket.hiddenTools
        pass.definitions = Pass.definitions(of: ticket.method)
        try pass.visitMessage(message, editing: edits)
        try pass.cleanResidue()
        pass.finish()
        if let most = ticket.limits.rows, pass.rows > most { throw Withheld(.rows) }
        memory?.remember(pass.given)
        let facts = pass.facts
        if let result { pass.tell(in: result, message) }
        return RedactedResult(bytes: pass.write(), report: facts)
    }

    /// Writes a message that nothing is to be redacted in, without what somebody else says in our name.
    private func asItIs(_ message: JSONDocument, _ result: JSONDocument.Node?, _ edits: JSONEdits) -> RedactedResult {
        var edits = edits
        if let meta = result.flatMap({ message.member("_meta", of: $0) }),
            let forged = message.member(RedactionFact.metaName, of: meta)
        {
            edits.remove(forged)
        }
        return RedactedResult(bytes: message.encoded(message.root, editing: edits), report: [])
    }

    // MARK: Definitions

    /// Adds the edits that relax a tool's `outputSchema` so that redacted results fulfil it. To be made wherever the tool
    /// is listed; the same schema and groups always give the same.
    public func relax(
        _ schema: JSONDocument.Node, of document: JSONDocument, by groups: [RedactionGroup], into edits: inout JSONEdits
    ) {
        var relaxation = SchemaRelaxation(document, schema, compiled(groups).program)
        edits = edits.merging(relaxation.make())
    }

    // MARK: Arguments

    /// A value as the audit trail may keep it: redacted by the same groups and by every detector, at most 16 KiB.
    public func recorded(
        _ node: JSONDocument.Node, of document: JSONDocument, for groups: [RedactionGroup]
    ) -> [UInt8] {
        recorded(node, of: document, by: compiled(groups).record)
    }

    private func recorded(_ node: JSONDocument.Node, of document: JSONDocument, by program: RedactionProgram) -> [UInt8]
    {
        var pass = Pass(program, pseudonyms)
        pass.layers = [Pass.Layer(document: document, root: node, depth: 0)]
        pass.place = .arguments
        do throws(Withheld) {
            try pass.visit(node, document, 0, state: pass.automaton.initial, name: nil)
            try pass.cleanResidue()
        } catch {
            // More removed values than are kept track of.
            return RecordedArguments.omitted(document.encoded(node).count)
        }
        pass.finish()
        return RecordedArguments.cut(pass.write())
    }
}

extension JSONLimits {
    /// For what has been read within limits already.
    static let unlimited: JSONLimits = {
        var limits = JSONLimits()
        limits.bytes = .max
        limits.values = .max
        limits.nameBytes = .max
        limits.numberBytes = .max
        limits.depth = 1024
        return limits
    }()
}

/// A message that may be forwarded, made only from what policy permitted; the only thing of a client's that leaves.
public struct RedactedCall: ~Copyable, Sendable {
    /// The message, written anew.
    public let encoded: [UInt8]
    /// The arguments (or, of what is no call of a tool, the parameters) as the record may hold them, at most 16 KiB; nil when
    /// there are none.
    public let auditArguments: [UInt8]?
    /// The same as they were, for a commitment to them. Never to be kept.
    public let originalArguments: [UInt8]?
    /// What the answer must be redacted by.
    public let ticket: ResultTicket
}

/// What a call's answer must be redacted by. Made when the call is forwarded; every message of that call needs it.
public struct ResultTicket: Sendable {
    /// The method that was asked with.
    public let method: MCP.Method
    /// Whether it was `tools/call`.
    public let isToolCall: Bool
    let program: RedactionProgram
    let limits: ResultLimits
    /// Words that the tool's output schema lists itself.
    let vocabulary: Set<ByteString>
    /// Tools that must not be told about.
    let hiddenTools: Set<ByteString>

    /// Whether a message has to be looked through at all.
    var hasWork: Bool { !program.isEmpty || !hiddenTools.isEmpty || limits.rows != nil }

    init(
        method: MCP.Method, isToolCall: Bool = false, program: RedactionProgram, limits: ResultLimits = .none,
        vocabulary: Set<ByteString> = [], hiddenTools: Set<ByteString> = []
    ) {
        self.method = method
        self.isToolCall = isToolCall
        self.program = program
        self.limits = limits
        self.vocabulary = vocabulary
        self.hiddenTools = hiddenTools
    }
}

/// A message that may be released, made only by redaction.
public struct RedactedResult: Sendable {
    /// The message, written anew.
    public let bytes: [UInt8]
    /// What was done, without values; empty when nothing was.
    public let report: [RedactionFact]

    init(bytes: [UInt8], report: [RedactionFact]) {
        self.bytes = bytes
        self.report = report
    }

    /// This message, which another redaction of it came before, with what was done in both.
    public func following(_ first: RedactedResult) -> RedactedResult {
        RedactedResult(bytes: bytes, report: first.report + report)
    }
}

extension Pass {
    /// Says in the result's `_meta` what was redacted, and takes away what somebody else says there in our name.
    mutating func tell(in result: JSONDocument.Node, _ message: JSONDocument) {
        guard message.kind(result) == .object else { return }
        let meta = message.member("_meta", of: result)
        if let meta, let forged = message.member(RedactionFact.metaName, of: meta) { layers[0].edits.remove(forged) }
        guard let told = encodedFacts else { return }
        if let meta, message.kind(meta) == .object {
            layers[0].edits.append(to: meta, member: RedactionFact.metaName, encoded: told)
        } else if meta == nil {
            var writer = JSONWriter()
            writer.beginObject()
            writer.key(RedactionFact.metaName)
            writer.raw(told)
            writer.endObject()
            layers[0].edits.append(to: result, member: "_meta", encoded: writer.bytes)
        }
    }
}

import Bytes
import Catalog
import Identity
import JSON
import MCP
import System

/// A tool that a caller can see, with what the rules say about it.
struct VisibleTool {
    let name: ByteString
    let classification: Classification
    let definition: ToolDefinition?
    let view: ToolView
}

extension RuleSet {
    func permitCall(
        _ message: ClientMessage, for principal: Principal, _ tools: some ToolDirectory, isStateless: Bool = false,
        now: MonotonicTime
    ) throws(Denial) -> PermittedCall {
        let judgement = try judge(message, for: principal, tools, isStateless: isStateless)
        if let refusal = limiter.take(judgement.allowing, principal, at: now) {
            throw Denial(
                .rateLimited, rule: rules[refusal.rule].id, tool: judgement.tool.name, retryAfter: refusal.wait,
                verdicts: judgement.verdicts, shadow: judgement.shadow)
        }
        let grants = judgement.allowing.compactMap { rules[$0].grant }
        return PermittedCall(
            message, tool: judgement.tool, rules: judgement.allowing.map { rules[$0].id },
            redactions: redactions(of: grants), limits: grants.reduce(.none) { $0.and($1.limits) },
            restoresPseudonyms: grants.allSatisfy(\.restoresPseudonyms), shadow: judgement.shadow,
            verdicts: judgement.verdicts, edits: judgement.edits, visibleTools: judgement.visibleTools,
            hiddenTools: judgement.hiddenTools)
    }

    private func redactions(of grants: [Rule.Grant]) -> [RedactionGroup] {
        grants.count == 1 ? grants[0].groups : redactions(grants.flatMap(\.redactions))
    }

    /// A call that rules allow, before it is counted.
    struct Judgement {
        var tool: JudgedTool
        var allowing: [Int]
        var verdicts: [RuleVerdict]
        var shadow: [ByteString]
        var edits: JSONEdits
        var visibleTools: Set<ByteString>?
        var hiddenTools: [ByteString] = []
    }

    func judge(
        _ message: ClientMessage, for principal: Principal, _ tools: some ToolDirectory, isStateless: Bool = false
    ) throws(Denial) -> Judgement {
        let call: ToolCall
        do throws(ToolCall.Failure) {
            call = try ToolCall(message)
        } catch {
            throw Denial(.callMalformed)
        }
        let edits =
            isStateless ? try statelessEdits(message, for: principal) : try parameterEdits(message, for: principal)
        let applicable = applicable(to: principal)
        let judged = try resolve(call, for: principal, applicable, tools)
        var judgement = try judgeArguments(judged.tool, judged.view, message)
        judgement.edits = edits
        if let discovery = judged.tool.classification.discovery {
            let visible = visibleTools(for: principal, applicable, tools)
            judgement.visibleTools = visible
            judgement.hiddenTools = tools.names.filter { !visible.contains($0) }
            try refuseHiddenNames(discovery, judged.tool, message, visible)
        }
        return judgement
    }

    /// Members of `params` that nobody judges are left out; what asks for tasks or answers the server must be open.
    private func parameterEdits(_ message: ClientMessage, for principal: Principal) throws(Denial) -> JSONEdits {
        var edits = JSONEdits()
        guard let params = message.params else { return edits }
        let document = message.document
        try document.forEachMember(of: params) { (name, value) throws(Denial) in
            for known in ["name", "arguments", "_meta"] where document.isString(name, equalTo: known) { return }
            if document.isString(name, equalTo: "task") {
                if !opens([.tasks], for: principal) { throw Denial(.extensionClosed) }
            } else if document.isString(name, equalTo: "inputResponses")
                || document.isString(name, equalTo: "requestState")
            {
                if !opens([.sampling, .elicitation, .roots], for: principal) { throw Denial(.extensionClosed) }
            } else {
                edits.remove(value)
            }
        }
        return edits
    }

    func opens(_ features: Set<ProtocolFeature>, for principal: Principal) -> Bool {
        !openFeatures(for: principal).isDisjoint(with: features)
    }

    // MARK: Which tool it is

    /// The tool that is really called, and visible to the caller.
    private func resolve(
        _ call: ToolCall, for principal: Principal, _ applicable: [Int], _ tools: some ToolDirectory
    ) throws(Denial) -> (tool: JudgedTool, view: ToolView) {
        guard case .approved(let outer) = tools.standing(of: call.name), let dispatch = outer.dispatch else {
            let tool = try visible(call.name, for: principal, applicable, tools)
            let judged = JudgedTool(
                name: tool.name, calledThrough: nil, classification: tool.classification, arguments: call.arguments,
                definition: tool.definition)
            return (judged, tool.view)
        }
        let inner = try innerCall(call, dispatch)
        if case .approved(let found) = tools.standing(of: inner.name), found.dispatch != nil {
            throw Denial(.dispatchNested, tool: call.name)
        }
        let tool = try visibleInner(inner.name, through: call.name, dispatch, for: principal, applicable, tools)
        let judged = JudgedTool(
            name: tool.name, calledThrough: call.name, classification: tool.classification, arguments: inner.arguments,
            definition: tool.definition)
        return (judged, tool.view)
    }

    /// The inner tool's name and arguments. The outer tool may be given nothing else: a server might read a name of another
    /// spelling first.
    private func innerCall(
        _ call: ToolCall, _ dispatch: Dispatch
    ) throws(Denial) -> (name: ByteString, arguments: JSONDocument.Node?) {
        let document = call.message.document
        let malformed = Denial(.dispatchMalformed, tool: call.name)
        guard let outer = call.arguments,
            let name = document.pointer(dispatch.tool, from: outer).flatMap(document.string),
            isToolName(name)
        else { throw malformed }
        let pointers = [dispatch.tool.tokens[...], dispatch.arguments.tokens[...]]
        guard holdsOnly(pointers, outer, document) else { throw malformed }
        let arguments = document.pointer(dispatch.arguments, from: outer)
        if let arguments, document.kind(arguments) != .object { throw malformed }
        return (name, arguments)
    }

    /// Whether an object has no members but those on the way to the pointers.
    private func holdsOnly(
        _ pointers: [ArraySlice<ByteString>], _ node: JSONDocument.Node, _ document: JSONDocument
    ) -> Bool {
        if pointers.contains(where: \.isEmpty) { return true }
        guard document.kind(node) == .object else { return false }
        return document.members(of: node).allSatisfy { name, value in
            let further = pointers.filter { $0.first == document.string(name) }.map { $0.dropFirst() }
            return !further.isEmpty && holdsOnly(further, value, document)
        }
    }

    /// A hidden inner tool doesn't exist, and when nothing can be run through the outer tool, that doesn't either.
    private func visibleInner(
        _ tool: ByteString, through outer: ByteString, _ dispatch: Dispatch, for principal: Principal,
        _ applicable: [Int], _ tools: some ToolDirectory
    ) throws(Denial) -> VisibleTool {
        do throws(Denial) {
            return try visible(tool, for: principal, applicable, tools, allowsUnlisted: dispatch.allowsUnlisted)
        } catch {
            _ = try visible(outer, for: principal, applicable, tools)
            throw error
        }
    }

    /// A tool that the caller may see; any other is denied as one that doesn't exist.
    func visible(
        _ tool: ByteString, for principal: Principal, _ applicable: [Int], _ tools: some ToolDirectory,
        allowsUnlisted: Bool = false
    ) throws(Denial) -> VisibleTool {
        let shown = isToolName(tool) ? tool : nil
        let hidden = { (reason: Denial.Reason, rule: Int?) in
            Denial(reason, rule: rule.map { rules[$0].id }, tool: shown, hidden: true)
        }
        let classification: Classification
        switch tools.standing(of: tool) {
        case .unknown: throw hidden(.toolUnknown, nil)
        case .unclassified: throw hidden(.toolUnclassified, nil)
        case .quarantined: throw hidden(.toolQuarantined, nil)
        case .unlisted(let found):
            guard allowsUnlisted, found.dispatch == nil else { throw hidden(.toolUnlisted, nil) }
            classification = found
        case .approved(let found): classification = found
        }
        let definition = tools.definition(of: tool)
        if let dispatch = classification.dispatch {
            // A tool that runs others can be seen when any of those can.
            let runsAny = tools.names.contains { name in
                if case .approved(let other) = tools.standing(of: name), other.dispatch != nil { return false }
                let inner = try? visible(
                    name, for: principal, applicable, tools, allowsUnlisted: dispatch.allowsUnlisted)
                return inner != nil
            }
            guard runsAny else { throw hidden(.noRule, nil) }
            return VisibleTool(name: tool, classification: classification, definition: definition, view: .unrestricted)
        }
        guard principal.selection.admits(tool, classification) else { throw hidden(.outsideEndpoint, nil) }
        let view = view(of: tool, classification, definition, rules: applicable)
        if case .hidden(let rule) = view.standing { throw hidden(rule == nil ? .noRule : .toolDenied, rule) }
        return VisibleTool(name: tool, classification: classification, definition: definition, view: view)
    }

    /// Every tool that the caller may hear about: those that may be called, also through another.
    private func visibleTools(
        for principal: Principal, _ applicable: [Int], _ tools: some ToolDirectory
    ) -> Set<ByteString> {
        let allowsUnlisted = tools.names.contains { name in
            guard case .approved(let found) = tools.standing(of: name) else { return false }
            return found.dispatch?.allowsUnlisted == true
        }
        return Set(
            tools.names.filter {
                let found = try? visible($0, for: principal, applicable, tools, allowsUnlisted: allowsUnlisted)
                return found != nil
            })
    }

    /// A tool that is asked about by name must be visible itself.
    private func refuseHiddenNames(
        _ discovery: Discovery, _ tool: JudgedTool, _ message: ClientMessage, _ visible: Set<ByteString>
    ) throws(Denial) {
        let document = message.document
        guard let pointer = discovery.names, let arguments = tool.arguments,
            let asked = document.pointer(pointer, from: arguments)
        else { return }
        let names = document.kind(asked) == .array ? document.elements(of: asked) : [asked]
        for node in names {
            guard let name = document.string(node) else { throw Denial(.callMalformed, tool: tool.name) }
            if !visible.contains(name) {
                throw Denial(.toolUnknown, tool: isToolName(name) ? name : nil, hidden: true)
            }
        }
    }

    // MARK: Whether these arguments will do

    private func judgeArguments(
        _ tool: JudgedTool, _ view: ToolView, _ message: ClientMessage
    ) throws(Denial) -> Judgement {
        var verdicts: [RuleVerdict] = []
        verdicts.reserveCapacity(view.allowing.count + view.denying.count + view.onTrial.count)
        let shadow = shadowing(view, tool, message, &verdicts)
        for index in view.denying {
            let rule = rules[index]
            let outcome = rule.arguments.outcome(of: tool.arguments, in: message.document, allowing: false)
            verdicts.append(rule.verdict(outcome))
            if case .fail = outcome { continue }
            let reason: Denial.Reason = outcome == .hold ? .argumentsDenied : .notEvaluable
            throw Denial(reason, rule: rule.id, tool: tool.name, verdicts: verdicts, shadow: shadow)
        }
        var allowing: [Int] = []
        var first: Denial?
        for (place, index) in view.allowing.enumerated() {
            let rule = rules[index]
            let outcome = rule.outcome(tool, knownNames: view.knownNames[place], message.document)
            verdicts.append(RuleVerdict(rule: rule.id, outcome: outcome))
            if outcome == .allows { allowing.append(index) } else { first = first ?? rule.denial(outcome, tool.name) }
        }
        guard allowing.isEmpty else {
            return Judgement(tool: tool, allowing: allowing, verdicts: verdicts, shadow: shadow, edits: .none)
        }
        throw Denial(
            first?.reason ?? .noRule, rule: first?.rule, tool: tool.name, demand: first?.demand, verdicts: verdicts,
            shadow: shadow)
    }

    /// What the rules on trial would have denied.
    private func shadowing(
        _ view: ToolView, _ tool: JudgedTool, _ message: ClientMessage, _ verdicts: inout [RuleVerdict]
    ) -> [ByteString] {
        var shadow: [ByteString] = []
        for index in view.onTrial {
            let rule = rules[index]
            let outcome = rule.arguments.outcome(of: tool.arguments, in: message.document, allowing: false)
            if case .fail(let restriction) = outcome {
                verdicts.append(RuleVerdict(rule: rule.id, outcome: .notMet(argument: restriction)))
            } else {
                verdicts.append(RuleVerdict(rule: rule.id, outcome: .wouldDeny))
                shadow.append(rule.id)
            }
        }
        return shadow
    }
}

extension Rule {
    /// A denying rule's word.
    fileprivate func verdict(_ outcome: ArgumentsOutcome) -> RuleVerdict {
        switch outcome {
        case .hold: RuleVerdict(rule: id, outcome: .denies)
        case .fail(let restriction): RuleVerdict(rule: id, outcome: .notMet(argument: restriction))
        case .notEvaluable(let restriction): RuleVerdict(rule: id, outcome: .notEvaluable(argument: restriction))
        }
    }

    /// An allowing rule's word.
    fileprivate func outcome(
        _ tool: JudgedTool, knownNames: Set<ByteString>?, _ document: JSONDocument
    ) -> RuleVerdict.Outcome {
        if let knownNames, let arguments = tool.arguments {
            var isKnown = true
            document.forEachMember(of: arguments) { name, _ in
                isKnown = isKnown && document.string(name).map(knownNames.contains) == true
            }
            if !isKnown { return .unknownArgument }
        }
        switch arguments.outcome(of: tool.arguments, in: document, allowing: true) {
        case .hold: return .allows
        case .fail(let restriction): return .notMet(argument: restriction)
        case .notEvaluable(let restriction): return .notEvaluable(argument: restriction)
        }
    }

    fileprivate func denial(_ outcome: RuleVerdict.Outcome, _ tool: ByteString) -> Denial {
        Denial(.argumentsNotAllowed, rule: id, tool: tool, demand: demand(outcome))
    }

    /// What would have been needed.
    func demand(_ outcome: RuleVerdict.Outcome) -> String? {
        switch outcome {
        case .notMet(let index), .notEvaluable(let index): arguments.restrictions[index].words
        case .unknownArgument: "only arguments that the tool's definition names may be given"
        case .allows, .denies, .wouldDeny: nil
        }
    }
}

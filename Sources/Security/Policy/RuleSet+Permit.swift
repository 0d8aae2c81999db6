import Bytes
public import Catalog
public import Identity
import JSON
public import MCP
public import System

extension RuleSet {
    /// Decides whether a message may be forwarded.
    ///
    /// - Parameters:
    ///   - tools: The inventory of the caller's upstream as of now.
    ///   - answering: For a response: the method of the server's request that it answers, which the caller of this
    ///     function has found by id among those it forwarded on this conversation; nil when there is none.
    ///   - version: The revision of the conversation; nil for `initialize`. A method that it has not is unknown.
    ///   - now: For the counters of calls.
    /// - Throws: `Denial`. Nothing was counted then.
    public func permit(
        _ message: ClientMessage, for principal: Principal, tools: some ToolDirectory, answering: Method? = nil,
        version: ProtocolVersion? = nil, now: MonotonicTime
    ) throws(Denial) -> PermittedCall {
        if let version, message.method?.exists(in: version) == false { throw Denial(.methodUnknown) }
        if case .response = message.shape { return try permitAnswer(message, to: answering, for: principal) }
        switch message.method {
        case .toolsCall: return try permitCall(message, for: principal, tools, now: now)
        case .initialize, .discover:
            return PermittedCall(message, rules: ["protocol"], redactions: introductions(to: principal))
        case .initialized, .ping, .toolsList, .cancelled:
            return PermittedCall(message, rules: ["protocol"])
        case .subscriptionsListen: return try permitListening(message, for: principal)
        // Progress of a request that the server made; of which one, the conversation knows.
        case .progress:
            guard opens([.sampling, .elicitation, .roots], for: principal) else { throw Denial(.methodClosed) }
            return PermittedCall(message, rules: ["protocol"])
        case let method?: return try permitFeature(method, message, for: principal)
        // A message that is no response has a method.
        case nil: throw Denial(.methodUnknown)
        }
    }

    /// The groups by which a message of the server that isn't a response is redacted; nil when it must not be passed on.
    ///
    /// Progress and log messages that belong to a call are redacted by that call's groups as well.
    public func redactions(forServer method: Method, to principal: Principal) -> [RedactionGroup]? {
        let feature: ProtocolFeature
        switch method {
        case .ping, .progress, .toolsChanged, .cancelled: return []
        case .createMessage: feature = .sampling
        case .elicit, .elicitationComplete: feature = .elicitation
        case .rootsList: feature = .roots
        case .logMessage: feature = .logging
        case .promptsChanged: feature = .prompts
        case .resourcesChanged, .resourceUpdated: feature = .resources
        case .taskStatus: feature = .tasks
        default: return nil
        }
        return protocolRules.opening(feature, for: principal).map { redactions($0.redactions) }
    }

    /// What a server says of itself is prose and belongs to no tool: of every group that a caller's calls could be redacted
    /// by, the detectors. Where those withhold, they mask here: a handshake that is withheld locks everybody out.
    func introductions(to principal: Principal) -> [RedactionGroup] {
        redactions(applicable(to: principal).flatMap { rules[$0].grant?.redactions ?? [] }).compactMap { group in
            let steps: [RedactionGroup.Step] = group.steps.compactMap { step in
                guard case .detect(let detectors, let way) = step else { return nil }
                return .detect(detectors, way == .withhold ? .mask : way)
            }
            return steps.isEmpty ? nil : RedactionGroup(name: group.name, steps: steps)
        }
    }

    private func permitAnswer(
        _ message: ClientMessage, to method: Method?, for principal: Principal
    ) throws(Denial) -> PermittedCall {
        guard let method, redactions(forServer: method, to: principal) != nil else { throw Denial(.answerUnexpected) }
        return PermittedCall(message, rules: ["protocol"])
    }

    // MARK: Everything that isn't a tool

    func permitFeature(
        _ method: Method, _ message: ClientMessage, for principal: Principal
    ) throws(Denial) -> PermittedCall {
        guard let feature = ProtocolFeature(opening: method) else { throw Denial(.methodUnknown) }
        guard let opening = protocolRules.opening(feature, for: principal) else { throw Denial(.methodClosed) }
        switch method {
        case .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe:
            try require(message.text("uri").map(opening.allowsURI), feature)
        case .promptsGet: try require(message.text("name").map(opening.allowsName), feature)
        case .complete: try require(isOpenReference(message, for: principal), feature)
        default: break
        }
        return PermittedCall(
            message, rules: [ByteString("protocol.\(feature.rawValue)")], redactions: redactions(opening.redactions))
    }

    private func require(_ isAllowed: Bool?, _ feature: ProtocolFeature) throws(Denial) {
        if isAllowed != true { throw Denial(.targetNotAllowed, rule: ByteString("protocol.\(feature.rawValue)")) }
    }

    /// Completions tell values of a prompt's or a resource's parameters: only of those that are open themselves.
    private func isOpenReference(_ message: ClientMessage, for principal: Principal) -> Bool? {
        guard let reference = message.parameter("ref") else { return nil }
        let text = { (name: String) in message.document.member(name, of: reference).flatMap(message.document.string) }
        switch text("type") {
        case "ref/prompt": return text("name").map { opensPrompt($0, for: principal) }
        case "ref/resource": return text("uri").map { opensResource($0, for: principal) }
        default: return nil
        }
    }

    /// What the client wants to hear about is cut down to what is open (2026-07-28, `subscriptions/listen`).
    func permitListening(
        _ message: ClientMessage, for principal: Principal
    ) throws(Denial) -> PermittedCall {
        let document = message.document
        guard let wanted = message.parameter("notifications"), document.kind(wanted) == .object else {
            throw Denial(.callMalformed)
        }
        let open = openFeatures(for: principal)
        var edits = JSONEdits()
        for (name, value) in document.members(of: wanted) {
            if document.isString(name, equalTo: "toolsListChanged") { continue }
            if document.isString(name, equalTo: "promptsListChanged"), open.contains(.prompts) { continue }
            if document.isString(name, equalTo: "resourcesListChanged"), open.contains(.resources) { continue }
            // Whose the tasks are, the gateway knows.
            if document.isString(name, equalTo: "taskIds"), open.contains(.tasks) { continue }
            guard document.isString(name, equalTo: "resourceSubscriptions"), open.contains(.resources),
                document.kind(value) == .array
            else {
                edits.remove(value)
                continue
            }
            for element in document.elements(of: value) {
                let uri = document.string(element)
                if uri.map({ opensResource($0, for: principal) }) != true { edits.remove(element) }
            }
        }
        return PermittedCall(message, rules: ["protocol"], edits: edits)
    }
}

extension ClientMessage {
    fileprivate func text(_ name: String) -> ByteString? { parameter(name).flatMap(document.string) }
}

extension ProtocolFeature {
    /// What must be open for a method; nil for methods that nothing opens. Of whose tasks is told and asked, the book of tasks
    /// knows.
    fileprivate init?(opening method: Method) {
        switch method {
        case .resourcesList, .resourceTemplatesList, .resourcesRead, .resourcesSubscribe, .resourcesUnsubscribe:
            self = .resources
        case .promptsList, .promptsGet: self = .prompts
        case .complete: self = .completion
        case .setLogLevel: self = .logging
        case .tasksGet, .tasksResult, .tasksList, .tasksCancel, .tasksUpdate: self = .tasks
        case .rootsChanged: self = .roots
        default: return nil
        }
    }
}

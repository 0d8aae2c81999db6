public import Bytes
public import Catalog
public import Identity
import JSON
public import MCP
public import System

/// Extensions of 2026-07-28 that a policy can open.
public enum ProtocolExtension {
    /// Calls that become tasks: open with `protocol.tasks`.
    public static let tasks: ByteString = "io.modelcontextprotocol/tasks"
    /// MCP Apps, whose pages are resources: open when `protocol.resources` opens a `ui:` beginning.
    public static let apps: ByteString = "io.modelcontextprotocol/ui"
}

extension RuleSet {
    /// Decides whether a request of the stateless revision (2026-07-28) may be forwarded: by the same rules as any other, for the
    /// methods that this revision has.
    ///
    /// - Throws: `Denial`. Nothing was counted then.
    public func permitStateless(
        _ message: ClientMessage, for principal: Principal, tools: some ToolDirectory, now: MonotonicTime
    ) throws(Denial) -> PermittedCall {
        guard case .request = message.shape, let method = message.method else { throw Denial(.methodUnknown) }
        switch method {
        case .toolsCall: return try permitCall(message, for: principal, tools, isStateless: true, now: now)
        case .discover: return PermittedCall(message, rules: ["protocol"], redactions: introductions(to: principal))
        case .toolsList: return PermittedCall(message, rules: ["protocol"])
        case .subscriptionsListen: return try permitListening(message, for: principal)
        case .resourcesRead, .promptsGet, .tasksUpdate:
            try refuseClosedAnswers(message, for: principal)
            return try permitFeature(method, message, for: principal)
        case .resourcesList, .resourceTemplatesList, .promptsList, .complete, .tasksGet, .tasksCancel:
            return try permitFeature(method, message, for: principal)
        default: throw Denial(.methodUnknown)
        }
    }

    /// The extensions that a caller and the server may tell each other about.
    public func openExtensions(for principal: Principal) -> Set<ByteString> {
        var open: Set<ByteString> = []
        if protocolRules.opening(.tasks, for: principal) != nil { open.insert(ProtocolExtension.tasks) }
        let resources = protocolRules.opening(.resources, for: principal)
        if resources?.targets.contains(where: { $0.hasPrefix("ui:") }) == true { open.insert(ProtocolExtension.apps) }
        return open
    }

    /// Members of `params` that nobody judges are left out. `requestState` is the gateway's own, and opened by it alone; what
    /// answers the server must be open.
    func statelessEdits(_ message: ClientMessage, for principal: Principal) throws(Denial) -> JSONEdits {
        try refuseClosedAnswers(message, for: principal)
        var edits = JSONEdits()
        let judged = ["name", "arguments", "_meta", "inputResponses", "requestState"]
        for member in message.params.map({ message.document.members(of: $0) }) ?? [] {
            if !judged.contains(where: { message.document.isString(member.name, equalTo: $0) }) {
                edits.remove(member.value)
            }
        }
        return edits
    }

    private func refuseClosedAnswers(_ message: ClientMessage, for principal: Principal) throws(Denial) {
        guard message.parameter("inputResponses") != nil else { return }
        if !opens([.sampling, .elicitation, .roots], for: principal) { throw Denial(.extensionClosed) }
    }
}

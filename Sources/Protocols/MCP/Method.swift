public import Bytes

/// A JSON-RPC method of MCP, from either side; names that no revision has are kept as they were written.
public enum Method: Hashable, Sendable {
    case initialize, ping, discover
    case toolsList, toolsCall
    case resourcesList, resourceTemplatesList, resourcesRead, resourcesSubscribe, resourcesUnsubscribe
    case promptsList, promptsGet
    case complete
    case setLogLevel
    case tasksGet, tasksResult, tasksList, tasksCancel, tasksUpdate
    case subscriptionsListen
    case createMessage, elicit, rootsList
    case initialized, cancelled, progress, logMessage
    case toolsChanged, promptsChanged, resourcesChanged, resourceUpdated, rootsChanged
    case elicitationComplete, taskStatus
    case subscriptionAcknowledged, taskChanged
    case other(ByteString)

    /// Reads a method's name, byte for byte.
    public init(_ name: ByteString) {
        self = Method.byName[name] ?? .other(name)
    }

    /// The name on the wire.
    public var name: ByteString {
        if case .other(let name) = self { return name }
        return Method.names[self] ?? ""
    }

    /// Whether it is a notice: every revision names those, and nothing else, `notifications/…`.
    public var isNotification: Bool {
        switch self {
        case .initialized, .cancelled, .progress, .logMessage, .toolsChanged, .promptsChanged, .resourcesChanged,
            .resourceUpdated, .rootsChanged, .elicitationComplete, .taskStatus, .subscriptionAcknowledged, .taskChanged:
            true
        case .other(let name): name.hasPrefix("notifications/")
        default: false
        }
    }

    /// Every method that some revision names, with its name (2024-11-05 to 2026-07-28, `schema.ts`).
    private static let names: [Method: ByteString] = [
        .initialize: "initialize", .ping: "ping", .discover: "server/discover",
        .toolsList: "tools/list", .toolsCall: "tools/call",
        .resourcesList: "resources/list", .resourceTemplatesList: "resources/templates/list",
        .resourcesRead: "resources/read", .resourcesSubscribe: "resources/subscribe",
        .resourcesUnsubscribe: "resources/unsubscribe",
        .promptsList: "prompts/list", .promptsGet: "prompts/get",
        .complete: "completion/complete", .setLogLevel: "logging/setLevel",
        .tasksGet: "tasks/get", .tasksResult: "tasks/result", .tasksList: "tasks/list",
        .tasksCancel: "tasks/cancel", .tasksUpdate: "tasks/update",
        .subscriptionsListen: "subscriptions/listen",
        .createMessage: "sampling/createMessage", .elicit: "elicitation/create", .rootsList: "roots/list",
        .initialized: "notifications/initialized", .cancelled: "notifications/cancelled",
        .progress: "notifications/progress", .logMessage: "notifications/message",
        .toolsChanged: "notifications/tools/list_changed", .promptsChanged: "notifications/prompts/list_changed",
        .resourcesChanged: "notifications/resources/list_changed",
        .resourceUpdated: "notifications/resources/updated",
        .rootsChanged: "notifications/roots/list_changed",
        .elicitationComplete: "notifications/elicitation/complete", .taskStatus: "notifications/tasks/status",
        .subscriptionAcknowledged: "notifications/subscriptions/acknowledged", .taskChanged: "notifications/tasks",
    ]

    private static let byName: [ByteString: Method] = Dictionary(
        uniqueKeysWithValues: names.map { ($0.value, $0.key) })
}

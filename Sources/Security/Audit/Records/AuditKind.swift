import Bytes

/// The kinds of record there are. The set is closed: a verifier refuses a kind that its version does not know.
public enum AuditKind: String, Sendable, CaseIterable {
    // What the log says about itself.
    case logOpened = "log.opened"
    case logClosed = "log.closed"
    case logRecovered = "log.recovered"
    case logHeartbeat = "log.heartbeat"
    case logSuspended = "log.suspended"
    case logResumed = "log.resumed"
    case logPruned = "log.pruned"
    case logErased = "log.erased"
    case logExported = "log.exported"
    case logAccessed = "log.accessed"
    case logKeyRotated = "log.key_rotated"
    case logRepaired = "log.repaired"
    case clockJump = "clock.jump"

    // What judges and serves.
    case policyLoaded = "policy.loaded"
    case configChanged = "config.changed"
    case detectorLoaded = "detector.loaded"
    case catalogChanged = "catalog.changed"
    case serverUp = "server.up"
    case serverDown = "server.down"
    /// Somebody changed an endpoint, a token or the like through the admin API or the command line.
    case adminAction = "admin.action"

    // Who came, and who was not let in.
    case connectionOpened = "conn.opened"
    case connectionClosed = "conn.closed"
    case authFailed = "auth.failed"
    /// The request was broken before anybody could judge it: HTTP, framing, JSON or the JSON-RPC envelope.
    case requestRefused = "request.refused"

    // What agents did.
    case callDenied = "call.denied"
    case callIntent = "call.intent"
    case callOutcome = "call.outcome"
    case callOrphaned = "call.orphaned"
    case listServed = "list.served"
    case notifyForwarded = "notify.forwarded"
    case approvalRequested = "approval.requested"
    case approvalDecided = "approval.decided"
    case finding = "finding"
    case killActivated = "kill.activated"
    case killReleased = "kill.released"

    /// Whether a suspended log still takes this kind while it has room in reserve: what ends something already allowed, or
    /// tells why nothing is allowed.
    var isTakenWhenSuspended: Bool {
        switch self {
        case .callOutcome, .callOrphaned, .logSuspended, .logResumed, .logClosed: true
        default: false
        }
    }
}

extension AuditKind {
    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { (ByteString($0.rawValue), $0) })

    /// The kind of that name.
    init?(name: ByteString) {
        guard let kind = AuditKind.byName[name] else { return nil }
        self = kind
    }
}

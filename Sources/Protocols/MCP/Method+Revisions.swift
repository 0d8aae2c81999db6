extension Method {
    /// Whether a revision with a handshake has this method, from either side (`schema.ts` of each).
    public func exists(in version: ProtocolVersion) -> Bool {
        switch self {
        case .tasksGet, .tasksResult, .tasksList, .tasksCancel, .taskStatus, .elicitationComplete:
            version == .v20251125
        case .elicit: version == .v20250618 || version == .v20251125
        case .discover, .subscriptionsListen, .tasksUpdate, .other: false
        default: version.hasHandshake
        }
    }
}

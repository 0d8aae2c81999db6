public import System

/// How the log is, at one moment: for `/readyz` and metrics.
public struct AuditHealth: Sendable {
    /// What the log does with new records.
    public enum State: Hashable, Sendable {
        /// It writes them.
        case running
        /// It refuses them and tries again every few seconds.
        case suspended(AuditSuspension)
        /// It refuses them for good: the process must end with status 74 (EX_IOERR).
        case poisoned(SystemFailure)
        /// It was closed in good order.
        case closed
    }

    /// What the log does with new records.
    public let state: State
    /// How many records are on disk.
    public let durableRecords: UInt64
    /// How many records wait.
    public let waitingRecords: Int
    /// How many bytes wait.
    public let waitingBytes: Int
    /// How many calls were let through and have no outcome yet.
    public let openIntents: Int
    /// How many records were refused since the log was opened, for whatever reason.
    public let refusedRecords: UInt64
    /// How many batches were written since the log was opened.
    public let batches: UInt64
    /// When a record was last made durable.
    public let lastDurable: WallTime
    /// The segment being written, such as `seg/00000000000000000000-000001.jsonl`.
    public let segment: String

    /// Whether the next segment's room on the disk is reserved. Without it the log is suspended when this segment is full.
    public let hasRoomForNextSegment: Bool

    /// Whether calls may be forwarded.
    public var isReady: Bool { state == .running }
}

extension AuditHealth.State: CustomStringConvertible {
    /// For `/readyz` and people: the state, and the stable code of why.
    public var description: String {
        switch self {
        case .running: "running"
        case .suspended(let why): "suspended: \(why.code)"
        case .poisoned(let failure): "poisoned: \(failure)"
        case .closed: "closed"
        }
    }
}

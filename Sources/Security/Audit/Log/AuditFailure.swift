public import System

/// Why a record could not be made durable, or why the trail cannot be opened. Whatever depended on the record must not happen.
public enum AuditFailure: Error, Hashable, Sendable {
    /// The log takes nothing for now; it tries again by itself every few seconds.
    case suspended(AuditSuspension)
    /// More was waiting than the log's queue may hold: this record was refused at once.
    case queueFull
    /// The disk failed to make records durable. Nothing can be known about them: the process must end (exit status 74) and
    /// start anew, so that recovery reads what is really there.
    case poisoned(SystemFailure)
    /// The log is closed.
    case closed
    /// An outcome for an intent that is not open: it never was one, or it is closed already.
    case noOpenIntent(UInt64)

    /// Another process has the trail's directory open.
    case locked(directory: String)
    /// The trail is not what it was when it was written, in a place that no crash explains.
    case damaged(AuditDamage)
    /// The directory holds the trail of another origin.
    case otherOrigin(found: String, expected: String)
    /// A signed checkpoint counts more records than the log has: it was put back to an earlier state, or its end is lost.
    case rolledBack(source: String, signed: UInt64, found: UInt64)
    /// A signed checkpoint has another root over its records than the log has: one of them was rewritten, or there are two logs.
    case forked(source: String, size: UInt64)
    /// The key that signs checkpoints is missing, readable by others, or another one.
    case signingKey(String)
    /// The settings make no sense together.
    case settings(String)
    /// A file could not be read or written while opening.
    case system(SystemFailure)
    /// OpenSSL gave no random bytes.
    case random(String)

    /// The stable code for refusals and metrics.
    public var code: StaticString {
        switch self {
        case .suspended: "audit_suspended"
        case .queueFull: "audit_overloaded"
        case .poisoned: "audit_poisoned"
        case .closed: "audit_closed"
        case .noOpenIntent: "audit_no_open_intent"
        case .locked: "audit_locked"
        case .damaged: "audit_damaged"
        case .otherOrigin: "audit_other_origin"
        case .rolledBack: "audit_rolled_back"
        case .forked: "audit_forked"
        case .signingKey: "audit_signing_key"
        case .settings: "audit_settings"
        case .system: "audit_system"
        case .random: "audit_random"
        }
    }
}

/// Why the log takes nothing for now.
public enum AuditSuspension: Hashable, Sendable {
    /// The disk or the quota is full.
    case diskFull
    /// A write failed in a way that says nothing about what was written before.
    case writeFailed(SystemFailure)
    /// The disk has not answered for longer than the settings allow.
    case stalled
    /// Somebody deleted, renamed or replaced the file that is being written.
    case fileReplaced
    /// Somebody cut or lengthened the file that is being written.
    case fileChanged

    /// The stable code for health, metrics and the trail.
    public var code: StaticString {
        switch self {
        case .diskFull: "disk_full"
        case .writeFailed: "write_failed"
        case .stalled: "stalled"
        case .fileReplaced: "file_replaced"
        case .fileChanged: "file_changed"
        }
    }
}

/// A place in the trail that no crash explains.
public struct AuditDamage: Hashable, Sendable {
    /// The file, relative to the trail's directory.
    public let file: String
    /// Where in the file, in bytes.
    public let offset: Int
    /// What is wrong there.
    public let reason: String
}

extension AuditFailure: CustomStringConvertible {
    /// One sentence for an operator.
    public var description: String {
        switch self {
        case .suspended(let why):
            "the audit log is suspended (\(why.code)); nothing is forwarded until it can be written"
        case .queueFull: "the audit log cannot keep up: its queue is full"
        case .poisoned(let failure): "the audit log's disk failed (\(failure)); the process must restart"
        case .closed: "the audit log is closed"
        case .noOpenIntent(let sequence): "record \(sequence) of the audit log is not an open intent"
        case .locked(let directory): "another process writes the audit log in `\(directory)`"
        case .damaged(let damage):
            "the audit log is damaged: \(damage.file), byte \(damage.offset): \(damage.reason). Nothing was changed. "
                + "Run `komainu audit verify`, then restore the file or move the directory aside"
        case .otherOrigin(let found, let expected):
            "the directory holds the audit log of `\(found)`, not of `\(expected)`"
        case .rolledBack(let source, let signed, let found):
            "rollback or tampering: \(source) says \(signed) records, the log has \(found). Nothing was changed. "
                + "Run `komainu audit verify`, then restore the trail; to begin another log, move its directory and its anchor aside"
        case .forked(let source, let size):
            "fork or tampering: \(source) has another root over the first \(size) records than the log. Nothing was "
                + "changed. Run `komainu audit verify`, then restore the trail; to begin another log, move its directory and "
                + "its anchor aside"
        case .signingKey(let text): "the audit log's signing key: \(text)"
        case .settings(let text): "audit settings: \(text)"
        case .system(let failure): "the audit log cannot be opened: \(failure)"
        case .random(let text): "no random bytes for the audit log: \(text)"
        }
    }
}

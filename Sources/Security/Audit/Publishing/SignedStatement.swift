import Bytes
import System
import TransparencyLog

/// What the log's key once signed about it, and where that was found.
struct SignedStatement {
    let checkpoint: Checkpoint
    /// For people, such as "the anchor".
    let source: String
    let isAnchor: Bool

    /// The statements that a start must agree with, smaller trees first: the released checkpoint, the newest one kept, and the
    /// anchor, which is ahead of them when a crash came between. None of them is there in a log that never signed.
    static func all(
        _ storage: any LogStorage, anchored: [UInt8]?, keys: [NoteKey]
    ) throws(AuditFailure) -> [SignedStatement] {
        var found: [SignedStatement] = []
        for path in ["checkpoint"] + (try newestKept(storage).map { ["checkpoints/\($0)"] } ?? []) {
            let note: [UInt8]?
            do throws(SystemFailure) { note = try storage.readIfThere(path, limit: 1 << 20) } catch {
                throw .system(error)
            }
            if let note { found.append(try SignedStatement(note, path, keys)) }
        }
        if let anchored { found.append(try SignedStatement(anchored, "the anchor", keys, isAnchor: true)) }
        return found.sorted { $0.checkpoint.size < $1.checkpoint.size }
    }

    private static func newestKept(_ storage: any LogStorage) throws(AuditFailure) -> UInt64? {
        do throws(SystemFailure) {
            return try storage.list("checkpoints").compactMap { UInt64($0) }.max()
        } catch {
            if error.isNotFound { return nil }
            throw .system(error)
        }
    }

    private init(
        _ note: [UInt8], _ source: String, _ keys: [NoteKey], isAnchor: Bool = false
    ) throws(AuditFailure) {
        do throws(VerifiedCheckpoint.Failure) {
            checkpoint = try VerifiedCheckpoint.verifying(note, by: keys).checkpoint
        } catch {
            throw .damaged(AuditDamage(file: source, offset: 0, reason: error.reason))
        }
        self.source = source
        self.isAnchor = isAnchor
    }
}

extension VerifiedCheckpoint.Failure {
    /// For people.
    var reason: String {
        switch self {
        case .notACheckpoint: "it is not a signed checkpoint"
        case .otherOrigin(let origin): "it is a checkpoint of `\(TerminalText.of(origin.text))`"
        case .unknownKey: "no key of this log signed it"
        case .forged: "its signature is not the key's"
        }
    }
}

public import Bytes
import System

/// The trail of one gate: whatever must not happen unrecorded waits here until its record is on disk.
///
/// Any task may append; one thread writes, and makes everything that waits durable with one call to the disk. An `append`
/// that throws means that the record may not be relied on: what depended on it must not happen.
public final class AuditLog: Sendable {
    /// The log's name.
    public let origin: String
    /// Pseudonyms, fingerprints and commitments under this log's keys.
    public let keys: AuditKeys

    private init(origin: String, keys: AuditKeys) {
        self.origin = origin
        self.keys = keys
    }

    /// Opens the trail, after having checked and where necessary recovered what a crash left. Blocks; reads the last segment.
    public static func open(_ settings: AuditSettings) throws(AuditFailure) -> AuditLog {
        throw .settings("not built yet")
    }

    /// Waits until the record is on disk.
    public func append(_ record: AuditRecord) async throws(AuditFailure) -> AuditReceipt {
        throw .closed
    }

    /// Hands the record over and does not wait: for what is worth a record but not an answer.
    public func appendWithoutWaiting(_ record: AuditRecord) throws(AuditFailure) {
        throw .closed
    }

    /// As `appendWithoutWaiting`, for what strangers can cause as often as they like: the first of each source and reason is
    /// recorded at once, the others of the same ten seconds are counted in one record. A refusal by the log is only counted.
    ///
    /// Never for an authenticated action: each of those has a record of its own.
    public func appendCoalesced(_ record: AuditRecord, source: ByteString, reason: ByteString) {
    }

    /// How the log is.
    public var health: AuditHealth {
        AuditHealth(
            state: .closed, durableRecords: 0, waitingRecords: 0, waitingBytes: 0, openIntents: 0, refusedRecords: 0,
            batches: 0, lastDurable: .init(nanoseconds: 0), segment: "")
    }

    /// Writes what waits and `log.closed`, and ends the log's threads. Blocks until then. Later records are refused.
    public func close() {
    }
}

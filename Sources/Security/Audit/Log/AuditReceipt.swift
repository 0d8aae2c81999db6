import Bytes

/// The proof that a record is on disk, made only by the log. It is what an agent gets to hold in a result's `_meta`.
public struct AuditReceipt: Hashable, Sendable {
    /// The record's number, from 0.
    public let sequence: UInt64
    /// The record's leaf hash (RFC 6962 section 2.1): SHA-256 over a zero byte and the line without its end. 32 bytes.
    public let leaf: [UInt8]

    /// The leaf hash as base64url without padding, 43 characters, as the next line's `prev` shows it.
    public var leafText: String { Base64URL.encode(leaf) }

    init(sequence: UInt64, leaf: [UInt8]) {
        self.sequence = sequence
        self.leaf = leaf
    }
}

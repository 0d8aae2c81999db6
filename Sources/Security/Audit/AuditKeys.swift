public import Bytes

/// The keys of one log: pseudonyms for subjects, fingerprints for secrets, and salts for commitments.
public final class AuditKeys: Sendable {
    /// The stable pseudonym of a subject: `s_` and 16 hex digits. Remembers who it is, so that a reviewer with the keys can
    /// find them. Two issuers' subjects of one name differ.
    public func pseudonym(issuer: ByteString?, subject: ByteString) throws(AuditFailure) -> ByteString {
        throw .closed
    }

    /// The keyed fingerprint of a secret, 16 hex digits: equal secrets under one rule have equal fingerprints, and nobody
    /// without the key can test a guess.
    public func fingerprint(of secret: [UInt8], rule: ByteString) -> ByteString {
        ByteString([])
    }

    /// A commitment to `value`, 43 characters: it proves later what the value was, and until then tells nothing.
    ///
    /// The salt comes from a key of the subject's own; once that key is destroyed nobody can open or test the commitment.
    /// - Parameters:
    ///   - subject: as in the record's `who.sub`.
    ///   - path: what of the call it is, such as `/args` or `/result`.
    public func commitment(
        to value: [UInt8], path: ByteString, call: CallID, subject: ByteString
    ) throws(AuditFailure) -> ByteString {
        throw .closed
    }

    init() {}
}

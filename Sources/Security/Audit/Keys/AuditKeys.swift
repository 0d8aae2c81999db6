public import Bytes
import OpenSSL
import System

/// The keys of one log: pseudonyms for subjects, fingerprints for secrets, and salts for commitments.
///
/// Nothing here waits for a disk: a new subject's key is on disk before the first record that uses it is.
public final class AuditKeys: Sendable {
    private let origin: ByteString
    private let index: HMACSHA256
    private let fingerprints: HMACSHA256
    private let state: Guarded<State>
    private let file: KeyFile

    private struct State {
        var subjects: [ByteString: HMACSHA256]
        var pseudonyms: [Person: ByteString] = [:]
    }

    private struct Person: Hashable {
        let issuer: ByteString?
        let subject: ByteString
    }

    init(_ file: KeyFile, origin: String, _ content: KeyFile.Content) {
        self.file = file
        self.origin = ByteString(origin)
        index = HMACSHA256(key: content.index)
        fingerprints = HMACSHA256(key: content.fingerprint)
        state = Guarded(State(subjects: content.subjects.mapValues(AuditKeys.salting)))
    }

    /// The stable pseudonym of a subject: `s_` and 16 hex digits. Remembers who it is, so that a reviewer with the keys can
    /// find them. Two issuers' subjects of one name differ.
    ///
    /// One subject in memory per subject ever seen: call it only for subjects whose credential was verified.
    public func pseudonym(issuer: ByteString?, subject: ByteString) throws(AuditFailure) -> ByteString {
        let person = Person(issuer: issuer, subject: subject)
        if let known = state.withLock({ $0.pseudonyms[person] }) { return known }
        let code = index.authenticate((issuer?.bytes ?? []) + [0] + subject.bytes)
        let pseudonym = ByteString("s_" + Hex.encode(Array(code.prefix(8))))
        _ = try salting(pseudonym, issuer: issuer, name: subject)
        state.withLock { $0.pseudonyms[person] = pseudonym }
        return pseudonym
    }

    /// The keyed fingerprint of a secret, 16 hex digits: equal secrets under one rule have equal fingerprints, and nobody
    /// without the key can test a guess.
    public func fingerprint(of secret: [UInt8], rule: ByteString) -> ByteString {
        let code = fingerprints.authenticate(rule.bytes.withLengthOf16Bits + secret)
        return ByteString(Hex.encode(Array(code.prefix(8))))
    }

    /// A commitment to `value`, 43 characters: it proves later what the value was, and until then tells nothing.
    ///
    /// The salt comes from a key of the subject's own; once that key is destroyed nobody can open or test the commitment.
    /// - Parameters:
    ///   - value: the exact bytes as they came.
    ///   - path: what of the call it is, such as `/args` or `/result`.
    ///   - subject: as in the record's `who.sub`.
    public func commitment(
        to value: [UInt8], path: ByteString, call: CallID, subject: ByteString
    ) throws(AuditFailure) -> ByteString {
        let salt = salt(try salting(subject, issuer: nil, name: nil), path: path, call: call.text)
        return AuditKeys.commitment(to: value, path: path, salt: salt)
    }

    /// The salt of one commitment: handing it out opens that one and no other. Nil when the subject has no key (any more).
    public func salt(path: ByteString, call: ByteString, subject: ByteString) -> [UInt8]? {
        let subject = AuditKeys.keyName(of: subject)
        return state.withLock { $0.subjects[subject] }.map { salt($0, path: path, call: call) }
    }

    /// What the commitment to `value` under an opened salt is: equal to the recorded one exactly when the value is the one that
    /// was committed to. Needs no key.
    public static func commitment(to value: [UInt8], path: ByteString, salt: [UInt8]) -> ByteString {
        var hash = SHA256Stream()
        hash.update(Array("mcp-audit/c1\n".utf8))
        hash.update(salt)
        hash.update((0..<4).map { UInt8(truncatingIfNeeded: path.count >> (24 - 8 * $0)) })
        hash.update(path.bytes)
        hash.update(value)
        return Base64URL.encoded(hash.finish())
    }

    /// Puts new subjects' keys on disk. Called by the log's writer before it writes the records that use them.
    func flush() throws(SystemFailure) {
        try file.flush()
    }

    private func salt(_ salting: HMACSHA256, path: ByteString, call: ByteString) -> [UInt8] {
        let message =
            origin.bytes.withLengthOf16Bits + call.bytes.withLengthOf16Bits + path.bytes.withLengthOf16Bits
        return Array(salting.authenticate(message).prefix(16))
    }

    private func salting(
        _ subject: ByteString, issuer: ByteString?, name: ByteString?
    ) throws(AuditFailure) -> HMACSHA256 {
        let subject = AuditKeys.keyName(of: subject)
        if let known = state.withLock({ $0.subjects[subject] }) { return known }
        let key: [UInt8]
        do throws(OpenSSLFailure) { key = try Random.bytes(32) } catch { throw .random(error.description) }
        let fresh = AuditKeys.salting(key)
        // Two tasks may meet a new subject at once: the first one's key stands.
        return state.withLock { state in
            if let other = state.subjects[subject] { return other }
            state.subjects[subject] = fresh
            file.owe(subject: subject, key: key, issuer: issuer, name: name)
            return fresh
        }
    }

    /// Names of subjects have no limit where operators chose names; names of keys do.
    private static func keyName(of subject: ByteString) -> ByteString {
        subject.count <= 256 ? subject : ByteString("sha256:" + Hex.encode(SHA256.hash(subject.bytes)))
    }

    private static func salting(_ key: [UInt8]) -> HMACSHA256 {
        HMACSHA256(key: HKDF.derive(32, from: key, info: Array("commit/v1".utf8)))
    }
}

extension [UInt8] {
    /// Behind its length in two bytes, big end first, so that two fields never read as one.
    fileprivate var withLengthOf16Bits: [UInt8] {
        [UInt8(truncatingIfNeeded: count >> 8), UInt8(truncatingIfNeeded: count)] + self
    }
}

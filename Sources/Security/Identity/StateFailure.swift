internal import OpenSSL
internal import SQLite
internal import System

/// Why the records could not be read or changed.
public struct StateFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reasons, each with a stable code.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// No endpoint or token of that id, or not of that upstream.
        case notFound = "not_found"
        /// A field that cannot be what it says; ``StateFailure/field`` names it.
        case invalid
        /// A moment less than 60 seconds ahead.
        case expiresTooSoon = "expires_too_soon"
        /// As many records as are allowed.
        case tooMany = "too_many"
        /// The same request came twice, and the other one made it.
        case repeated
        /// An idempotency key that was used for another request.
        case keyReused = "key_reused"
        /// As many idempotency keys as are remembered.
        case tooManyKeys = "too_many_keys"
        /// The token was revoked before.
        case alreadyRevoked = "already_revoked"
        /// The key file is missing.
        case keyMissing = "key_missing"
        /// The key file is readable by others than its owner.
        case keyReadable = "key_readable"
        /// The key file holds no key.
        case keyMalformed = "key_malformed"
        /// The database was made with another key: no token would be recognised.
        case keyOfAnother = "key_of_another_database"
        /// Signed tokens need a signing key, and none is configured.
        case noSigningKey = "no_signing_key"
        /// Another process holds the database.
        case busy
        /// The disk is full.
        case diskFull = "disk_full"
        /// The database was made by a newer version of this program.
        case tooNew = "too_new"
        /// The database is damaged, or holds a record that is none.
        case damaged
        /// Something else failed underneath.
        case failed
    }

    /// What was wrong.
    public let reason: Reason
    /// The field it is about, as it is called in JSON.
    public let field: String?
    /// For people; no secret and nothing a caller sent.
    public let message: String

    init(_ reason: Reason, field: String? = nil, _ message: String) {
        self.reason = reason
        self.field = field
        self.message = message
    }

    init(_ failure: SQLiteFailure) {
        let reason: Reason =
            if failure.isBusy {
                .busy
            } else if failure.isDiskFull {
                .diskFull
            } else if failure.isCorrupt {
                .damaged
            } else {
                .failed
            }
        self.init(reason, failure.description)
    }

    init(_ failure: OpenSSLFailure) {
        self.init(.failed, failure.description)
    }

    init(_ failure: SystemFailure) {
        self.init(failure.isDiskFull ? .diskFull : .failed, failure.description)
    }

    /// For people.
    public var description: String { message }
}

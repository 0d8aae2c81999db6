/// Why a token was not accepted. Never holds a piece of the token.
public struct JOSEFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The reasons, each with a stable code for logs and the audit trail.
    public enum Reason: String, CaseIterable, Sendable {
        /// Longer than the limit.
        case tooLong = "too_long"
        /// Not three segments of base64url.
        case malformed
        /// The header is not one JSON object as RFC 8259 means it, or says a name twice.
        case badHeader = "bad_header"
        /// The payload is not one JSON object as RFC 8259 means it, or says a name twice.
        case badPayload = "bad_payload"
        /// The header asks for something that is not understood (`crit`, `b64`, `zip`, `enc`, `cty`).
        case unsupportedHeader = "unsupported_header"
        /// The header brings a key of its own, or says where to fetch one.
        case bringsKey = "brings_key"
        /// Another kind of JWT than an access token, by `typ`.
        case wrongType = "wrong_type"
        /// No algorithm, an unknown one, or `none`.
        case unknownAlgorithm = "unknown_algorithm"
        /// No configured key that goes by this `kid` may be used with this algorithm.
        case noKey = "no_key"
        /// The signature is not the key's.
        case badSignature = "bad_signature"
        /// A claim has a value of the wrong kind.
        case badClaim = "bad_claim"
        /// Another issuer than the configured one, or none.
        case wrongIssuer = "wrong_issuer"
        /// Meant for somebody else, or for nobody.
        case wrongAudience = "wrong_audience"
        /// Never expires.
        case noExpiry = "no_expiry"
        /// Expired longer ago than the leeway.
        case expired
        /// Not valid yet, or issued in the future, by more than the leeway.
        case notYetValid = "not_yet_valid"
        /// Bound to a key that its bearer would have to prove (`cnf`), which nobody did.
        case boundToKey = "bound_to_key"
        /// A key that is too weak, of the wrong kind, or not what it says it is.
        case unusableKey = "unusable_key"
        /// A library failed where it should not.
        case internalFailure = "internal_failure"
    }

    /// What was wrong.
    public let reason: Reason
    /// Which claim, header parameter or library call; a name of ours, nothing from the token.
    public let detail: String?

    init(_ reason: Reason, _ detail: StaticString? = nil) {
        self.reason = reason
        self.detail = detail.map { "\($0)" }
    }

    /// A failure of a step that another room took with our types.
    public init(_ reason: Reason, detail: String) {
        self.reason = reason
        self.detail = detail
    }

    /// For logs.
    public var description: String { detail.map { "\(reason.rawValue): \($0)" } ?? reason.rawValue }
}

public import Bytes

/// Why nobody was recognised. What the client hears depends on ``answer`` alone; the rest is for the audit trail.
public struct IdentityFailure: Error, Hashable, Sendable {
    /// What the client hears. Unknown, expired, revoked and malformed are one answer.
    public enum Answer: Hashable, Sendable {
        /// 404, as for any path that does not exist: there is no endpoint behind this capability.
        case notFound
        /// 401 with a challenge, and `error="invalid_token"` when a credential was presented (RFC 6750 section 3).
        case unauthorized(presentedCredential: Bool)
        /// 503: who may do what is not known at the moment.
        case unavailable
    }

    /// The reasons. The raw value is a stable code for the audit trail and metrics.
    public enum Reason: String, Hashable, Sendable, CaseIterable {
        /// The capability in the path has not our form.
        case capabilityMalformed = "capability_malformed"
        /// No endpoint has this capability: never had, or it was deleted or rotated.
        case capabilityUnknown = "capability_unknown"
        /// The endpoint has expired.
        case endpointExpired = "endpoint_expired"
        /// The endpoint's record cannot be used as it is stored.
        case endpointUnusable = "endpoint_unusable"
        /// No `Authorization` field.
        case credentialMissing = "credential_missing"
        /// More than one `Authorization` field, or one that is not `Bearer` and one token.
        case credentialMalformed = "credential_malformed"
        /// No API token has this secret or this `jti`.
        case tokenUnknown = "token_unknown"
        /// The API token was revoked.
        case tokenRevoked = "token_revoked"
        /// The API token has expired.
        case tokenExpired = "token_expired"
        /// The API token is not bound to this endpoint, nor to its upstream.
        case tokenNotBound = "token_not_bound"
        /// No configured issuer has issued this JWT.
        case issuerUnknown = "issuer_unknown"
        /// The JWT's issuer does not speak for this upstream.
        case issuerNotBound = "issuer_not_bound"
        /// The JWT was not accepted; `detail` says why.
        case jwtRefused = "jwt_refused"
        /// The JWT names no subject where the issuer's configuration looks for it, or groups that are no texts.
        case jwtWithoutSubject = "jwt_without_subject"
        /// The JWT's key is not among those that its issuer published when they were last fetched, and they are being fetched
        /// again: ask once more after `IdentityRegistry.hasNewKeys(after:)`.
        case keysAwaited = "keys_awaited"
        /// The JWT's issuer could not be asked for its keys for too long.
        case issuerUnavailable = "issuer_unavailable"
        /// The records could not be read for so long that a revocation may have been missed.
        case stateUnavailable = "state_unavailable"
    }

    /// What the client hears.
    public let answer: Answer
    /// What really happened. Never for the client.
    public let reason: Reason
    /// More about it, such as `expired` of a JWT; a code of ours, nothing from the credential.
    public let detail: String?
    /// The endpoint whose capability was shown, when it was one, dead or alive.
    public let endpoint: EndpointID?
    /// The API token that was shown, when it was one, dead or alive.
    public let apiToken: TokenID?
    /// 16 hexadecimal digits of a keyed hash of the credential that failed: the same credential shows again, nobody finds
    /// it from this.
    public let fingerprint: ByteString?

    init(
        _ reason: Reason, answer: Answer, detail: String? = nil, endpoint: EndpointID? = nil, apiToken: TokenID? = nil,
        fingerprint: ByteString? = nil
    ) {
        self.reason = reason
        self.answer = answer
        self.detail = detail
        self.endpoint = endpoint
        self.apiToken = apiToken
        self.fingerprint = fingerprint
    }
}

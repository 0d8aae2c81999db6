internal import Bytes
public import HTTP
public import System

extension IdentityRegistry {
    /// Who asks the admin API. Everything that is wrong has the same answer; the reason is for the trail.
    ///
    /// - Parameters:
    ///   - fields: what they sent; only `Authorization` is looked at.
    ///   - now: the time, to which expiry is compared.
    public func authenticateAdmin(_ fields: HeaderFields, now: WallTime) throws(IdentityFailure) -> AdminPrincipal {
        let (snapshot, hasher) = try currentRecords()
        let text: ByteString
        switch BearerToken.read(fields) {
        case .missing:
            throw IdentityFailure(.credentialMissing, answer: .unauthorized(presentedCredential: false))
        case .malformed:
            throw IdentityFailure(.credentialMalformed, answer: .unauthorized(presentedCredential: true))
        case .token(let token): text = token
        }
        func refused(_ reason: IdentityFailure.Reason, _ token: TokenID? = nil) -> IdentityFailure {
            IdentityFailure(
                reason, answer: .unauthorized(presentedCredential: true), apiToken: token,
                fingerprint: hasher.fingerprint(text))
        }
        // Found by a keyed hash: what its comparison takes tells nothing about the secret.
        guard let token = snapshot.adminTokensBySecret[hasher.hash(text)] else { throw refused(.tokenUnknown) }
        guard token.revokedAt == nil else { throw refused(.tokenRevoked, token.id) }
        if let expiry = token.expiresAt, now >= expiry { throw refused(.tokenExpired, token.id) }
        return AdminPrincipal(token)
    }
}

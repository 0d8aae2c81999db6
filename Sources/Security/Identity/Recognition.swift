internal import Bytes
internal import HTTP
internal import System

/// Recognising one caller, with all records as they are at one moment. The order of the checks is its meaning: nothing is
/// said about a second factor to whom the first has not let in.
struct Recognition {
    let snapshot: StateSnapshot
    let issuers: IssuerTable
    let hasher: SecretHasher
    let now: WallTime

    func byCapability(_ secret: ByteString, _ fields: HeaderFields) throws(IdentityFailure) -> Principal {
        let entry = try entry(of: secret)
        let record = entry.record
        guard let selection = entry.selection else {
            throw IdentityFailure(.endpointUnusable, answer: .unavailable, endpoint: record.endpoint.id)
        }
        let proven = record.endpoint.config.requireAPITokenAuth ? try secondFactor(fields, for: entry) : nil
        var revisions = proven?.revisions ?? Principal.Revisions()
        revisions.endpoint = record.revision
        return Principal(
            subject: proven?.subject ?? ByteString("endpoint:".utf8 + record.endpoint.id.text.bytes),
            groups: proven?.groups ?? [], scopes: proven?.scopes ?? [], issuer: proven?.issuer,
            method: proven.map { $0.isJWT ? .endpointAndJWT : .endpointAndToken } ?? .endpoint,
            endpoint: record.endpoint.id,
            apiToken: proven?.token, expiresAt: earliest(record.endpoint.expiresAt, proven?.expiresAt),
            selection: selection,
            policy: record.endpoint.config.policy, upstream: record.endpoint.upstream, revisions: revisions)
    }

    func atUpstream(_ name: ByteString, _ fields: HeaderFields) throws(IdentityFailure) -> Principal {
        let proven = try credential(fields, at: name, endpoint: nil) { $0.upstreams.contains(name) }
        return Principal(
            subject: proven.subject, groups: proven.groups, scopes: proven.scopes, issuer: proven.issuer,
            method: proven.isJWT ? .jwt : .apiToken, apiToken: proven.token, expiresAt: proven.expiresAt,
            upstream: name, revisions: proven.revisions)
    }

    // MARK: The capability

    private func entry(of secret: ByteString) throws(IdentityFailure) -> StateSnapshot.EndpointEntry {
        // Found by a keyed hash: what its comparison takes tells nothing about the secret. One that is found is well-formed,
        // so the form is looked at only to say what is wrong.
        guard let entry = snapshot.endpointsBySecret[hasher.hash(secret)] else {
            guard SecretText.isWellFormed(secret, .endpoint) else {
                throw IdentityFailure(.capabilityMalformed, answer: .notFound)
            }
            throw IdentityFailure(
                .capabilityUnknown, answer: .notFound, fingerprint: hasher.fingerprint(secret))
        }
        if let expiry = entry.record.endpoint.expiresAt, now >= expiry {
            throw IdentityFailure(.endpointExpired, answer: .notFound, endpoint: entry.record.endpoint.id)
        }
        return entry
    }

    // MARK: The header

    /// What a credential in the header proves.
    private struct Proven {
        let subject: ByteString
        let groups: Set<ByteString>
        let scopes: Set<ByteString>
        let issuer: ByteString?
        let token: TokenID?
        let expiresAt: WallTime?
        let isJWT: Bool
        let revisions: Principal.Revisions
    }

    private func secondFactor(
        _ fields: HeaderFields, for entry: StateSnapshot.EndpointEntry
    ) throws(IdentityFailure) -> Proven {
        let id = entry.record.endpoint.id
        let upstream = entry.record.endpoint.upstream
        return try credential(fields, at: upstream, endpoint: id) {
            $0.endpoints.contains(id) || $0.upstreams.contains(upstream)
        }
    }

    private func credential(
        _ fields: HeaderFields, at upstream: ByteString, endpoint: EndpointID?, isBound: (APIToken) -> Bool
    ) throws(IdentityFailure) -> Proven {
        switch BearerToken.read(fields) {
        case .missing:
            throw IdentityFailure(
                .credentialMissing, answer: .unauthorized(presentedCredential: false), endpoint: endpoint)
        case .malformed:
            throw IdentityFailure(
                .credentialMalformed, answer: .unauthorized(presentedCredential: true), endpoint: endpoint)
        case .token(let text):
            let refusing = Refusing(endpoint: endpoint, credential: text, hasher: hasher)
            return text.hasPrefix("kmn_")
                ? try opaque(text, refusing, isBound) : try jwt(text, at: upstream, refusing, isBound)
        }
    }

    /// Makes failures about one credential.
    private struct Refusing {
        let endpoint: EndpointID?
        let credential: ByteString
        let hasher: SecretHasher

        func because(
            _ reason: IdentityFailure.Reason, detail: String? = nil, token: TokenID? = nil
        ) -> IdentityFailure {
            // Whose keys are not known at the moment may be somebody: a 401 would make clients throw a good token away.
            let isUnknowable = reason == .keysAwaited || reason == .issuerUnavailable
            return IdentityFailure(
                reason, answer: isUnknowable ? .unavailable : .unauthorized(presentedCredential: true), detail: detail,
                endpoint: endpoint,
                apiToken: token, fingerprint: hasher.fingerprint(credential))
        }
    }

    private func opaque(
        _ text: ByteString, _ refusing: Refusing, _ isBound: (APIToken) -> Bool
    ) throws(IdentityFailure) -> Proven {
        guard let entry = snapshot.tokensBySecret[hasher.hash(text)] else { throw refusing.because(.tokenUnknown) }
        return try proven(entry, refusing, isBound)
    }

    private func proven(
        _ entry: StateSnapshot.TokenEntry, _ refusing: Refusing, _ isBound: (APIToken) -> Bool,
        until end: WallTime? = nil
    ) throws(IdentityFailure) -> Proven {
        let token = entry.record.token
        guard token.revokedAt == nil else { throw refusing.because(.tokenRevoked, token: token.id) }
        if let expiry = token.expiresAt, now >= expiry { throw refusing.because(.tokenExpired, token: token.id) }
        guard isBound(token) else { throw refusing.because(.tokenNotBound, token: token.id) }
        return Proven(
            subject: token.subject, groups: token.groups, scopes: [], issuer: nil, token: token.id,
            expiresAt: earliest(token.expiresAt, end), isJWT: false,
            revisions: Principal.Revisions(apiToken: entry.record.revision))
    }

    private func jwt(
        _ text: ByteString, at upstream: ByteString, _ refusing: Refusing, _ isBound: (APIToken) -> Bool
    ) throws(IdentityFailure) -> Proven {
        let verified: VerifiedJWT
        do throws(JWTRefusal) {
            verified = try issuers.verify(text, at: upstream, now: now)
        } catch {
            throw refusing.because(error.reason, detail: error.detail)
        }
        if let id = verified.tokenID {
            // One that we signed: its record says what it may, and whether it was revoked.
            guard let entry = snapshot.tokens[id], entry.record.token.kind == .signed else {
                throw refusing.because(.tokenUnknown, token: id)
            }
            return try proven(entry, refusing, isBound, until: verified.expiresAt)
        }
        return Proven(
            subject: verified.subject, groups: verified.groups, scopes: verified.scopes, issuer: verified.issuer,
            token: nil, expiresAt: verified.expiresAt, isJWT: true,
            revisions: Principal.Revisions(issuer: verified.issuerIdentity))
    }

    private func earliest(_ one: WallTime?, _ other: WallTime?) -> WallTime? {
        guard let one, let other else { return one ?? other }
        return min(one, other)
    }
}

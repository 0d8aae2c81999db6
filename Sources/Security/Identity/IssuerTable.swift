internal import Bytes
internal import JOSE
internal import OpenSSL
internal import Synchronization
internal import System

/// A JWT that was verified.
struct VerifiedJWT: Sendable {
    let subject: ByteString
    let groups: Set<ByteString>
    let scopes: Set<ByteString>
    /// The issuer's configured name; nothing for ourselves.
    let issuer: ByteString?
    let issuerIdentity: ByteString?
    /// The record behind a token that we signed.
    let tokenID: TokenID?
    /// The first moment at which it is not accepted any more.
    let expiresAt: WallTime
}

/// Who may issue JWTs, and the ones that were verified lately. Another configuration is another table.
final class IssuerTable: Sendable {
    private let publicURL: ByteString
    private let own: TokenVerifier?
    private let issuers: [ByteString: TokenIssuer]
    private let identities: Set<ByteString>
    private let cacheLimit: Int
    private let verified = Mutex<[CacheKey: VerifiedJWT]>([:])

    private struct CacheKey: Hashable {
        let hash: [UInt8]
        let upstream: ByteString
    }

    /// - Parameter minter: what signs our own tokens, when we sign any.
    init(
        publicURL: ByteString, minter: TokenMinter?, issuers: [TokenIssuer], cacheLimit: Int
    ) throws(JOSEFailure) {
        self.publicURL = publicURL
        self.cacheLimit = cacheLimit
        self.own = try minter.map { (minter) throws(JOSEFailure) in
            // Our own clock made the times, so there is no leeway: to the second.
            let rules = TokenRules(issuer: publicURL, audiences: [publicURL], types: [.plain], leeway: 0)
            return try TokenVerifier(rules: rules, keys: [minter.key])
        }
        let names = issuers.map { ($0.verifier.rules.issuer, $0) }
        self.issuers = Dictionary(names) { first, _ in first }
        guard self.issuers.count == issuers.count, self.issuers[publicURL] == nil else {
            throw JOSEFailure(.unusableKey, detail: "two issuers of one name")
        }
        self.identities = Set(issuers.map(\.identity))
    }

    func admits(_ principal: Principal) -> Bool {
        principal.revisions.issuer.map(identities.contains) ?? true
    }

    /// The table's answer about `text`, shown at `upstream`.
    func verify(
        _ text: ByteString, at upstream: ByteString, now: WallTime
    ) throws(JWTRefusal) -> VerifiedJWT {
        // Keyed by a hash, so that no token lies in memory longer than its call.
        let key = CacheKey(hash: SHA256.hash(text.bytes), upstream: upstream)
        if let known = verified.withLock({ $0[key] }), now < known.expiresAt { return known }
        let found = try verifyAnew(text, at: upstream, now: now)
        verified.withLock { remember(found, key, in: &$0, now: now) }
        return found
    }

    private func remember(
        _ found: VerifiedJWT, _ key: CacheKey, in cache: inout [CacheKey: VerifiedJWT], now: WallTime
    ) {
        if cache.count >= cacheLimit { cache = cache.filter { now < $0.value.expiresAt } }
        if cache.count >= cacheLimit { cache.removeAll(keepingCapacity: true) }
        cache[key] = found
    }

    private func verifyAnew(
        _ text: ByteString, at upstream: ByteString, now: WallTime
    ) throws(JWTRefusal) -> VerifiedJWT {
        let token: CompactToken
        do throws(JOSEFailure) { token = try CompactToken(text) } catch { throw JWTRefusal(error) }
        guard let claimed = token.claimedIssuer else { throw JWTRefusal(.issuerUnknown) }
        if claimed == publicURL, let own { return try verifyOwn(token, own, now: now) }
        guard let issuer = issuers[claimed] else { throw JWTRefusal(.issuerUnknown) }
        return try verify(token, of: issuer, at: upstream, now: now)
    }

    private func verifyOwn(
        _ token: CompactToken, _ own: TokenVerifier, now: WallTime
    ) throws(JWTRefusal) -> VerifiedJWT {
        let claims = try claims(of: token, own, nil, now)
        guard let id = claims.id.flatMap({ TokenID($0) }), let subject = claims.subject else {
            throw JWTRefusal(.jwtWithoutSubject)
        }
        return VerifiedJWT(
            subject: subject, groups: [], scopes: [], issuer: nil, issuerIdentity: nil, tokenID: id,
            expiresAt: WallTime(seconds: claims.expiresAt))
    }

    private func verify(
        _ token: CompactToken, of issuer: TokenIssuer, at upstream: ByteString, now: WallTime
    ) throws(JWTRefusal) -> VerifiedJWT {
        let rules = issuer.verifier.rules
        let audiences = audiences(of: rules.audiences, at: upstream)
        guard !audiences.isEmpty else { throw JWTRefusal(.issuerNotBound) }
        let claims = try claims(of: token, issuer.verifier, audiences, now)
        guard let subject = claims.text(issuer.subjectClaim), !subject.isEmpty, subject.count <= 512 else {
            throw JWTRefusal(.jwtWithoutSubject)
        }
        return VerifiedJWT(
            subject: subject, groups: try groups(in: claims, issuer.groupsClaim), scopes: claims.scopes,
            issuer: issuer.name, issuerIdentity: issuer.identity, tokenID: nil,
            expiresAt: WallTime(seconds: claims.expiresAt + rules.leeway))
    }

    private func claims(
        of token: CompactToken, _ verifier: TokenVerifier, _ audiences: Set<ByteString>?, _ now: WallTime
    ) throws(JWTRefusal) -> Claims {
        do throws(JOSEFailure) {
            return try verifier.verify(token, audiences: audiences, now: now.seconds)
        } catch {
            throw JWTRefusal(error)
        }
    }

    private func groups(in claims: Claims, _ name: ByteString?) throws(JWTRefusal) -> Set<ByteString> {
        guard let name, claims.has(name) else { return [] }
        guard let groups = claims.texts(name), groups.count <= 1000 else { throw JWTRefusal(.jwtWithoutSubject) }
        return Set(groups)
    }

    /// The audiences that count at an upstream. The URL of another upstream of ours never does, also when the operator
    /// lists several: a token for one would else open all (RFC 8707; reference/mcp-protocol.md 4.2).
    private func audiences(of configured: Set<ByteString>, at upstream: ByteString) -> Set<ByteString> {
        let resource = ByteString(publicURL.bytes + "/u/".utf8 + upstream.bytes + "/mcp".utf8)
        guard !configured.isEmpty else { return [resource] }
        let ofUpstreams = ByteString(publicURL.bytes + "/u/".utf8)
        return configured.filter { !$0.hasPrefix(ofUpstreams) || $0 == resource }
    }
}

/// Why the table refused a JWT.
struct JWTRefusal: Error {
    let reason: IdentityFailure.Reason
    let detail: String?

    init(_ reason: IdentityFailure.Reason) {
        self.reason = reason
        self.detail = nil
    }

    init(_ failure: JOSEFailure) {
        self.reason = .jwtRefused
        self.detail = failure.description
    }
}

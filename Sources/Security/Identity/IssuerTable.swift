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
    private let issuers: [ByteString: KnownIssuer]
    private let identities: Set<ByteString>
    private let cacheLimit: Int
    private let verified = Mutex<[CacheKey: Remembered]>([:])

    private struct CacheKey: Hashable {
        let hash: [UInt8]
        let upstream: ByteString
    }

    /// A verified token, and the keys that it was verified with, where those may change: it counts as long as they do.
    private struct Remembered {
        let jwt: VerifiedJWT
        let keys: RemoteKeys?
        let generation: Int

        func counts(at now: WallTime) -> Bool {
            now < jwt.expiresAt && (keys.map { $0.current(at: .now)?.generation == generation } ?? true)
        }
    }

    /// - Parameters:
    ///   - minter: what signs our own tokens, when we sign any.
    ///   - last: the table before this one, whose fetched keys are kept for issuers that are the same.
    init(
        publicURL: ByteString, minter: TokenMinter?, issuers: [TokenIssuer], cacheLimit: Int,
        after last: IssuerTable? = nil
    ) throws(JOSEFailure) {
        self.publicURL = publicURL
        self.cacheLimit = cacheLimit
        self.own = try minter.map { (minter) throws(JOSEFailure) in
            // Our own clock made the times, so there is no leeway: to the second.
            let rules = TokenRules(issuer: publicURL, audiences: [publicURL], types: [.plain], leeway: 0)
            return try TokenVerifier(rules: rules, keys: [minter.key])
        }
        var known: [ByteString: KnownIssuer] = [:]
        for issuer in issuers where known[issuer.rules.issuer] == nil {
            let before = last?.issuers[issuer.rules.issuer]
            let isSame = before?.definition.identity == issuer.identity
            known[issuer.rules.issuer] = try isSame ? before : KnownIssuer(issuer)
        }
        self.issuers = known
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
        if let known = verified.withLock({ $0[key] }), known.counts(at: now) { return known.jwt }
        let found = try verifyAnew(text, at: upstream, now: now)
        verified.withLock { remember(found, key, in: &$0, now: now) }
        return found.jwt
    }

    /// The keys that are being looked at right now.
    var keysUnderWay: [RemoteKeys] { issuers.values.compactMap(\.remote).filter(\.isLooking) }

    private func remember(
        _ found: Remembered, _ key: CacheKey, in cache: inout [CacheKey: Remembered], now: WallTime
    ) {
        if cache.count >= cacheLimit { cache = cache.filter { $0.value.counts(at: now) } }
        if cache.count >= cacheLimit { cache.removeAll(keepingCapacity: true) }
        cache[key] = found
    }

    private func verifyAnew(
        _ text: ByteString, at upstream: ByteString, now: WallTime
    ) throws(JWTRefusal) -> Remembered {
        let token: CompactToken
        do throws(JOSEFailure) { token = try CompactToken(text) } catch { throw JWTRefusal(error) }
        guard let claimed = token.claimedIssuer else { throw JWTRefusal(.issuerUnknown) }
        if claimed == publicURL, let own {
            return Remembered(jwt: try verifyOwn(token, own, now: now), keys: nil, generation: 0)
        }
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
        _ token: CompactToken, of known: KnownIssuer, at upstream: ByteString, now: WallTime
    ) throws(JWTRefusal) -> Remembered {
        let issuer = known.definition
        let rules = issuer.rules
        let audiences = audiences(of: rules.audiences, at: upstream)
        guard !audiences.isEmpty else { throw JWTRefusal(.issuerNotBound) }
        let (verifier, generation) = try known.verifier()
        let claims: Claims
        do throws(JWTRefusal) {
            claims = try self.claims(of: token, verifier, audiences, now)
        } catch {
            // The issuer may have begun to use another key since its set was fetched.
            if error.isUnknownKey, known.remote?.lookAgain(at: .now) == true { throw JWTRefusal(.keysAwaited) }
            throw error
        }
        guard let subject = claims.text(issuer.subjectClaim), !subject.isEmpty, subject.count <= 512 else {
            throw JWTRefusal(.jwtWithoutSubject)
        }
        let jwt = VerifiedJWT(
            subject: subject, groups: try groups(in: claims, issuer.groupsClaim), scopes: claims.scopes,
            issuer: issuer.name, issuerIdentity: issuer.identity, tokenID: nil,
            expiresAt: WallTime(seconds: claims.expiresAt + rules.leeway))
        return Remembered(jwt: jwt, keys: known.remote, generation: generation)
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

/// An issuer and its keys, which may be fetched ones.
private struct KnownIssuer {
    let definition: TokenIssuer
    let remote: RemoteKeys?

    init(_ definition: TokenIssuer) throws(JOSEFailure) {
        self.definition = definition
        guard case .published(let published, let algorithms) = definition.keys else {
            remote = nil
            return
        }
        let download = try published.download()
        let rules = definition.rules
        remote = try RemoteKeys(issuer: definition.name, refresh: published.refresh, keep: published.keep) {
            () throws(KeyLookFailure) in try KeyLook(download, algorithms, rules)
        }
    }

    func verifier() throws(JWTRefusal) -> (TokenVerifier, generation: Int) {
        if case .configured(let verifier) = definition.keys { return (verifier, 0) }
        guard let remote else { throw JWTRefusal(.issuerUnavailable) }
        if let current = remote.current(at: .now) { return (current.verifier, current.generation) }
        throw JWTRefusal(remote.lookAgain(at: .now) ? .keysAwaited : .issuerUnavailable)
    }
}

/// Why the table refused a JWT.
struct JWTRefusal: Error {
    let reason: IdentityFailure.Reason
    let detail: String?
    let isUnknownKey: Bool

    init(_ reason: IdentityFailure.Reason) {
        self.reason = reason
        self.detail = nil
        isUnknownKey = false
    }

    init(_ failure: JOSEFailure) {
        self.reason = .jwtRefused
        self.detail = failure.description
        isUnknownKey = failure.reason == .noKey
    }
}

public import Bytes
public import JOSE
internal import OpenSSL

/// Somebody else whose JWTs are believed, by the operator's word: which keys, which algorithms, which audience.
public struct TokenIssuer: Sendable {
    /// The operator's name for it: what principals and records carry.
    public let name: ByteString
    let rules: TokenRules
    let keys: Keys
    let subjectClaim: ByteString
    let groupsClaim: ByteString?
    /// Differs when anything about the issuer does: a principal of an older definition has ended.
    let identity: ByteString

    /// Where its keys are.
    enum Keys: Sendable {
        case configured(TokenVerifier)
        case published(PublishedKeys, Set<SignatureAlgorithm>)
    }

    /// Checks the keys against the algorithms.
    ///
    /// - Parameters:
    ///   - issuer: `iss`, byte for byte.
    ///   - audiences: of which a token must have one; empty for the URL of the upstream it is shown at. One that is the
    ///     URL of another upstream of ours never counts.
    ///   - algorithms: names of RFC 7518; public-key algorithms and HMAC are not mixed.
    ///   - keys: PEM public keys, PEM certificates or JWK Sets, as the files hold them.
    ///   - secret: for HMAC; at least as long as the hash.
    ///   - published: where the issuer publishes its keys, in place of `keys` and `secret`.
    ///   - types: `jwt` (which includes none at all) and `at+jwt`.
    ///   - groupsClaim: the claim that lists groups; nothing for no groups from this issuer.
    public init(
        name: ByteString, issuer: ByteString, audiences: Set<ByteString>, algorithms: [String], keys: [[UInt8]] = [],
        secret: [UInt8]? = nil, published: PublishedKeys? = nil, types: [String] = ["jwt", "at+jwt"],
        subjectClaim: ByteString = "sub", groupsClaim: ByteString? = nil
    ) throws(JOSEFailure) {
        let known = types.compactMap { TokenType(rawValue: $0) }
        guard known.count == types.count, !known.isEmpty else { throw TokenIssuer.unusable("an unknown type") }
        self.name = name
        self.subjectClaim = subjectClaim
        self.groupsClaim = groupsClaim
        self.rules = TokenRules(issuer: issuer, audiences: audiences, types: Set(known))
        if let published {
            guard keys.isEmpty, secret == nil else { throw TokenIssuer.unusable("published keys beside others") }
            _ = try published.download()
            self.keys = .published(published, Set(try TokenIssuer.signatures(algorithms)))
        } else {
            let keys = try TokenIssuer.tokenKeys(algorithms, keys, secret)
            self.keys = .configured(try TokenVerifier(rules: rules, keys: keys))
        }
        let parts: [[UInt8]] =
            [name, issuer, subjectClaim, groupsClaim ?? "\0"].map(\.bytes) + audiences.sorted().map(\.bytes)
            + (algorithms + types).map { [UInt8]($0.utf8) } + keys + [secret ?? [], published?.identity ?? []]
        self.identity = ByteString(SHA256.hash(parts.flatMap { SHA256.hash($0) }))
    }

    /// The same with keys and secret in files; the secret's file must be its owner's alone.
    public init(
        name: ByteString, issuer: ByteString, audiences: Set<ByteString>, algorithms: [String], keyFiles: [String],
        secretFile: String? = nil, published: PublishedKeys? = nil, types: [String] = ["jwt", "at+jwt"],
        subjectClaim: ByteString = "sub", groupsClaim: ByteString? = nil
    ) throws(StateFailure) {
        var keys: [[UInt8]] = []
        for path in keyFiles { keys.append(try KeyFile.readPublic(path)) }
        let secret = try secretFile.map { (path) throws(StateFailure) in try KeyFile.read(path) }
        do throws(JOSEFailure) {
            try self.init(
                name: name, issuer: issuer, audiences: audiences, algorithms: algorithms, keys: keys, secret: secret,
                published: published, types: types, subjectClaim: subjectClaim, groupsClaim: groupsClaim)
        } catch {
            throw StateFailure(.keyMalformed, "the keys of issuer \(name) cannot be used: \(error)")
        }
    }

    private static func tokenKeys(
        _ algorithms: [String], _ files: [[UInt8]], _ secret: [UInt8]?
    ) throws(JOSEFailure) -> [TokenKey] {
        let known = algorithms.compactMap { TokenAlgorithm(ByteString($0)) }
        guard known.count == algorithms.count else { throw unusable("an unknown algorithm") }
        let signatures = known.compactMap { if case .signature(let algorithm) = $0 { algorithm } else { nil } }
        let codes = known.compactMap { if case .authentication(let algorithm) = $0 { algorithm } else { nil } }
        guard signatures.isEmpty != codes.isEmpty else { throw unusable("public keys and a secret in one issuer") }
        if let secret {
            guard files.isEmpty, signatures.isEmpty else { throw unusable("a secret beside public keys") }
            return try codes.map { (algorithm) throws(JOSEFailure) in try TokenKey(secret: secret, algorithm: algorithm)
            }
        }
        var keys: [TokenKey] = []
        for file in files { keys += try publicKeys(file, signatures) }
        return keys
    }

    private static func signatures(_ algorithms: [String]) throws(JOSEFailure) -> [SignatureAlgorithm] {
        let known = algorithms.compactMap { name -> SignatureAlgorithm? in
            if case .signature(let algorithm) = TokenAlgorithm(ByteString(name)) { algorithm } else { nil }
        }
        guard known.count == algorithms.count, !known.isEmpty else { throw unusable("published keys are public keys") }
        return known
    }

    private static func publicKeys(
        _ file: [UInt8], _ algorithms: [SignatureAlgorithm]
    ) throws(JOSEFailure) -> [TokenKey] {
        let isJSON = file.first { $0 > 32 } == UInt8(ascii: "{")
        if isJSON { return try KeySet(json: file, algorithms: Set(algorithms)).keys }
        let key: VerificationKey
        do throws(OpenSSLFailure) { key = try VerificationKey(pem: file) } catch { throw unusable(error.description) }
        return [try TokenKey(key, algorithms: algorithms)]
    }

    private static func unusable(_ detail: String) -> JOSEFailure { JOSEFailure(.unusableKey, detail: detail) }
}

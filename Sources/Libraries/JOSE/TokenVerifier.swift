public import Bytes
internal import JSON
internal import OpenSSL

/// Verifies the tokens of one issuer: which keys, which algorithms and which audience is its configuration's word.
public struct TokenVerifier: Sendable {
    /// What tokens must say.
    public let rules: TokenRules
    private let keys: [TokenKey]

    /// A verifier with at least one key.
    public init(rules: TokenRules, keys: [TokenKey]) throws(JOSEFailure) {
        guard !keys.isEmpty else { throw JOSEFailure(.unusableKey, "no key") }
        self.rules = rules
        self.keys = keys
    }

    /// The claims of `token`, when one of the keys signed it and it says what the rules ask for.
    ///
    /// - Parameters:
    ///   - audiences: what the token must be meant for, in place of the rules' own: one issuer may issue for several
    ///     resources.
    ///   - now: seconds since 1970.
    public func verify(
        _ token: CompactToken, audiences: Set<ByteString>? = nil, now: Int64
    ) throws(JOSEFailure) -> Claims {
        guard rules.types.contains(token.form.type) else { throw JOSEFailure(.wrongType) }
        try verifySignature(of: token)
        var rules = rules
        if let audiences { rules.audiences = audiences }
        return try Claims(token.payload, rules: rules, now: now)
    }

    /// At most this many keys are tried for one token: each costs its holder a public-key operation of ours.
    private static let triesPerToken = 4

    private func verifySignature(of token: CompactToken) throws(JOSEFailure) {
        let candidates = keys.filter { key in
            key.algorithms.contains(token.algorithm) && (key.id == nil || token.keyID == nil || key.id == token.keyID)
        }
        guard !candidates.isEmpty else { throw JOSEFailure(.noKey) }
        for key in candidates.prefix(Self.triesPerToken) where try key.verifies(token) { return }
        throw JOSEFailure(.badSignature)
    }
}

extension TokenKey {
    /// Whether this key made the token's signature. The algorithm must have been found among this key's own before.
    ///
    /// OpenSSL's own functions look first: they need a tenth of libjwt's time, which reads the key's PEM at each call, so
    /// that is what a forged token costs us. What libjwt can verify (RS, ES and HS families, no `at+jwt`), it must find
    /// right as well.
    func verifies(_ token: CompactToken) throws(JOSEFailure) -> Bool {
        guard verifiesByOpenSSL(token) else { return false }
        guard token.isForLibJWT else { return true }
        guard try LibJWT.verifies(token, with: self) else {
            throw JOSEFailure(.internalFailure, "libjwt disagrees")
        }
        return true
    }

    func verifiesByOpenSSL(_ token: CompactToken) -> Bool {
        algorithms.contains(token.algorithm)
            && isValid(token.form.signature, over: token.form.signedPart, by: token.algorithm)
    }

    func isValid(_ signature: [UInt8], over message: [UInt8], by algorithm: TokenAlgorithm) -> Bool {
        switch (material, algorithm) {
        case (.publicKey(let key, _), .signature(let algorithm)):
            key.isValid(signature, for: message, by: algorithm)
        case (.secret(let secret), .authentication(let algorithm)):
            algorithm.isValid(signature, for: message, key: secret)
        default: false
        }
    }
}

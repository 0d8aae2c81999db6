internal import Bytes
internal import JSON
public import OpenSSL

/// The keys of a JWK Set (RFC 7517 section 5) that may verify tokens.
///
/// What cannot be used is left out, as the RFC wants: unknown kinds, keys for encryption, secrets (a secret in a
/// published set is none), private keys, keys below the floors of ``VerificationKey``.
public struct KeySet: Sendable {
    /// The most keys that are read; a document with more is refused, for each costs a computation.
    public static let limit = 100

    /// The usable keys, in the document's order.
    public let keys: [TokenKey]

    /// Reads a document, at most 256 KiB long.
    ///
    /// - Parameter algorithms: what the operator allows; a key is bound to those of them that suit it, or to its own
    ///   `alg` if that is one of them.
    public init(json: [UInt8], algorithms: Set<SignatureAlgorithm>) throws(JOSEFailure) {
        var limits = JSONLimits.standard
        limits.bytes = 256 * 1024
        limits.depth = 8
        guard let document = try? JSONDocument(parsing: json, limits: limits),
            let list = document.member("keys", of: document.root), document.kind(list) == .array
        else { throw JOSEFailure(.unusableKey, "no JWK Set") }
        guard document.count(of: list) <= KeySet.limit else { throw JOSEFailure(.unusableKey, "too many keys") }
        keys = document.elements(of: list).compactMap { node in
            try? JSONWebKey(document: document, node: node).key(algorithms: algorithms)
        }
    }
}

/// One key of a set, as RFC 7517 and RFC 7518 section 6 write it.
private struct JSONWebKey {
    let document: JSONDocument
    let node: JSONDocument.Node

    func key(algorithms allowed: Set<SignatureAlgorithm>) throws(JOSEFailure) -> TokenKey {
        try checkPurpose()
        return try TokenKey(
            publicKey(), id: text("kid"), algorithms: ownAlgorithm().map { allowed.intersection([$0]) } ?? allowed)
    }

    private func checkPurpose() throws(JOSEFailure) {
        if let use = try text("use"), use != "sig" { throw JOSEFailure(.unusableKey, "use") }
        if let operations = document.member("key_ops", of: node) {
            guard document.elements(of: operations).contains(where: { document.isString($0, equalTo: "verify") }) else {
                throw JOSEFailure(.unusableKey, "key_ops")
            }
        }
        guard document.member("d", of: node) == nil else { throw JOSEFailure(.unusableKey, "a private key") }
    }

    private func ownAlgorithm() throws(JOSEFailure) -> SignatureAlgorithm? {
        guard let name = try text("alg") else { return nil }
        guard case .signature(let algorithm) = TokenAlgorithm(name) else { throw JOSEFailure(.unusableKey, "alg") }
        return algorithm
    }

    private func publicKey() throws(JOSEFailure) -> VerificationKey {
        let kind = try text("kty")
        let curve = try text("crv")
        do throws(OpenSSLFailure) {
            switch kind {
            case "RSA": return try VerificationKey(rsaModulus: bytes("n"), exponent: bytes("e"))
            case "EC":
                let known = EllipticCurve.allCases.first { ByteString($0.rawValue) == curve }
                guard let known else { break }
                return try VerificationKey(curve: known, x: bytes("x"), y: bytes("y"))
            case "OKP" where curve == "Ed25519": return try VerificationKey(ed25519: bytes("x"))
            default: break
            }
        } catch {
            throw JOSEFailure(.unusableKey, detail: error.description)
        }
        throw JOSEFailure(.unusableKey, "kty or crv")
    }

    /// The text of a member; nothing when it is not there, a failure when it is something else.
    private func text(_ name: String) throws(JOSEFailure) -> ByteString? {
        guard let member = document.member(name, of: node) else { return nil }
        guard let text = document.string(member) else { throw JOSEFailure(.unusableKey, detail: name) }
        return text
    }

    /// The decoded bytes of a member; none when it is not there or not base64url: no key is made of no bytes.
    private func bytes(_ name: String) -> [UInt8] {
        document.member(name, of: node).flatMap { document.string($0) }.flatMap { Base64URL.decode($0) } ?? []
    }
}

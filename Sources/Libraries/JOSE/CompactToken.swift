public import Bytes
internal import JSON

/// A JWT in its compact form (RFC 7515 section 3.1), read strictly and not believed: nothing in it is true before
/// ``TokenVerifier/verify(_:now:)`` says so.
///
/// Strict means: within a length, three segments, canonical base64url, header and payload each one JSON object without
/// duplicate names. A header that brings a key (`jwk`, `jku`, `x5u`, `x5c`) or asks for what is not understood (`crit`,
/// `b64`, `zip`, `enc`, `cty`) is refused here, before any cryptography (RFC 8725 sections 3.9, 3.10; RFC 7515 4.1.11).
public struct CompactToken: Sendable {
    /// The longest token that is read unless told otherwise. Real access tokens have one to four KiB.
    public static let standardLimit = 8 * 1024

    let form: CompactForm
    let payload: JSONDocument

    /// Reads `text`.
    public init(_ text: ByteString, limit: Int = standardLimit) throws(JOSEFailure) {
        form = try CompactForm(text, limit: limit)
        payload = try CompactForm.object(form.payload, or: JOSEFailure(.badPayload))
    }

    /// What the header says it is signed by.
    public var algorithm: TokenAlgorithm { form.algorithm }

    /// What the header says the key is called.
    public var keyID: ByteString? { form.keyID }

    /// Who the payload says has issued it: good for choosing whose keys to try, for nothing else.
    public var claimedIssuer: ByteString? {
        payload.member("iss", of: payload.root).flatMap { payload.string($0) }
    }
}

/// The compact form of a JWS (RFC 7515 section 7.1), whatever its payload is.
struct CompactForm: Sendable {
    let text: ByteString
    let algorithm: TokenAlgorithm
    let keyID: ByteString?
    let type: TokenType
    let signedPart: [UInt8]
    let payload: [UInt8]
    let signature: [UInt8]

    init(_ text: ByteString, limit: Int) throws(JOSEFailure) {
        guard text.count <= limit else { throw JOSEFailure(.tooLong) }
        let parts = text.bytes.split(separator: UInt8(ascii: "."), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[0].isEmpty, !parts[2].isEmpty else { throw JOSEFailure(.malformed, "segments") }
        guard let header = Base64URL.decode(ByteString(parts[0])), let payload = Base64URL.decode(ByteString(parts[1])),
            let signature = Base64URL.decode(ByteString(parts[2]))
        else { throw JOSEFailure(.malformed, "base64url") }
        let read = try Header(header)
        self.text = text
        self.algorithm = read.algorithm
        self.keyID = read.keyID
        self.type = read.type
        self.signedPart = [UInt8](text.bytes[..<parts[1].endIndex])
        self.payload = payload
        self.signature = signature
    }

    fileprivate static func object(_ bytes: [UInt8], or failure: JOSEFailure) throws(JOSEFailure) -> JSONDocument {
        var limits = JSONLimits.standard
        limits.depth = 16
        limits.values = 4000
        guard let document = try? JSONDocument(parsing: bytes, limits: limits),
            document.kind(document.root) == .object
        else { throw failure }
        return document
    }
}

/// The kinds of JWT that may be an access token. Any other `typ` is refused: logout tokens, proofs and requests are signed
/// by the same keys (RFC 8725 section 3.11).
public enum TokenType: String, Hashable, Sendable, CaseIterable {
    /// No `typ`, or `JWT` (RFC 7519 section 5.1).
    case plain = "jwt"
    /// `at+jwt` (RFC 9068 section 2.1).
    case accessToken = "at+jwt"
}

/// What a JOSE header says that we let it say.
private struct Header {
    let algorithm: TokenAlgorithm
    let keyID: ByteString?
    let type: TokenType

    init(_ bytes: [UInt8]) throws(JOSEFailure) {
        let document = try CompactForm.object(bytes, or: JOSEFailure(.badHeader))
        for name in ["jwk", "jku", "x5u", "x5c"] where document.member(name, of: document.root) != nil {
            throw JOSEFailure(.bringsKey, detail: name)
        }
        for name in ["crit", "b64", "zip", "enc", "cty"] where document.member(name, of: document.root) != nil {
            throw JOSEFailure(.unsupportedHeader, detail: name)
        }
        algorithm = try Header.algorithm(in: document)
        keyID = try Header.keyID(in: document)
        type = try Header.type(in: document)
    }

    private static func algorithm(in document: JSONDocument) throws(JOSEFailure) -> TokenAlgorithm {
        guard let name = document.member("alg", of: document.root).flatMap({ document.string($0) }),
            let algorithm = TokenAlgorithm(name)
        else { throw JOSEFailure(.unknownAlgorithm) }
        return algorithm
    }

    private static func keyID(in document: JSONDocument) throws(JOSEFailure) -> ByteString? {
        guard let node = document.member("kid", of: document.root) else { return nil }
        guard let text = document.string(node) else { throw JOSEFailure(.badHeader, "kid") }
        return text
    }

    private static func type(in document: JSONDocument) throws(JOSEFailure) -> TokenType {
        guard let node = document.member("typ", of: document.root) else { return .plain }
        guard let text = document.string(node) else { throw JOSEFailure(.badHeader, "typ") }
        switch text.asciiLowercased {
        case "jwt": return .plain
        case "at+jwt", "application/at+jwt": return .accessToken
        default: throw JOSEFailure(.wrongType)
        }
    }
}

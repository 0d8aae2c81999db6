public import Bytes
internal import JSON

/// What a token must say to be accepted, besides carrying the right signature.
public struct TokenRules: Hashable, Sendable {
    /// `iss`, byte for byte.
    public var issuer: ByteString
    /// `aud` must be one of these, or a list that holds one of these, byte for byte.
    public var audiences: Set<ByteString>
    /// The types that are taken. Both unless told otherwise: most issuers do not write `at+jwt` yet.
    public var types: Set<TokenType>
    /// How far clocks may differ, in seconds.
    public var leeway: Int64

    /// Rules with a leeway of 60 seconds unless told otherwise.
    public init(
        issuer: ByteString, audiences: Set<ByteString>, types: Set<TokenType> = [.plain, .accessToken],
        leeway: Int64 = 60
    ) {
        self.issuer = issuer
        self.audiences = audiences
        self.types = types
        self.leeway = leeway
    }
}

/// What a verified token says (RFC 7519 section 4). Only ``TokenVerifier`` makes one.
public struct Claims: Sendable {
    /// `iss`.
    public let issuer: ByteString
    /// `sub`, when there is one.
    public let subject: ByteString?
    /// `aud`, one or several.
    public let audiences: [ByteString]
    /// `exp` in whole seconds since 1970, rounded down; the leeway is not in it.
    public let expiresAt: Int64
    /// `jti`, when there is one.
    public let id: ByteString?
    /// `scope`, split at spaces (RFC 8693 section 4.2).
    public let scopes: Set<ByteString>
    private let payload: JSONDocument

    /// Whether there is a claim of that name, whatever it holds.
    public func has(_ name: ByteString) -> Bool { payload.member(name, of: payload.root) != nil }

    /// The text that a claim holds; nothing when it is not there or no text.
    public func text(_ name: ByteString) -> ByteString? {
        payload.member(name, of: payload.root).flatMap { payload.string($0) }
    }

    /// The texts that a claim holds, as a list of texts or as one; nothing when it is not there or anything else.
    public func texts(_ name: ByteString) -> [ByteString]? {
        guard let node = payload.member(name, of: payload.root) else { return nil }
        return Claims.texts(node, in: payload)
    }

    /// Checks the claims of a token whose signature was verified.
    init(_ payload: JSONDocument, rules: TokenRules, now: Int64) throws(JOSEFailure) {
        let reader = ClaimReader(payload: payload)
        guard let issuer = try reader.text("iss"), issuer == rules.issuer else { throw JOSEFailure(.wrongIssuer) }
        self.issuer = issuer
        self.audiences = try reader.audiences(allowed: rules.audiences)
        self.expiresAt = try reader.checkTimes(now: now, leeway: rules.leeway)
        guard payload.member("cnf", of: payload.root) == nil else { throw JOSEFailure(.boundToKey) }
        self.subject = try reader.text("sub")
        self.id = try reader.text("jti")
        let scope = try reader.text("scope")
        self.scopes = Set((scope?.bytes ?? []).split(separator: UInt8(ascii: " ")).map { ByteString($0) })
        self.payload = payload
    }

    fileprivate static func texts(_ node: JSONDocument.Node, in payload: JSONDocument) -> [ByteString]? {
        if let text = payload.string(node) { return [text] }
        guard payload.kind(node) == .array else { return nil }
        let texts = payload.elements(of: node).map { payload.string($0) }
        return texts.contains(nil) ? nil : texts.compactMap { $0 }
    }
}

/// Reads claims whose kinds RFC 7519 section 4.1 lays down.
private struct ClaimReader {
    let payload: JSONDocument

    /// The last second of the year 9999: later times are mistakes, such as milliseconds.
    private static let lastSecond = 253_402_300_799.0

    func text(_ name: String) throws(JOSEFailure) -> ByteString? {
        guard let node = payload.member(name, of: payload.root) else { return nil }
        guard let text = payload.string(node) else { throw JOSEFailure(.badClaim, detail: name) }
        return text
    }

    func audiences(allowed: Set<ByteString>) throws(JOSEFailure) -> [ByteString] {
        guard let node = payload.member("aud", of: payload.root) else { throw JOSEFailure(.wrongAudience) }
        guard let audiences = Claims.texts(node, in: payload) else { throw JOSEFailure(.badClaim, "aud") }
        guard audiences.contains(where: allowed.contains) else { throw JOSEFailure(.wrongAudience) }
        return audiences
    }

    /// Checks `exp`, `nbf` and `iat`, and gives `exp`.
    func checkTimes(now: Int64, leeway: Int64) throws(JOSEFailure) -> Int64 {
        guard let expiry = try seconds("exp") else { throw JOSEFailure(.noExpiry) }
        guard now < expiry + leeway else { throw JOSEFailure(.expired) }
        if let begin = try seconds("nbf"), begin > now + leeway { throw JOSEFailure(.notYetValid, "nbf") }
        if let issued = try seconds("iat"), issued > now + leeway { throw JOSEFailure(.notYetValid, "iat") }
        return expiry
    }

    /// A NumericDate (RFC 7519 section 2), which may have a fraction, rounded down.
    private func seconds(_ name: String) throws(JOSEFailure) -> Int64? {
        guard let node = payload.member(name, of: payload.root) else { return nil }
        guard let text = payload.numberText(node), let number = Double(text.text), abs(number) <= Self.lastSecond,
            let seconds = Int64(exactly: number.rounded(.down))
        else { throw JOSEFailure(.badClaim, detail: name) }
        return seconds
    }
}

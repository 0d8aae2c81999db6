import Bytes
import OpenSSL
import Policy

/// Makes what stands in place of a value, and recognises it when it comes back.
///
/// | way | in place of a text | of a number | of a truth value |
/// |---|---|---|---|
/// | mask | `[REDACTED]`, by a detector `[REDACTED:email]` | 0 | false |
/// | zero | the empty text | 0 | false |
/// | hash | `h-` and 16 hexadecimal digits | 0 | false |
/// | partial | the last characters behind `[REDACTED]`; of an address its first and its host | 0 | false |
/// | pseudonym | `p-` and 10 hexadecimal digits, in the form of what it stands for | 0 | false |
///
/// A number is never replaced by another that could be somebody's: an agent might use it. Hashes and pseudonyms are
/// HMAC-SHA-256 under a key that no message reveals, cut to 64 and 40 bits: equal values stay equal, for one upstream.
struct Pseudonyms: Sendable {
    private let code: HMACSHA256

    init(key: [UInt8], upstream: ByteString) {
        code = HMACSHA256(key: HKDF.derive(32, from: key, info: bytes("komainu redaction 1 ") + upstream.bytes))
    }

    /// What every mask begins with.
    static let mark = bytes("[REDACTED")
    /// The whole mask.
    static let mask = bytes("[REDACTED]")
    /// The masks for what detectors find, by the kind's place.
    private static let masks = DataKind.allCases.map { mark + [0x3a] + bytes($0.name) + [0x5d] }

    /// The mask for something that a detector found.
    static func mask(of kind: DataKind) -> [UInt8] { masks[kind.rawValue] }

    /// What stands in place of a text. `kind` when a detector found it, else nil.
    func replacement(for text: Span<UInt8>, _ way: Way, _ kind: DataKind?) -> [UInt8] {
        switch way {
        case .mask, .withhold: kind.map(Self.mask) ?? Self.mask
        case .zero, .remove, .null: []
        case .hash: hashed(text, 8, after: Self.hashMark)
        case .partial: partial(ByteString(text).bytes)
        case .pseudonym: pseudonym(text, kind)
        }
    }

    private static let hashMark = bytes("h-")
    private static let pseudonymMark = bytes("p-")
    private static let host = bytes("@redacted.invalid")
    private static let page = bytes("https://redacted.invalid/p-")

    /// So many bytes of a text's code in hexadecimal, with something before and after.
    private func hashed(_ text: Span<UInt8>, _ count: Int, after start: [UInt8], before end: [UInt8] = []) -> [UInt8] {
        let code = code.authenticate(text)
        var out: [UInt8] = []
        out.reserveCapacity(start.count + 2 * count + end.count)
        out.append(contentsOf: start)
        for index in 0..<count {
            out.append(hexadecimalDigit(code[index] >> 4))
            out.append(hexadecimalDigit(code[index] & 15))
        }
        out.append(contentsOf: end)
        return out
    }

    private func partial(_ text: [UInt8]) -> [UInt8] {
        if let at = text.lastIndex(of: 0x40), at > 0, at < text.count - 3 {
            return Array(text.prefix(isAlphanumeric(text[0]) && at > 2 ? 1 : 0)) + Self.mask + text[at...]
        }
        // Four of twelve, two of eight, and never part of a character.
        let kept = text.count >= 12 ? 4 : text.count >= 8 ? 2 : 0
        let end = text.suffix(kept)
        return end.allSatisfy { $0 < 0x80 } ? Self.mask + end : Self.mask
    }

    // MARK: Pseudonyms

    private func pseudonym(_ text: Span<UInt8>, _ kind: DataKind?) -> [UInt8] {
        switch kind ?? Self.kind(of: text) {
        case .email:
            // The host and, nearly always, the user are the same in either case.
            guard text.endOfRun(from: 0, { !isUpper($0) }) < text.count else {
                return hashed(text, 5, after: Self.pseudonymMark, before: Self.host)
            }
            let lower = ByteString(text).asciiLowercased.bytes
            return hashed(lower.span, 5, after: Self.pseudonymMark, before: Self.host)
        case .phone:
            return Self.country + digits(ByteString(text).bytes.filter(isDigit), 9)
        case .ip:
            let code = code.authenticate(text)
            return text.first([0x3a], from: 0, before: text.count) != nil
                ? bytes("100::" + Hex.encode(Array(code[0..<2])) + ":" + Hex.encode(Array(code[2..<4])))
                : bytes("0.\(code[0]).\(code[1]).\(code[2])")
        default:
            if text.has(Self.https, at: 0) || text.has(Self.http, at: 0) {
                return hashed(text, 5, after: Self.page)
            }
            if isUUID(text, 0, text.count) { return uuid(text) }
            return hashed(text, 5, after: Self.pseudonymMark)
        }
    }

    private static let https = bytes("https://")
    private static let http = bytes("http://")

    /// What a whole value looks like.
    private static func kind(of text: Span<UInt8>) -> DataKind? {
        guard !text.isEmpty else { return nil }
        var signs = 0
        var digits = 0
        var blanks = 0
        for index in text.indices {
            let byte = text[index]
            if byte == 0x40 { signs += 1 } else if isDigit(byte) { digits += 1 } else if byte <= 0x20 { blanks += 1 }
        }
        if signs == 1, blanks == 0, text[text.count - 1] != 0x40, text[0] != 0x40 { return .email }
        guard digits >= 4 else { return nil }
        if TextScanner(kinds: .ip).findings(in: text).first == Finding(.ip, 0, text.count) { return .ip }
        return looksLikePhone(text) ? .phone : nil
    }

    /// Digits from the code, for +999, a country that does not exist.
    private func digits(_ text: [UInt8], _ count: Int) -> [UInt8] {
        let code = code.authenticate(text)
        var number = code.prefix(7).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        var digits: [UInt8] = []
        for _ in 0..<count {
            digits.append(0x30 + UInt8(number % 10))
            number /= 10
        }
        return digits
    }

    /// Version 8 (RFC 9562 section 5.8), beginning with ones.
    private func uuid(_ text: Span<UInt8>) -> [UInt8] {
        let digits = hashed(text, 9, after: [])
        return bytes("ffffffff-ffff-8") + digits[0..<3] + bytes("-b") + digits[3..<6] + [0x2d] + digits[6..<18]
    }

    // MARK: Coming back

    /// Whether a text holds something that stood in place of another: a mask, a hash, a pseudonym.
    static func isPlaceholder(in text: Span<UInt8>) -> Bool {
        var at = 0
        while at < text.count {
            switch text[at] {
            case 0x5b: if text.has(mark, at: at) { return true }
            case 0x70: if isTagged(text, at, 10) { return true }
            case 0x68: if isTagged(text, at, 16) { return true }
            case 0x72: if text.has(hosts, at: at) { return true }
            case 0x2b:
                if text.has(country, at: at), text.endOfRun(from: at + 4, limit: 10, isDigit) == at + 13 { return true }
            case 0x66: if text.has(uuidStart, at: at), text.isWordStart(at) { return true }
            default: break
            }
            at += 1
        }
        return false
    }

    private static let hosts = bytes("redacted.invalid")
    private static let country = bytes("+999")
    private static let uuidStart = bytes("ffffffff-ffff-8")

    /// A letter, a hyphen and exactly so many hexadecimal digits, as a word of its own.
    private static func isTagged(_ text: Span<UInt8>, _ at: Int, _ count: Int) -> Bool {
        guard text.at(at + 1) == 0x2d, text.isWordStart(at), text.at(at - 1) != 0x2d else { return false }
        let end = text.endOfRun(from: at + 2, limit: count + 1) { isDigit($0) || $0 &- 0x61 < 6 }
        return end == at + 2 + count && text.isWordEnd(end) && text.at(end) != 0x2d
    }
}

private func hexadecimalDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }

/// Whether a whole value could be a telephone number, when its name says it is one.
func looksLikePhone(_ text: Span<UInt8>) -> Bool {
    guard (7...32).contains(text.count) else { return false }
    var digits = 0
    for index in text.indices {
        switch text[index] {
        case 0x30...0x39: digits += 1
        case 0x20, 0x28, 0x29, 0x2b, 0x2d, 0x2e, 0x2f, 0x78: continue
        default: return false
        }
    }
    return (7...15).contains(digits) && !isTimestamp(text)
}

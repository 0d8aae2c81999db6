import Bytes

/// One escape within a string.
struct Escape {
    /// The character it stands for.
    let scalar: UInt32
    /// Bytes it takes as written; a pair of surrogates is one escape of twelve.
    let length: Int
    /// Whether our writer would write exactly this.
    let isNeeded: Bool

    /// Reads the escape whose backslash is at `at`.
    init(_ text: Span<UInt8>, _ at: Int) throws(JSONFailure) {
        guard at + 1 < text.count else { throw JSONFailure(.unexpectedEnd, at: text.count) }
        switch text[at + 1] {
        case 0x22, 0x5c: self.init(UInt32(text[at + 1]), 2, true)
        case 0x2f: self.init(0x2f, 2, false)
        case 0x62: self.init(0x08, 2, true)
        case 0x66: self.init(0x0c, 2, true)
        case 0x6e: self.init(0x0a, 2, true)
        case 0x72: self.init(0x0d, 2, true)
        case 0x74: self.init(0x09, 2, true)
        case 0x75: try self.init(hexadecimal: text, at)
        default: throw JSONFailure(.badEscape, at: at)
        }
    }

    private init(_ scalar: UInt32, _ length: Int, _ isNeeded: Bool) {
        self.scalar = scalar
        self.length = length
        self.isNeeded = isNeeded
    }

    private init(hexadecimal text: Span<UInt8>, _ at: Int) throws(JSONFailure) {
        let unit = try Self.unit(text, at)
        switch unit {
        case 0xd800..<0xdc00:
            guard at + 7 < text.count, text[at + 6] == 0x5c, text[at + 7] == 0x75 else {
                throw JSONFailure(.loneSurrogate, at: at)
            }
            let low = try Self.unit(text, at + 6)
            guard (0xdc00..<0xe000).contains(low) else { throw JSONFailure(.loneSurrogate, at: at) }
            self.init(0x10000 + (unit - 0xd800) << 10 + (low - 0xdc00), 12, false)
        case 0xdc00..<0xe000:
            throw JSONFailure(.loneSurrogate, at: at)
        default:
            let hasShortForm = unit == 8 || unit == 9 || unit == 10 || unit == 12 || unit == 13
            let last = text[at + 5]
            let isLowerCase = !(0x41...0x46).contains(last)
            self.init(unit, 6, unit < 0x20 && !hasShortForm && isLowerCase)
        }
    }

    /// The four hexadecimal digits after `\u`.
    private static func unit(_ text: Span<UInt8>, _ at: Int) throws(JSONFailure) -> UInt32 {
        guard at + 6 <= text.count else { throw JSONFailure(.badEscape, at: at) }
        var value: UInt32 = 0
        for index in at + 2..<at + 6 {
            let byte = text[index]
            switch byte {
            case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
            case 0x41...0x46: value = value << 4 | UInt32(byte - 0x41 + 10)
            case 0x61...0x66: value = value << 4 | UInt32(byte - 0x61 + 10)
            default: throw JSONFailure(.badEscape, at: at)
            }
        }
        return value
    }
}

/// The bytes that a string's text stands for. The text has been read before, so its escapes are right.
@usableFromInline func decoded(_ text: Span<UInt8>) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count)
    appendDecoded(text, to: &bytes)
    return bytes
}

private func appendDecoded(_ text: Span<UInt8>, to bytes: inout [UInt8]) {
    var at = 0
    while at < text.count {
        guard text[at] == 0x5c, let escape = try? Escape(text, at) else {
            bytes.append(text[at])
            at += 1
            continue
        }
        appendUTF8(escape.scalar, to: &bytes)
        at += escape.length
    }
}

/// Appends one character; `scalar` is never a surrogate.
func appendUTF8(_ scalar: UInt32, to bytes: inout [UInt8]) {
    func trail(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: scalar >> shift & 0x3f) | 0x80 }
    switch scalar {
    case ..<0x80:
        bytes.append(UInt8(truncatingIfNeeded: scalar))
    case ..<0x800:
        bytes.append(UInt8(truncatingIfNeeded: scalar >> 6) | 0xc0)
        bytes.append(trail(0))
    case ..<0x10000:
        bytes.append(UInt8(truncatingIfNeeded: scalar >> 12) | 0xe0)
        bytes.append(trail(6))
        bytes.append(trail(0))
    default:
        bytes.append(UInt8(truncatingIfNeeded: scalar >> 18) | 0xf0)
        bytes.append(trail(12))
        bytes.append(trail(6))
        bytes.append(trail(0))
    }
}

/// Appends a string with its quotes, escaping only what must be (RFC 8259 section 7). Bytes that are not UTF-8 become
/// U+FFFD: whatever the bytes, what is written is JSON.
func appendString(_ bytes: [UInt8], to out: inout [UInt8]) {
    let text = bytes.span
    out.append(0x22)
    var copied = 0
    var at = 0
    while true {
        at = endOfPlainRun(text, from: at)
        if at < text.count, text[at] >= 0x80, let length = lengthOfSequence(text, at) {
            at += length
            continue
        }
        if copied < at { out.append(contentsOf: bytes[copied..<at]) }
        guard at < text.count else { break }
        appendEscaped(text[at], to: &out)
        at += 1
        copied = at
    }
    out.append(0x22)
}

/// Appends a character that cannot stand for itself.
private func appendEscaped(_ byte: UInt8, to out: inout [UInt8]) {
    switch byte {
    case 0x22, 0x5c: out += [0x5c, byte]
    case 0x08: out += [0x5c, 0x62]
    case 0x09: out += [0x5c, 0x74]
    case 0x0a: out += [0x5c, 0x6e]
    case 0x0c: out += [0x5c, 0x66]
    case 0x0d: out += [0x5c, 0x72]
    case 0x80...: out += [0xef, 0xbf, 0xbd]
    default:
        out += [0x5c, 0x75, 0x30, 0x30, byte < 0x10 ? 0x30 : 0x31]
        let digit = byte & 15
        out.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
    }
}

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
    var none: [EscapedText.Shift] = []
    return decoded(text, noting: false, &none)
}

/// The same; with `noting` for each escape by how much what comes after it is further on in the text.
func decoded(_ text: Span<UInt8>, noting: Bool, _ shifts: inout [EscapedText.Shift]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: text.count)
    var out = bytes.mutableSpan
    var written = 0
    var at = 0
    while at < text.count {
        let rest = text.extracting(droppingFirst: at)
        var run = 0
        while run < rest.count, rest[run] != 0x5c {
            out[written &+ run] = rest[run]
            run &+= 1
        }
        at &+= run
        written &+= run
        guard at < text.count else { break }
        // Of JSON in a text nearly every escape is of a quote.
        if at &+ 1 < text.count, text[at &+ 1] == 0x22 {
            out[written] = 0x22
            written &+= 1
            at &+= 2
        } else {
            guard let character = EscapedCharacter(text, at) else { break }
            var bytes = character.bytes
            for _ in 0..<character.count {
                out[written] = UInt8(truncatingIfNeeded: bytes)
                written &+= 1
                bytes >>= 8
            }
            at &+= character.length
        }
        if noting { shifts.append(EscapedText.Shift(decoded: written, written: at)) }
    }
    bytes.removeLast(bytes.count - written)
    return bytes
}

/// What an escape stands for, in UTF-8.
private struct EscapedCharacter {
    /// The bytes, the first in the lowest place.
    let bytes: UInt32
    let count: Int
    /// How long the escape is.
    let length: Int

    @inline(__always)
    init?(_ text: Span<UInt8>, _ at: Int) {
        guard at &+ 1 < text.count else { return nil }
        switch text[at &+ 1] {
        case 0x22: self.init(0x22)
        case 0x5c: self.init(0x5c)
        case 0x2f: self.init(0x2f)
        case 0x6e: self.init(0x0a)
        case 0x72: self.init(0x0d)
        case 0x74: self.init(0x09)
        case 0x62: self.init(0x08)
        case 0x66: self.init(0x0c)
        default: self.init(hexadecimal: text, at)
        }
    }

    @inline(__always)
    private init(_ byte: UInt32) {
        bytes = byte
        count = 1
        length = 2
    }

    @inline(never)
    private init?(hexadecimal text: Span<UInt8>, _ at: Int) {
        guard let escape = try? Escape(text, at) else { return nil }
        let scalar = escape.scalar
        func trail(_ shift: UInt32) -> UInt32 { scalar >> shift & 0x3f | 0x80 }
        length = escape.length
        switch scalar {
        case ..<0x80:
            bytes = scalar
            count = 1
        case ..<0x800:
            bytes = scalar >> 6 | 0xc0 | trail(0) << 8
            count = 2
        case ..<0x10000:
            bytes = scalar >> 12 | 0xe0 | trail(6) << 8 | trail(0) << 16
            count = 3
        default:
            bytes = scalar >> 18 | 0xf0 | trail(12) << 8 | trail(6) << 16 | trail(0) << 24
            count = 4
        }
    }
}

/// Appends a string with its quotes, escaping only what must be (RFC 8259 section 7). Bytes that are not UTF-8 become
/// U+FFFD: whatever the bytes, what is written is JSON.
func appendString(_ bytes: [UInt8], to out: inout [UInt8]) {
    out.append(0x22)
    appendContent(bytes, to: &out)
    out.append(0x22)
}

/// The same without the quotes.
func appendContent(_ bytes: [UInt8], to out: inout [UInt8]) {
    let text = bytes.span
    var at = endOfPlainRun(text, from: 0)
    guard at < text.count else { return out.append(contentsOf: bytes) }
    out.append(contentsOf: bytes[..<at])
    // Room for the text and for some escapes; seldom more.
    var room = text.count + text.count / 4 + 32
    while at < text.count {
        out.append(addingCapacity: room) { (out: inout OutputSpan<UInt8>) in at = escape(text, from: at, into: &out) }
        room = 6 * (text.count - at) + 32
    }
}

/// Escapes a text until its end or until there may be no more room; gives how far it came.
private func escape(_ text: Span<UInt8>, from start: Int, into out: inout OutputSpan<UInt8>) -> Int {
    var at = start
    while at < text.count {
        let end = min(endOfPlainRun(text, from: at), at &+ out.freeCapacity)
        while at < end {
            out.append(text[at])
            at &+= 1
        }
        // For the longest escape.
        guard at < text.count, out.freeCapacity >= 6 else { break }
        let byte = text[at]
        if byte >= 0x80, let length = lengthOfSequence(text, at) {
            for offset in 0..<length { out.append(text[at &+ offset]) }
            at &+= length
        } else {
            escape(byte, &out)
            at &+= 1
        }
    }
    return at
}

/// Writes a byte as it may stand in a string.
@inline(__always)
private func escape(_ byte: UInt8, _ out: inout OutputSpan<UInt8>) {
    switch byte {
    case 0x22, 0x5c: pair(byte, &out)
    case 0x08: pair(0x62, &out)
    case 0x09: pair(0x74, &out)
    case 0x0a: pair(0x6e, &out)
    case 0x0c: pair(0x66, &out)
    case 0x0d: pair(0x72, &out)
    case 0x80...:
        out.append(0xef)
        out.append(0xbf)
        out.append(0xbd)
    case 0x20...:
        out.append(byte)
    default:
        let digit = byte & 15
        pair(0x75, &out)
        out.append(0x30)
        out.append(0x30)
        out.append(byte < 0x10 ? 0x30 : 0x31)
        out.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
    }
}

@inline(__always)
private func pair(_ byte: UInt8, _ out: inout OutputSpan<UInt8>) {
    out.append(0x5c)
    out.append(byte)
}

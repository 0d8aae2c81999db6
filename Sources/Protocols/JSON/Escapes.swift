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
///
/// Eight bytes are copied at a time, whatever they are; those from an escape on are then written over.
@usableFromInline func decoded(_ text: Span<UInt8>) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: text.count + 8)
    var written = 0
    var out = bytes.mutableSpan
    var at = 0
    while at < text.count {
        if let word = word(text, at) {
            store(word, &out, written)
            let flags = flagsOf(0x5c, word)
            let run = flags == 0 ? 8 : flags.trailingZeroBitCount >> 3
            at &+= run
            written &+= run
            if flags == 0 { continue }
        } else if text[at] != 0x5c {
            out[written] = text[at]
            at &+= 1
            written &+= 1
            continue
        }
        let length = simpleEscape(text, at, &out, written)
        if length > 0 {
            at &+= length
            written &+= 1
        } else if let escape = try? Escape(text, at) {
            written &+= encodeUTF8(escape.scalar, &out, written)
            at &+= escape.length
        } else {
            break
        }
    }
    bytes.removeLast(bytes.count - written)
    return bytes
}

/// Writes what an escape of two bytes stands for; gives its length, or 0 when it is another.
@inline(__always)
private func simpleEscape(_ text: Span<UInt8>, _ at: Int, _ out: inout MutableSpan<UInt8>, _ place: Int) -> Int {
    guard at &+ 1 < text.count else { return 0 }
    switch text[at &+ 1] {
    case 0x22: out[place] = 0x22
    case 0x5c: out[place] = 0x5c
    case 0x2f: out[place] = 0x2f
    case 0x6e: out[place] = 0x0a
    case 0x72: out[place] = 0x0d
    case 0x74: out[place] = 0x09
    case 0x62: out[place] = 0x08
    case 0x66: out[place] = 0x0c
    default: return 0
    }
    return 2
}

/// Writes one character, which is no surrogate; gives the number of its bytes.
private func encodeUTF8(_ scalar: UInt32, _ out: inout MutableSpan<UInt8>, _ place: Int) -> Int {
    func trail(_ shift: UInt32) -> UInt8 { UInt8(truncatingIfNeeded: scalar >> shift & 0x3f) | 0x80 }
    switch scalar {
    case ..<0x80:
        out[place] = UInt8(truncatingIfNeeded: scalar)
        return 1
    case ..<0x800:
        out[place] = UInt8(truncatingIfNeeded: scalar >> 6) | 0xc0
        out[place + 1] = trail(0)
        return 2
    case ..<0x10000:
        out[place] = UInt8(truncatingIfNeeded: scalar >> 12) | 0xe0
        out[place + 1] = trail(6)
        out[place + 2] = trail(0)
        return 3
    default:
        out[place] = UInt8(truncatingIfNeeded: scalar >> 18) | 0xf0
        out[place + 1] = trail(12)
        out[place + 2] = trail(6)
        out[place + 3] = trail(0)
        return 4
    }
}

/// Appends a string with its quotes, escaping only what must be (RFC 8259 section 7). Bytes that are not UTF-8 become
/// U+FFFD: whatever the bytes, what is written is JSON.
func appendString(_ bytes: [UInt8], to out: inout [UInt8]) {
    let text = bytes.span
    if endOfPlainRun(text, from: 0) == text.count {
        out.append(0x22)
        out.append(contentsOf: bytes)
        out.append(0x22)
        return
    }
    // Room for the text, for some escapes, and to write eight bytes at once; seldom more.
    var written = out.count
    out.append(contentsOf: repeatElement(0, count: text.count + text.count / 4 + 32))
    var span = out.mutableSpan
    span[written] = 0x22
    written &+= 1
    var at = escape(text, from: 0, into: &span, at: &written)
    while at < text.count {
        out.append(contentsOf: repeatElement(0, count: 6 * (text.count - at) + 32))
        var span = out.mutableSpan
        at = escape(text, from: at, into: &span, at: &written)
    }
    out[written] = 0x22
    out.removeLast(out.count - written - 1)
}

/// Escapes a text into `out` until its end or until there may be no more room; gives how far it came.
private func escape(_ text: Span<UInt8>, from start: Int, into out: inout MutableSpan<UInt8>, at written: inout Int)
    -> Int
{
    var at = start
    // For the longest escape, the rest of the text, the closing quote, and eight bytes at once.
    while at < text.count, written &+ 6 &+ text.count &- at &+ 9 <= out.count {
        if let word = word(text, at) {
            store(word, &out, written)
            let flags = flagsOfSpecials(word)
            let run = flags == 0 ? 8 : flags.trailingZeroBitCount >> 3
            at &+= run
            written &+= run
            if flags == 0 { continue }
        }
        let byte = text[at]
        if byte >= 0x80, let length = lengthOfSequence(text, at) {
            for offset in 0..<length { out[written &+ offset] = text[at &+ offset] }
            at &+= length
            written &+= length
        } else {
            written &+= escape(byte, &out, written)
            at &+= 1
        }
    }
    return at
}

/// Writes a byte as it may stand in a string; gives the number of bytes written.
@inline(__always)
private func escape(_ byte: UInt8, _ out: inout MutableSpan<UInt8>, _ place: Int) -> Int {
    switch byte {
    case 0x22, 0x5c: return pair(byte, &out, place)
    case 0x08: return pair(0x62, &out, place)
    case 0x09: return pair(0x74, &out, place)
    case 0x0a: return pair(0x6e, &out, place)
    case 0x0c: return pair(0x66, &out, place)
    case 0x0d: return pair(0x72, &out, place)
    case 0x80...:
        out[place] = 0xef
        out[place &+ 1] = 0xbf
        out[place &+ 2] = 0xbd
        return 3
    case 0x20...:
        out[place] = byte
        return 1
    default:
        let digit = byte & 15
        let escape: [6 of UInt8] = [
            0x5c, 0x75, 0x30, 0x30, byte < 0x10 ? 0x30 : 0x31, digit < 10 ? 0x30 + digit : 0x61 + digit - 10,
        ]
        for index in 0..<6 { out[place &+ index] = escape[index] }
        return 6
    }
}

@inline(__always)
private func pair(_ byte: UInt8, _ out: inout MutableSpan<UInt8>, _ place: Int) -> Int {
    out[place] = 0x5c
    out[place &+ 1] = byte
    return 2
}

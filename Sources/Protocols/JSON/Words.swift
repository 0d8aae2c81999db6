// Eight bytes at a time in one register. Each function flags bytes by their highest bit; only the lowest flag is exact,
// because a borrow can run upwards from it, and only the lowest is ever used.

/// The same byte eight times.
@inline(__always)
func eightTimes(_ byte: UInt8) -> UInt64 { UInt64(byte) &* 0x0101_0101_0101_0101 }

/// Eight bytes, the first in the lowest place; nil when fewer are left.
///
/// Asking for both bounds first lets the optimizer drop the eight checks and make one load of it.
@inline(__always)
func word(_ text: Span<UInt8>, _ at: Int) -> UInt64? {
    guard at >= 0, at < text.count &- 7 else { return nil }
    return UInt64(text[at]) | UInt64(text[at &+ 1]) << 8 | UInt64(text[at &+ 2]) << 16 | UInt64(text[at &+ 3]) << 24
        | UInt64(text[at &+ 4]) << 32 | UInt64(text[at &+ 5]) << 40 | UInt64(text[at &+ 6]) << 48
        | UInt64(text[at &+ 7]) << 56
}

/// Flags the bytes that end a run of plain ASCII within a string: quote, backslash, control characters, non-ASCII.
@inline(__always)
func flagsOfSpecials(_ word: UInt64) -> UInt64 {
    let quote = word ^ eightTimes(0x22)
    let backslash = word ^ eightTimes(0x5c)
    let equal = (quote &- eightTimes(1)) & ~quote | (backslash &- eightTimes(1)) & ~backslash
    let control = (word &- eightTimes(0x20)) & ~word
    return (equal | control | word) & eightTimes(0x80)
}

/// Flags the bytes that are `byte`.
@inline(__always)
func flagsOf(_ byte: UInt8, _ word: UInt64) -> UInt64 {
    let difference = word ^ eightTimes(byte)
    return (difference &- eightTimes(1)) & ~difference & eightTimes(0x80)
}

/// Writes eight bytes if there is room for them; nothing otherwise.
@inline(__always)
func store(_ word: UInt64, _ out: inout MutableSpan<UInt8>, _ at: Int) {
    guard at >= 0, at < out.count &- 7 else { return }
    out[at] = UInt8(truncatingIfNeeded: word)
    out[at &+ 1] = UInt8(truncatingIfNeeded: word >> 8)
    out[at &+ 2] = UInt8(truncatingIfNeeded: word >> 16)
    out[at &+ 3] = UInt8(truncatingIfNeeded: word >> 24)
    out[at &+ 4] = UInt8(truncatingIfNeeded: word >> 32)
    out[at &+ 5] = UInt8(truncatingIfNeeded: word >> 40)
    out[at &+ 6] = UInt8(truncatingIfNeeded: word >> 48)
    out[at &+ 7] = UInt8(truncatingIfNeeded: word >> 56)
}

/// The place of the first special byte at or after `start`, or `text.count`.
@inline(__always)
func endOfPlainRun(_ text: Span<UInt8>, from start: Int) -> Int {
    var at = start
    while let word = word(text, at) {
        let flags = flagsOfSpecials(word)
        if flags != 0 { return at &+ flags.trailingZeroBitCount >> 3 }
        at &+= 8
    }
    while at < text.count {
        let byte = text[at]
        if byte == 0x22 || byte == 0x5c || byte < 0x20 || byte >= 0x80 { return at }
        at &+= 1
    }
    return at
}

/// The length of the UTF-8 sequence (RFC 3629) that begins at `at`, which holds a byte above 0x7f; nil if it is none.
@inline(__always)
func lengthOfSequence(_ text: Span<UInt8>, _ at: Int) -> Int? {
    let lead = text[at]
    let left = text.count &- at
    guard left >= 2 else { return nil }
    let second = text[at &+ 1]
    switch lead {
    case 0xc2...0xdf:
        return second & 0xc0 == 0x80 ? 2 : nil
    case 0xe0...0xef:
        let least: UInt8 = lead == 0xe0 ? 0xa0 : 0x80
        let most: UInt8 = lead == 0xed ? 0x9f : 0xbf
        guard left >= 3, second >= least, second <= most, text[at &+ 2] & 0xc0 == 0x80 else { return nil }
        return 3
    case 0xf0...0xf4:
        let least: UInt8 = lead == 0xf0 ? 0x90 : 0x80
        let most: UInt8 = lead == 0xf4 ? 0x8f : 0xbf
        guard left >= 4, second >= least, second <= most else { return nil }
        return text[at &+ 2] & 0xc0 == 0x80 && text[at &+ 3] & 0xc0 == 0x80 ? 4 : nil
    default:
        return nil
    }
}

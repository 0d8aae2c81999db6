import Bytes

/// How often a text may be encoded upon itself: `%2540` is `%40` is `@`.
private let mostEncodings = 3

/// Whether something in a text may be encoded. Without a way out in between many bytes are compared at a time.
func holdsEncoding(_ text: Span<UInt8>) -> Bool {
    var holds = false
    for index in text.indices { holds = holds || text[index] == 0x25 || text[index] == 0x26 }
    return holds
}

/// A text as it is meant: percent signs (RFC 3986 section 2.1) and character references (HTML section 13.2.5.72, numbers and
/// the names of what addresses and names hold) decoded, again while there are some; nil when there are none, or when
/// the bytes are no text then.
func decodedForms(_ text: Span<UInt8>) -> [UInt8]? {
    guard var decoded = decodedOnce(text) else { return nil }
    for _ in 1..<mostEncodings {
        guard let again = decodedOnce(decoded.span) else { break }
        decoded = again
    }
    return String(validating: decoded, as: UTF8.self) == nil ? nil : decoded
}

private func decodedOnce(_ text: Span<UInt8>) -> [UInt8]? {
    var decoded: [UInt8] = []
    var copied = 0
    var at = 0
    while at &+ 2 < text.count {
        guard text[at] == 0x25 || text[at] == 0x26, let (bytes, end) = encodedCharacter(text, at) else {
            at &+= 1
            continue
        }
        decoded.append(copying: text.extracting(copied..<at))
        decoded += bytes
        at = end
        copied = end
    }
    guard copied > 0 else { return nil }
    decoded.append(copying: text.extracting(copied..<text.count))
    return decoded
}

private func encodedCharacter(_ text: Span<UInt8>, _ at: Int) -> (bytes: [UInt8], end: Int)? {
    if text[at] == 0x25 {
        guard isHex(text[at + 1]), isHex(text[at + 2]) else { return nil }
        return ([hexValue(text[at + 1]) << 4 | hexValue(text[at + 2])], at + 3)
    }
    guard text[at + 1] == 0x23 else { return namedCharacter(text, at) }
    let isHexadecimal = text[at + 2] | 0x20 == 0x78
    let start = isHexadecimal ? at + 3 : at + 2
    let end = text.endOfRun(from: start, limit: 8) { isHexadecimal ? isHex($0) : isDigit($0) }
    var value: UInt32 = 0
    for place in start..<max(start, end) { value = value * (isHexadecimal ? 16 : 10) + UInt32(hexValue(text[place])) }
    guard end > start, let scalar = Unicode.Scalar(value) else { return nil }
    return (Array(String(Character(scalar)).utf8), text.at(end) == 0x3b ? end + 1 : end)
}

private func namedCharacter(_ text: Span<UInt8>, _ at: Int) -> (bytes: [UInt8], end: Int)? {
    for (name, byte) in characterNames where text.has(name, at: at + 1) {
        return ([byte], at + 1 + name.count)
    }
    return nil
}

/// What stands in addresses, names and numbers, of HTML's named references.
private let characterNames: [(name: [UInt8], byte: UInt8)] = [
    (bytes("commat;"), 0x40), (bytes("period;"), 0x2e), (bytes("amp;"), 0x26), (bytes("plus;"), 0x2b),
    (bytes("lowbar;"), 0x5f), (bytes("apos;"), 0x27), (bytes("nbsp;"), 0x20), (bytes("quot;"), 0x22),
    (bytes("lpar;"), 0x28), (bytes("rpar;"), 0x29), (bytes("num;"), 0x23), (bytes("sol;"), 0x2f),
]

private func hexValue(_ digit: UInt8) -> UInt8 { isDigit(digit) ? digit - 0x30 : (digit | 0x20) - 0x57 }

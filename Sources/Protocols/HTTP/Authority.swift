import Bytes

/// Whether this is `host [ ":" port ]` as RFC 9110 section 7.2 allows it in Host, and stricter: no user information, no
/// percent-escapes, no empty label or port, no port with leading zeros.
func isAuthority(_ text: Span<UInt8>) -> Bool {
    guard !text.isEmpty, text.count <= 255 + 6 else { return false }
    if text[0] == UInt8(ascii: "[") {
        guard let end = text.firstIndex(of: UInt8(ascii: "]")), isIPv6(text.extracting(1..<end)) else { return false }
        return isPortOrNothing(text.extracting(end + 1..<text.count))
    }
    let end = text.firstIndex(of: UInt8(ascii: ":")) ?? text.count
    return isName(text.extracting(0..<end)) && isPortOrNothing(text.extracting(end..<text.count))
}

/// Labels of letters, digits, hyphens and underscores, none empty and none longer than DNS allows; IPv4 is among them.
private func isName(_ text: Span<UInt8>) -> Bool {
    var label = 0
    for index in text.indices {
        let byte = text[index]
        if byte == UInt8(ascii: ".") {
            guard label > 0 else { return false }
            label = 0
        } else {
            guard byte.isAlphanumeric || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") else { return false }
            label += 1
            guard label <= 63 else { return false }
        }
    }
    return label > 0 && text.count <= 253
}

private func isPortOrNothing(_ text: Span<UInt8>) -> Bool {
    guard !text.isEmpty else { return true }
    guard text[0] == UInt8(ascii: ":"), text.count > 1, text.count <= 6, text[1] != 0x30 else { return false }
    var port = 0
    for index in 1..<text.count {
        guard text[index].isDigit else { return false }
        port = port * 10 + Int(text[index] - 0x30)
    }
    return port <= 65_535
}

/// RFC 4291 section 2.2, without zones: groups of one to four hexadecimal digits, `::` once, IPv4 in the last 32 bits.
private func isIPv6(_ text: Span<UInt8>) -> Bool {
    var groups = 0
    var hasGap = false
    var index = 0
    if text.count >= 2, text[0] == UInt8(ascii: ":"), text[1] == UInt8(ascii: ":") {
        hasGap = true
        index = 2
    }
    while index < text.count {
        let start = index
        while index < text.count, text[index].hexValue != nil { index += 1 }
        if index < text.count, text[index] == UInt8(ascii: ".") {
            guard isIPv4(text.extracting(start..<text.count)) else { return false }
            groups += 2
            return hasGap ? groups < 8 : groups == 8
        }
        guard index > start, index - start <= 4 else { return false }
        groups += 1
        guard index < text.count else { break }
        guard text[index] == UInt8(ascii: ":") else { return false }
        index += 1
        if index < text.count, text[index] == UInt8(ascii: ":") {
            guard !hasGap else { return false }
            hasGap = true
            index += 1
        } else if index == text.count {
            return false
        }
    }
    return hasGap ? groups < 8 : groups == 8
}

private func isIPv4(_ text: Span<UInt8>) -> Bool {
    var parts = 0
    var index = 0
    while index < text.count {
        let start = index
        var value = 0
        while index < text.count, text[index].isDigit, index - start < 4 {
            value = value * 10 + Int(text[index] - 0x30)
            index += 1
        }
        guard index > start, index - start <= 3, value <= 255, index - start == 1 || text[start] != 0x30 else {
            return false
        }
        parts += 1
        if index == text.count { break }
        guard text[index] == UInt8(ascii: "."), index + 1 < text.count else { return false }
        index += 1
    }
    return parts == 4
}

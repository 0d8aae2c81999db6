import Bytes

/// The longest local part (RFC 5321 section 4.5.3.1.1 has 64 characters; outside ASCII a character has several bytes).
private let longestLocalPart = 256
/// The longest domain, in bytes.
private let longestDomain = 255

/// Finds e-mail addresses around every `@`.
func findEmails(_ text: Span<UInt8>, _ traits: TextTraits, _ found: inout [Finding]) {
    if traits.hasAt || traits.hasPercent || traits.hasForeignSign {
        // An address can't begin within the one before: a text of nothing but `a@` stays linear.
        var free = 0
        var at = 0
        while at < text.count {
            let signLength = lengthOfSign(text, at)
            if signLength > 0, let start = startOfLocalPart(text, at, notBefore: free),
                let end = endOfDomain(text, at + signLength), !isRemote(text, start, at, end)
            {
                found.append(Finding(.email, start, end))
                free = end
                at = end
            } else {
                at += max(signLength, 1)
            }
        }
    }
    if traits.longestToken >= 12 { findEncodedEmails(text, &found) }
}

/// How long an `@` is: one byte, or as URLs, URLs in URLs, HTML and East Asian keyboards write it.
@inline(__always)
private func lengthOfSign(_ text: Span<UInt8>, _ at: Int) -> Int {
    switch text[at] {
    case 0x40: 1
    case 0x25, 0x26, 0xef: lengthOfForeignSign(text, at)
    default: 0
    }
}

private func lengthOfForeignSign(_ text: Span<UInt8>, _ at: Int) -> Int {
    for sign in foreignSigns where text.hasIgnoringCase(sign, at: at) { return sign.count }
    return 0
}

/// In lower case.
private let foreignSigns = [
    "%40", "%2540", "%252540", "&#64;", "&#x40;", "&#064;", "&#x0040;", "&commat;", "&amp;#64;", "&#64", "&#x40",
    "\u{ff20}", "\u{fe6b}", "%ef%bc%a0",
].map(bytes)

private func startOfLocalPart(_ text: Span<UInt8>, _ sign: Int, notBefore free: Int) -> Int? {
    guard sign > free else { return nil }
    if text[sign - 1] == 0x22 { return startOfQuoted(text, sign, notBefore: free) }
    var start = sign
    let least = max(free, sign - longestLocalPart - 1)
    while start > least, isLocal(text[start - 1]) { start -= 1 }
    guard sign - start <= longestLocalPart else { return nil }
    // What opens a quotation or a sentence is no part of it.
    while start < sign, !isAlphanumeric(text[start]), text[start] < 0x80, text[start] != 0x5f { start += 1 }
    guard start < sign, text[sign - 1] != 0x2e else { return nil }
    // `https://user:password@host` names a user of a host.
    return isUserOfURL(text, start) ? nil : start
}

/// Whether `//` stands before, or `//user:`.
private func isUserOfURL(_ text: Span<UInt8>, _ start: Int) -> Bool {
    if text.at(start - 1) == 0x2f, text.at(start - 2) == 0x2f { return true }
    guard text.at(start - 1) == 0x3a else { return false }
    var at = start - 1
    while at > 0, start - at < 64, isWord(text[at - 1]) || text[at - 1] == 0x2d || text[at - 1] == 0x2e { at -= 1 }
    return text.at(at - 1) == 0x2f && text.at(at - 2) == 0x2f
}

/// `"anything in quotes"@` (RFC 5321 section 4.1.2).
private func startOfQuoted(_ text: Span<UInt8>, _ sign: Int, notBefore free: Int) -> Int? {
    var start = sign - 2
    while start >= max(free, sign - longestLocalPart) {
        if text[start] == 0x22, text.at(start - 1) != 0x5c { return start < sign - 2 ? start : nil }
        guard text[start] >= 0x20 else { return nil }
        start -= 1
    }
    return nil
}

/// `/`, `=`, `?` and `&` are allowed by RFC 5322, but nearly always stand before an address in a URL.
@inline(__always)
private func isLocal(_ byte: UInt8) -> Bool {
    if isAlphanumeric(byte) || byte >= 0x80 { return true }
    switch byte {
    case 0x2e, 0x5f, 0x2d, 0x2b, 0x27, 0x21, 0x23, 0x24, 0x2a, 0x5e, 0x60, 0x7b, 0x7c, 0x7d, 0x7e: return true
    default: return false
    }
}

private func endOfDomain(_ text: Span<UInt8>, _ start: Int) -> Int? {
    if text.at(start) == 0x5b { return endOfLiteral(text, start) }
    var at = start
    var label = start
    var labels = 0
    var end: Int?
    var numeric = 0
    while at <= text.count, at - start <= longestDomain {
        let byte = text.at(at)
        if isAlphanumeric(byte) || byte >= 0x80 || byte == 0x2d {
            at += 1
            continue
        }
        guard at > label, text[label] != 0x2d, text[at - 1] != 0x2d else { break }
        labels += 1
        if isNumber(text, label, at), labels <= 2 { numeric += 1 }
        if labels >= 2, isTopLevel(text, label, at) { end = at }
        guard byte == 0x2e else { break }
        at += 1
        label = at
    }
    // `package@1.2.3-beta.rc` is a version.
    guard numeric < 2, let end, isDomainEnd(text, end) else { return nil }
    return end
}

/// `user@[192.0.2.1]` (RFC 5321 section 4.1.3).
private func endOfLiteral(_ text: Span<UInt8>, _ start: Int) -> Int? {
    let end = text.endOfRun(from: start + 1, limit: 50) { isHex($0) || $0 == 0x3a || $0 == 0x2e || isLetter($0) }
    return end > start + 4 && text.at(end) == 0x5d ? end + 1 : nil
}

private func isNumber(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    text.endOfRun(from: start, limit: end - start, isDigit) == end
}

/// Two letters or more, or an international name in either form.
private func isTopLevel(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard end - start >= 2 else { return false }
    if text.hasIgnoringCase([0x78, 0x6e, 0x2d, 0x2d], at: start) { return true }
    return text.endOfRun(from: start, limit: end - start) { isLetter($0) || $0 >= 0x80 } == end
}

private func isDomainEnd(_ text: Span<UInt8>, _ end: Int) -> Bool {
    let next = text.at(end)
    return !isWord(next) && next != 0x40
}

/// `git@host.example:path/to.git` is where a repository lies.
private func isRemote(_ text: Span<UInt8>, _ start: Int, _ sign: Int, _ end: Int) -> Bool {
    guard text.at(end) == 0x3a, !isBlank(text.at(end + 1)) else { return false }
    if text.has([0x67, 0x69, 0x74], at: start), sign - start == 3 { return true }
    let path = text.endOfRun(from: end + 1, limit: 200) { !isBlank($0) }
    for place in end + 1..<max(path, end + 1) where text[place] == 0x2f { return true }
    return false
}

/// Addresses within runs of base 64, up to some hundred bytes: more is an attachment, and nobody's cursor.
private func findEncodedEmails(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while at < text.count {
        guard isBase64(text[at]) else {
            at += 1
            continue
        }
        let start = at
        at = text.endOfRun(from: at, isBase64)
        let bodyEnd = at
        while at < text.count, text[at] == 0x3d, at - bodyEnd < 2 { at += 1 }
        guard bodyEnd - start >= 12, at - start <= 512, text.isWordStart(start), holdsEmail(text, start, bodyEnd) else {
            continue
        }
        found.append(Finding(.email, start, at))
    }
}

@inline(__always)
private func isBase64(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || byte == 0x2b || byte == 0x2f || byte == 0x2d || byte == 0x5f
}

private func holdsEmail(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    // Text in base 64 has both cases; the first bytes tell whether it is text at all.
    guard (end - start) % 4 != 1 else { return false }
    var decoded: [UInt8] = []
    var group: UInt32 = 0
    var bits: UInt32 = 0
    for index in start..<end {
        group = group << 6 | UInt32(sextet(text[index]))
        bits += 6
        guard bits >= 8 else { continue }
        bits -= 8
        let byte = UInt8(truncatingIfNeeded: group >> bits)
        guard byte >= 0x20 && byte != 0x7f || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return false }
        decoded.append(byte)
    }
    guard decoded.contains(0x40), String(validating: decoded, as: UTF8.self) != nil else { return false }
    var inner: [Finding] = []
    var traits = TextTraits(decoded.span)
    traits.longestToken = 0
    findEmails(decoded.span, traits, &inner)
    return !inner.isEmpty
}

private func sextet(_ byte: UInt8) -> UInt8 {
    switch byte {
    case 0x41...0x5a: byte - 0x41
    case 0x61...0x7a: byte - 0x61 + 26
    case 0x30...0x39: byte - 0x30 + 52
    case 0x2b, 0x2d: 62
    default: 63
    }
}

/// Finds IP addresses, except loopback and unspecified ones, which belong to nobody.
func findAddresses(_ text: Span<UInt8>, _ traits: TextTraits, _ found: inout [Finding]) {
    if traits.dots >= 3, traits.digits >= 4 { findVersion4(text, &found) }
    if traits.colons >= 2 { findVersion6(text, &found) }
}

private func findVersion4(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while at < text.count {
        guard isDigit(text[at]) else {
            at += 1
            continue
        }
        if let (end, first) = version4End(text, at), isFree(text, at, end), first != 0, first != 127,
            !isAfterVersionWord(text, at)
        {
            found.append(Finding(.ip, at, end))
            at = end
        } else {
            at = text.endOfRun(from: at) { isDigit($0) || $0 == 0x2e }
        }
    }
}

/// Four numbers up to 255 without leading zeros (RFC 3986's dec-octet).
private func version4End(_ text: Span<UInt8>, _ start: Int) -> (end: Int, first: Int)? {
    var at = start
    var first = 0
    for part in 0..<4 {
        let end = text.endOfRun(from: at, limit: 4, isDigit)
        guard end > at, end - at <= 3, end - at == 1 || text[at] != 0x30 else { return nil }
        var value = 0
        for place in at..<end { value = value * 10 + digitValue(text[place]) }
        guard value <= 255 else { return nil }
        if part == 0 { first = value }
        at = end
        guard part < 3 else { break }
        guard text.at(at) == 0x2e else { return nil }
        at += 1
    }
    return (at, first)
}

/// Not part of a longer number or name.
private func isFree(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    let before = text.at(start - 1)
    guard text.isWordStart(start), before != 0x2e, before != 0x2d, text.isWordEnd(end), text.at(end) != 0x2d else {
        return false
    }
    return !(text.at(end) == 0x2e && isAlphanumeric(text.at(end + 1)))
}

private let versionWords = [
    "section", "version", "ver", "v", "release", "chapter", "build", "oid", "sec", "clause", "§",
].map(bytes)

/// `section 10.1.2.3` and `version 1.2.3.4` are none.
private func isAfterVersionWord(_ text: Span<UInt8>, _ place: Int) -> Bool {
    var end = place
    while end > 0, place - end < 3, isBlank(text[end - 1]) || text[end - 1] == 0x2e || text[end - 1] == 0x3a {
        end -= 1
    }
    var start = end
    while start > 0, end - start < 10, isLetter(text[start - 1]) || text[start - 1] >= 0x80 { start -= 1 }
    return versionWords.contains { $0.count == end - start && text.hasIgnoringCase($0, at: start) }
}

private func findVersion6(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while at < text.count {
        guard isHex(text[at]) || text[at] == 0x3a else {
            at += 1
            continue
        }
        let end = text.endOfRun(from: at, limit: 64) { isHex($0) || $0 == 0x3a || $0 == 0x2e }
        var last = end
        // A full stop or colon that ends a sentence.
        while last > at, text[last - 1] == 0x2e || text[last - 1] == 0x3a && text.at(last - 2) != 0x3a { last -= 1 }
        if text.isWordStart(at), text.isWordEnd(last), isVersion6(text, at, last) {
            found.append(Finding(.ip, at, last))
        }
        at = max(text.endOfRun(from: end) { isHex($0) || $0 == 0x3a || $0 == 0x2e || isWord($0) }, at + 1)
    }
}

/// RFC 4291 section 2.2: eight groups, or fewer with one `::`, the last two perhaps as version 4.
private func isVersion6(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard end - start >= 4 else { return false }
    var at = start
    var groups = 0
    var compressed = false
    var value = 0
    var hasDigit = false
    while at < end {
        if text[at] == 0x3a {
            if text.at(at + 1) == 0x3a, at + 1 < end {
                guard !compressed else { return false }
                compressed = true
                at += 2
                continue
            }
            guard at > start, at + 1 < end, text[at - 1] != 0x3a || compressed else { return false }
            at += 1
            continue
        }
        let groupEnd = text.endOfRun(from: at, limit: min(5, end - at), isHex)
        if text.at(groupEnd) == 0x2e {
            guard let (last, first) = version4End(text, at), last == end else { return false }
            groups += 2
            value += first
            hasDigit = true
            at = end
            break
        }
        guard groupEnd > at, groupEnd - at <= 4 else { return false }
        for place in at..<groupEnd {
            if isDigit(text[place]) { hasDigit = true }
            value += text[place] == 0x30 ? 0 : place == end - 1 && text[place] == 0x31 ? 1 : 2
        }
        groups += 1
        at = groupEnd
        guard at == end || text[at] == 0x3a else { return false }
    }
    // `::` and `::1` are unspecified and loopback.
    return (compressed ? groups < 8 && groups >= 1 : groups == 8) && value > 1 && hasDigit
}

/// Finds Ethernet addresses: `00:00:5e:00:53:af`, with hyphens, or `0000.5e00.53af`.
func findEthernetAddresses(_ text: Span<UInt8>, _ traits: TextTraits, _ found: inout [Finding]) {
    guard traits.colons >= 5 || traits.dashes >= 5 || traits.dots >= 2 else { return }
    var at = 0
    while at + 14 <= text.count {
        guard isHex(text[at]), text.isWordStart(at), let end = ethernetEnd(text, at) else {
            at += 1
            continue
        }
        found.append(Finding(.mac, at, end))
        at = end
    }
}

private func ethernetEnd(_ text: Span<UInt8>, _ start: Int) -> Int? {
    let separator = text.at(start + 2)
    let isDotted = text.at(start + 4) == 0x2e
    guard separator == 0x3a || separator == 0x2d || isDotted else { return nil }
    let width = isDotted ? 4 : 2
    let mark: UInt8 = isDotted ? 0x2e : separator
    let before = text.at(start - 1)
    guard before != mark, before != 0x2e else { return nil }
    var at = start
    var sum = 0
    for group in 0..<(12 / width) {
        if group > 0 {
            guard text.at(at) == mark else { return nil }
            at += 1
        }
        guard text.endOfRun(from: at, limit: width, isHex) == at + width else { return nil }
        for place in at..<at + width where text[place] != 0x30 { sum += text[place] | 0x20 == 0x66 ? 100 : 1 }
        at += width
    }
    // All zeros and all ones are nobody's.
    return text.isWordEnd(at) && text.at(at) != mark && sum > 0 && sum < 1200 ? at : nil
}

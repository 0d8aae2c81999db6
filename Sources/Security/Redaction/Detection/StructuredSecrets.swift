/// Finds private keys in PEM (RFC 7468) and OpenPGP armour: the whole block, or what there is of one that is cut off.
func findPrivateKeys(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while let start = text.first(pemBegin, from: at, before: text.count) {
        at = start + 11
        // A label has at most some 40 characters; without that bound many beginnings would read the text many times.
        guard let label = text.first(pemDashes, from: at, before: min(text.count, at + 60)),
            let word = text.first(pemLabel, from: at, before: label),
            label - word == 11 || text.has(pemBlock, at: word) && label - word == 17
        else { continue }
        let body = label + 5
        let end = endOfKey(text, body)
        if end - body >= 40 { found.append(Finding(.secret, start, end)) }
        at = max(end, body)
    }
}

/// After the end line when there is one; else after what can be base 64. No key is longer than 16 KiB, and none has five
/// hyphens in it, so each byte is read once however many beginnings there are.
private func endOfKey(_ text: Span<UInt8>, _ body: Int) -> Int {
    let most = min(text.count, body + 16_384)
    let next = text.first(pemDashes, from: body, before: most)
    if let next, text.has(pemEnd, at: next),
        let close = text.first(pemDashes, from: next + 9, before: min(text.count, next + 80))
    {
        return close + 5
    }
    // Prose after a beginning has words with blanks between them, base 64 has long lines.
    let start = text.endOfRun(from: body, limit: 8) { isBlank($0) || $0 == 0x5c || $0 == 0x6e || $0 == 0x72 }
    let line = text.endOfRun(from: start, limit: 80) { isAlphanumeric($0) || $0 == 0x2b || $0 == 0x2f || $0 == 0x3d }
    guard line - start >= 40 else { return body }
    return text.endOfRun(from: body, limit: (next ?? most) - body) {
        isAlphanumeric($0) || isBlank($0) || $0 == 0x2b || $0 == 0x2f || $0 == 0x3d || $0 == 0x5c
    }
}

/// Finds JSON Web Tokens (RFC 7519) in compact form: signed, unsigned, encrypted.
func findTokensOfJOSE(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while let start = text.first([0x65, 0x79, 0x4a], from: at, before: text.count) {
        at = start + 3
        guard text.isWordStart(start) || text.at(start - 1) == 0x5f else { continue }
        var parts = 0
        var place = start
        var lengths = 0
        while parts < 5 {
            let end = text.endOfRun(from: place) { isWord($0) || $0 == 0x2d }
            if parts < 2 { lengths += end - place }
            parts += 1
            place = end
            guard text.at(end) == 0x2e, parts < 5 else { break }
            place = end + 1
        }
        at = max(at, place)
        // Three parts, the last perhaps empty; the second is JSON too, or in encrypted tokens a key, perhaps empty.
        let second = text.first([0x2e], from: start, before: text.count).map { $0 + 1 } ?? text.count
        let isSigned = parts >= 3 && text.has([0x65, 0x79, 0x4a], at: second)
        guard isSigned || parts == 5, lengths >= 20 else { continue }
        found.append(Finding(.jwt, start, place))
    }
}

/// Finds passwords in URLs: `scheme://user:password@host`, and a lone token before the `@`.
func findCredentialsInURLs(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while let mark = text.first([0x3a, 0x2f, 0x2f], from: at, before: text.count) {
        at = mark + 3
        guard mark > 0, isAlphanumeric(text[mark - 1]) else { continue }
        let end = text.endOfRun(from: at, limit: 512) {
            $0 > 0x20 && $0 != 0x2f && $0 != 0x3f && $0 != 0x23 && $0 != 0x22 && $0 != 0x40
        }
        guard text.at(end) == 0x40, end > at else { continue }
        let colon = text.first([0x3a], from: at, before: end)
        let start = colon.map { $0 + 1 } ?? at
        at = end
        // A user's name alone is no secret, unless it is made like one.
        guard end - start >= (colon == nil ? 20 : 1), !isPlaceholder(text, start, end) else { continue }
        if colon == nil, text.endOfRun(from: start, limit: end - start, isLetter) == end { continue }
        found.append(Finding(.secret, start, end))
    }
}

private let pemBegin = bytes("-----BEGIN ")
private let pemEnd = bytes("-----END ")
private let pemBlock = bytes("PRIVATE KEY BLOCK")
private let pemLabel = bytes("PRIVATE KEY")
private let pemDashes = bytes("-----")

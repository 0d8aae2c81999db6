import Bytes

/// What the last words of a name say about the value behind it.
struct SecretName {
    /// The fewest characters that a value must have to count.
    let least: Int
    /// Whether the value must look made by chance (for names that also stand before ordinary words).
    let strict: Bool

    /// Judges a name such as `db_password`, `X-API-Key` or `clientSecret`; nil when it speaks of no secret.
    init?(_ name: Span<UInt8>) {
        self.init(name, 0, name.count)
    }

    /// The same for part of a text.
    init?(_ text: Span<UInt8>, _ start: Int, _ end: Int) {
        guard end - start >= 3, end - start <= 64 else { return nil }
        // The last words, in lower case and without what joins them.
        var letters: [UInt8] = []
        var place = end
        while place > start, letters.count < 20 {
            place -= 1
            let byte = text[place]
            if isUpper(byte) { letters.append(byte | 0x20) } else if isAlphanumeric(byte) { letters.append(byte) }
        }
        letters.reverse()
        guard
            let rule = secretWords.first(where: {
                letters.count >= $0.word.count && letters.suffix($0.word.count) == $0.word[...]
            })
        else { return nil }
        // `nextPageToken`, `continuation_token`: places in a list, which must come back as they are.
        if rule.isToken,
            cursorWords.contains(where: { word in letters.dropLast(rule.word.count).suffix(word.count) == word[...] })
        {
            return nil
        }
        least = rule.least
        strict = rule.strict
    }
}

private struct SecretWord {
    let word: [UInt8]
    let least: Int
    let strict: Bool
    let isToken: Bool

    init(_ word: String, _ least: Int, strict: Bool = false, isToken: Bool = false) {
        self.word = bytes(word)
        self.least = least
        self.strict = strict
        self.isToken = isToken
    }
}

/// Ends of names, longest first where one ends another.
private let secretWords: [SecretWord] = [
    SecretWord("password", 6), SecretWord("passwd", 6), SecretWord("passphrase", 6), SecretWord("passwort", 6),
    SecretWord("kennwort", 6), SecretWord("pwd", 6), SecretWord("dbpass", 6), SecretWord("userpass", 6),
    SecretWord("clientsecret", 8), SecretWord("secretkey", 8), SecretWord("secretaccesskey", 16),
    SecretWord("sharedsecret", 8),
    SecretWord("appsecret", 8), SecretWord("signingsecret", 8), SecretWord("webhooksecret", 8), SecretWord("secret", 8),
    SecretWord("apikey", 8), SecretWord("accesskey", 16), SecretWord("accountkey", 16), SecretWord("privatekey", 16),
    SecretWord("encryptionkey", 16), SecretWord("signingkey", 16), SecretWord("masterkey", 16),
    SecretWord("licensekey", 16, strict: true),
    SecretWord("authtoken", 8, isToken: true), SecretWord("accesstoken", 8, isToken: true),
    SecretWord("refreshtoken", 8, isToken: true),
    SecretWord("idtoken", 16, isToken: true), SecretWord("bearertoken", 8, isToken: true),
    SecretWord("sessiontoken", 8, isToken: true),
    SecretWord("token", 16, strict: true, isToken: true), SecretWord("session", 16, strict: true),
    SecretWord("sessid", 16, strict: true),
    SecretWord("phpsessid", 16), SecretWord("jsessionid", 16), SecretWord("authorization", 16, strict: true),
    SecretWord("credential", 8, strict: true), SecretWord("credentials", 8, strict: true),
    SecretWord("signature", 20, strict: true),
    SecretWord("otp", 6, strict: true), SecretWord("authkey", 8), SecretWord("xauth", 16, strict: true),
].sorted { $0.word.count > $1.word.count }

private let cursorWords = [
    "next", "page", "nextpage", "prev", "previous", "continuation", "cursor", "sync", "start", "resume",
].map(bytes)

/// Finds values behind names that speak of secrets: `password = "…"`, `X-API-Key: …`, `--password …`, `Bearer …`.
func findByContext(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while at < text.count {
        guard isLetter(text[at]) else {
            at += 1
            continue
        }
        let start = at
        at = text.endOfRun(from: at) { isWord($0) || $0 == 0x2d || $0 == 0x2e }
        if isScheme(text, start, at), let finding = credential(text, after: at) {
            found.append(finding)
            at = finding.end
        } else if let value = startOfValue(text, start, at), let name = SecretName(text, start, at),
            let end = endOfSecret(text, value, name)
        {
            found.append(Finding(.secret, value, end))
            at = end
        }
    }
}

/// `Bearer`, `token` and `Basic` stand before credentials (RFC 9110 section 11.4).
private func isScheme(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard isBlank(text.at(end)) else { return false }
    switch end - start {
    case 5: return text.hasIgnoringCase(schemeToken, at: start) || text.hasIgnoringCase(schemeBasic, at: start)
    case 6: return text.hasIgnoringCase(schemeBearer, at: start)
    default: return false
    }
}

private func credential(_ text: Span<UInt8>, after end: Int) -> Finding? {
    let start = text.endOfRun(from: end, limit: 3, isBlank)
    let stop = text.endOfRun(from: start) {
        isWord($0) || $0 == 0x2d || $0 == 0x2e || $0 == 0x7e || $0 == 0x2b || $0 == 0x2f || $0 == 0x3d
    }
    if end - 5 >= 0, text.hasIgnoringCase(schemeBasic, at: end - 5) {
        return isBasic(text, start, stop) ? Finding(.secret, start, stop) : nil
    }
    return stop - start >= 16 && isRandom(text, start, stop) ? Finding(.secret, start, stop) : nil
}

/// A user and a password, joined by a colon, in base 64 (RFC 7617).
private func isBasic(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard (8...1024).contains(end - start) else { return false }
    return Base64.decode(ByteString(text.extracting(start..<end)))?.contains(0x3a) ?? false
}

/// Where the value begins when a name ending at `end` is followed by one: after `=`, `:`, `=>`, or a blank after an option.
private func startOfValue(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    var at = end
    // A name in quotes, in brackets, or both: `"password":`, `['password'] =`.
    at = text.endOfRun(from: at, limit: 3) { $0 == 0x22 || $0 == 0x27 || $0 == 0x5d || $0 == 0x60 || $0 == 0x5c }
    let blanks = text.endOfRun(from: at, limit: 4) { $0 == 0x20 || $0 == 0x09 }
    let mark = text.at(blanks)
    if mark == 0x3d || mark == 0x3a {
        at = text.endOfRun(from: blanks, limit: 3) { $0 == 0x3d || $0 == 0x3a || $0 == 0x3e }
        at = text.endOfRun(from: at, limit: 4) { $0 == 0x20 || $0 == 0x09 }
    } else if blanks > end, text.at(start - 1) == 0x2d, text.at(start - 2) == 0x2d || isBlank(text.at(start - 2)) {
        at = blanks
    } else {
        return nil
    }
    at = text.endOfRun(from: at, limit: 3) { $0 == 0x22 || $0 == 0x27 || $0 == 0x60 || $0 == 0x5c }
    return at < text.count ? at : nil
}

private func endOfSecret(_ text: Span<UInt8>, _ start: Int, _ name: SecretName) -> Int? {
    let quote = text.at(start - 1)
    let isQuoted = quote == 0x22 || quote == 0x27 || quote == 0x60
    var end = text.endOfRun(from: start, limit: 4096) { byte in
        if byte <= 0x20 { return false }
        if isQuoted { return byte != quote && byte != 0x5c }
        return byte != 0x22 && byte != 0x27 && byte != 0x2c && byte != 0x3b && byte != 0x26 && byte != 0x29
            && byte != 0x7d && byte != 0x60
    }
    while end > start, !isQuoted, text[end - 1] == 0x2e || text[end - 1] == 0x3a { end -= 1 }
    return isSecretValue(text, start, end, name) ? end : nil
}

/// Whether a value that stands alone (a member of that name) is a secret.
func isSecretValue(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ name: SecretName) -> Bool {
    guard end - start >= name.least, end - start <= 4096, !isPlaceholder(text, start, end) else { return false }
    let scheme = text.endOfRun(from: start, limit: end - start, isLetter)
    if scheme < end, isScheme(text, start, scheme), credential(text, after: scheme)?.end == end { return true }
    if name.strict { return isRandom(text, start, end) }
    var kinds = 0
    for place in start..<end { kinds |= kind(text[place]) }
    // A word is a description of a password; a password has at least two kinds of characters, or a digit.
    return kinds & 4 != 0 || kinds & 8 != 0 || kinds & 3 == 3 && !isCapitalised(text, start, end)
}

/// 1 lower case, 2 capitals, 4 digits, 8 anything else.
@inline(__always)
private func kind(_ byte: UInt8) -> Int {
    if isLower(byte) { return 1 }
    if isUpper(byte) { return 2 }
    if isDigit(byte) { return 4 }
    // What joins words in names and sentences says nothing.
    return byte == 0x5f || byte == 0x2d || byte == 0x2e || byte == 0x2f || byte == 0x3f || byte == 0x20 || byte >= 0x80
        ? 0 : 8
}

private func isCapitalised(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    text.endOfRun(from: start + 1, limit: end - start - 1, isLower) == end
}

/// Whether a value has digits and letters as only chance mixes them, and is no UUID.
private func isRandom(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    var digits = 0
    var letters = 0
    var changes = 0
    var last = 0
    for place in start..<end {
        let byte = text[place]
        let now = isDigit(byte) ? 1 : isLetter(byte) ? 2 : 0
        if now == 1 { digits += 1 } else if now == 2 { letters += 1 }
        if now != 0 {
            if last != 0, now != last { changes += 1 }
            last = now
        }
    }
    guard !isUUID(text, start, end) else { return false }
    return digits >= 2 && letters >= 4 && changes >= 3 || letters + digits >= 24 && changes >= 2
}

func isUUID(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard end - start == 36 else { return false }
    for place in start..<end {
        let offset = place - start
        let isDash = offset == 8 || offset == 13 || offset == 18 || offset == 23
        guard isDash ? text[place] == 0x2d : isHex(text[place]) else { return false }
    }
    return true
}

private let placeholders = [
    "null", "none", "true", "false", "undefined", "redacted", "masked", "hidden", "example", "string", "required",
    "optional",
    "password", "passwort", "secret", "token", "changeme", "placeholder", "your", "xxxx", "todo", "env", "process.env",
    "os.environ",
    "getenv", "vault:", "secretref", "insert", "enter", "sample", "dummy", "unset", "empty", "default", "[redacted",
].map(bytes)

/// `${PASSWORD}`, `<your key>`, `********`, `changeme`: where a secret would stand.
func isPlaceholder(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    guard start < end else { return true }
    switch text[start] {
    case 0x24:
        if text.at(start + 1) == 0x7b || text.at(start + 1) == 0x28 || isUpper(text.at(start + 1)) { return true }
    case 0x3c, 0x7b, 0x5b: return true
    case 0x25: if text.at(start + 1) == 0x28 || text[end - 1] == 0x25 { return true }
    default: break
    }
    if text.endOfRun(from: start, limit: end - start, { $0 == text[start] }) == end { return true }
    return placeholders.contains {
        text.hasIgnoringCase($0, at: start)
            && ($0.count == end - start || $0.count >= 4 && !isAlphanumeric(text.at(start + $0.count)))
    }
}

private let schemeToken = bytes("token")
private let schemeBasic = bytes("basic")
private let schemeBearer = bytes("bearer")

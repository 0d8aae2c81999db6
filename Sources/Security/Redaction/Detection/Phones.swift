/// Finds telephone numbers.
///
/// With a `+` any number of 8 to 15 digits whose country code exists (ITU-T E.164); without, only the forms of North America
/// and numbers after a word such as `phone`: bare digits are far more often an id or an amount.
func findPhones(_ text: Span<UInt8>, _ traits: TextTraits, _ found: inout [Finding]) {
    var at = 0
    while at < text.count {
        let byte = text[at]
        if byte == 0x2b, let end = endOfInternational(text, at) {
            found.append(Finding(.phone, at, end))
            at = end
        } else if isDigit(byte) || byte == 0x28 {
            if let end = endOfNational(text, at) {
                found.append(Finding(.phone, at, end))
                at = end
            } else {
                // Nothing begins within these digits.
                at = max(at + 1, text.endOfRun(from: at, isDigit))
            }
        } else {
            at += 1
        }
    }
}

private func endOfInternational(_ text: Span<UInt8>, _ start: Int) -> Int? {
    let before = text.at(start - 1)
    guard !isWord(before), before != 0x2b, hasCountryCode(text, start + 1) else { return nil }
    guard let (end, digits, _) = numberEnd(text, start + 1), (8...15).contains(digits) else { return nil }
    return end
}

private func endOfNational(_ text: Span<UInt8>, _ start: Int) -> Int? {
    let before = text.at(start - 1)
    guard !isWord(before), before < 0x80 || isBehindPhoneSign(text, start), before != 0x2e, before != 0x2d else {
        return nil
    }
    if let end = endOfNorthAmerican(text, start) { return end }
    guard let (end, digits, groups) = numberEnd(text, start), (6...15).contains(digits) else { return nil }
    // 00 and a country code is how most of the world dials `+`.
    let isWithinGroups = text.at(start - 1) == 0x20 && isAlphanumeric(text.at(start - 2)) && isDigit(text.at(start - 3))
    if digits >= 10, !isWithinGroups, text.has([0x30, 0x30], at: start), groups > 1, hasCountryCode(text, start + 2) {
        return end
    }
    return digits >= 7 && isAfterPhoneWord(text, start) ? end : nil
}

/// The end of a number with separators, how many digits and how many groups it has.
private func numberEnd(_ text: Span<UInt8>, _ start: Int) -> (end: Int, digits: Int, groups: Int)? {
    var at = start
    var end = start
    var digits = 0
    var groups = 0
    var isOpen = false
    while at < text.count, digits <= 16 {
        let byte = text[at]
        if isDigit(byte) {
            if at == start || !isDigit(text[at - 1]) { groups += 1 }
            digits += 1
            at += 1
            end = at
            continue
        }
        guard let separator = separatorLength(text, at, &isOpen) else { break }
        at += separator
    }
    if isOpen, text.at(end) == 0x29 { end += 1 }
    guard text.isWordEnd(end) || isExtension(text, end), text.at(end) != 0x25, !goesOnAsNumber(text, end) else {
        return nil
    }
    return digits > 0 ? (end, digits, groups) : nil
}

/// One separator between groups of digits: blank, hyphen, full stop, slash, parenthesis, no-break blank, or two of them.
private func separatorLength(_ text: Span<UInt8>, _ at: Int, _ isOpen: inout Bool) -> Int? {
    var length = 0
    while length < 4 {
        switch text.at(at + length) {
        case 0x28 where !isOpen: isOpen = true
        case 0x29 where isOpen: isOpen = false
        case 0x20, 0x2d, 0x2e, 0x2f: break
        case 0xc2 where text.at(at + length + 1) == 0xa0: length += 1
        case 0xe2 where text.at(at + length + 1) == 0x80: length += 2
        default: return length > 0 && isDigit(text.at(at + length)) && at + length < text.count ? length : nil
        }
        length += 1
        if length >= 1, at + length < text.count, isDigit(text[at + length]) { return length }
    }
    return nil
}

/// `x123`, `ext 5`.
private func isExtension(_ text: Span<UInt8>, _ end: Int) -> Bool {
    text.at(end) | 0x20 == 0x78 && isDigit(text.at(end + 1))
}

/// A full stop or colon with digits after it: a decimal number, an address, a time.
private func goesOnAsNumber(_ text: Span<UInt8>, _ end: Int) -> Bool {
    let next = text.at(end)
    return (next == 0x2e || next == 0x3a || next == 0x2c) && isDigit(text.at(end + 1))
}

/// `(202) 555-0143`, `202-555-0143`, `1-202-555-0143`, `202.555.0143`: area and exchange begin with 2 to 9.
private func endOfNorthAmerican(_ text: Span<UInt8>, _ start: Int) -> Int? {
    var at = start
    if text[at] == 0x31, text.at(at + 1) == 0x2d || text.at(at + 1) == 0x20 || text.at(at + 1) == 0x2e { at += 2 }
    let inParentheses = text.at(at) == 0x28
    if inParentheses { at += 1 }
    guard isGroup(text, at) else { return nil }
    at += 3
    var separator = text.at(at)
    if inParentheses {
        guard separator == 0x29 else { return nil }
        at += 1
        separator = text.at(at)
        if separator == 0x20 || separator == 0x2d { at += 1 }
    } else {
        guard separator == 0x2d || separator == 0x2e else { return nil }
        at += 1
    }
    guard isGroup(text, at) else { return nil }
    at += 3
    let second = text.at(at)
    guard second == 0x2d || second == 0x2e || second == 0x20 && inParentheses else { return nil }
    at += 1
    guard text.endOfRun(from: at, limit: 5, isDigit) == at + 4 else { return nil }
    at += 4
    return text.isWordEnd(at) && text.at(at) != 0x2d || isExtension(text, at) ? at : nil
}

/// Three digits, the first from 2 to 9.
private func isGroup(_ text: Span<UInt8>, _ at: Int) -> Bool {
    text.at(at) >= 0x32 && text.at(at) <= 0x39 && text.endOfRun(from: at, limit: 4, isDigit) == at + 3
}

/// Whether an assigned country code begins at `at`: all of E.164's zones but its spare codes.
private func hasCountryCode(_ text: Span<UInt8>, _ at: Int) -> Bool {
    var code = 0
    var digits = 0
    var place = at
    while digits < 3, place < text.count, place - at < 5 {
        if isDigit(text[place]) {
            code = code * 10 + digitValue(text[place])
            digits += 1
        } else if text[place] != 0x28, text[place] != 0x20 {
            break
        }
        place += 1
    }
    guard digits >= 1 else { return false }
    while code >= 1000 { code /= 10 }
    let first = digits == 3 ? code / 100 : digits == 2 ? code / 10 : code
    switch first {
    case 0: return false
    case 1, 7: return true
    default:
        guard digits >= 2 else { return false }
        let two = digits == 3 ? code / 10 : code
        switch two {
        case 20, 27, 30...34, 36, 39...41, 43...49, 51...58, 60...66, 81, 82, 84, 86, 90...95, 98: return true
        case 28, 83, 89,
            97 where two != 97:
            return false
        default: return digits == 3
        }
    }
}

/// What may stand before a number to say that it is one for telephones.
private let phoneWords = [
    "phone", "tel", "tel.", "telephone", "mobile", "cell", "cellphone", "fax", "call", "whatsapp", "sms", "telefon",
    "handy",
    "mobil", "telefono", "teléfono", "téléphone", "tél", "móvil", "telefoon", "telefax", "hotline", "telefone",
    "celular",
].map(bytes)
/// What may stand between such a word and the number.
private let phoneFillers = ["number", "no", "no.", "nr", "nr.", "num", "#", "is", "at", "me"].map(bytes)

/// Whether the last word before `place` (or the one before `number`, `no.` …) says that a telephone number follows.
private func isAfterPhoneWord(_ text: Span<UInt8>, _ place: Int) -> Bool {
    var end = place
    for _ in 0..<3 {
        while end > 0, place - end < 12,
            isBlank(text[end - 1]) || text[end - 1] == 0x3a || text[end - 1] == 0x3d || text[end - 1] == 0x22
                || text[end - 1] == 0x28
        {
            end -= 1
        }
        var start = end
        while start > 0, end - start < 16,
            isWord(text[start - 1]) || text[start - 1] >= 0x80 || text[start - 1] == 0x2e || text[start - 1] == 0x23
        { start -= 1 }
        guard start < end else { return false }
        if phoneWords.contains(where: { isWordOrLastPart(text, start, end, $0) }) { return true }
        guard phoneFillers.contains(where: { $0.count == end - start && text.hasIgnoringCase($0, at: start) }) else {
            return false
        }
        end = start
    }
    return false
}

/// `phone`, or a name of a field that ends with it: `work_phone`, `homePhone`.
private func isWordOrLastPart(_ text: Span<UInt8>, _ start: Int, _ end: Int, _ word: [UInt8]) -> Bool {
    let place = end - word.count
    guard place >= start, text.hasIgnoringCase(word, at: place) else { return false }
    return place == start || text[place - 1] == 0x5f || isUpper(text[place]) && isLower(text[place - 1])
}

/// ☎, 📞 and 📱.
private func isBehindPhoneSign(_ text: Span<UInt8>, _ start: Int) -> Bool {
    text.has([0xe2, 0x98, 0x8e], at: start - 3) || text.has([0xf0, 0x9f, 0x93, 0x9e], at: start - 4)
        || text.has([0xf0, 0x9f, 0x93, 0xb1], at: start - 4)
}

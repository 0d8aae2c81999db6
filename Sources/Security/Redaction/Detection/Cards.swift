/// Finds payment card numbers: 12 to 19 digits, in one run or in the groups that are printed, with an issuer's beginning, the
/// length that issuer uses, and a right check digit.
func findCards(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while at < text.count {
        guard isDigit(text[at]) else {
            at += 1
            continue
        }
        let end = endOfGroups(text, at)
        if let card = cardEnd(text, at, end) {
            found.append(Finding(.card, at, card))
            at = card
        } else {
            at = text.endOfRun(from: at, isDigit)
        }
        // Digits within a word or a longer number are none.
        at = max(at, 1)
    }
}

/// The end of groups of digits with one separator between each; the separator must stay the same.
private func endOfGroups(_ text: Span<UInt8>, _ start: Int) -> Int {
    var end = text.endOfRun(from: start, limit: 24, isDigit)
    let separator = text.at(end)
    let length = separator == 0xc2 && text.at(end + 1) == 0xa0 ? 2 : 1
    guard separator == 0x20 || separator == 0x2d || length == 2 else { return end }
    while end - start < 32, text.at(end) == separator, isDigit(text.at(end + length)), end + length < text.count {
        end = text.endOfRun(from: end + length, limit: 24, isDigit)
    }
    return end
}

private func cardEnd(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Int? {
    guard text.isWordStart(start), text.at(start - 1) != 0x2e, text.at(start - 1) != 0x2d else { return nil }
    var digits: [UInt8] = []
    var groups: [Int] = []
    var group = 0
    for place in start..<end {
        if isDigit(text[place]) {
            digits.append(text[place] - 0x30)
            group += 1
        } else if group > 0 {
            groups.append(group)
            group = 0
        }
    }
    groups.append(group)
    guard isCardEnd(text, end), (12...19).contains(digits.count), isPrinted(groups) else {
        // A number that stands before others, such as an expiry date.
        return groups.count > 1 ? cardBeforeOtherNumbers(text, start) : nil
    }
    return hasIssuer(digits) && isLuhn(digits) ? end : nil
}

/// The first run of digits alone.
private func cardBeforeOtherNumbers(_ text: Span<UInt8>, _ start: Int) -> Int? {
    let end = text.endOfRun(from: start, limit: 20, isDigit)
    guard end - start >= 13, isCardEnd(text, end), text.at(end) == 0x20 else { return nil }
    var digits: [UInt8] = []
    for place in start..<end { digits.append(text[place] - 0x30) }
    return digits.count <= 19 && hasIssuer(digits) && isLuhn(digits) ? end : nil
}

private func isCardEnd(_ text: Span<UInt8>, _ end: Int) -> Bool {
    guard text.isWordEnd(end), text.at(end) != 0x2d else { return false }
    return !(text.at(end) == 0x2e && isDigit(text.at(end + 1)))
}

/// The groups in which numbers are printed on cards.
private func isPrinted(_ groups: [Int]) -> Bool {
    if groups.count == 1 { return true }
    return [
        [4, 4, 4, 4], [4, 6, 5], [4, 6, 4], [4, 4, 4, 4, 3], [4, 4, 5], [6, 13], [4, 4, 4, 4, 2], [4, 4, 4, 3],
    ].contains(groups)
}

/// Issuers' beginnings and their lengths (ISO/IEC 7812 registry, as the networks publish them).
private func hasIssuer(_ digits: [UInt8]) -> Bool {
    let count = digits.count
    func beginning(_ length: Int) -> Int { digits.prefix(length).reduce(0) { $0 * 10 + Int($1) } }
    let two = beginning(2)
    let three = beginning(3)
    let four = beginning(4)
    if two / 10 == 4 { return count == 13 || count == 16 || count == 19 }
    if (51...55).contains(two) || (2221...2720).contains(four) { return count == 16 }
    if two == 34 || two == 37 { return count == 15 }
    if (300...305).contains(three) || four == 3095 || two == 36 || two == 38 || two == 39 {
        return count == 14 || count >= 16
    }
    if (3528...3589).contains(four) || (2200...2204).contains(four) { return count >= 16 }
    if four == 6011 || two == 65 || (644...649).contains(three) || two == 62 || two == 81 { return count >= 16 }
    if [5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763].contains(four) { return count >= 12 }
    return (two == 60 || two == 82 || three == 508 || four == 9792 || three == 636) && count == 16
}

/// The check digit of ISO/IEC 7812-1, annex B.
func isLuhn(_ digits: some BidirectionalCollection<UInt8>) -> Bool {
    var sum = 0
    for (place, digit) in digits.reversed().enumerated() {
        let value = place % 2 == 1 ? Int(digit) * 2 : Int(digit)
        sum += value > 9 ? value - 9 : value
    }
    return sum % 10 == 0 && sum > 0
}

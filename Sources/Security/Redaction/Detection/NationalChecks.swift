/// The schemes by which national numbers are checked.
enum NationalCheck: String, Sendable {
    case ssn, itin, dni, nie, bsn, swedish, cpf, cnpj, aadhaar, ahv, belgian, french, pesel, finnish, germanTax,
        norwegian, danish, portuguese, irish, nhs, chinese, korean, turkish, tfn, medicare, luhn, southAfrican, rut,
        cuit, myNumber, nino, singaporean, codiceFiscale, pan, curp

    /// Whether a number, its digits and letters alone and in capitals, fulfils the scheme.
    func isRight(_ c: [UInt8]) -> Bool {
        switch self {
        case .ssn: isSSN(c)
        case .itin: isITIN(c)
        case .dni: isDNI(c)
        case .nie: isNIE(c)
        case .bsn: isBSN(c)
        case .swedish: isSwedish(c)
        case .cpf: isCPF(c)
        case .cnpj: isCNPJ(c)
        case .aadhaar: isAadhaar(c)
        case .ahv: c.starts(with: [0x37, 0x35, 0x36]) && isEAN13(c)
        case .belgian: isBelgian(c)
        case .french: isFrench(c)
        case .pesel: isPESEL(c)
        case .finnish: isFinnish(c.count == 10 ? c : Array(c[0..<6] + c[7...]))
        case .germanTax: isGermanTax(c)
        case .norwegian: isNorwegian(c)
        case .danish: isDay(c[2..<4], c[0..<2])
        case .portuguese: isPortuguese(c)
        case .irish: isIrish(c)
        case .nhs: isNHS(c)
        case .chinese: isChinese(c)
        case .korean: isKorean(c)
        case .turkish: isTurkish(c)
        case .tfn: isTFN(c)
        case .medicare: isMedicare(c)
        case .luhn: passesLuhn(c)
        case .southAfrican: isDated(c) && passesLuhn(c)
        case .rut: isRUT(c)
        case .cuit: isCUIT(c)
        case .myNumber: isMyNumber(c)
        case .nino: isNINO(c)
        case .singaporean: isSingaporean(c)
        case .codiceFiscale: isCodiceFiscale(c)
        case .pan: isPAN(c)
        case .curp: isDay(c[6..<8], c[8..<10])
        }
    }
}

private func digits(_ characters: [UInt8]) -> [Int] { characters.map { Int($0) - 0x30 } }

private func weighted(_ characters: some Collection<UInt8>, _ weights: [Int]) -> Int {
    zip(characters, weights).reduce(0) { $0 + (Int($1.0) - 0x30) * $1.1 }
}

private func number(_ characters: some Collection<UInt8>) -> Int {
    characters.reduce(0) { ($0 &* 10) &+ Int($1) - 0x30 }
}

private func passesLuhn(_ characters: some BidirectionalCollection<UInt8>) -> Bool {
    isLuhn(characters.map { $0 - 0x30 })
}

/// Whether six digits are a day: year, month, day from the places given.
private func isDay(_ month: some Collection<UInt8>, _ day: some Collection<UInt8>) -> Bool {
    (1...12).contains(number(month)) && (1...31).contains(number(day))
}

private func isNotAllTheSame(_ characters: [UInt8]) -> Bool { Set(characters).count > 1 }

private func isSSN(_ c: [UInt8]) -> Bool {
    let area = number(c[0..<3])
    return area != 0 && area != 666 && area < 900 && number(c[3..<5]) != 0 && number(c[5...]) != 0 && isNotAllTheSame(c)
}

private func isITIN(_ c: [UInt8]) -> Bool {
    let group = number(c[3..<5])
    return c[0] == 0x39
        && ((50...65).contains(group) || (70...88).contains(group) || (90...92).contains(group)
            || (94...99).contains(group))
}

private func isNINO(_ c: [UInt8]) -> Bool {
    let barred = bytes("DFIQUV")
    let pair = Array(c[0..<2])
    let never = ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"].map(bytes)
    return !barred.contains(c[0]) && !barred.contains(c[1]) && c[1] != 0x4f && !never.contains(pair) && c[8] >= 0x41
        && c[8] <= 0x44
}

private func isDNI(_ c: [UInt8]) -> Bool { bytes("TRWAGMYFPDXBNJZSQVHLCKE")[number(c[0..<8]) % 23] == c[8] }

private func isNIE(_ c: [UInt8]) -> Bool {
    guard let first = bytes("XYZ").firstIndex(of: c[0]) else { return false }
    return isDNI([UInt8(first) + 0x30] + c[1...])
}

private func isBSN(_ c: [UInt8]) -> Bool { weighted(c, [9, 8, 7, 6, 5, 4, 3, 2, -1]) % 11 == 0 && isNotAllTheSame(c) }

private func isCodiceFiscale(_ c: [UInt8]) -> Bool {
    let odd = [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23]
    guard c[0..<6].allSatisfy(isUpper), isUpper(c[8]), isUpper(c[11]), isUpper(c[15]) else { return false }
    var sum = 0
    for (place, byte) in c[0..<15].enumerated() {
        let value = isDigit(byte) ? Int(byte) - 0x30 : Int(byte) - 0x41
        sum += place % 2 == 0 ? odd[value] : value
    }
    return Int(c[15]) - 0x41 == sum % 26
}

private func isCPF(_ c: [UInt8]) -> Bool {
    guard isNotAllTheSame(c) else { return false }
    let one = weighted(c[0..<9], [10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10
    let two = weighted(c[0..<10], [11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) * 10 % 11 % 10
    return digits(c)[9] == one && digits(c)[10] == two
}

private func isCNPJ(_ c: [UInt8]) -> Bool {
    guard isNotAllTheSame(c) else { return false }
    let weights = [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]
    let one = weighted(c[0..<12], Array(weights.dropFirst()))
    let two = weighted(c[0..<13], weights)
    func digit(_ sum: Int) -> Int { sum % 11 < 2 ? 0 : 11 - sum % 11 }
    return digits(c)[12] == digit(one) && digits(c)[13] == digit(two)
}

/// Verhoeff's scheme.
private func isAadhaar(_ c: [UInt8]) -> Bool {
    let multiply: [[Int]] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1], [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ]
    let permute: [[Int]] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4], [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0], [4, 2, 8, 6, 5, 7, 3, 9, 0, 1], [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ]
    var check = 0
    for (place, digit) in digits(c).reversed().enumerated() { check = multiply[check][permute[place % 8][digit]] }
    return check == 0 && c[0] >= 0x32
}

private func isEAN13(_ c: [UInt8]) -> Bool {
    weighted(c, [1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1]) % 10 == 0
}

/// Day and serial, ISO/IEC 7064-like check by remainder of 97.
private func isBelgian(_ c: [UInt8]) -> Bool {
    let body = number(c[0..<9])
    let check = number(c[9...])
    return isDay(c[2..<4], c[4..<6]) && (97 - body % 97 == check || 97 - (2_000_000_000 + body) % 97 == check)
}

private func isFrench(_ c: [UInt8]) -> Bool {
    (c[0] == 0x31 || c[0] == 0x32) && 97 - number(c[0..<13]) % 97 == number(c[13...])
}

private func isPESEL(_ c: [UInt8]) -> Bool {
    let month = number(c[2..<4]) % 20
    return (1...12).contains(month) && (10 - weighted(c, [1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10 == digits(c)[10]
}

private func isFinnish(_ c: [UInt8]) -> Bool {
    guard isDay(c[2..<4], c[0..<2]) else { return false }
    return bytes("0123456789ABCDEFHJKLMNPRSTUVWXY")[number(Array(c[0..<6] + c[6..<9])) % 31] == c[9]
}

private func isGermanTax(_ c: [UInt8]) -> Bool {
    var product = 10
    for digit in digits(c).prefix(10) {
        var sum = (digit + product) % 10
        if sum == 0 { sum = 10 }
        product = sum * 2 % 11
    }
    return c[0] != 0x30 && (11 - product) % 10 == digits(c)[10]
}

private func isNorwegian(_ c: [UInt8]) -> Bool {
    weighted(c, [3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11 == 0 && weighted(c, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0
        && isNotAllTheSame(c)
}

private func isPortuguese(_ c: [UInt8]) -> Bool {
    let check = 11 - weighted(c, [9, 8, 7, 6, 5, 4, 3, 2]) % 11
    return (check >= 10 ? 0 : check) == digits(c)[8] && isNotAllTheSame(c)
}

private func isIrish(_ c: [UInt8]) -> Bool {
    var sum = weighted(c[0..<7], [8, 7, 6, 5, 4, 3, 2])
    if c.count > 8, c[8] != 0x57 { sum += (Int(c[8]) - 0x40) * 9 }
    return bytes("WABCDEFGHIJKLMNOPQRSTUV")[sum % 23] == c[7]
}

private func isNHS(_ c: [UInt8]) -> Bool {
    let check = 11 - weighted(c, [10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11
    return check != 10 && check % 11 == digits(c)[9] && isNotAllTheSame(c)
}

private func isPAN(_ c: [UInt8]) -> Bool { bytes("ABCFGHJLPT").contains(c[3]) }

private func isSingaporean(_ c: [UInt8]) -> Bool {
    let sum = weighted(c[1..<8], [2, 7, 6, 5, 4, 3, 2]) + (c[0] == 0x54 || c[0] == 0x47 ? 4 : c[0] == 0x4d ? 3 : 0)
    switch c[0] {
    case 0x53, 0x54: return bytes("JZIHGFEDCBA")[sum % 11] == c[8]
    case 0x46, 0x47: return bytes("XWUTRQPNMLK")[sum % 11] == c[8]
    case 0x4d: return bytes("KLJNPQRTUWX")[10 - sum % 11] == c[8]
    default: return false
    }
}

private func isChinese(_ c: [UInt8]) -> Bool {
    guard c[0..<17].allSatisfy(isDigit), isDay(c[10..<12], c[12..<14]) else { return false }
    let sum = weighted(c, [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2])
    return bytes("10X98765432")[sum % 11] == c[17]
}

private func isKorean(_ c: [UInt8]) -> Bool {
    isDay(c[2..<4], c[4..<6]) && c[6] >= 0x31 && c[6] <= 0x38
        && (11 - weighted(c, [2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]) % 11) % 10 == digits(c)[12]
}

private func isTurkish(_ c: [UInt8]) -> Bool {
    let d = digits(c)
    let ten = ((d[0] + d[2] + d[4] + d[6] + d[8]) * 7 - (d[1] + d[3] + d[5] + d[7])) % 10
    return d[0] != 0 && (ten + 10) % 10 == d[9] && d[0..<10].reduce(0, +) % 10 == d[10]
}

private func isSwedish(_ c: [UInt8]) -> Bool {
    let ten = Array(c.suffix(10))
    return (1...12).contains(number(ten[2..<4])) && (1...91).contains(number(ten[4..<6])) && passesLuhn(ten)
}

private func isTFN(_ c: [UInt8]) -> Bool { weighted(c, [1, 4, 3, 7, 5, 8, 6, 9, 10]) % 11 == 0 && isNotAllTheSame(c) }

private func isMedicare(_ c: [UInt8]) -> Bool {
    (0x32...0x36).contains(c[0]) && weighted(c, [1, 3, 7, 9, 1, 3, 7, 9]) % 10 == digits(c)[8]
}

private func isRUT(_ c: [UInt8]) -> Bool {
    let check = 11 - weighted(c[0..<8], [3, 2, 7, 6, 5, 4, 3, 2]) % 11
    return (check == 11 ? 0x30 : check == 10 ? 0x4b : UInt8(check) + 0x30) == c[8]
}

private func isCUIT(_ c: [UInt8]) -> Bool {
    weighted(c, [5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11 == 0 && isNotAllTheSame(c)
}

private func isMyNumber(_ c: [UInt8]) -> Bool {
    let remainder = weighted(c, [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11
    return (remainder <= 1 ? 0 : 11 - remainder) == digits(c)[11] && isNotAllTheSame(c)
}

private func isDated(_ c: [UInt8]) -> Bool { isDay(c[2..<4], c[4..<6]) }

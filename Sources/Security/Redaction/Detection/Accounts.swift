/// Finds international bank account numbers: a country that has them, its length, and the right remainder (ISO 13616,
/// ISO/IEC 7064 MOD 97-10), in one run or in groups of four.
func findAccounts(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while at + 15 <= text.count {
        if isUpper(text[at]), isUpper(text[at + 1]), isDigit(text[at + 2]), isDigit(text[at + 3]),
            text.isWordStart(at),
            let end = accountEnd(text, at)
        {
            found.append(Finding(.iban, at, end))
            at = end
        } else {
            at += 1
        }
    }
}

private func accountEnd(_ text: Span<UInt8>, _ start: Int) -> Int? {
    let country = UInt16(text[start] & 0xdf) << 8 | UInt16(text[start + 1] & 0xdf)
    guard let length = accountLengths[country] else { return nil }
    var digits: [UInt8] = []
    var at = start
    while digits.count < length, at < text.count {
        let byte = text[at]
        if isAlphanumeric(byte) {
            digits.append(isLower(byte) ? byte & 0xdf : byte)
        } else if byte == 0x20 || byte == 0x2d, isAlphanumeric(text.at(at + 1)), digits.count % 4 == 0 {
            // Printed in groups of four.
        } else if byte == 0xc2, text.at(at + 1) == 0xa0, digits.count % 4 == 0 {
            at += 1
        } else {
            return nil
        }
        at += 1
    }
    guard digits.count == length, text.isWordEnd(at) else { return nil }
    return remainder(of: Array(digits.dropFirst(4) + digits.prefix(4))) == 1 ? at : nil
}

/// The remainder by 97, letters counting 10 to 35.
private func remainder(of characters: [UInt8]) -> Int {
    characters.reduce(0) { value, byte in
        isDigit(byte) ? (value * 10 + digitValue(byte)) % 97 : (value * 100 + Int(byte) - 55) % 97
    }
}

/// The lengths in the registry (SWIFT, release 99).
private let accountLengths: [UInt16: Int] = {
    let lengths = """
        AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 \
        FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 \
        LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 \
        RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30
        """
    var table: [UInt16: Int] = [:]
    for entry in lengths.split(separator: " ") {
        let name = Array(entry.utf8)
        table[UInt16(name[0]) << 8 | UInt16(name[1])] = Int(entry.dropFirst(2))
    }
    return table
}()

import OpenSSL

/// Finds addresses and keys of Bitcoin (base 58 with its check, bech32) and Ethereum.
func findWallets(_ text: Span<UInt8>, _ found: inout [Finding]) {
    var at = 0
    while at < text.count {
        guard isAlphanumeric(text[at]), text.isWordStart(at) else {
            at += 1
            continue
        }
        let end = text.endOfRun(from: at, isWord)
        if isWallet(text, at, end), text.at(end) < 0x80 { found.append(Finding(.wallet, at, end)) }
        at = end
    }
}

private func isWallet(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    let count = end - start
    switch text[start] {
    case 0x30:
        // 0x and 40 digits; 64 digits are a transaction.
        return count == 42 && text[start + 1] | 0x20 == 0x78 && text.endOfRun(from: start + 2, isHex) == end
    case 0x31, 0x33:
        return (26...35).contains(count) && isBase58Checked(text, start, end)
    case 0x35, 0x4b, 0x4c:
        return (51...52).contains(count) && isBase58Checked(text, start, end)
    case 0x78:
        return (107...112).contains(count) && text.has([0x78, 0x70, 0x72, 0x76], at: start)
            && isBase58Checked(text, start, end)
    case 0x62, 0x42:
        return (42...62).contains(count) && text.hasIgnoringCase([0x62, 0x63, 0x31], at: start)
            && isBech32(text, start, end)
    default:
        return false
    }
}

private let alphabet58 = bytes("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")

/// The last four bytes are the beginning of the twofold SHA-256 of the others.
private func isBase58Checked(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    var number: [UInt8] = []
    for place in start..<end {
        guard let digit = alphabet58.firstIndex(of: text[place]) else { return false }
        var carry = digit
        for index in number.indices {
            carry += Int(number[index]) * 58
            number[index] = UInt8(truncatingIfNeeded: carry)
            carry >>= 8
        }
        while carry > 0 {
            number.append(UInt8(truncatingIfNeeded: carry))
            carry >>= 8
        }
    }
    let zeros = text.endOfRun(from: start, limit: end - start) { $0 == 0x31 } - start
    let decoded = [UInt8](repeating: 0, count: zeros) + number.reversed()
    guard decoded.count > 20 else { return false }
    return SHA256.hash(SHA256.hash(Array(decoded.dropLast(4)))).prefix(4) == decoded.suffix(4)
}

private let alphabet32 = bytes("qpzry9x8gf2tvdw0s3jn54khce6mua7l")

/// BIP 173 and BIP 350, for the part `bc`.
private func isBech32(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> Bool {
    let generators: [UInt32] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3]
    var check: UInt32 = 1
    func feed(_ value: UInt32) {
        let top = check >> 25
        check = (check & 0x1ff_ffff) << 5 ^ value
        for index in 0..<5 where top >> UInt32(index) & 1 == 1 { check ^= generators[index] }
    }
    // The letters b and c: their high bits, zero, their low bits.
    for value: UInt32 in [3, 3, 0, 2, 3] { feed(value) }
    for place in start + 3..<end {
        guard let value = alphabet32.firstIndex(of: isUpper(text[place]) ? text[place] | 0x20 : text[place]) else {
            return false
        }
        feed(UInt32(value))
    }
    return check == 1 || check == 0x2bc8_30a3
}

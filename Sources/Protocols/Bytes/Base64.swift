/// Base 64 with the URL-safe alphabet and without padding (RFC 4648 section 5), as JOSE writes it (RFC 7515 section 2).
public enum Base64URL {
    /// The text of `bytes`, without padding.
    public static func encode(_ bytes: [UInt8]) -> String {
        Base64Alphabet.url.encode(bytes, padded: false)
    }

    /// The bytes of `text`, or nil unless it is exactly what `encode` writes for them.
    ///
    /// Refused: padding, white space, the other alphabet, an impossible length, and unused bits that are not zero: with
    /// those, one value would have several texts, and a check on the text could be passed with another.
    public static func decode(_ text: ByteString) -> [UInt8]? {
        Base64Alphabet.url.decode(text.bytes[...])
    }
}

/// Base 64 with the ordinary alphabet and padding (RFC 4648 section 4).
public enum Base64 {
    /// The text of `bytes`, padded.
    public static func encode(_ bytes: [UInt8]) -> String {
        Base64Alphabet.plain.encode(bytes, padded: true)
    }

    /// The bytes of `text`, or nil unless it is exactly what `encode` writes for them.
    public static func decode(_ text: ByteString) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        let padding = text.bytes.reversed().prefix { $0 == UInt8(ascii: "=") }.count
        guard padding <= 2 else { return nil }
        return Base64Alphabet.plain.decode(text.bytes.dropLast(padding))
    }
}

/// The two alphabets differ in their last two characters.
private enum Base64Alphabet {
    case plain, url

    var last: (UInt8, UInt8) {
        switch self {
        case .plain: (UInt8(ascii: "+"), UInt8(ascii: "/"))
        case .url: (UInt8(ascii: "-"), UInt8(ascii: "_"))
        }
    }

    func encode(_ bytes: [UInt8], padded: Bool) -> String {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var group: UInt32 = 0
        var bits = 0
        for byte in bytes {
            group = group << 8 | UInt32(byte)
            bits += 8
            while bits >= 6 {
                bits -= 6
                text.append(character(UInt8(truncatingIfNeeded: group >> UInt32(bits)) & 63))
            }
        }
        if bits > 0 { text.append(character(UInt8(truncatingIfNeeded: group << UInt32(6 - bits)) & 63)) }
        while padded, text.count % 4 != 0 { text.append(UInt8(ascii: "=")) }
        return String(decoding: text, as: UTF8.self)
    }

    func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        guard text.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * 3 / 4)
        var group: UInt32 = 0
        var bits = 0
        for character in text {
            guard let value = value(character) else { return nil }
            group = group << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(bits)))
            }
        }
        guard group & (1 << UInt32(bits) - 1) == 0 else { return nil }
        return bytes
    }

    func character(_ value: UInt8) -> UInt8 {
        switch value {
        case 0..<26: UInt8(ascii: "A") + value
        case 26..<52: UInt8(ascii: "a") + (value - 26)
        case 52..<62: UInt8(ascii: "0") + (value - 52)
        case 62: last.0
        default: last.1
        }
    }

    func value(_ character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case last.0: 62
        case last.1: 63
        default: nil
        }
    }
}

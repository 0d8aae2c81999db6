/// Base 64 with the URL-safe alphabet and without padding (RFC 4648 section 5), as JOSE writes it (RFC 7515 section 2).
public enum Base64URL {
    /// The text of `bytes`, without padding.
    public static func encode(_ bytes: [UInt8]) -> String {
        String(decoding: encoded(bytes).bytes, as: UTF8.self)
    }

    /// The text of `bytes`, without padding, as bytes.
    public static func encoded(_ bytes: [UInt8]) -> ByteString {
        var text: [UInt8] = []
        append(bytes, to: &text)
        return ByteString(text)
    }

    /// Appends the text of `bytes`, without padding.
    public static func append(_ bytes: [UInt8], to text: inout [UInt8]) {
        Base64Alphabet.url.encode(bytes.span, padded: false, into: &text)
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
        var text: [UInt8] = []
        Base64Alphabet.plain.encode(bytes.span, padded: true, into: &text)
        return String(decoding: text, as: UTF8.self)
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

    private var last: (UInt8, UInt8) {
        switch self {
        case .plain: (UInt8(ascii: "+"), UInt8(ascii: "/"))
        case .url: (UInt8(ascii: "-"), UInt8(ascii: "_"))
        }
    }

    /// The 64 characters in the order of what they stand for. Looked up and not computed: values are random bits, and a
    /// processor guesses every branch on them wrong.
    private var characters: [UInt8] {
        switch self {
        case .plain: Base64Alphabet.plainCharacters
        case .url: Base64Alphabet.urlCharacters
        }
    }

    private static let plainCharacters = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlCharacters = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    func encode(_ bytes: Span<UInt8>, padded: Bool, into text: inout [UInt8]) {
        let padding = padded ? (3 - bytes.count % 3) % 3 : 0
        let characters = characters
        text.append(addingCapacity: (bytes.count * 4 + 2) / 3 + padding) { out in
            var index = 0
            while index < bytes.count {
                let rest = bytes.count - index
                let second = rest > 1 ? bytes[index &+ 1] : 0
                let third = rest > 2 ? bytes[index &+ 2] : 0
                let group = Int(bytes[index]) << 16 | Int(second) << 8 | Int(third)
                out.append(characters[group >> 18])
                out.append(characters[group >> 12 & 63])
                if rest > 1 { out.append(characters[group >> 6 & 63]) }
                if rest > 2 { out.append(characters[group & 63]) }
                index &+= 3
            }
            for _ in 0..<padding { out.append(UInt8(ascii: "=")) }
        }
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

/// The little of DER (X.690) that keys and signatures of JOSE need to become OpenSSL's: written here, so that no number
/// of a peer's reaches C before its length was checked.
enum DER {
    /// SubjectPublicKeyInfo of an RSA key (RFC 3279 section 2.3.1), numbers big-endian.
    static func rsaKey(modulus: [UInt8], exponent: [UInt8]) -> [UInt8] {
        let algorithm = sequence([0x06, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 0x05, 0])
        return sequence(algorithm + bits(sequence(integer(modulus) + integer(exponent))))
    }

    /// SubjectPublicKeyInfo of an elliptic curve key (RFC 5480), the point uncompressed.
    static func curveKey(_ curve: EllipticCurve, point: [UInt8]) -> [UInt8] {
        let group: [UInt8] =
            switch curve {
            case .p256: [0x06, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7]
            case .p384: [0x06, 5, 0x2b, 0x81, 0x04, 0, 0x22]
            case .p521: [0x06, 5, 0x2b, 0x81, 0x04, 0, 0x23]
            }
        let algorithm = sequence([0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1] + group)
        return sequence(algorithm + bits(point))
    }

    /// ECDSA-Sig-Value (RFC 3279 section 2.2.3) of r and s.
    static func signature(r: ArraySlice<UInt8>, s: ArraySlice<UInt8>) -> [UInt8] {
        sequence(integer(r) + integer(s))
    }

    /// r and s out of what OpenSSL wrote, each in `count` bytes; nothing when they do not fit.
    static func numbers(ofSignature der: [UInt8], each count: Int) -> [UInt8]? {
        var rest = der[...]
        guard let body = take(0x30, from: &rest), rest.isEmpty else { return nil }
        var inside = body
        guard let r = take(0x02, from: &inside), let s = take(0x02, from: &inside), inside.isEmpty else { return nil }
        guard let left = fixed(r, count), let right = fixed(s, count) else { return nil }
        return left + right
    }

    private static func fixed(_ number: ArraySlice<UInt8>, _ count: Int) -> [UInt8]? {
        let digits = number.drop { $0 == 0 }
        guard digits.count <= count else { return nil }
        return [UInt8](repeating: 0, count: count - digits.count) + digits
    }

    private static func take(_ tag: UInt8, from bytes: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        guard bytes.popFirst() == tag, var count = bytes.popFirst().map(Int.init) else { return nil }
        if count == 0x81 {
            guard let long = bytes.popFirst() else { return nil }
            count = Int(long)
        } else if count > 0x7f {
            return nil
        }
        guard bytes.count >= count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }

    private static func sequence(_ content: [UInt8]) -> [UInt8] { [0x30] + length(content.count) + content }

    private static func bits(_ content: [UInt8]) -> [UInt8] { [0x03] + length(content.count + 1) + [0] + content }

    /// A number that is not negative, without leading zeros but the one that keeps it so.
    private static func integer(_ number: some Collection<UInt8>) -> [UInt8] {
        var digits = [UInt8](number.drop { $0 == 0 })
        if digits.first.map({ $0 >= 0x80 }) ?? true { digits.insert(0, at: 0) }
        return [0x02] + length(digits.count) + digits
    }

    private static func length(_ count: Int) -> [UInt8] {
        switch count {
        case ..<0x80: [UInt8(count)]
        case ..<0x100: [0x81, UInt8(count)]
        default: [0x82, UInt8(count >> 8), UInt8(count & 0xff)]
        }
    }
}

public import Bytes

/// A JSON number compared by its text, without a detour through binary floating point: `0.1`, `1e-1` and `0.10` are
/// equal, and 2^53 and 2^53+1 are not.
public struct ExactNumber: Hashable, Comparable, Sendable {
    private let isNegative: Bool
    /// The digits without leading and trailing zeros; empty for zero.
    private let digits: [UInt8]
    /// Where the decimal point stands: the number is 0.DIGITS times ten to this power.
    private let power: Int

    /// Reads a JSON number. Nil when the text isn't one, or its exponent is beyond plus or minus 10,000,000, where two
    /// servers would hardly agree what it means.
    public init?(_ text: ByteString) {
        var rest = text.bytes[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest = rest.dropFirst() }
        let whole = rest.prefix(while: isDigit)
        rest = rest.dropFirst(whole.count)
        guard !whole.isEmpty, whole.count == 1 || whole.first != UInt8(ascii: "0") else { return nil }
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix(while: isDigit)
            guard !fraction.isEmpty else { return nil }
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard let exponent = Self.exponent(rest) else { return nil }
        let all = Array(whole) + Array(fraction)
        let leading = all.prefix { $0 == UInt8(ascii: "0") }.count
        var digits = Array(all.dropFirst(leading))
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        self.digits = digits
        self.isNegative = isNegative && !digits.isEmpty
        power = digits.isEmpty ? 0 : whole.count - leading + exponent
    }

    /// A whole number.
    public init(_ value: Int) {
        // A whole number's own description is always a JSON number.
        self = ExactNumber(ByteString(String(value))) ?? .zero
    }

    /// Nothing.
    public static let zero = ExactNumber()

    private init() {
        (isNegative, digits, power) = (false, [], 0)
    }

    /// The value, when it is whole and fits.
    public var whole: Int64? {
        guard isWhole, power <= 18 else { return nil }
        var value: Int64 = 0
        for place in 0..<max(power, 0) {
            value = value * 10 + (place < digits.count ? Int64(digits[place] - UInt8(ascii: "0")) : 0)
        }
        return isNegative ? -value : value
    }

    /// Whether it has no fraction, however it is written: `1.0` and `1e2` are whole (JSON Schema's `integer`).
    public var isWhole: Bool { digits.isEmpty || power >= digits.count }

    /// By value.
    public static func < (left: ExactNumber, right: ExactNumber) -> Bool {
        switch (left.sign, right.sign) {
        case let (first, second) where first != second: first < second
        case (1, _): left.isSmallerInMagnitude(than: right)
        default: right.isSmallerInMagnitude(than: left)
        }
    }

    /// JSON texts of numbers beside this one: a hair above and below it, and the whole numbers around it. For finding out
    /// whether any number lies between bounds.
    public var neighbours: [ByteString] {
        let wholes = wholePart.map { [$0 - 1, $0, $0 + 1].map { ByteString(String($0)) } } ?? []
        guard let last = digits.last else { return wholes + ["1e-40", "-1e-40"] }
        let hair = [UInt8](repeating: UInt8(ascii: "0"), count: 39)
        let larger = digits + hair + [UInt8(ascii: "1")]
        let smaller = digits.dropLast() + [last - 1] + [UInt8](repeating: UInt8(ascii: "9"), count: 40)
        let sign = isNegative ? "-" : ""
        return wholes
            + [larger, smaller].map { ByteString("\(sign)0.\(String(decoding: $0, as: UTF8.self))e\(power)") }
    }

    /// The whole number towards zero, when it is small enough to count from.
    private var wholePart: Int? {
        guard power <= 17 else { return nil }
        var value = 0
        for place in 0..<max(power, 0) {
            value = value * 10 + (place < digits.count ? Int(digits[place] - UInt8(ascii: "0")) : 0)
        }
        return isNegative ? -value : value
    }

    private var sign: Int { digits.isEmpty ? 0 : isNegative ? -1 : 1 }

    private func isSmallerInMagnitude(than other: ExactNumber) -> Bool {
        power != other.power ? power < other.power : digits.lexicographicallyPrecedes(other.digits)
    }

    /// The exponent of `e+12`; 0 for nothing at all.
    private static func exponent(_ text: ArraySlice<UInt8>) -> Int? {
        guard let mark = text.first else { return 0 }
        guard mark | 0x20 == UInt8(ascii: "e") else { return nil }
        var rest = text.dropFirst()
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        guard !rest.isEmpty, rest.allSatisfy(isDigit) else { return nil }
        let digits = rest.drop { $0 == UInt8(ascii: "0") }
        guard digits.count <= 7 else { return nil }
        let value = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        return isNegative ? -value : value
    }
}

private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

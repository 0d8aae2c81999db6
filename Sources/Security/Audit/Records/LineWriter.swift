import Bytes

/// Writes the JSON of one line by appending bytes. Whatever is given, the result is valid UTF-8 JSON on one line: invalid
/// bytes are repaired (U+FFFD), control characters of both kinds escaped.
struct LineWriter {
    var bytes: [UInt8] = []

    /// A value longer than this many bytes is written as `{"…":n}`.
    var textLimit = 1_024
    /// A list longer than this is cut, with `{"…":n}` for the number of values left out.
    var listLimit = 64
    /// Quoted arguments longer than this are written as `{"…":n}`.
    var argumentsLimit = 16 * 1_024

    /// Whether nothing has to be shortened more than it always is.
    var isOrdinary: Bool { textLimit == 1_024 && listLimit == 64 }

    /// Writes a member whose value may be long. Nothing when there is no value.
    mutating func text(_ name: MemberName, _ value: ByteString?) {
        guard let value else { return }
        bytes.append(contentsOf: name.bytes)
        text(value)
    }

    /// Writes a member whose value the program made, such as a hash; only a mistake of ours could make it long.
    mutating func fixed(_ name: MemberName, _ value: ByteString?) {
        guard let value else { return }
        bytes.append(contentsOf: name.bytes)
        if value.count <= 96 { string(value.bytes) } else { omitted(value.count) }
    }

    /// Writes a member of our own few words.
    mutating func word(_ name: MemberName, _ value: String) {
        bytes.append(contentsOf: name.bytes)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: value.utf8)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Writes a whole number; beyond 2^53, where JSON readers lose digits, as a string.
    mutating func int(_ name: MemberName, _ value: Int?) {
        guard let value else { return }
        bytes.append(contentsOf: name.bytes)
        let isExact = value.magnitude < 1 << 53
        if !isExact { bytes.append(UInt8(ascii: "\"")) }
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        bytes.appendDecimal(UInt64(value.magnitude))
        if !isExact { bytes.append(UInt8(ascii: "\"")) }
    }

    /// Writes `true` or `false`.
    mutating func bool(_ name: MemberName, _ value: Bool) {
        bytes.append(contentsOf: name.bytes)
        bytes.append(contentsOf: value ? "true".utf8 : "false".utf8)
    }

    /// Writes a member that is a list of texts. Nothing when it is empty.
    mutating func texts(_ name: MemberName, _ values: [ByteString]) {
        list(name, values) { writer, value in
            writer.bytes.append(UInt8(ascii: ","))
            writer.text(value)
        }
    }

    /// Writes a member that is a list of objects. Nothing when it is empty.
    mutating func objects<Value>(_ name: MemberName, _ values: [Value], _ write: (inout LineWriter, Value) -> Void) {
        list(name, values) { writer, value in
            writer.bytes.append(UInt8(ascii: ","))
            let inside = writer.bytes.count
            write(&writer, value)
            writer.close("{", at: inside, "}")
        }
    }

    /// Writes a member that is a list, each value with a comma before it. Nothing when it is empty.
    private mutating func list<Value>(
        _ name: MemberName, _ values: [Value], _ write: (inout LineWriter, Value) -> Void
    ) {
        if values.isEmpty { return }
        bytes.append(contentsOf: name.bytes)
        let inside = bytes.count
        for index in 0..<min(values.count, listLimit) { write(&self, values[index]) }
        if values.count > listLimit {
            bytes.append(UInt8(ascii: ","))
            omitted(values.count - listLimit)
        }
        close("[", at: inside, "]")
    }

    /// Writes a member that is an object. Nothing when it stays empty.
    mutating func object(_ name: MemberName, _ write: (inout LineWriter) -> Void) {
        let start = bytes.count
        bytes.append(contentsOf: name.bytes)
        let inside = bytes.count
        write(&self)
        if bytes.count == inside {
            bytes.removeLast(bytes.count - start)
        } else {
            close("{", at: inside, "}")
        }
    }

    /// Puts brackets around what was written from `inside` on. It begins with the comma of its first member, which is one too
    /// many and makes room for the opening bracket.
    private mutating func close(_ opening: Unicode.Scalar, at inside: Int, _ closing: Unicode.Scalar) {
        bytes[inside] = UInt8(ascii: opening)
        bytes.append(UInt8(ascii: closing))
    }

    /// Stands for a value of `count` bytes, or for `count` values, that were left out.
    mutating func omitted(_ count: Int) {
        bytes.append(contentsOf: "{\"…\":".utf8)
        bytes.appendDecimal(UInt64(count.magnitude))
        bytes.append(UInt8(ascii: "}"))
    }

    private mutating func text(_ value: ByteString) {
        if value.count <= textLimit { string(value.bytes) } else { omitted(value.count) }
    }

    private mutating func string(_ value: [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        if arePlain(value) {
            bytes.append(contentsOf: value)
        } else {
            escape(value)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ value: [UInt8]) {
        var index = 0
        while index < value.count {
            let byte = value[index]
            if isPlain(byte) {
                bytes.append(byte)
                index += 1
            } else if byte < 0x80 {
                escape(byte)
                index += 1
            } else {
                let length = lengthOfScalar(value, at: index)
                if length == 0 {
                    bytes.append(contentsOf: "\u{FFFD}".utf8)
                } else if byte == 0xC2, value[index + 1] < 0xA0 {
                    escape(value[index + 1])
                } else {
                    bytes.append(contentsOf: value[index..<index + length])
                }
                index += max(length, 1)
            }
        }
    }

    private mutating func escape(_ byte: UInt8) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(hexDigit(byte >> 4))
            bytes.append(hexDigit(byte & 15))
        }
    }
}

/// Whether a byte stands for itself inside a JSON string of ours.
@inline(__always)
private func isPlain(_ byte: UInt8) -> Bool {
    byte &- 0x20 < 0x5F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
}

/// Whether all bytes stand for themselves. Without a way out in between, many are looked at together.
private func arePlain(_ value: [UInt8]) -> Bool {
    var others: UInt8 = 0
    for byte in value {
        others |= byte &- 0x20 < 0x5F ? 0 : 1
        others |= byte == UInt8(ascii: "\"") ? 1 : 0
        others |= byte == UInt8(ascii: "\\") ? 1 : 0
    }
    return others == 0
}

private func hexDigit(_ value: UInt8) -> UInt8 {
    value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value - 10)
}

/// How many bytes the scalar beyond ASCII that begins here has; 0 when it is not well-formed (Unicode 16 table 3-7).
private func lengthOfScalar(_ bytes: [UInt8], at index: Int) -> Int {
    let (length, second): (Int, ClosedRange<UInt8>) =
        switch bytes[index] {
        case 0xC2...0xDF: (2, 0x80...0xBF)
        case 0xE0: (3, 0xA0...0xBF)
        case 0xE1...0xEC, 0xEE...0xEF: (3, 0x80...0xBF)
        case 0xED: (3, 0x80...0x9F)
        case 0xF0: (4, 0x90...0xBF)
        case 0xF1...0xF3: (4, 0x80...0xBF)
        case 0xF4: (4, 0x80...0x8F)
        default: (0, 0x80...0xBF)
        }
    guard length > 0, index + length <= bytes.count, second.contains(bytes[index + 1]) else { return 0 }
    let rest = bytes[(index + 2)..<(index + length)]
    return rest.allSatisfy { (0x80...0xBF).contains($0) } ? length : 0
}

extension [UInt8] {
    /// Appends a number's decimal digits.
    mutating func appendDecimal(_ value: UInt64) {
        if value < 10 { return append(UInt8(ascii: "0") + UInt8(value)) }
        var width = 1
        var bound: UInt64 = 10
        while width < 20, value >= bound {
            width += 1
            bound = bound &* 10
        }
        var index = count + width
        append(addingCapacity: width) { out in
            for _ in 0..<width { out.append(UInt8(ascii: "0")) }
        }
        var rest = value
        while rest > 0 {
            index -= 1
            self[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }
}

// The classes of bytes of RFC 9110 and RFC 3986, as bit masks: no table that has to be initialised, no branch per byte.

extension UInt8 {
    /// A-Z made a-z, nothing else changed.
    var asciiLowercased: UInt8 { self &- 0x41 < 26 ? self | 0x20 : self }

    /// `0`-`9`.
    var isDigit: Bool { self &- 0x30 < 10 }

    /// The value of a hexadecimal digit in either case.
    var hexValue: UInt8? {
        switch self {
        case 0x30...0x39: self - 0x30
        case 0x41...0x46: self - 0x41 + 10
        case 0x61...0x66: self - 0x61 + 10
        default: nil
        }
    }

    /// A letter or a digit.
    var isAlphanumeric: Bool { isDigit || (self | 0x20) &- 0x61 < 26 }

    /// `tchar`, what tokens are made of (RFC 9110 section 5.6.2).
    var isTokenByte: Bool { isIn(0x03ff_6cfa_0000_0000, 0x57ff_ffff_c7ff_fffe) }

    /// What may stand in a field value: HTAB, SP, visible ASCII and obs-text (RFC 9110 section 5.5).
    var isFieldValueByte: Bool { (self >= 0x20 && self != 0x7f) || self == 0x09 }

    /// `unreserved` (RFC 3986 section 2.3).
    var isUnreserved: Bool { isIn(0x03ff_6000_0000_0000, 0x47ff_fffe_87ff_fffe) }

    /// `pchar` without the percent sign, and `/` (RFC 3986 section 3.3).
    var isPathByte: Bool { isIn(0x2fff_ffd2_0000_0000, 0x47ff_fffe_87ff_ffff) }

    private func isIn(_ low: UInt64, _ high: UInt64) -> Bool {
        if self < 64 { return low &>> UInt64(self) & 1 == 1 }
        return self < 128 && high &>> UInt64(self & 63) & 1 == 1
    }
}

extension Span where Element == UInt8 {
    /// Whether this is a token: at least one byte, and all of them `tchar`.
    var isToken: Bool {
        for index in indices where !self[index].isTokenByte { return false }
        return !isEmpty
    }

    /// Whether no byte is a control byte that a field value must not hold.
    var isFieldValue: Bool {
        var bad: UInt8 = 0
        for index in indices { bad |= self[index].isFieldValueByte ? 0 : 1 }
        return bad == 0
    }

    /// Whether these are the bytes of `text`; with `ignoringCase`, after A-Z is made a-z here (`text` is in lower case).
    func equals(_ text: String, ignoringCase: Bool) -> Bool {
        let other = text.utf8.span
        guard count == other.count else { return false }
        if ignoringCase {
            for index in indices where self[index].asciiLowercased != other[index] { return false }
        } else {
            for index in indices where self[index] != other[index] { return false }
        }
        return true
    }

    /// The position of a byte at or after `start`.
    func firstIndex(of byte: UInt8, from start: Int = 0) -> Int? {
        var index = start
        while index < count {
            if self[index] == byte { return index }
            index += 1
        }
        return nil
    }

    /// A copy.
    var copied: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bytesOf: self)
        return bytes
    }

    /// A copy with A-Z made a-z.
    var lowercasedCopy: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(addingCapacity: count) { out in
            for index in indices { out.append(self[index].asciiLowercased) }
        }
        return bytes
    }

    /// This range without the spaces and tabs at both its ends (OWS, RFC 9110 section 5.6.3).
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, self[start] == 0x20 || self[start] == 0x09 { start += 1 }
        while start < end, self[end - 1] == 0x20 || self[end - 1] == 0x09 { end -= 1 }
        return start..<end
    }
}

extension ArraySlice where Element == UInt8 {
    /// This slice without the spaces and tabs at both its ends.
    var trimmingOptionalWhitespace: ArraySlice<UInt8> {
        var slice = self
        while slice.first == 0x20 || slice.first == 0x09 { slice.removeFirst() }
        while slice.last == 0x20 || slice.last == 0x09 { slice.removeLast() }
        return slice
    }
}

extension Array where Element == UInt8 {
    /// Appends a copy of a span.
    mutating func append(bytesOf span: Span<UInt8>) {
        append(addingCapacity: span.count) { out in
            for index in span.indices { out.append(span[index]) }
        }
    }

    /// Appends ASCII text.
    mutating func append(text: String) {
        append(contentsOf: text.utf8)
    }

    /// Appends a number in decimal.
    mutating func append(decimal number: Int) {
        append(contentsOf: String(number).utf8)
    }
}

import Bytes

/// The target of a request, taken apart (RFC 9112 section 3.2).
struct RequestTarget {
    var path: Range<Int>
    var query: Range<Int>?
    /// The authority, when the target is in absolute form.
    var authority: Range<Int>?

    /// Reads the target at `range`. Refused rather than repaired is whatever two readers could take for two paths.
    init(_ bytes: Span<UInt8>, _ range: Range<Int>, method: HTTPMethod) throws(HTTPFailure) {
        guard let first = range.first.map({ bytes[$0] }) else { throw HTTPFailure(.badTarget, at: range.lowerBound) }
        if first == UInt8(ascii: "*"), range.count == 1, method == .options {
            path = range
            return
        }
        var start = range.lowerBound
        if first != UInt8(ascii: "/") {
            let authority = try Self.authority(bytes, range)
            self.authority = authority
            start = authority.upperBound
        }
        let end = try Self.readPath(bytes, start..<range.upperBound)
        path = start..<end
        if end < range.upperBound {
            query = end + 1..<range.upperBound
            try Self.check(query: end + 1..<range.upperBound, bytes)
        }
    }

    /// The authority of `http://authority/…` or `https://authority/…`.
    private static func authority(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPFailure) -> Range<Int> {
        let target = bytes.extracting(range)
        let scheme: Int
        if target.count > 7, target.extracting(0..<7).equals("http://", ignoringCase: true) {
            scheme = 7
        } else if target.count > 8, target.extracting(0..<8).equals("https://", ignoringCase: true) {
            scheme = 8
        } else {
            throw HTTPFailure(.badTarget, at: range.lowerBound)
        }
        let start = range.lowerBound + scheme
        var end = start
        while end < range.upperBound, bytes[end] != UInt8(ascii: "/"), bytes[end] != UInt8(ascii: "?"),
            bytes[end] != UInt8(ascii: "#")
        {
            end += 1
        }
        return start..<end
    }

    /// Checks the path that begins `range` and gives where it ends: at the query or with the range.
    private static func readPath(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPFailure) -> Int {
        var index = range.lowerBound
        var segment = range.lowerBound
        var hasHighEscape = false
        while index < range.upperBound {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "/"):
                if index > range.lowerBound { try check(segment: segment..<index, bytes, isLast: false) }
                segment = index + 1
                index += 1
            case UInt8(ascii: "%"):
                hasHighEscape = try check(escape: index, bytes, end: range.upperBound) >= 0x80 || hasHighEscape
                index += 3
            case UInt8(ascii: "?"):
                try check(segment: segment..<index, bytes, isLast: true)
                if hasHighEscape { try checkUTF8(bytes, range.lowerBound..<index) }
                return index
            default:
                guard byte.isPathByte else {
                    throw HTTPFailure(byte == UInt8(ascii: "#") ? .fragmentInTarget : .badTarget, at: index)
                }
                index += 1
            }
        }
        try check(segment: segment..<index, bytes, isLast: true)
        if hasHighEscape { try checkUTF8(bytes, range.lowerBound..<index) }
        return index
    }

    /// `.` and `..`, also before path parameters, and empty segments but the last, are refused.
    private static func check(segment: Range<Int>, _ bytes: Span<UInt8>, isLast: Bool) throws(HTTPFailure) {
        if segment.isEmpty {
            guard isLast else { throw HTTPFailure(.emptySegment, at: segment.lowerBound) }
            return
        }
        guard bytes[segment.lowerBound] == UInt8(ascii: ".") else { return }
        var dots = 0
        var index = segment.lowerBound
        while index < segment.upperBound, bytes[index] == UInt8(ascii: ".") {
            dots += 1
            index += 1
        }
        let ends = index == segment.upperBound || bytes[index] == UInt8(ascii: ";")
        guard dots > 2 || !ends else { throw HTTPFailure(.dotSegment, at: segment.lowerBound) }
    }

    /// An escape in a path must be necessary and must not hide a separator, a dot or a control byte. Gives its byte.
    private static func check(escape index: Int, _ bytes: Span<UInt8>, end: Int) throws(HTTPFailure) -> UInt8 {
        guard index + 2 < end, let high = bytes[index + 1].hexValue, let low = bytes[index + 2].hexValue else {
            throw HTTPFailure(.badEscape, at: index)
        }
        let byte = high << 4 | low
        guard !byte.isUnreserved else { throw HTTPFailure(.needlessEscape, at: index) }
        guard byte >= 0x20, byte != 0x7f, byte != UInt8(ascii: "/"), byte != UInt8(ascii: "\\") else {
            throw HTTPFailure(.ambiguousEscape, at: index)
        }
        return byte
    }

    /// Escapes of bytes above ASCII must be those of valid UTF-8: an overlong `..` is one to some readers.
    private static func checkUTF8(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPFailure) {
        var decoded: [UInt8] = []
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == UInt8(ascii: "%"), index + 2 < range.upperBound,
                let high = bytes[index + 1].hexValue, let low = bytes[index + 2].hexValue
            {
                decoded.append(high << 4 | low)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        guard decoded.span.isUTF8 else { throw HTTPFailure(.notUTF8, at: range.lowerBound) }
    }

    private static func check(query range: Range<Int>, _ bytes: Span<UInt8>) throws(HTTPFailure) {
        var index = range.lowerBound
        while index < range.upperBound {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < range.upperBound, bytes[index + 1].hexValue != nil, bytes[index + 2].hexValue != nil
                else { throw HTTPFailure(.badEscape, at: index) }
                index += 3
            } else {
                guard byte.isPathByte || byte == UInt8(ascii: "?") else {
                    throw HTTPFailure(byte == UInt8(ascii: "#") ? .fragmentInTarget : .badTarget, at: index)
                }
                index += 1
            }
        }
    }
}

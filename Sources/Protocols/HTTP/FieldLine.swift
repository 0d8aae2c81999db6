/// One field line, found and checked in a single pass.
enum FieldLine {
    /// Its end has not come.
    case incomplete
    /// The empty line that ends a section; what follows begins at `next`.
    case end(next: Int)
    /// `field-name ":" OWS field-value OWS CRLF` (RFC 9112 section 5), nothing tolerated.
    case field(name: Range<Int>, value: Range<Int>, next: Int)

    /// Reads the line that begins at `start`.
    @inline(__always) static func read(_ bytes: Span<UInt8>, from start: Int) throws(HTTPFailure) -> FieldLine {
        var colon = start
        while colon < bytes.count, bytes[colon].isTokenByte { colon += 1 }
        guard colon < bytes.count else { return .incomplete }
        guard bytes[colon] == UInt8(ascii: ":"), colon > start else { return try withoutName(bytes, start, colon) }
        var end = colon + 1
        while end < bytes.count, bytes[end].isFieldValueByte { end += 1 }
        guard end + 1 < bytes.count else {
            if end < bytes.count, bytes[end] != 0x0d { throw notAValue(bytes[end], at: end) }
            return .incomplete
        }
        guard bytes[end] == 0x0d, bytes[end + 1] == 0x0a else { throw notAValue(bytes[end], at: end) }
        return .field(name: start..<colon, value: bytes.trimmed(colon + 1..<end), next: end + 2)
    }

    /// A line whose first bytes are no name and colon: the empty line, or a failure that says which.
    private static func withoutName(
        _ bytes: Span<UInt8>, _ start: Int, _ index: Int
    ) throws(HTTPFailure) -> FieldLine {
        switch bytes[index] {
        case 0x0d:
            guard index + 1 < bytes.count else { return .incomplete }
            guard bytes[index + 1] == 0x0a else { throw HTTPFailure(.bareCarriageReturn, at: index) }
            guard index == start else { throw HTTPFailure(.missingColon, at: start) }
            return .end(next: index + 2)
        case 0x0a: throw HTTPFailure(.bareLineFeed, at: index)
        case 0x20 where index == start, 0x09 where index == start: throw HTTPFailure(.foldedField, at: start)
        default: throw HTTPFailure(.badFieldName, at: index)
        }
    }

    private static func notAValue(_ byte: UInt8, at index: Int) -> HTTPFailure {
        switch byte {
        case 0x0a: HTTPFailure(.bareLineFeed, at: index)
        case 0x0d: HTTPFailure(.bareCarriageReturn, at: index)
        default: HTTPFailure(.badFieldValue, at: index)
        }
    }
}

/// Takes a body out of its framing (RFC 9112 sections 6 and 7), piece by piece.
///
/// Trailers and chunk extensions are checked and dropped: nobody here reads them, and merged into the head they could
/// overrule what was judged.
public struct BodyDecoder: Sendable {
    private let limits: HTTPLimits
    private var state: State
    /// Decoded bytes so far.
    private var decoded = 0
    /// Bytes of all chunk extensions so far.
    private var extensions = 0
    /// Encoded bytes so far, for offsets in failures.
    private var position = 0
    private var trailer = TrailerReader()

    private enum State: Equatable, Sendable {
        case length(remaining: Int)
        case untilClose
        case size(value: Int, digits: Int)
        case `extension`(value: Int, count: Int, ChunkExtension)
        case sizeEnd(value: Int)
        case data(remaining: Int)
        case dataReturn
        case dataEnd
        case trailers
        case complete
    }

    /// A decoder for one body. A body above `limits.bodyBytes` is a failure as soon as that is known; a client that reads
    /// an endless stream sets that limit to `Int.max`.
    public init(framing: BodyFraming, limits: HTTPLimits = .standard) {
        self.limits = limits
        switch framing {
        case .none, .length(0): state = .complete
        case .length(let count): state = .length(remaining: count)
        case .chunked: state = .size(value: 0, digits: 0)
        case .untilClose: state = .untilClose
        }
    }

    /// Whether the body has come to its end. One that ends with the connection is complete after `end`.
    public var isComplete: Bool { state == .complete }

    /// Decodes as much as there is, appends the content to `out`, and gives how many bytes belonged to the body: all of
    /// them until it is complete, and none after.
    public mutating func decode(_ bytes: Span<UInt8>, into out: inout [UInt8]) throws(HTTPFailure) -> Int {
        var index = 0
        while index < bytes.count, state != .complete {
            switch state {
            case .length(let remaining):
                let count = min(remaining, bytes.count - index)
                try take(bytes.extracting(index..<index + count), announced: remaining, into: &out)
                state = remaining == count ? .complete : .length(remaining: remaining - count)
                index += count
            case .untilClose:
                try take(bytes.extracting(index..<bytes.count), announced: bytes.count - index, into: &out)
                index = bytes.count
            case .data(let remaining):
                let count = min(remaining, bytes.count - index)
                try take(bytes.extracting(index..<index + count), announced: remaining, into: &out)
                state = remaining == count ? .dataReturn : .data(remaining: remaining - count)
                index += count
            default:
                try step(bytes[index], at: position + index)
                index += 1
            }
        }
        position += index
        return index
    }

    /// The peer closed. Fails unless the body may end so.
    public mutating func end() throws(HTTPFailure) {
        switch state {
        case .complete, .untilClose: state = .complete
        default: throw HTTPFailure(.truncated, at: position)
        }
    }

    /// Counts announced bytes, not only those that came: a chunk of two gigabytes is refused at its size.
    private mutating func take(
        _ bytes: Span<UInt8>, announced: Int, into out: inout [UInt8]
    ) throws(HTTPFailure) {
        guard announced <= limits.bodyBytes - decoded else { throw HTTPFailure(.bodyTooLarge, at: position) }
        decoded += bytes.count
        out.append(bytesOf: bytes)
    }

    /// One byte of the framing of chunks.
    private mutating func step(_ byte: UInt8, at offset: Int) throws(HTTPFailure) {
        switch state {
        case .size(let value, let digits):
            state = try afterSize(byte, value, digits, at: offset)
        case .extension(let value, let count, var reading):
            state = try afterExtension(byte, value, count, &reading, at: offset)
        case .sizeEnd(let value):
            guard byte == 0x0a else { throw HTTPFailure(.bareCarriageReturn, at: offset) }
            guard value <= limits.bodyBytes - decoded else { throw HTTPFailure(.bodyTooLarge, at: offset) }
            state = value == 0 ? .trailers : .data(remaining: value)
        case .dataReturn:
            guard byte == 0x0d else { throw HTTPFailure(.badChunkEnd, at: offset) }
            state = .dataEnd
        case .dataEnd:
            guard byte == 0x0a else { throw HTTPFailure(.badChunkEnd, at: offset) }
            state = .size(value: 0, digits: 0)
        case .trailers:
            if try trailer.take(byte, limits, at: offset) { state = .complete }
        case .length, .untilClose, .data, .complete:
            break
        }
    }

    /// `chunk-size = 1*HEXDIG`, then an extension or the line's end. 15 digits can't overflow, zeros in front included.
    private func afterSize(_ byte: UInt8, _ value: Int, _ digits: Int, at offset: Int) throws(HTTPFailure) -> State {
        if let digit = byte.hexValue {
            guard digits < 15 else { throw HTTPFailure(.badChunkSize, at: offset) }
            return .size(value: value << 4 | Int(digit), digits: digits + 1)
        }
        guard digits > 0 else { throw HTTPFailure(.badChunkSize, at: offset) }
        switch byte {
        case 0x0d: return .sizeEnd(value: value)
        case UInt8(ascii: ";"): return .extension(value: value, count: 0, .beforeName)
        default: throw HTTPFailure(.badChunkSize, at: offset)
        }
    }

    private mutating func afterExtension(
        _ byte: UInt8, _ value: Int, _ count: Int, _ reading: inout ChunkExtension, at offset: Int
    ) throws(HTTPFailure) -> State {
        if byte == 0x0d, reading.mayEnd { return .sizeEnd(value: value) }
        extensions += 1
        guard count < limits.chunkExtensionBytes, extensions <= limits.chunkExtensionBytesInAll else {
            throw HTTPFailure(.chunkExtensionTooLarge, at: offset)
        }
        guard reading.take(byte) else { throw HTTPFailure(.badChunkExtension, at: offset) }
        return .extension(value: value, count: count + 1, reading)
    }
}

/// `*( ";" token [ "=" ( token / quoted-string ) ] )` (RFC 9112 section 7.1.1), without white space.
private enum ChunkExtension: Equatable, Sendable {
    case beforeName, name, beforeValue, value, quoted, escaped, afterQuoted

    var mayEnd: Bool { self == .name || self == .value || self == .afterQuoted }

    mutating func take(_ byte: UInt8) -> Bool {
        switch self {
        case .beforeName, .name:
            if self == .name, byte == UInt8(ascii: "=") {
                self = .beforeValue
            } else if self == .name, byte == UInt8(ascii: ";") {
                self = .beforeName
            } else {
                guard byte.isTokenByte else { return false }
                self = .name
            }
        case .beforeValue, .value:
            if self == .beforeValue, byte == UInt8(ascii: "\"") {
                self = .quoted
            } else if self == .value, byte == UInt8(ascii: ";") {
                self = .beforeName
            } else {
                guard byte.isTokenByte else { return false }
                self = .value
            }
        case .quoted:
            if byte == UInt8(ascii: "\"") {
                self = .afterQuoted
            } else if byte == UInt8(ascii: "\\") {
                self = .escaped
            } else {
                return byte.isFieldValueByte
            }
        case .escaped:
            self = .quoted
            return byte.isFieldValueByte
        case .afterQuoted:
            guard byte == UInt8(ascii: ";") else { return false }
            self = .beforeName
        }
        return true
    }
}

/// The trailer section, line by line.
private struct TrailerReader: Sendable {
    private var line: [UInt8] = []
    private var size = 0
    private var count = 0

    /// Takes a byte; true when the section has ended.
    mutating func take(_ byte: UInt8, _ limits: HTTPLimits, at offset: Int) throws(HTTPFailure) -> Bool {
        size += 1
        guard size <= limits.trailerBytes else { throw HTTPFailure(.trailerTooLarge, at: offset) }
        guard byte == 0x0a else {
            line.append(byte)
            return false
        }
        line.append(byte)
        switch try readLine(at: offset) {
        case .end: return true
        case .incomplete: throw HTTPFailure(.badTrailer, at: offset)
        case .field(let name, _, _):
            count += 1
            guard count <= limits.trailerCount else { throw HTTPFailure(.trailerTooLarge, at: offset) }
            guard !isForbiddenInTrailers(line.span.extracting(name)) else {
                throw HTTPFailure(.forbiddenTrailer, at: offset)
            }
        }
        line.removeAll(keepingCapacity: true)
        return false
    }

    private func readLine(at offset: Int) throws(HTTPFailure) -> FieldLine {
        do throws(HTTPFailure) {
            return try FieldLine.read(line.span, from: 0)
        } catch {
            throw HTTPFailure(error.reason == .bareLineFeed ? .bareLineFeed : .badTrailer, at: offset)
        }
    }
}

/// RFC 9110 section 6.5.1: fields about framing, routing, authentication, content and control mean harm here.
func isForbiddenInTrailers(_ name: Span<UInt8>) -> Bool {
    let lowercased = name.lowercasedCopy
    for forbidden in [
        "transfer-encoding", "content-length", "content-encoding", "content-type", "content-range", "host",
        "connection", "keep-alive", "te", "trailer", "upgrade", "expect", "authorization", "proxy-authorization",
        "proxy-authenticate", "www-authenticate", "cookie", "set-cookie", "origin", "location", "cache-control",
        "max-forwards", "range", "vary", "date", "age", "expires", "retry-after",
    ] where lowercased.span.equals(forbidden, ignoringCase: false) {
        return true
    }
    return false
}

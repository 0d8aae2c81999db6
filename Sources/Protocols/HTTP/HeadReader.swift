import Bytes

/// Reads a head line by line as its bytes come: what requests and responses have in common.
///
/// The caller keeps the unread bytes and hands over all of them each time; every byte is looked at once for its line's end
/// and once when its line is complete, however small the pieces are, and a wrong line is refused without the rest.
struct HeadReader: Sendable {
    let limits: HTTPLimits
    var fields = HeaderFields()
    /// Where the first line that isn't read yet begins.
    private(set) var position = 0
    /// Up to where there is no line end after `position`.
    private var searched = 0

    init(limits: HTTPLimits) {
        self.limits = limits
    }

    /// The next line without its CRLF, or nil when its end has not come.
    mutating func line(_ bytes: Span<UInt8>) throws(HTTPFailure) -> Range<Int>? {
        guard let end = bytes.firstIndex(of: 0x0a, from: max(searched, position)) else {
            searched = bytes.count
            guard bytes.count <= limits.headBytes else { throw HTTPFailure(.headTooLarge, at: limits.headBytes) }
            return nil
        }
        guard end < limits.headBytes else { throw HTTPFailure(.headTooLarge, at: limits.headBytes) }
        guard end > position, bytes[end - 1] == 0x0d else { throw HTTPFailure(.bareLineFeed, at: end) }
        let line = position..<end - 1
        position = end + 1
        return line
    }

    /// Reads fields until the empty line. True when it came, false when more bytes are needed.
    mutating func readFields(_ bytes: Span<UInt8>) throws(HTTPFailure) -> Bool {
        while let line = try line(bytes) {
            if line.isEmpty { return true }
            guard fields.count < limits.fieldCount else { throw HTTPFailure(.tooManyFields, at: line.lowerBound) }
            guard line.count <= limits.fieldBytes else { throw HTTPFailure(.fieldTooLarge, at: line.lowerBound) }
            if fields.isEmpty { fields.reserve(bytes: min(bytes.count - position + 64, 1 << 10), fields: 16) }
            try readField(bytes, line)
        }
        guard bytes.count - position <= limits.fieldBytes else { throw HTTPFailure(.fieldTooLarge, at: position) }
        return false
    }

    /// `field-name ":" OWS field-value OWS` (RFC 9112 section 5), nothing tolerated.
    private mutating func readField(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(HTTPFailure) {
        let (name, value) = try split(bytes, line)
        fields.addChecked(bytes.extracting(name), bytes.extracting(value))
        guard !isSingle(bytes.extracting(name)) || !fields.lastIsRepeated else {
            throw HTTPFailure(.repeatedField, at: line.lowerBound)
        }
    }
}

/// Takes a field line apart and checks it; trailers are field lines too.
func split(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(HTTPFailure) -> (name: Range<Int>, value: Range<Int>) {
    let first = bytes[line.lowerBound]
    guard first != 0x20, first != 0x09 else { throw HTTPFailure(.foldedField, at: line.lowerBound) }
    var colon = line.lowerBound
    while colon < line.upperBound, bytes[colon].isTokenByte { colon += 1 }
    guard colon < line.upperBound else { throw HTTPFailure(.missingColon, at: line.lowerBound) }
    guard colon > line.lowerBound, bytes[colon] == UInt8(ascii: ":") else {
        throw HTTPFailure(bytes[colon] == 0x0d ? .bareCarriageReturn : .badFieldName, at: colon)
    }
    let value = bytes.trimmed(colon + 1..<line.upperBound)
    guard bytes.extracting(value).isFieldValue else {
        let bare = bytes.extracting(value).firstIndex(of: 0x0d) != nil
        throw HTTPFailure(bare ? .bareCarriageReturn : .badFieldValue, at: value.lowerBound)
    }
    return (line.lowerBound..<colon, value)
}

/// Fields by which somebody decides, and whose second line another reader might prefer to the first.
private func isSingle(_ name: Span<UInt8>) -> Bool {
    switch name.count {
    case 4: name.equals("host", ignoringCase: true)
    case 6: name.equals("origin", ignoringCase: true) || name.equals("expect", ignoringCase: true)
    case 12: name.equals("content-type", ignoringCase: true)
    case 13: name.equals("authorization", ignoringCase: true)
    case 14: name.equals("content-length", ignoringCase: true)
    case 16: name.equals("content-encoding", ignoringCase: true)
    case 17: name.equals("transfer-encoding", ignoringCase: true)
    default: false
    }
}

extension HeaderFields {
    /// The length that the head announces, nil when it announces none.
    func contentLength(limit: Int) throws(HTTPFailure) -> Int? {
        guard contains("content-length") else { return nil }
        // 18 digits can't overflow; a leading zero is octal to some readers.
        let length = withValue("content-length") { text -> Int? in
            guard !text.isEmpty, text.count <= 18, text.count == 1 || text[0] != 0x30 else { return nil }
            var number = 0
            for index in text.indices {
                guard text[index].isDigit else { return nil }
                number = number * 10 + Int(text[index] - 0x30)
            }
            return number
        }
        guard let length, let length else { throw HTTPFailure(.badContentLength, at: 0) }
        guard length <= limit else { throw HTTPFailure(.bodyTooLarge, at: 0) }
        return length
    }

    /// Whether the body comes in chunks. Any other coding, and any list, is refused: there is one framing or none.
    func isChunked() throws(HTTPFailure) -> Bool {
        guard contains("transfer-encoding") else { return false }
        guard has("transfer-encoding", "chunked") else { throw HTTPFailure(.badTransferEncoding, at: 0) }
        return true
    }

    /// What `Connection` says about the connection's end; any member that isn't a token is refused.
    func connectionOptions() throws(HTTPFailure) -> (close: Bool, keepAlive: Bool) {
        guard contains("connection") else { return (false, false) }
        var (close, keepAlive) = (false, false)
        for option in list("connection") {
            guard option.bytes.span.isToken else { throw HTTPFailure(.badConnection, at: 0) }
            if option.bytes.span.equals("close", ignoringCase: true) { close = true }
            if option.bytes.span.equals("keep-alive", ignoringCase: true) { keepAlive = true }
        }
        return (close, keepAlive)
    }
}

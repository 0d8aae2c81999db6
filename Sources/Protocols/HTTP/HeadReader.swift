import Bytes

/// Reads a head line by line as its bytes come: what requests and responses have in common.
///
/// The caller keeps the unread bytes and hands over all of them each time. A wrong line is refused without the rest of the
/// head, and a line that comes in many small pieces is searched for its end once, not once for each piece.
struct HeadReader: Sendable {
    let limits: HTTPLimits
    var fields = HeaderFields()
    /// The fields that decide about the message, noted as they pass.
    private(set) var deciding = DecidingFields()
    /// Where the first line that isn't read yet begins.
    private(set) var position = 0
    /// Up to where there is no line end after `position`; 0 when the line was not looked at.
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
        searched = 0
        return line
    }

    /// Reads fields until the empty line. True when it came, false when more bytes are needed.
    mutating func readFields(_ bytes: Span<UInt8>) throws(HTTPFailure) -> Bool {
        if searched > position, bytes.firstIndex(of: 0x0a, from: searched) == nil { return try waitForMore(bytes) }
        if fields.isEmpty { fields.reserve(bytes: min(bytes.count - position, 1 << 10), fields: 16) }
        while true {
            switch try FieldLine.read(bytes, from: position) {
            case .incomplete:
                return try waitForMore(bytes)
            case .end(let next):
                guard next <= limits.headBytes else { throw HTTPFailure(.headTooLarge, at: limits.headBytes) }
                position = next
                return true
            case .field(let name, let value, let next):
                guard next <= limits.headBytes else { throw HTTPFailure(.headTooLarge, at: limits.headBytes) }
                guard next - position <= limits.fieldBytes else { throw HTTPFailure(.fieldTooLarge, at: position) }
                guard fields.count < limits.fieldCount else { throw HTTPFailure(.tooManyFields, at: position) }
                guard deciding.note(bytes.extracting(name), at: fields.count) else {
                    throw HTTPFailure(.repeatedField, at: position)
                }
                fields.addChecked(bytes.extracting(name), bytes.extracting(value))
                position = next
            }
        }
    }

    /// Takes a field that was checked elsewhere; false when it may occur once only and has occurred.
    mutating func take(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        guard deciding.note(name, at: fields.count) else { return false }
        fields.addChecked(name, value)
        return true
    }

    private mutating func waitForMore(_ bytes: Span<UInt8>) throws(HTTPFailure) -> Bool {
        searched = bytes.count
        guard bytes.count <= limits.headBytes else { throw HTTPFailure(.headTooLarge, at: limits.headBytes) }
        guard bytes.count - position <= limits.fieldBytes else { throw HTTPFailure(.fieldTooLarge, at: position) }
        return false
    }
}

/// Where the fields are by which somebody decides about a message. All but `connection`, which is a list, occur once: of
/// two lines another reader might prefer the other.
struct DecidingFields: Sendable {
    private(set) var host: Int?
    private(set) var contentLength: Int?
    private(set) var transferEncoding: Int?
    private(set) var contentEncoding: Int?
    private(set) var expect: Int?
    private(set) var hasConnection = false
    private var contentType: Int?
    private var authorization: Int?
    private var origin: Int?

    /// Notes the field at `index` if it is one of these; false when it occurred before.
    mutating func note(_ name: Span<UInt8>, at index: Int) -> Bool {
        switch name.count {
        case 4 where name.equals("host", ignoringCase: true): Self.set(&host, index)
        case 6 where name.equals("origin", ignoringCase: true): Self.set(&origin, index)
        case 6 where name.equals("expect", ignoringCase: true): Self.set(&expect, index)
        case 12 where name.equals("content-type", ignoringCase: true): Self.set(&contentType, index)
        case 13 where name.equals("authorization", ignoringCase: true): Self.set(&authorization, index)
        case 14 where name.equals("content-length", ignoringCase: true): Self.set(&contentLength, index)
        case 16 where name.equals("content-encoding", ignoringCase: true): Self.set(&contentEncoding, index)
        case 17 where name.equals("transfer-encoding", ignoringCase: true): Self.set(&transferEncoding, index)
        case 10 where name.equals("connection", ignoringCase: true): noteConnection()
        default: true
        }
    }

    private mutating func noteConnection() -> Bool {
        hasConnection = true
        return true
    }

    private static func set(_ field: inout Int?, _ index: Int) -> Bool {
        guard field == nil else { return false }
        field = index
        return true
    }
}

extension HeadReader {
    /// The length that the head announces, nil when it announces none.
    func contentLength(limit: Int) throws(HTTPFailure) -> Int? {
        guard let index = deciding.contentLength else { return nil }
        guard let length = fields.withValue(at: index, { $0.contentLength }) else {
            throw HTTPFailure(.badContentLength, at: 0)
        }
        guard length <= limit else { throw HTTPFailure(.bodyTooLarge, at: 0) }
        return length
    }

    /// Whether the body comes in chunks. Any other coding, and any list, is refused: there is one framing or none.
    func isChunked(minorVersion: Int) throws(HTTPFailure) -> Bool {
        guard let index = deciding.transferEncoding else { return false }
        guard fields.withValue(at: index, { $0.equals("chunked", ignoringCase: true) }) else {
            throw HTTPFailure(.badTransferEncoding, at: 0)
        }
        guard minorVersion == 1 else { throw HTTPFailure(.transferEncodingInOldVersion, at: 0) }
        guard deciding.contentLength == nil else { throw HTTPFailure(.lengthAndTransferEncoding, at: 0) }
        return true
    }

    /// What `Connection` says about the connection's end; any member that isn't a token is refused.
    func connectionOptions() throws(HTTPFailure) -> (close: Bool, keepAlive: Bool) {
        guard deciding.hasConnection else { return (false, false) }
        // The usual one word, without making a list of it.
        if fields.has("connection", "keep-alive") { return (false, true) }
        var (close, keepAlive) = (false, false)
        for option in fields.list("connection") {
            guard option.bytes.span.isToken else { throw HTTPFailure(.badConnection, at: 0) }
            if option.bytes.span.equals("close", ignoringCase: true) { close = true }
            if option.bytes.span.equals("keep-alive", ignoringCase: true) { keepAlive = true }
        }
        return (close, keepAlive)
    }
}

extension Span where Element == UInt8 {
    /// Digits only. 18 of them can't overflow; a leading zero is octal to some readers.
    fileprivate var contentLength: Int? {
        guard !isEmpty, count <= 18, count == 1 || self[0] != 0x30 else { return nil }
        var number = 0
        for index in indices {
            guard self[index].isDigit else { return nil }
            number = number * 10 + Int(self[index] - 0x30)
        }
        return number
    }
}

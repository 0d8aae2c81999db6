import Bytes

/// Reads request heads (RFC 9112), strictly: what another reader could understand differently is refused, never repaired.
///
/// Hand over the unread bytes from the beginning of the head each time more have come. When a head is complete, drop
/// `consumed` bytes, read the body with a `BodyDecoder`, and go on with the next head: requests may follow one another.
public struct RequestParser: Sendable {
    private let limits: HTTPLimits
    private var reader: HeadReader
    private var line: StartLine?
    private var skippedEmptyLine = false

    /// The longest method anybody registered has 17 bytes.
    static let methodBytes = 32

    private struct StartLine: Sendable {
        var method: HTTPMethod
        var minorVersion: Int
        var path: ByteString
        var query: ByteString?
        var authority: ByteString?
    }

    /// A parser for one connection.
    public init(limits: HTTPLimits = .standard) {
        self.limits = limits
        self.reader = HeadReader(limits: limits)
    }

    /// Whether bytes of a head have been read that is not complete: a connection that ends now ends in the middle.
    public var isWithinHead: Bool { line != nil }

    /// Reads on. Nil when more bytes are needed; after a failure the connection is of no more use.
    public mutating func parse(
        _ bytes: Span<UInt8>
    ) throws(HTTPFailure) -> (head: RequestHead, consumed: Int)? {
        if line == nil {
            guard let start = try readStartLine(bytes) else { return nil }
            line = start
        }
        guard try reader.readFields(bytes), let line else { return nil }
        let head = try head(line)
        let consumed = reader.position
        reader = HeadReader(limits: limits)
        self.line = nil
        skippedEmptyLine = false
        return (head, consumed)
    }

    // MARK: The request line

    private mutating func readStartLine(_ bytes: Span<UInt8>) throws(HTTPFailure) -> StartLine? {
        try checkBeginning(bytes)
        guard var line = try reader.line(bytes) else { return nil }
        // RFC 9112 section 2.2: an empty line before the request line is to be ignored. One, not any number.
        if line.isEmpty, !skippedEmptyLine {
            skippedEmptyLine = true
            try checkBeginning(bytes)
            guard let next = try reader.line(bytes) else { return nil }
            line = next
        }
        return try startLine(bytes, line)
    }

    /// Refuses before the line's end what can't become a request line: other protocols, endless methods and targets.
    private func checkBeginning(_ bytes: Span<UInt8>) throws(HTTPFailure) {
        let start = reader.position
        guard start < bytes.count else { return }
        guard bytes[start].isTokenByte || bytes[start] == 0x0d || bytes[start] == 0x0a else {
            throw HTTPFailure(.badMethod, at: start)
        }
        let limit = min(bytes.count, start + Self.methodBytes + 1)
        var end = start
        while end < limit, bytes[end].isTokenByte { end += 1 }
        guard end - start <= Self.methodBytes else { throw HTTPFailure(.methodTooLong, at: start) }
        guard bytes.count - end <= limits.targetBytes + 12 || bytes.firstIndex(of: 0x0a, from: end) != nil else {
            throw HTTPFailure(.targetTooLong, at: end)
        }
    }

    /// `method SP request-target SP HTTP-version`, one space each.
    private func startLine(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(HTTPFailure) -> StartLine {
        var end = line.lowerBound
        while end < line.upperBound, bytes[end].isTokenByte { end += 1 }
        guard end > line.lowerBound else { throw HTTPFailure(.badMethod, at: end) }
        guard end < line.upperBound, bytes[end] == 0x20 else { throw HTTPFailure(.badMethod, at: end) }
        guard end - line.lowerBound <= Self.methodBytes else { throw HTTPFailure(.methodTooLong, at: end) }
        let name = bytes.extracting(line.lowerBound..<end)
        let method = HTTPMethod(name)
        guard let space = bytes.firstIndex(of: 0x20, from: end + 1), space < line.upperBound else {
            throw HTTPFailure(.badStartLine, at: end)
        }
        let minorVersion = try minorVersion(bytes.extracting(space + 1..<line.upperBound), at: space + 1)
        guard space - end - 1 <= limits.targetBytes else { throw HTTPFailure(.targetTooLong, at: end + 1) }
        // A reverse proxy opens no tunnels.
        guard !name.equals("CONNECT", ignoringCase: false) else {
            throw HTTPFailure(.connectRefused, at: line.lowerBound)
        }
        let target = try RequestTarget(bytes, end + 1..<space, method: method)
        return StartLine(
            method: method, minorVersion: minorVersion,
            path: target.path.isEmpty ? "/" : ByteString(bytes.extracting(target.path).copied),
            query: target.query.map { ByteString(bytes.extracting($0).copied) },
            authority: target.authority.map { ByteString(bytes.extracting($0).lowercasedCopy) })
    }

    /// `HTTP/1.1` or `HTTP/1.0`. Another version in the right form is named as such.
    private func minorVersion(_ text: Span<UInt8>, at offset: Int) throws(HTTPFailure) -> Int {
        if text.equals("HTTP/1.1", ignoringCase: false) { return 1 }
        if text.equals("HTTP/1.0", ignoringCase: false) { return 0 }
        let hasForm =
            text.count == 8 && text.extracting(0..<5).equals("HTTP/", ignoringCase: false)
            && text[5].isDigit && text[6] == UInt8(ascii: ".") && text[7].isDigit
        throw HTTPFailure(hasForm ? .unsupportedVersion : .badVersion, at: offset)
    }

    // MARK: What the fields say

    private func head(_ line: StartLine) throws(HTTPFailure) -> RequestHead {
        let host = try host(line)
        let framing = try framing(line.minorVersion)
        let options = try reader.connectionOptions()
        if let index = reader.deciding.contentEncoding,
            !reader.fields.withValue(at: index, { $0.equals("identity", ignoringCase: true) })
        {
            throw HTTPFailure(.codedBody, at: 0)
        }
        return RequestHead(
            method: line.method, path: line.path, query: line.query, minorVersion: line.minorVersion,
            fields: reader.fields, framing: framing, keepsAlive: line.minorVersion == 1 && !options.close, host: host,
            expectsContinue: try expectsContinue(line.minorVersion))
    }

    /// Host is required once and must be an authority, for HTTP/1.0 too: without one we could not say who was asked.
    private func host(_ line: StartLine) throws(HTTPFailure) -> ByteString {
        guard let index = reader.deciding.host else { throw HTTPFailure(.missingHost, at: 0) }
        let host = reader.fields.withValue(at: index) { isAuthority($0) ? ByteString($0.lowercasedCopy) : nil }
        guard let host else { throw HTTPFailure(.badHost, at: 0) }
        // RFC 9112 section 3.2.2 lets the target win; two answers to one question are refused instead.
        if let authority = line.authority, authority != host { throw HTTPFailure(.targetContradictsHost, at: 0) }
        return host
    }

    private func framing(_ minorVersion: Int) throws(HTTPFailure) -> BodyFraming {
        if try reader.isChunked(minorVersion: minorVersion) { return .chunked }
        return try reader.contentLength(limit: limits.bodyBytes).map { .length($0) } ?? .none
    }

    /// RFC 9110 section 10.1.1: from HTTP/1.0 it is ignored; any other expectation fails.
    private func expectsContinue(_ minorVersion: Int) throws(HTTPFailure) -> Bool {
        guard let index = reader.deciding.expect else { return false }
        guard reader.fields.withValue(at: index, { $0.equals("100-continue", ignoringCase: true) }) else {
            throw HTTPFailure(.badExpectation, at: 0)
        }
        return minorVersion == 1
    }
}

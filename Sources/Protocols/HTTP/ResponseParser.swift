import Bytes

/// Reads response heads from an upstream (RFC 9112), as strictly as requests are read.
///
/// Interim answers (1xx) are returned like others: whoever asked decides to go on. One parser reads all heads of one
/// answer; make another for the next request, because its method decides the framing.
public struct ResponseParser: Sendable {
    private let limits: HTTPLimits
    private let requestMethod: HTTPMethod
    private var reader: HeadReader
    private var line: StatusLine?

    private struct StatusLine: Sendable {
        var minorVersion: Int
        var status: Int
    }

    /// A parser for the answer to a request with this method.
    public init(limits: HTTPLimits = .standard, requestMethod: HTTPMethod) {
        self.limits = limits
        self.requestMethod = requestMethod
        self.reader = HeadReader(limits: limits)
    }

    /// Reads on from the beginning of the head. Nil when more bytes are needed; after a failure the connection is of no
    /// more use.
    public mutating func parse(
        _ bytes: Span<UInt8>
    ) throws(HTTPFailure) -> (head: ResponseHead, consumed: Int)? {
        if line == nil {
            guard try beginsWell(bytes), let range = try reader.line(bytes) else { return nil }
            line = try statusLine(bytes, range)
        }
        guard try reader.readFields(bytes), let line else { return nil }
        let head = try head(line)
        let consumed = reader.position
        reader = HeadReader(limits: limits)
        self.line = nil
        return (head, consumed)
    }

    /// Refuses another protocol at its first bytes instead of waiting for its first line to end.
    private func beginsWell(_ bytes: Span<UInt8>) throws(HTTPFailure) -> Bool {
        let start = "HTTP/1.".utf8.span
        for index in 0..<min(bytes.count, start.count) where bytes[index] != start[index] {
            throw HTTPFailure(.badStartLine, at: index)
        }
        return bytes.count > start.count
    }

    /// `HTTP-version SP status-code [ SP reason-phrase ]`; the second space is missing often enough to be let pass.
    private func statusLine(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(HTTPFailure) -> StatusLine {
        let line = bytes.extracting(range)
        guard line.count >= 12 else { throw HTTPFailure(.badStartLine, at: range.lowerBound) }
        let version = line.extracting(0..<8)
        let isCurrent = version.equals("HTTP/1.1", ignoringCase: false)
        guard isCurrent || version.equals("HTTP/1.0", ignoringCase: false), line[8] == 0x20 else {
            throw HTTPFailure(.badVersion, at: range.lowerBound)
        }
        guard line[9].isDigit, line[10].isDigit, line[11].isDigit, line.count == 12 || line[12] == 0x20 else {
            throw HTTPFailure(.badStatus, at: range.lowerBound + 9)
        }
        let status = Int(line[9] - 0x30) * 100 + Int(line[10] - 0x30) * 10 + Int(line[11] - 0x30)
        guard status >= 100, status < 600 else { throw HTTPFailure(.badStatus, at: range.lowerBound + 9) }
        guard line.extracting(12..<line.count).isFieldValue else {
            throw HTTPFailure(.badReason, at: range.lowerBound + 12)
        }
        return StatusLine(minorVersion: isCurrent ? 1 : 0, status: status)
    }

    private func head(_ line: StatusLine) throws(HTTPFailure) -> ResponseHead {
        let isChunked = try reader.isChunked(minorVersion: line.minorVersion)
        let length = try reader.contentLength(limit: .max)
        // Nobody asked for another protocol.
        guard line.status != 101 else { throw HTTPFailure(.unexpectedUpgrade, at: 0) }
        let options = try reader.connectionOptions()
        var keepsAlive = line.minorVersion == 1 ? !options.close : options.keepAlive && !options.close
        let framing: BodyFraming
        if hasNoBody(line.status) {
            framing = .none
            // RFC 9112 section 6.1 forbids framing fields here; whoever sends them may send a body as well.
            if line.status < 300, isTunnel(line.status) || isChunked || length ?? 0 > 0, requestMethod != .head {
                keepsAlive = false
            }
        } else if isChunked {
            framing = .chunked
        } else if let length {
            framing = .length(length)
        } else {
            framing = .untilClose
            keepsAlive = false
        }
        return ResponseHead(status: line.status, fields: reader.fields, framing: framing, keepsAlive: keepsAlive)
    }

    /// RFC 9112 section 6.3, rules 1 and 2.
    private func hasNoBody(_ status: Int) -> Bool {
        status < 200 || status == 204 || status == 304 || requestMethod == .head || isTunnel(status)
    }

    private func isTunnel(_ status: Int) -> Bool {
        status / 100 == 2 && requestMethod == .other("CONNECT")
    }
}

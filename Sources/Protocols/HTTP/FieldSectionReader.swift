import Bytes

/// Reads the head of an HTTP/2 request (RFC 9113 section 8) from its fields, as strictly as `RequestParser` reads a text:
/// what somebody behind us could understand differently is refused, never repaired.
///
/// Hand over the fields in order, then ask for the head. Offsets in failures count bytes of names and values.
public struct FieldSectionReader: Sendable {
    private var reader: HeadReader
    private var method: HTTPMethod?
    private var scheme = false
    private var path: ByteString?
    private var authority: ByteString?
    private var isAmongPseudoFields = true
    /// Bytes so far, each field counted as its line in HTTP/1.1 would be.
    private var size = 0

    /// A reader for one head.
    public init(limits: HTTPLimits = .standard) {
        reader = HeadReader(limits: limits)
    }

    /// Takes the next field.
    public mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(HTTPFailure) {
        let line = name.count + value.count + 4
        guard name.count > 0 else { throw HTTPFailure(.badFieldName, at: size) }
        if name.equals(":path", ignoringCase: false), value.count > reader.limits.targetBytes {
            throw HTTPFailure(.targetTooLong, at: size)
        }
        guard line <= reader.limits.headBytes - size else { throw HTTPFailure(.headTooLarge, at: size) }
        if name[0] == UInt8(ascii: ":") {
            try addPseudoField(name, value)
        } else {
            isAmongPseudoFields = false
            guard line <= reader.limits.fieldBytes else { throw HTTPFailure(.fieldTooLarge, at: size) }
            guard reader.fields.count < reader.limits.fieldCount else { throw HTTPFailure(.tooManyFields, at: size) }
            try Self.check(name, value, at: size)
            guard reader.take(name, value) else { throw HTTPFailure(.repeatedField, at: size) }
        }
        size += line
    }

    /// Each at most once and before all others (section 8.3); any that we do not know is refused.
    private mutating func addPseudoField(_ name: Span<UInt8>, _ value: Span<UInt8>) throws(HTTPFailure) {
        guard isAmongPseudoFields else { throw HTTPFailure(.badPseudoField, at: size) }
        if name.equals(":method", ignoringCase: false), method == nil {
            guard value.count <= RequestParser.methodBytes else { throw HTTPFailure(.methodTooLong, at: size) }
            guard value.isToken else { throw HTTPFailure(.badMethod, at: size) }
            // A reverse proxy opens no tunnels.
            guard !value.equals("CONNECT", ignoringCase: false) else { throw HTTPFailure(.connectRefused, at: size) }
            method = HTTPMethod(value)
        } else if name.equals(":scheme", ignoringCase: false), !scheme {
            guard value.equals("https", ignoringCase: true) || value.equals("http", ignoringCase: true) else {
                throw HTTPFailure(.badPseudoField, at: size)
            }
            scheme = true
        } else if name.equals(":path", ignoringCase: false), path == nil {
            path = ByteString(value.copied)
        } else if name.equals(":authority", ignoringCase: false), authority == nil {
            guard isAuthority(value) else { throw HTTPFailure(.badHost, at: size) }
            authority = ByteString(value.lowercasedCopy)
        } else {
            throw HTTPFailure(.badPseudoField, at: size)
        }
    }

    /// The head, of a request that has no body when it `ends` here.
    public func head(ends: Bool) throws(HTTPFailure) -> RequestHead {
        guard let method, scheme, let path else { throw HTTPFailure(.badPseudoField, at: size) }
        let target = path.bytes.span
        // The authority has a field of its own: a second one here could be another.
        guard !target.isEmpty, target[0] == UInt8(ascii: "/") || target[0] == UInt8(ascii: "*") else {
            throw HTTPFailure(.badTarget, at: size)
        }
        let parts = try RequestTarget(target, 0..<target.count, method: method)
        let host = try host()
        if let index = reader.deciding.contentEncoding,
            !reader.fields.withValue(at: index, { $0.equals("identity", ignoringCase: true) })
        {
            throw HTTPFailure(.codedBody, at: size)
        }
        return RequestHead(
            method: method, path: parts.path.isEmpty ? "/" : ByteString(target.extracting(parts.path).copied),
            query: parts.query.map { ByteString(target.extracting($0).copied) }, fields: reader.fields,
            framing: try framing(ends: ends), host: host, expectsContinue: try expectsContinue(ends: ends))
    }

    private func host() throws(HTTPFailure) -> ByteString {
        guard let index = reader.deciding.host else {
            guard let authority else { throw HTTPFailure(.missingHost, at: size) }
            return authority
        }
        let host = reader.fields.withValue(at: index) { isAuthority($0) ? ByteString($0.lowercasedCopy) : nil }
        guard let host else { throw HTTPFailure(.badHost, at: size) }
        guard authority == nil || authority == host else { throw HTTPFailure(.targetContradictsHost, at: size) }
        return host
    }

    /// Without a length the body ends where the stream does; what HTTP/1.1 needs chunks for.
    private func framing(ends: Bool) throws(HTTPFailure) -> BodyFraming {
        let length = try reader.contentLength(limit: reader.limits.bodyBytes)
        guard ends else { return length.map { .length($0) } ?? .chunked }
        guard length ?? 0 == 0 else { throw HTTPFailure(.lengthMismatch, at: size) }
        return length.map { .length($0) } ?? .none
    }

    private func expectsContinue(ends: Bool) throws(HTTPFailure) -> Bool {
        guard let index = reader.deciding.expect else { return false }
        guard reader.fields.withValue(at: index, { $0.equals("100-continue", ignoringCase: true) }) else {
            throw HTTPFailure(.badExpectation, at: size)
        }
        return !ends
    }

    /// Section 8.2: names in lower case, values without the bytes that end lines elsewhere or white space at their ends,
    /// and nothing about a connection.
    private static func check(_ name: Span<UInt8>, _ value: Span<UInt8>, at offset: Int) throws(HTTPFailure) {
        for index in name.indices where !name[index].isTokenByte || name[index].asciiLowercased != name[index] {
            throw HTTPFailure(.badFieldName, at: offset)
        }
        for index in value.indices where !value[index].isFieldValueByte {
            switch value[index] {
            case 0x0a: throw HTTPFailure(.bareLineFeed, at: offset)
            case 0x0d: throw HTTPFailure(.bareCarriageReturn, at: offset)
            default: throw HTTPFailure(.badFieldValue, at: offset)
            }
        }
        guard value.trimmed(0..<value.count).count == value.count else {
            throw HTTPFailure(.badFieldValue, at: offset)
        }
        guard !isOfTheConnection(name, value) else { throw HTTPFailure(.connectionField, at: offset) }
    }

    /// Section 8.2.2. `TE: trailers` alone is allowed.
    private static func isOfTheConnection(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        switch name.count {
        case 2 where name.equals("te", ignoringCase: false): !value.equals("trailers", ignoringCase: true)
        case 7: name.equals("upgrade", ignoringCase: false)
        case 10: name.equals("connection", ignoringCase: false) || name.equals("keep-alive", ignoringCase: false)
        case 14: name.equals("http2-settings", ignoringCase: false)
        case 16: name.equals("proxy-connection", ignoringCase: false)
        case 17: name.equals("transfer-encoding", ignoringCase: false)
        default: false
        }
    }
}

extension FieldSectionReader {
    /// Checks a field of a trailer section as `BodyDecoder` does: it is checked and dropped. `index` counts them.
    public static func checkTrailer(
        _ name: Span<UInt8>, _ value: Span<UInt8>, index: Int, limits: HTTPLimits
    ) throws(HTTPFailure) {
        guard index < limits.trailerCount else { throw HTTPFailure(.trailerTooLarge, at: index) }
        guard !name.isEmpty, name[0] != UInt8(ascii: ":") else { throw HTTPFailure(.badPseudoField, at: index) }
        do throws(HTTPFailure) {
            try check(name, value, at: index)
        } catch {
            throw HTTPFailure(error.reason == .connectionField ? .forbiddenTrailer : .badTrailer, at: index)
        }
        guard !isForbiddenInTrailers(name) else { throw HTTPFailure(.forbiddenTrailer, at: index) }
    }
}

extension ResponseHead {
    /// Gives the fields that HTTP/2 sends: what is about framing or the connection is left out, as `encode` does, and the
    /// length follows from `framing`. Values have no white space at their ends (RFC 9113 section 8.2.1).
    public func forEachFieldOfSection(_ body: (_ name: [UInt8], _ value: [UInt8]) -> Void) {
        fields.forEachEndToEnd { name, value in
            body(name.copied, value.extracting(value.trimmed(0..<value.count)).copied)
        }
        guard case .length(let count) = framing else { return }
        body(Array("content-length".utf8), Array(String(count).utf8))
    }
}

public import Bytes

/// A media type with its parameters (RFC 9110 section 8.3.1), parsed strictly: a label that two readers could understand
/// differently is not a media type.
public struct MediaType: Hashable, Sendable {
    /// In lower case.
    public let type: ByteString
    /// In lower case.
    public let subtype: ByteString
    /// In order; names in lower case, values unquoted, no name twice.
    public let parameters: [Parameter]

    /// One parameter.
    public struct Parameter: Hashable, Sendable {
        /// In lower case.
        public let name: ByteString
        /// As sent, without quotes and escapes.
        public let value: ByteString
    }

    /// Nil for anything but one well-formed media type.
    public init?(_ value: ByteString) {
        var reader = ParameterReader(bytes: value.bytes)
        guard let type = reader.token(), reader.take(UInt8(ascii: "/")), let subtype = reader.token(),
            let parameters = reader.parameters()
        else { return nil }
        self.type = type
        self.subtype = subtype
        self.parameters = parameters
    }

    /// The value of a parameter; the name in lower case.
    public func parameter(_ name: ByteString) -> ByteString? {
        parameters.first { $0.name == name }?.value
    }

    /// `application/json` in UTF-8: any other charset on it makes two readers see two texts.
    public var isJSON: Bool { type == "application" && subtype == "json" && isUTF8 }

    /// `text/event-stream`, which is UTF-8 always (WHATWG HTML section 9.2).
    public var isEventStream: Bool { type == "text" && subtype == "event-stream" && isUTF8 }

    private var isUTF8: Bool {
        guard let charset = parameter("charset") else { return true }
        return charset.bytes.span.equals("utf-8", ignoringCase: true)
    }
}

/// Reads tokens and parameters from one field value.
private struct ParameterReader {
    let bytes: [UInt8]
    var position = 0

    mutating func take(_ byte: UInt8) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }

    mutating func token() -> ByteString? {
        let start = position
        while position < bytes.count, bytes[position].isTokenByte { position += 1 }
        guard position > start else { return nil }
        return ByteString(bytes.span.extracting(start..<position).lowercasedCopy)
    }

    /// `*( OWS ";" OWS [ parameter ] )`, of which we refuse the empty parameter.
    mutating func parameters() -> [MediaType.Parameter]? {
        var parameters: [MediaType.Parameter] = []
        skipSpace()
        while position < bytes.count {
            guard take(UInt8(ascii: ";")) else { return nil }
            skipSpace()
            guard let name = token(), take(UInt8(ascii: "=")), let value = value(),
                !parameters.contains(where: { $0.name == name })
            else { return nil }
            parameters.append(MediaType.Parameter(name: name, value: value))
            skipSpace()
        }
        return parameters
    }

    private mutating func value() -> ByteString? {
        guard take(UInt8(ascii: "\"")) else {
            let start = position
            guard token() != nil else { return nil }
            return ByteString(Array(bytes[start..<position]))
        }
        return quoted()
    }

    /// `quoted-string` (RFC 9110 section 5.6.4) after its first quotation mark.
    private mutating func quoted() -> ByteString? {
        var value: [UInt8] = []
        while position < bytes.count {
            var byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\"") { return ByteString(value) }
            if byte == UInt8(ascii: "\\") {
                guard position < bytes.count else { return nil }
                byte = bytes[position]
                position += 1
            }
            guard byte.isFieldValueByte else { return nil }
            value.append(byte)
        }
        return nil
    }

    private mutating func skipSpace() {
        while position < bytes.count, bytes[position] == 0x20 || bytes[position] == 0x09 { position += 1 }
    }
}

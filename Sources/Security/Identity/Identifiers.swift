public import Bytes
internal import OpenSSL

/// The identifier of an endpoint: a UUID in lower case. It is no secret and stands in logs and records.
public struct EndpointID: Hashable, Sendable, CustomStringConvertible {
    /// The canonical text.
    public let text: ByteString

    /// Takes `text` if it is a UUID in canonical form, upper case allowed; nothing otherwise.
    public init?(_ text: ByteString) {
        guard let canonical = canonicalUUID(text) else { return nil }
        self.text = canonical
    }

    static func fresh() throws(OpenSSLFailure) -> EndpointID { EndpointID(trusted: try freshUUID()) }

    private init(trusted text: ByteString) {
        self.text = text
    }

    /// The canonical text.
    public var description: String { text.text }
}

/// The identifier of an API token, and the `jti` of one that is signed: a UUID in lower case, no secret.
public struct TokenID: Hashable, Sendable, CustomStringConvertible {
    /// The canonical text.
    public let text: ByteString

    /// Takes `text` if it is a UUID in canonical form, upper case allowed; nothing otherwise.
    public init?(_ text: ByteString) {
        guard let canonical = canonicalUUID(text) else { return nil }
        self.text = canonical
    }

    static func fresh() throws(OpenSSLFailure) -> TokenID { TokenID(trusted: try freshUUID()) }

    private init(trusted text: ByteString) {
        self.text = text
    }

    /// The canonical text.
    public var description: String { text.text }
}

/// Lower case of a text of the form 8-4-4-4-12; nothing for another form.
private func canonicalUUID(_ text: ByteString) -> ByteString? {
    let lower = text.asciiLowercased
    guard lower.count == 36 else { return nil }
    for (index, byte) in lower.bytes.enumerated() {
        let isDash = index == 8 || index == 13 || index == 18 || index == 23
        let isHex = (48...57).contains(byte) || (97...102).contains(byte)
        guard isDash ? byte == UInt8(ascii: "-") : isHex else { return nil }
    }
    return lower
}

/// A random UUID (RFC 9562, version 4).
private func freshUUID() throws(OpenSSLFailure) -> ByteString {
    var bytes = try Random.bytes(16)
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    var text: [UInt8] = []
    for (index, byte) in bytes.enumerated() {
        if index == 4 || index == 6 || index == 8 || index == 10 { text.append(UInt8(ascii: "-")) }
        text += [UInt8](Hex.encode([byte]).utf8)
    }
    return ByteString(text)
}

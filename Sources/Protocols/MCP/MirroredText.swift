public import Bytes

/// A value as a header field carries it (2026-07-28, `basic/transports/streamable-http`, "Request Metadata"): as it stands where
/// it is plain ASCII, otherwise in base 64 between `=?base64?` and `?=`.
public enum MirroredText {
    private static let prefix = Array("=?base64?".utf8)
    private static let suffix = Array("?=".utf8)

    /// The value that a field carries; nil when it begins like an encoded one and is not exactly what `encode` writes.
    public static func decode(_ field: ByteString) -> ByteString? {
        guard isWrapped(field.bytes) else { return field }
        let inner = field.bytes[prefix.count..<(field.count - suffix.count)]
        guard let bytes = Base64.decode(ByteString(Array(inner))), String(validating: bytes, as: UTF8.self) != nil
        else {
            return nil
        }
        return ByteString(bytes)
    }

    /// The field's value.
    public static func encode(_ text: ByteString) -> ByteString {
        let isPlain =
            text.bytes.allSatisfy { (0x20...0x7e).contains($0) } && text.bytes.first != 0x20 && text.bytes.last != 0x20
            && !text.isEmpty && !isWrapped(text.bytes)
        return isPlain ? text : ByteString("=?base64?\(Base64.encode(text.bytes))?=")
    }

    private static func isWrapped(_ bytes: [UInt8]) -> Bool {
        bytes.count >= prefix.count + suffix.count && bytes.starts(with: prefix)
            && bytes.suffix(suffix.count).elementsEqual(suffix)
    }
}

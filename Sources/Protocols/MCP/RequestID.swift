public import Bytes
public import JSON

/// A JSON-RPC request id, kept as the JSON text that the sender wrote.
///
/// The type is part of the id (`1` and `"1"` are two ids), and a large integer keeps every digit: MCP allows strings and
/// integers only (`basic/index`, "Requests"), and an answer must carry the very id that was asked with.
public struct RequestID: Hashable, Sendable {
    /// The id as JSON text: `7`, `"a"`.
    public let encoded: ByteString

    /// The longest id that is taken, in bytes of JSON text.
    public static let byteLimit = 256

    init(encoded: ByteString) {
        self.encoded = encoded
    }

    /// An id of our own: a string.
    public init(text: ByteString) {
        encoded = ByteString(JSONValue.string(text).encoded())
    }

    /// Reads an id: a string or an integer that every JSON implementation writes back alike.
    ///
    /// `null`, fractions and exponents are refused (servers take them for notifications), so is `-0`. Progress tokens have
    /// the same form.
    public init?(_ node: JSONDocument.Node, in document: JSONDocument) {
        switch document.kind(node) {
        case .string:
            break
        case .number:
            guard let text = document.numberText(node), RequestID.isPlainInteger(text) else { return nil }
        case .null, .bool, .array, .object:
            return nil
        }
        var encoded: [UInt8] = []
        document.write(node, into: &encoded)
        guard encoded.count <= RequestID.byteLimit else { return nil }
        self.encoded = ByteString(encoded)
    }

    private static func isPlainInteger(_ text: ByteString) -> Bool {
        let digits = text.bytes.first == UInt8(ascii: "-") ? text.bytes.dropFirst() : text.bytes[...]
        guard !digits.isEmpty, digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
            return false
        }
        return text.bytes != Array("-0".utf8)
    }
}

internal import Bytes
internal import HTTP

/// The one way a credential comes in a header: `Authorization: Bearer TOKEN` (RFC 6750 section 2.1), once. Not in the
/// query, where logs keep it (MCP forbids it), not in a cookie, not in a second field.
enum BearerToken {
    /// The longest token that is looked at.
    static let limit = 8 * 1024

    /// What the header holds.
    enum Reading: Equatable {
        case missing
        case malformed
        case token(ByteString)
    }

    static func read(_ fields: HeaderFields) -> Reading {
        // Nil also when there are two: then it is malformed.
        guard let value = fields["authorization"] else {
            return fields.contains("authorization") ? .malformed : .missing
        }
        let scheme = "bearer ".utf8
        guard value.count <= scheme.count + limit,
            value.bytes.prefix(scheme.count).elementsEqual(
                scheme, by: { $0 == $1 || $0 &- 0x41 < 26 && $0 | 0x20 == $1 })
        else { return .malformed }
        let token = value.bytes.dropFirst(scheme.count)
        return isToken68(token) ? .token(ByteString(token)) : .malformed
    }

    /// RFC 9110 section 11.2: letters, digits and `-._~+/`, then any number of `=`.
    private static func isToken68(_ bytes: ArraySlice<UInt8>) -> Bool {
        let body = bytes.prefix { $0 != UInt8(ascii: "=") }
        guard !body.isEmpty, bytes[body.endIndex...].allSatisfy({ $0 == UInt8(ascii: "=") }) else { return false }
        return body.allSatisfy { byte in
            switch byte {
            case 48...57, 65...90, 97...122: true
            case UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"), UInt8(ascii: "+"),
                UInt8(ascii: "/"):
                true
            default: false
            }
        }
    }
}

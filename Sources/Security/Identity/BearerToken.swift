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
        let values = fields.all("authorization")
        guard let value = values.first else { return .missing }
        let scheme = [UInt8]("bearer ".utf8)
        guard values.count == 1, value.count <= scheme.count + limit,
            ByteString(value.bytes.prefix(scheme.count)).asciiLowercased == ByteString(scheme)
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

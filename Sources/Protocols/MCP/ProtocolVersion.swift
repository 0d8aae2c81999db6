public import Bytes

/// A revision of MCP that Komainu speaks, or knows well enough to refuse in the way its clients fall back from.
public enum ProtocolVersion: String, CaseIterable, Comparable, Sendable {
    /// Streamable HTTP's first revision; batches are refused here as in every other.
    case v20250326 = "2025-03-26"
    /// Structured output; `MCP-Protocol-Version` on every request after `initialize`.
    case v20250618 = "2025-06-18"
    /// The last revision with a handshake and sessions.
    case v20251125 = "2025-11-25"
    /// The stateless revision: no handshake, one self-contained POST per request.
    case v20260728 = "2026-07-28"

    /// Reads the text of a header or a `protocolVersion` member; `nil` for anything else, byte for byte.
    public init?(_ text: ByteString) {
        guard let version = ProtocolVersion.allCases.first(where: { $0.name == text }) else { return nil }
        self = version
    }

    /// The revision's date, as it stands on the wire.
    public var name: ByteString { ByteString(rawValue) }

    /// Whether sessions begin with `initialize` (every revision before 2026-07-28).
    public var hasHandshake: Bool { self < .v20260728 }

    /// The revisions with a handshake, oldest first.
    public static let withHandshake: [ProtocolVersion] = allCases.filter(\.hasHandshake)

    /// What a request without `MCP-Protocol-Version` is taken for (2025-06-18, `basic/transports`).
    public static let assumedWithoutHeader: ProtocolVersion = .v20250326

    /// Older before newer.
    public static func < (left: ProtocolVersion, right: ProtocolVersion) -> Bool {
        left.rawValue.utf8.lexicographicallyPrecedes(right.rawValue.utf8)
    }
}

import Bytes
import Identity

/// Where a client knocked (design 1.4): two kinds of door, `/mcp/<endpoint token>` and `/u/<upstream>/mcp`, compared byte for byte;
/// nothing is normalised.
extension EndpointRoute {
    /// The longest token or name that is looked at.
    private static var segmentLimit: Int { 256 }

    /// The door at a path; nil when there is none.
    init?(path: ByteString) {
        let segments = path.bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard segments.first?.isEmpty == true else { return nil }
        let parts = segments.dropFirst().map { ByteString(Array($0)) }
        switch (parts.count, parts.first) {
        case (2, "mcp"):
            guard let token = parts.last, EndpointRoute.isPlain(token) else { return nil }
            self = .capability(token)
        case (3, "u"):
            guard parts[2] == "mcp", EndpointRoute.isPlain(parts[1]) else { return nil }
            self = .upstream(parts[1])
        default:
            return nil
        }
    }

    /// Unreserved characters only (RFC 3986 section 2.3): a percent sign would make two spellings of one door.
    private static func isPlain(_ segment: ByteString) -> Bool {
        !segment.isEmpty && segment.count <= segmentLimit
            && segment.bytes.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
                    UInt8(ascii: "~"):
                    true
                default:
                    false
                }
            }
    }
}

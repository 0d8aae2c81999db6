/// Which addresses belong to nobody's own network: a document fetched for us must not come from inside (SSRF; MCP security best
/// practices, "Server-Side Request Forgery"). The special-purpose registries of IANA (RFC 6890 and its updates).
enum PublicAddress {
    static func includes(v4 bytes: [UInt8]) -> Bool {
        guard bytes.count == 4 else { return false }
        return switch (bytes[0], bytes[1]) {
        case (0, _), (10, _), (127, _), (169, 254), (192, 168), (224..., _): false
        case (100, 64...127), (172, 16...31), (198, 18...19): false
        case (192, 0): bytes[2] != 0 && bytes[2] != 2
        case (198, 51): bytes[2] != 100
        case (203, 0): bytes[2] != 113
        default: true
        }
    }

    static func includes(v6 bytes: [UInt8]) -> Bool {
        guard bytes.count == 16 else { return false }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xFF && bytes[11] == 0xFF
        let isTranslated = bytes.starts(with: [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0])
        if isMapped || isTranslated { return includes(v4: Array(bytes[12...])) }
        if bytes[0] == 0x20, bytes[1] == 0x02 { return includes(v4: Array(bytes[2..<6])) }
        // Only 2000::/3 is given out; of it, documentation, benchmarking and Teredo are nobody's.
        guard bytes[0] & 0xE0 == 0x20 else { return false }
        return !bytes.starts(with: [0x20, 0x01, 0x0D, 0xB8])
            && !(bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] < 0x02)
    }
}

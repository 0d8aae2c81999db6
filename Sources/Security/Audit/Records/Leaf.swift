import OpenSSL

/// Hashes of the trail: lines are the leaves of an RFC 6962 tree, and each line names the leaf before it.
struct LeafHasher: ~Copyable {
    private var stream = SHA256Stream()

    /// SHA-256 over a zero byte and the line without its end (RFC 6962 section 2.1).
    mutating func leaf(of line: Span<UInt8>) -> [UInt8] {
        stream.update([0])
        stream.update(line)
        return stream.finish()
    }

    /// What the first line names as its predecessor: it ties the whole chain to the log's name.
    static func genesis(of origin: String) -> [UInt8] {
        SHA256.hash(Array("mcp-audit/genesis\n\(origin)".utf8))
    }
}

public import Bytes
internal import OpenSSL

/// A hash in an RFC 6962 tree, 32 bytes of SHA-256 (section 2.1; RFC 9162 hashes identically).
public struct TreeHash: Hashable, Sendable {
    /// The length of a hash in bytes.
    public static let byteCount = 32
    /// The root of a tree without leaves.
    public static let ofNothing = TreeHash(unchecked: SHA256.hash([UInt8]()))

    /// Its 32 bytes.
    public let bytes: [UInt8]

    /// Takes a hash from elsewhere; nil unless it has 32 bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == TreeHash.byteCount else { return nil }
        self.bytes = bytes
    }

    /// Reads a hash as checkpoints and proofs write it: padded base 64.
    public init?(base64 text: ByteString) {
        guard let bytes = Base64.decode(text) else { return nil }
        self.init(bytes)
    }

    private init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The leaf of an entry. The byte in front keeps leaves and nodes apart: no entry can pass for a subtree.
    public static func leaf(of entry: [UInt8]) -> TreeHash {
        TreeHash(unchecked: SHA256.hash([0] + entry))
    }

    /// The node over two subtrees.
    public static func node(_ left: TreeHash, _ right: TreeHash) -> TreeHash {
        var input: [UInt8] = []
        input.reserveCapacity(1 + 2 * byteCount)
        input.append(1)
        input.append(contentsOf: left.bytes)
        input.append(contentsOf: right.bytes)
        return TreeHash(unchecked: SHA256.hash(input))
    }

    /// The root over hashes that begin a subtree of their own. `hashes` has at least one element.
    static func root(over hashes: ArraySlice<TreeHash>) -> TreeHash {
        guard hashes.count > 1 else { return hashes.first ?? ofNothing }
        let middle = hashes.startIndex + Int(UInt64(hashes.count).split)
        return node(root(over: hashes[..<middle]), root(over: hashes[middle...]))
    }
}

extension UInt64 {
    /// The largest power of two below this number: where RFC 6962 splits a tree of so many leaves. For numbers from 2 on.
    var split: UInt64 { 1 << UInt64(63 - (self - 1).leadingZeroBitCount) }
}

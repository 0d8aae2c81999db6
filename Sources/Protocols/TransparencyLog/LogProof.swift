internal import Bytes

/// A C2SP tlog-proof: that an entry is in a log, to be checked with nothing but the log's public key.
public struct LogProof: Sendable {
    private static let heading: ByteString = "c2sp.org/tlog-proof@v1"

    /// The entry, or whatever helps to find its leaf. The proof does not vouch for it: the leaf does.
    public let extra: [UInt8]?
    /// The entry's place in the log.
    public let index: UInt64
    /// From the leaf's sibling up.
    public let hashes: [TreeHash]
    /// The signed checkpoint, as the log published it.
    public let checkpoint: [UInt8]

    /// Puts a proof together.
    public init(extra: [UInt8]?, index: UInt64, hashes: [TreeHash], checkpoint: [UInt8]) {
        self.extra = extra
        self.index = index
        self.hashes = hashes
        self.checkpoint = checkpoint
    }

    /// Reads a `.tlog-proof` file; nil for anything else.
    public init?(_ bytes: [UInt8]) {
        guard let (lines, checkpoint) = ProofLines.read(bytes, heading: LogProof.heading) else { return nil }
        var rest = lines[...]
        var extra: [UInt8]?
        if let text = rest.first?.removing("extra ") {
            guard let decoded = Base64.decode(text) else { return nil }
            extra = decoded
            rest.removeFirst()
        }
        guard let index = rest.popFirst()?.removing("index ").flatMap({ UInt64(decimal: $0) }),
            let hashes = ProofLines.hashes(rest)
        else { return nil }
        self.init(extra: extra, index: index, hashes: hashes, checkpoint: checkpoint)
    }

    /// The file's content.
    public var encoded: [UInt8] {
        var text = "\(LogProof.heading)\n"
        if let extra { text += "extra \(Base64.encode(extra))\n" }
        text += "index \(index)\n" + ProofLines.text(hashes) + "\n"
        return Array(text.utf8) + checkpoint
    }

    /// Whether the entry with this leaf is in the tree of the checkpoint, which somebody must have verified.
    public func proves(_ leaf: TreeHash, in verified: VerifiedCheckpoint) -> Bool {
        verified.note == checkpoint
            && TreeProof.root(of: leaf, at: index, size: verified.checkpoint.size, hashes) == verified.checkpoint.root
    }
}

/// That a log only grew from one checkpoint to another, in the form in which C2SP tlog-witness asks for a cosignature.
public struct GrowthProof: Sendable {
    /// The size of the earlier tree.
    public let old: UInt64
    /// RFC 6962 section 2.1.2.
    public let hashes: [TreeHash]
    /// The later checkpoint, as the log published it.
    public let checkpoint: [UInt8]

    /// Puts a proof together.
    public init(old: UInt64, hashes: [TreeHash], checkpoint: [UInt8]) {
        self.old = old
        self.hashes = hashes
        self.checkpoint = checkpoint
    }

    /// Reads a proof; nil for anything else.
    public init?(_ bytes: [UInt8]) {
        guard let (lines, checkpoint) = ProofLines.read(bytes, heading: nil),
            let old = lines.first?.removing("old ").flatMap({ UInt64(decimal: $0) }),
            let hashes = ProofLines.hashes(lines.dropFirst())
        else { return nil }
        self.init(old: old, hashes: hashes, checkpoint: checkpoint)
    }

    /// The proof's bytes.
    public var encoded: [UInt8] { Array("old \(old)\n\(ProofLines.text(hashes))\n".utf8) + checkpoint }

    /// Whether the later tree begins with the earlier one. Somebody must have verified both checkpoints.
    public func proves(_ earlier: Checkpoint, in verified: VerifiedCheckpoint) -> Bool {
        let later = verified.checkpoint
        return verified.note == checkpoint && earlier.size == old && earlier.origin == later.origin
            && TreeProof.isConsistent((old, earlier.root), with: (later.size, later.root), hashes)
    }
}

/// What both kinds of proof are made of: lines, an empty one, and a checkpoint.
private enum ProofLines {
    static func read(_ bytes: [UInt8], heading: ByteString?) -> (lines: [ByteString], checkpoint: [UInt8])? {
        guard bytes.count <= SignedNote.limits.bytes,
            let gap = bytes.indices.dropFirst().first(where: { bytes[$0] == 0x0A && bytes[$0 - 1] == 0x0A })
        else { return nil }
        var lines = bytes[..<(gap - 1)].split(separator: 0x0A, omittingEmptySubsequences: false).map { ByteString($0) }
        if let heading {
            guard lines.first == heading else { return nil }
            lines.removeFirst()
        }
        return (lines, Array(bytes[(gap + 1)...]))
    }

    /// No tree whose size is a 64-bit number needs more.
    static func hashes(_ lines: ArraySlice<ByteString>) -> [TreeHash]? {
        guard lines.count <= 64 else { return nil }
        let hashes = lines.compactMap { TreeHash(base64: $0) }
        return hashes.count == lines.count ? hashes : nil
    }

    static func text(_ hashes: [TreeHash]) -> String {
        hashes.map { Base64.encode($0.bytes) + "\n" }.joined()
    }
}

extension ByteString {
    /// What follows a beginning that this text has.
    fileprivate func removing(_ beginning: ByteString) -> ByteString? {
        hasPrefix(beginning) ? ByteString(bytes[beginning.count...]) : nil
    }
}

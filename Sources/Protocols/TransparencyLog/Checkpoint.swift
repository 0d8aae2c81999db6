public import Bytes

/// What a log says of itself in a C2SP tlog-checkpoint: so many leaves, and this root over them.
public struct Checkpoint: Hashable, Sendable {
    /// The log's name.
    public let origin: ByteString
    /// How many leaves the tree has.
    public let size: UInt64
    /// The tree's root.
    public let root: TreeHash

    /// States a tree.
    public init(origin: ByteString, size: UInt64, root: TreeHash) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// Reads the text of a note; nil unless it is a checkpoint's. Extension lines are passed over.
    public init?(text: [UInt8]) {
        let lines = text.split(separator: 0x0A, omittingEmptySubsequences: false).map { ByteString($0) }
        guard lines.count >= 4, lines.last?.isEmpty == true, lines.dropLast().allSatisfy({ !$0.isEmpty }),
            let size = UInt64(decimal: lines[1]), let root = TreeHash(base64: lines[2])
        else { return nil }
        self.init(origin: lines[0], size: size, root: root)
    }

    /// The note's text.
    public var text: [UInt8] {
        origin.bytes + Array("\n\(size)\n\(Base64.encode(root.bytes))\n".utf8)
    }
}

/// A checkpoint whose signature was verified. Only `verifying` makes one.
public struct VerifiedCheckpoint: Sendable {
    /// What was signed.
    public let checkpoint: Checkpoint
    /// The note, as it came.
    public let note: [UInt8]

    /// Why a note is not a checkpoint of a log.
    public enum Failure: Error, Hashable, Sendable {
        /// It is not a signed note, or its text is not a checkpoint.
        case notACheckpoint
        /// It is another log's.
        case otherOrigin(ByteString)
        /// None of its signatures is by one of the keys.
        case unknownKey
        /// One of the keys is said to have signed it and has not.
        case forged
    }

    /// Checks that one of the keys signed the note, and that none is wrongly said to have.
    public static func verifying(_ note: [UInt8], by keys: [NoteKey]) throws(Failure) -> VerifiedCheckpoint {
        guard let signed = SignedNote(note), let checkpoint = Checkpoint(text: signed.text) else {
            throw .notACheckpoint
        }
        if let key = keys.first, key.name != checkpoint.origin { throw .otherOrigin(checkpoint.origin) }
        var isSigned = false
        for key in keys {
            switch key.finding(in: signed) {
            case .signed: isSigned = true
            case .absent: break
            case .forged: throw .forged
            }
        }
        guard isSigned else { throw .unknownKey }
        return VerifiedCheckpoint(checkpoint: checkpoint, note: note)
    }

    private init(checkpoint: Checkpoint, note: [UInt8]) {
        self.checkpoint = checkpoint
        self.note = note
    }
}

extension UInt64 {
    /// A decimal number as C2SP writes it: ASCII digits, without leading zeros.
    init?(decimal text: ByteString) {
        guard (1...20).contains(text.count), text.bytes.allSatisfy({ (0x30...0x39).contains($0) }),
            text.count == 1 || text.bytes.first != 0x30, let value = UInt64(text.text)
        else { return nil }
        self = value
    }
}

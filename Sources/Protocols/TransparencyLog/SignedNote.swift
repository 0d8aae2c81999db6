public import Bytes

/// A C2SP signed note: a text, and signatures over it by keys that have names.
public struct SignedNote: Sendable {
    /// One signature line.
    public struct Signature: Hashable, Sendable {
        /// The key's name.
        public let name: ByteString
        /// The first four bytes of a hash over the key's name and the key: which key of that name it may be.
        public let keyID: [UInt8]
        /// The signature itself.
        public let bytes: [UInt8]

        /// A signature line's three parts.
        public init(name: ByteString, keyID: [UInt8], bytes: [UInt8]) {
            self.name = name
            self.keyID = keyID
            self.bytes = bytes
        }
    }

    /// What is signed, with its last newline.
    public let text: [UInt8]
    /// In the note's order.
    public let signatures: [Signature]

    /// Puts a note together.
    public init(text: [UInt8], signatures: [Signature]) {
        self.text = text
        self.signatures = signatures
    }

    /// How many signatures a note may have, and how long it may be: limits against those who send us notes.
    static let limits = (signatures: 64, bytes: 1 << 20)

    /// Reads a note; nil for anything that is not exactly one. No signature is verified: that is a `NoteKey`'s to do.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count <= SignedNote.limits.bytes, bytes.last == 0x0A,
            String(validating: bytes, as: UTF8.self) != nil, bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0A })
        else { return nil }
        // The last empty line stands between the text and the signatures.
        guard let gap = (1..<bytes.count).last(where: { bytes[$0] == 0x0A && bytes[$0 - 1] == 0x0A }), gap > 1 else {
            return nil
        }
        var signatures: [Signature] = []
        for line in bytes[(gap + 1)...].dropLast().split(separator: 0x0A, omittingEmptySubsequences: false) {
            guard signatures.count < SignedNote.limits.signatures, let signature = Signature(line: Array(line)) else {
                return nil
            }
            signatures.append(signature)
        }
        guard !signatures.isEmpty else { return nil }
        self.init(text: Array(bytes[..<gap]), signatures: signatures)
    }

    /// The note as it is stored and sent.
    public var encoded: [UInt8] { text + [0x0A] + signatures.flatMap(\.line) }
}

extension SignedNote.Signature {
    /// An em dash and a space.
    private static let mark: [UInt8] = Array("\u{2014} ".utf8)

    fileprivate init?(line: [UInt8]) {
        guard line.starts(with: SignedNote.Signature.mark) else { return nil }
        let parts = line.dropFirst(SignedNote.Signature.mark.count)
            .split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 2, NoteKey.isName(ByteString(parts[0])),
            let blob = Base64.decode(ByteString(parts[1])), blob.count > 4
        else { return nil }
        self.init(name: ByteString(parts[0]), keyID: Array(blob[..<4]), bytes: Array(blob[4...]))
    }

    fileprivate var line: [UInt8] {
        Self.mark + name.bytes + [UInt8(ascii: " ")] + Array(Base64.encode(keyID + bytes).utf8) + [0x0A]
    }
}

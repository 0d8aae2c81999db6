public import Bytes
public import OpenSSL

/// The public key of whoever signs notes, as C2SP signed-note writes it: `<name>+<key id>+<base 64 of type and key>`.
/// Only Ed25519 (type 1) is known.
public struct NoteKey: Hashable, Sendable {
    private static let ed25519: UInt8 = 1

    /// The key's name, which is the log's origin.
    public let name: ByteString
    /// The 32 bytes of the Ed25519 key.
    public let publicKey: [UInt8]
    /// What signature lines call the key by, besides its name.
    public let keyID: [UInt8]

    /// Names a key; nil for a name that no key can have, or a key of another length.
    public init?(name: ByteString, publicKey: [UInt8]) {
        guard NoteKey.isName(name), publicKey.count == 32 else { return nil }
        self.name = name
        self.publicKey = publicKey
        keyID = Array(
            SHA256.hash(name.bytes + [0x0A, NoteKey.ed25519] + publicKey).prefix(4))
    }

    /// Reads a key's text; nil unless it is exactly what `text` writes.
    public init?(_ text: ByteString) {
        let parts = text.bytes.split(separator: UInt8(ascii: "+"), maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, let id = Hex.decode(ByteString(parts[1])),
            let key = Base64.decode(ByteString(parts[2])),
            key.first == NoteKey.ed25519
        else { return nil }
        self.init(name: ByteString(parts[0]), publicKey: Array(key.dropFirst()))
        guard id == keyID, ByteString(self.text) == text else { return nil }
    }

    /// The key's text (`vkey`).
    public var text: String {
        "\(name)+\(Hex.encode(keyID))+\(Base64.encode([NoteKey.ed25519] + publicKey))"
    }

    /// Without spaces and plus signs, and of printable ASCII: a URL without its scheme.
    public static func isName(_ name: ByteString) -> Bool {
        !name.isEmpty && name.count <= 255
            && name.bytes.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "+") }
    }

    /// What a note's signatures say about this key.
    public enum Finding: Sendable {
        /// It signed the note.
        case signed
        /// No line is by this key.
        case absent
        /// A line claims to be by this key and is not.
        case forged
    }

    /// Looks for this key's signature.
    public func finding(in note: SignedNote) -> Finding {
        let lines = note.signatures.filter { $0.name == name && $0.keyID == keyID }
        if lines.isEmpty { return .absent }
        guard let key = try? VerificationKey(ed25519: publicKey) else { return .forged }
        return lines.allSatisfy { key.isValid($0.bytes, for: note.text, by: .eddsa) } ? .signed : .forged
    }
}

/// A key that signs notes.
public struct NoteSigner: Sendable {
    /// What verifies its signatures.
    public let key: NoteKey
    private let signing: SigningKey

    /// Gives an Ed25519 key a name; nil when it is another kind of key, or the name is none.
    public init?(name: ByteString, _ signing: SigningKey) {
        guard let bytes = signing.verificationKey.ed25519Bytes, let key = NoteKey(name: name, publicKey: bytes) else {
            return nil
        }
        self.key = key
        self.signing = signing
    }

    /// The signature line over a note's text.
    public func sign(_ text: [UInt8]) throws(OpenSSLFailure) -> SignedNote.Signature {
        SignedNote.Signature(name: key.name, keyID: key.keyID, bytes: try signing.sign(text, by: .eddsa))
    }
}

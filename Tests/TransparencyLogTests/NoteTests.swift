import Bytes
import OpenSSL
import Testing

@testable import TransparencyLog

/// The example of the signed-note format's first implementation.
private enum Neumann {
    static let key: ByteString = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    static let seed: ByteString = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM="
    static let text = """
        If you think cryptography is the answer to your problem,
        then you don't know what your problem is.

        """
    static let line = """
        — PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=

        """
}

/// A fresh key of that name.
private func signer(_ name: ByteString = "log.example/audit") throws -> NoteSigner {
    try #require(NoteSigner(name: name, .ed25519()))
}

private func note(_ text: [UInt8], _ signers: NoteSigner...) throws -> [UInt8] {
    SignedNote(text: text, signatures: try signers.map { try $0.sign(text) }).encoded
}

@Suite struct `A signed note` {
    @Test func `of another implementation is read, verified, and made again byte for byte`() throws {
        let bytes = Array((Neumann.text + "\n" + Neumann.line).utf8)
        let read = try #require(SignedNote(bytes))
        #expect(read.encoded == bytes)
        let key = try #require(NoteKey(Neumann.key))
        #expect(key.finding(in: read) == .signed)
        let seed = try #require(Base64.decode(Neumann.seed))
        let signer = try #require(NoteSigner(name: "PeterNeumann", try SigningKey(ed25519Seed: seed)))
        #expect(ByteString(signer.key.text) == Neumann.key)
        #expect(try note(Array(Neumann.text.utf8), signer) == bytes)
    }

    @Test func `is read only when it is exactly one`() throws {
        let good = "text\n\n" + Neumann.line
        #expect(SignedNote(Array(good.utf8)) != nil)
        #expect(SignedNote(Array(("a\n\nb\n\n" + Neumann.line).utf8))?.text == Array("a\n\nb\n".utf8))
        for bad in [
            "", "\n", "text\n", "text\n\n", "text\n" + Neumann.line, "\n\n" + Neumann.line, good + "\n",
            String(good.dropLast()), "text\n\n" + Neumann.line + "x\n", "te\u{1}xt\n\n" + Neumann.line,
            "text\n\n- " + Neumann.line.dropFirst(2), "text\n\n— Peter+Neumann x08go/ZJkuA=\n",
            "text\n\n— PeterNeumann x08go_ZJkuA=\n", "text\n\n— PeterNeumann x08gow==\n", "text\n\n—  x08go/ZJkuA=\n",
            "text\n\n— a b x08go/ZJkuA=\n", "text\n\n" + String(repeating: Neumann.line, count: 65),
        ] {
            #expect(SignedNote(Array(bad.utf8)) == nil, "\(bad)")
        }
        #expect(SignedNote(Array("te".utf8) + [0xFF] + Array("xt\n\n\(Neumann.line)".utf8)) == nil)
    }
}

@Suite struct `A note's key` {
    @Test func `is the specification's example`() throws {
        let text: ByteString = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
        let key = try #require(NoteKey(text))
        #expect(key.name == "example.com/foo")
        #expect(ByteString(key.text) == text)
    }

    @Test func `is refused when any character of it is another`() throws {
        let text = Neumann.key.bytes
        for index in text.indices {
            for bit in [UInt8(1), 2, 32] {
                var changed = text
                changed[index] ^= bit
                #expect(NoteKey(ByteString(changed)) == nil, "\(ByteString(changed))")
            }
        }
        #expect(NoteKey("name+00000000+AQ==") == nil)
        #expect(NoteKey(name: "two words", publicKey: [UInt8](repeating: 1, count: 32)) == nil)
    }
}

@Suite struct `A checkpoint` {
    private let root = TreeHash.leaf(of: [1, 2, 3])

    @Test func `is written and read as the specification's example`() throws {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
        let read = try #require(Checkpoint(text: Array(text.utf8)))
        #expect(read.origin == "example.com/behind-the-sofa")
        #expect(read.size == 20_852_163)
        #expect(read.text == Array(text.utf8))
        #expect(Checkpoint(text: Array((text + "extension\n").utf8)) == read)
        for bad in [
            "a\n1\n", "a\n01\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n", "a\n-1\nCsUY\n", "a\n1\nCsUY\n",
            "\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
            "a\n1\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n",
            "a\n99999999999999999999\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n",
        ] {
            #expect(Checkpoint(text: Array(bad.utf8)) == nil, "\(bad)")
        }
    }

    @Test func `is believed when a known key signed it and no known key is slandered`() throws {
        let (first, second, stranger) = (try signer(), try signer(), try signer())
        let checkpoint = Checkpoint(origin: first.key.name, size: 7, root: root)
        let keys = [first.key, second.key]
        for by in [try note(checkpoint.text, first), try note(checkpoint.text, stranger, second)] {
            #expect(try VerifiedCheckpoint.verifying(by, by: keys).checkpoint == checkpoint)
        }
        #expect(throws: VerifiedCheckpoint.Failure.unknownKey) {
            try VerifiedCheckpoint.verifying(note(checkpoint.text, stranger), by: keys)
        }
        #expect(throws: VerifiedCheckpoint.Failure.unknownKey) {
            try VerifiedCheckpoint.verifying(note(checkpoint.text, first), by: [])
        }
        #expect(throws: VerifiedCheckpoint.Failure.notACheckpoint) {
            try VerifiedCheckpoint.verifying(note(Array("hello\n".utf8), first), by: keys)
        }
        let other = Checkpoint(origin: "other.example/audit", size: 7, root: root)
        #expect(throws: VerifiedCheckpoint.Failure.otherOrigin("other.example/audit")) {
            try VerifiedCheckpoint.verifying(note(other.text, first), by: keys)
        }
        // One good signature does not excuse a bad one.
        let good = try first.sign(checkpoint.text)
        let bad = try second.sign(other.text)
        #expect(throws: VerifiedCheckpoint.Failure.forged) {
            try VerifiedCheckpoint.verifying(
                SignedNote(text: checkpoint.text, signatures: [good, bad]).encoded, by: keys)
        }
    }

    @Test func `is not believed when any bit of its note is another`() throws {
        let signer = try signer()
        let bytes = try note(Checkpoint(origin: signer.key.name, size: 7, root: root).text, signer)
        for index in bytes.indices {
            for bit in 0..<8 {
                var changed = bytes
                changed[index] ^= 1 << UInt8(bit)
                #expect(throws: VerifiedCheckpoint.Failure.self) {
                    try VerifiedCheckpoint.verifying(changed, by: [signer.key])
                }
            }
        }
    }
}

@Suite struct `A proof in a file` {
    private func forest(_ size: Int) -> Forest {
        var forest = Forest()
        forest.grow(to: size)
        return forest
    }

    private func view(_ forest: Forest) -> TreeView<Never> {
        let leaves = forest.leaves
        return TreeView(size: UInt64(leaves.count)) { (height, index) throws(Never) in
            Plainly.root(leaves[Int(index) << height..<(Int(index) + 1) << height])
        }
    }

    @Test func `that an entry is in a log is checked with the key alone`() throws {
        let forest = forest(300)
        let signer = try signer()
        let checkpoint = Checkpoint(origin: signer.key.name, size: 300, root: forest.edge.root)
        let signed = try note(checkpoint.text, signer)
        let entry = Array("entry 123".utf8)
        let hashes = try #require(view(forest).inclusion(of: 123))
        let bytes = LogProof(extra: entry, index: 123, hashes: hashes, checkpoint: signed).encoded
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix("c2sp.org/tlog-proof@v1\nextra ZW50cnkgMTIz\nindex 123\n"))
        let read = try #require(LogProof(bytes))
        #expect(read.encoded == bytes)
        let verified = try VerifiedCheckpoint.verifying(read.checkpoint, by: [signer.key])
        #expect(read.proves(.leaf(of: try #require(read.extra)), in: verified))
        #expect(!read.proves(.leaf(of: Array("entry 124".utf8)), in: verified))
        // No byte of it can be another without somebody noticing, except what only names the format's parts.
        for index in bytes.indices {
            var changed = bytes
            changed[index] ^= 1
            guard let read = LogProof(changed), let extra = read.extra,
                let verified = try? VerifiedCheckpoint.verifying(read.checkpoint, by: [signer.key])
            else { continue }
            #expect(!read.proves(.leaf(of: extra), in: verified), "\(index)")
        }
        #expect(LogProof(Array(text.replacing("index 123", with: "index 0123").utf8)) == nil)
        #expect(LogProof(Array(text.replacing("@v1", with: "@v2").utf8)) == nil)
    }

    @Test func `that a log only grew is checked with the key and the earlier checkpoint`() throws {
        let signer = try signer()
        let (old, new) = (forest(77), forest(300))
        let earlier = Checkpoint(origin: signer.key.name, size: 77, root: old.edge.root)
        let signed = try note(
            Checkpoint(origin: signer.key.name, size: 300, root: new.edge.root).text, signer)
        let hashes = try #require(view(new).consistency(from: 77))
        let bytes = GrowthProof(old: 77, hashes: hashes, checkpoint: signed).encoded
        let read = try #require(GrowthProof(bytes))
        #expect(read.encoded == bytes)
        let verified = try VerifiedCheckpoint.verifying(read.checkpoint, by: [signer.key])
        #expect(read.proves(earlier, in: verified))
        #expect(!read.proves(Checkpoint(origin: earlier.origin, size: 77, root: .ofNothing), in: verified))
        #expect(!read.proves(Checkpoint(origin: earlier.origin, size: 78, root: earlier.root), in: verified))
        #expect(!read.proves(Checkpoint(origin: "other", size: 77, root: earlier.root), in: verified))
        #expect(LogProof(bytes) == nil)
    }
}

import Bytes
import System
public import TransparencyLog

/// Proofs about single records, made from a trail's directory and checked without it.
public enum AuditProof {
    /// Why there is no proof.
    public struct Failure: Error, Sendable {
        /// One sentence.
        public let reason: String
    }

    /// A `.tlog-proof` that a record is in the log: the record itself is in it. `record` is its number, or the id of a call, whose
    /// first record is then meant (what was decided).
    public static func inclusion(of record: String, in directory: String) throws(Failure) -> LogProof {
        let view = try SignedView(directory)
        let (number, line) = try view.find(record)
        guard number < view.verified.checkpoint.size else {
            throw Failure(
                reason:
                    "record \(number) is not signed yet; the newest checkpoint covers \(view.verified.checkpoint.size)")
        }
        guard let hashes = try view.attempt({ (tree) throws(SignedView.NoTile) in try tree.inclusion(of: number) })
        else {
            throw Failure(reason: "there is no such record")
        }
        let proof = LogProof(extra: line, index: number, hashes: hashes, checkpoint: view.verified.note)
        guard proof.proves(.leaf(of: line), in: view.verified) else {
            throw Failure(reason: "the record does not lead to the signed root: run `komainu audit verify`")
        }
        return proof
    }

    /// A proof that the log of today begins with the one of an earlier checkpoint, of which the size is enough.
    public static func growth(from old: UInt64, in directory: String) throws(Failure) -> GrowthProof {
        let view = try SignedView(directory)
        guard let hashes = try view.attempt({ (tree) throws(SignedView.NoTile) in try tree.consistency(from: old) })
        else {
            throw Failure(reason: "the log has signed \(view.verified.checkpoint.size) records, not as many as \(old)")
        }
        return GrowthProof(old: old, hashes: hashes, checkpoint: view.verified.note)
    }

    /// What a proof shows to whoever has the log's key. Throws when it shows nothing.
    ///
    /// - Parameter old: the earlier checkpoint, for a proof of growth.
    public static func check(_ bytes: [UInt8], key: NoteKey, old: [UInt8]? = nil) throws(Failure) -> Shown {
        if let proof = LogProof(bytes) { return try check(proof, key) }
        guard let proof = GrowthProof(bytes) else { throw Failure(reason: "it is no proof that this program knows") }
        let verified = try verify(proof.checkpoint, key)
        guard let old else { throw Failure(reason: "a proof of growth is checked with the earlier checkpoint") }
        guard proof.proves(try verify(old, key).checkpoint, in: verified) else {
            throw Failure(reason: "the log does not begin with the one of the earlier checkpoint")
        }
        return Shown(checkpoint: verified.checkpoint, record: nil, old: proof.old)
    }

    /// What a proof showed.
    public struct Shown: Sendable {
        /// What the log signed.
        public let checkpoint: Checkpoint
        /// The record that is in it, with its number.
        public let record: (number: UInt64, line: [UInt8])?
        /// The size of the earlier tree that it begins with.
        public let old: UInt64?
    }

    private static func check(_ proof: LogProof, _ key: NoteKey) throws(Failure) -> Shown {
        let verified = try verify(proof.checkpoint, key)
        guard let line = proof.extra else { throw Failure(reason: "the record is not in the proof") }
        guard proof.proves(.leaf(of: line), in: verified) else {
            throw Failure(reason: "the record does not lead to the signed root")
        }
        return Shown(checkpoint: verified.checkpoint, record: (proof.index, line), old: nil)
    }

    private static func verify(_ note: [UInt8], _ key: NoteKey) throws(Failure) -> VerifiedCheckpoint {
        do throws(VerifiedCheckpoint.Failure) { return try VerifiedCheckpoint.verifying(note, by: [key]) } catch {
            throw Failure(reason: "the checkpoint: \(error.reason)")
        }
    }
}

/// A trail's directory under its newest checkpoint.
private struct SignedView {
    struct NoTile: Error {}

    let verified: VerifiedCheckpoint
    private let storage: DiskStorage
    private let segments: [SegmentName]

    init(_ directory: String) throws(AuditProof.Failure) {
        storage = DiskStorage(directory)
        let found: (note: [UInt8]?, description: [UInt8]?)
        do throws(SystemFailure) {
            found.note = try storage.readIfThere("checkpoint", limit: 1 << 20)
            found.description = try storage.readIfThere(LogDescription.path, limit: LogDescription.limit)
            segments = try storage.list("seg").compactMap(SegmentName.init(fileName:)).sorted()
        } catch {
            throw AuditProof.Failure(reason: error.description)
        }
        guard let note = found.note else { throw AuditProof.Failure(reason: "the log has no signed checkpoint yet") }
        do throws(VerifiedCheckpoint.Failure) {
            let keys = found.description.flatMap { LogDescription($0)?.keys } ?? []
            verified = try VerifiedCheckpoint.verifying(note, by: keys)
        } catch {
            throw AuditProof.Failure(reason: "the checkpoint: \(error.reason)")
        }
    }

    /// Asks the tree in the tiles.
    func attempt<Value>(_ body: (TreeView<NoTile>) throws(NoTile) -> Value) throws(AuditProof.Failure) -> Value {
        let tiles = TileStore(storage)
        let tree = TreeView(size: verified.checkpoint.size) { (tile) throws(NoTile) in
            guard let hashes = try? tiles.hashes(tile) else { throw NoTile() }
            return hashes
        }
        do throws(NoTile) { return try body(tree) } catch {
            throw AuditProof.Failure(
                reason: "a tile is missing: the next start makes it again; `komainu audit verify` says which")
        }
    }

    /// A record by its number or its call's id.
    func find(_ text: String) throws(AuditProof.Failure) -> (number: UInt64, line: [UInt8]) {
        let number = UInt64(text)
        guard number != nil || CallID(ByteString(text)) != nil else {
            throw AuditProof.Failure(reason: "`\(text)` is neither a record's number nor a call's id")
        }
        let call = Array("\"cid\":\"\(text)\"".utf8)
        var names = segments[...]
        if let number, let last = segments.lastIndex(where: { $0.first <= number }) { names = segments[last...last] }
        do throws(SystemFailure) {
            for name in names {
                let file = try storage.open(name.path, .read)
                var reader = LineReader(file, to: try file.status().size)
                var next = name.first
                while let (line, _, isWhole) = try reader.next(), isWhole {
                    if let number {
                        if next == number { return (next, line) }
                    } else if line.contains(call) {
                        return (next, line)
                    }
                    next += 1
                }
            }
        } catch {
            throw AuditProof.Failure(reason: error.description)
        }
        throw AuditProof.Failure(reason: "the trail has no record `\(text)`")
    }
}

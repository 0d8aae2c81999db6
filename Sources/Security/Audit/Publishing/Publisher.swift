import Bytes
import OpenSSL
import System
import TransparencyLog

/// Where the trail stands: so many records are on disk, and this is the leaf of the last.
struct TrailHead: Sendable {
    var next: UInt64
    var lastLeaf: [UInt8]
}

/// Grows the tree over the trail, keeps its tiles, and signs checkpoints. It belongs to one thread and is never waited for by
/// whoever writes records.
///
/// Nothing is signed before its bytes are durable and were read back; what was signed is never contradicted. A crash between
/// any two of its calls to the storage leaves a log that `resume` takes up: tiles first, then the anchor, then `checkpoint`, so
/// that what is released is always anchored, and what is anchored can always be read in the trail.
final class Publisher {
    /// Between two checkpoints that are kept under `checkpoints/`.
    static let historyInterval = Duration.seconds(60)
    /// How many records are read at once; a tree that has more to catch up with is signed in between.
    static let stride: UInt64 = 65_536

    let storage: any LogStorage
    let tiles: TileStore
    let anchor: Anchor
    let keys: any SigningKeys
    let origin: String
    var description: LogDescription
    var signers: [NoteSigner] = []
    var edge = TreeEdge()
    var cursor: TrailCursor
    /// Full tiles that are not on disk yet.
    private var owed: [(tile: Tile, hashes: [TreeHash])] = []
    private var partials: Set<Tile> = []
    /// The newest checkpoint that was signed, whoever saw it.
    private(set) var signed: Checkpoint?
    /// The size of the newest checkpoint that was released.
    var releasedSize: UInt64 = 0
    private var lastKept: MonotonicTime?

    init(_ storage: any LogStorage, anchor: Anchor, keys: any SigningKeys, origin: String) {
        self.storage = storage
        self.anchor = anchor
        self.keys = keys
        self.origin = origin
        tiles = TileStore(storage)
        description = LogDescription(origin: origin)
        cursor = TrailCursor(storage, origin: origin)
    }

    /// Makes the tree what the trail is, and releases a checkpoint over it. `keeps`: also under `checkpoints/`, whatever the time.
    func publish(upTo head: TrailHead, keeps: Bool = false) throws(PublishFailure) {
        while edge.size < head.next {
            try advance(to: min(head.next, edge.size + Publisher.stride))
            if edge.size < head.next { try release(keeps: true) }
        }
        // The chain of hashes ends where the writer's does, so every line before is the one that it wrote.
        guard edge.size == head.next, cursor.lastLeaf == head.lastLeaf else {
            throw .refused(
                AuditDamage(
                    file: "seg", offset: 0, reason: "record \(head.next) on disk is not the one that was written"))
        }
        if edge.size > releasedSize || keeps { try release(keeps: keeps) }
    }

    /// Reads on, and writes the tiles that became full.
    func advance(to size: UInt64) throws(PublishFailure) {
        while edge.size < size {
            let end = min(size, edge.size + Publisher.stride)
            try cursor.read(to: end) { leaf in
                edge.append(leaf) { tile, hashes in owed.append((tile, hashes)) }
            }
            try attempt { () throws(SystemFailure) in try writeOwedTiles() }
        }
    }

    private func writeOwedTiles() throws(SystemFailure) {
        var written = 0
        defer { owed.removeFirst(written) }
        for (tile, hashes) in owed {
            try tiles.write(tile, hashes)
            written += 1
        }
    }

    private func release(keeps: Bool) throws(PublishFailure) {
        guard edge.size > 0 else { return }
        try attempt { () throws(SystemFailure) in
            try writeOwedTiles()
            for (tile, hashes) in edge.partialTiles where !partials.contains(tile) { try tiles.write(tile, hashes) }
        }
        partials = Set(edge.partialTiles.map(\.tile))
        let checkpoint = Checkpoint(origin: ByteString(origin), size: edge.size, root: edge.root)
        let note = try sign(checkpoint)
        var isOurs = true
        try attempt { () throws(SystemFailure) in
            isOurs = try anchor.replace(with: note)
            guard isOurs else { return }
            try storage.replace("checkpoint", with: note, permissions: 0o440)
            releasedSize = checkpoint.size
            try keep(note, checkpoint.size, anyway: keeps)
        }
        if !isOurs { throw .forked(source: "the anchor, which somebody else replaced,", size: checkpoint.size) }
    }

    private func sign(_ checkpoint: Checkpoint) throws(PublishFailure) -> [UInt8] {
        let text = checkpoint.text
        signed = checkpoint
        do throws(OpenSSLFailure) {
            var signatures: [SignedNote.Signature] = []
            for signer in signers { signatures.append(try signer.sign(text)) }
            return SignedNote(text: text, signatures: signatures).encoded
        } catch {
            throw .refused(AuditDamage(file: "checkpoint", offset: 0, reason: "it cannot be signed: \(error)"))
        }
    }

    /// The history of checkpoints: one a minute, and the first and last of each run.
    private func keep(_ note: [UInt8], _ size: UInt64, anyway: Bool) throws(SystemFailure) {
        let now = MonotonicTime.now
        if !anyway, let lastKept, now - lastKept < Publisher.historyInterval { return }
        try storage.makeFolder("checkpoints")
        try storage.replace("checkpoints/\(size)", with: note, permissions: 0o440)
        lastKept = now
    }

    private func attempt(_ body: () throws(SystemFailure) -> Void) throws(PublishFailure) {
        do throws(SystemFailure) { try body() } catch { throw .failed(error) }
    }
}

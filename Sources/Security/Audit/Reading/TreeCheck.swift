import Bytes
import JSON
import System
import TransparencyLog

/// A verifier's second opinion: grows the tree over the lines that were read, and compares it with every tile, every signed
/// checkpoint in the directory, and those that somebody kept elsewhere.
struct TreeCheck {
    /// A signed checkpoint that the tree must agree with.
    struct Statement {
        let file: String
        let verified: VerifiedCheckpoint
        /// Whether it comes from outside the directory.
        let isOutside: Bool
        var size: UInt64 { verified.checkpoint.size }
    }

    private let storage: DiskStorage
    let files: TreeFiles
    let log: LogDescription?
    var edge = TreeEdge()
    /// Not checked yet, smaller trees first.
    var statements: [Statement] = []
    var agreed: [Statement] = []
    var problems: [VerifyReport.Problem] = []
    var unseen: Set<Tile>
    /// Tiles that go on where the lines end.
    var excess: [String] = []
    /// Where the lines of the leaves stand that the last tile of leaves has so far.
    private var places: [(file: String, offset: Int)] = []
    /// The first line that a tile knows otherwise.
    private var difference: (record: UInt64, file: String, offset: Int)?
    var rotations: [(record: UInt64, old: ByteString?, new: ByteString?)] = []
    var openedWith: [ByteString] = []
    private(set) var isBroken = false
    /// What the released checkpoint says.
    private(set) var released: Checkpoint?

    init(_ trail: Trail, outside: [VerifyReport.Outside]) throws(SystemFailure) {
        storage = trail.storage
        files = trail.tree
        log = trail.log
        unseen = Set(trail.tree.tiles.keys)
        for path in files.strangers { add(.tampered, path, "nothing of this name belongs here") }
        try take("checkpoint", files.checkpoint, size: nil)
        for size in files.kept {
            let path = "checkpoints/\(size)"
            try take(path, try storage.readIfThere(path, limit: 1 << 20), size: size)
        }
        for other in outside { try take(other.file, other.note, size: nil, isOutside: true) }
        released = statements.first { $0.file == "checkpoint" }?.verified.checkpoint
        statements.sort { $0.size < $1.size }
    }

    private mutating func take(
        _ file: String, _ note: [UInt8]?, size: UInt64?, isOutside: Bool = false
    ) throws(SystemFailure) {
        guard let note else { return }
        do throws(VerifiedCheckpoint.Failure) {
            let verified = try VerifiedCheckpoint.verifying(note, by: log?.keys ?? [])
            guard size == nil || size == verified.checkpoint.size else {
                add(.tampered, file, "it is a checkpoint of another size")
                return
            }
            statements.append(Statement(file: file, verified: verified, isOutside: isOutside))
        } catch {
            add(.tampered, file, error.reason)
        }
    }

    mutating func add(
        _ verdict: VerifyReport.Verdict, _ file: String, _ reason: String, offset: Int = 0, record: UInt64? = nil
    ) {
        problems.append(.init(verdict: verdict, file: file, offset: offset, record: record, reason: reason))
    }
}

// MARK: Line by line

extension TreeCheck {
    /// Adds the next line, which stands there. A line that does not follow the one before ends the check of the tree.
    mutating func add(_ line: TrailLine, leaf: [UInt8], file: String, offset: Int) {
        guard !isBroken, line.sequence == edge.size, let leaf = TreeHash(leaf) else {
            isBroken = true
            return
        }
        note(line)
        places.append((file, offset))
        var full: [(tile: Tile, hashes: [TreeHash])] = []
        edge.append(leaf) { full.append(($0, $1)) }
        for (tile, hashes) in full { check(tile, hashes) }
        if places.count == Tile.fullWidth { places.removeAll(keepingCapacity: true) }
        while let statement = statements.first, statement.size == edge.size {
            statements.removeFirst()
            compare(statement)
        }
    }

    private mutating func note(_ line: TrailLine) {
        switch line.kind {
        case .logOpened: if let key = line.document.text("info", "vkey") { openedWith.append(key) }
        case .logKeyRotated:
            rotations.append((line.sequence, line.document.text("info", "old"), line.document.text("info", "new")))
        default: break
        }
    }

    private mutating func compare(_ statement: Statement) {
        if statement.file == "checkpoint" {
            for (tile, _) in edge.partialTiles { require(tile) }
        }
        if edge.root == statement.verified.checkpoint.root {
            agreed.append(statement)
            return
        }
        if let leaves = edge.partialTiles.first { findDifference(leaves.tile.full, leaves.hashes) }
        let reason = "its root is not that of the first \(statement.size) records"
        if statement.isOutside || statement.file != "checkpoint" {
            add(.forked, statement.file, reason + ": the log signed two histories")
        } else if let difference {
            add(
                .tampered, difference.file, "it is not the record that `checkpoint` was signed over",
                offset: difference.offset, record: difference.record)
        } else {
            add(.tampered, statement.file, reason)
        }
    }

    /// Compares all files at the place of a full tile.
    private mutating func check(_ tile: Tile, _ hashes: [TreeHash]) {
        let span = (0...tile.level).reduce(UInt64(1)) { span, _ in span * 256 }
        if let released, (tile.index + 1) * span <= released.size { require(tile) }
        checkFiles(at: tile, hashes)
    }

    mutating func checkFiles(at tile: Tile, _ hashes: [TreeHash]) {
        guard unseen.remove(tile) != nil else { return }
        for width in files.tiles[tile] ?? [] {
            guard let file = Tile(level: tile.level, index: tile.index, width: width),
                // A live log takes a partial tile away once the full one is there.
                let bytes = try? storage.read(file.path, limit: 1 << 20)
            else { continue }
            let expected = Tile.bytes(of: Array(hashes.prefix(width)))
            if width > hashes.count, bytes.starts(with: expected) {
                excess.append(file.path)
            } else if bytes != expected {
                let same = zip(bytes, expected).prefix { $0 == $1 }.count
                add(.tampered, file.path, "it is not what the records give", offset: same)
                findDifference(tile, hashes)
            }
        }
    }

    /// Finds the first line whose leaf the tiles know otherwise. `hashes` are the last leaves, those of the lines in `places`.
    private mutating func findDifference(_ tile: Tile, _ hashes: [TreeHash]) {
        guard tile.level == 0, difference == nil else { return }
        for width in files.tiles[tile] ?? [] {
            guard let file = Tile(level: 0, index: tile.index, width: width),
                let bytes = try? storage.read(file.path, limit: 1 << 20), let found = file.hashes(in: bytes),
                let place = zip(found, hashes).enumerated().first(where: { $1.0 != $1.1 })?.offset,
                place < places.count
            else { continue }
            difference = (tile.index * 256 + UInt64(place), places[place].file, places[place].offset)
            return
        }
    }

    /// Says so when a tile that a published checkpoint needs is not there, itself or full.
    private mutating func require(_ tile: Tile) {
        let widths = files.tiles[tile.full] ?? []
        if !widths.contains(tile.width), !widths.contains(Tile.fullWidth) {
            add(.missing, tile.path, "it is not there")
        }
    }
}

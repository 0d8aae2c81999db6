import Bytes
import System
import TransparencyLog

/// By which key a log that was taken up signs.
struct SigningState: Sendable {
    let key: NoteKey
    /// The key that follows it once `log.key_rotated` is durable.
    let next: NoteKey?
}

extension Publisher {
    /// Takes up a log of `size` records, after having compared it with everything that was ever signed and is still at hand.
    /// A log from before there were checkpoints gets its key now; its tree is built by `publish`.
    ///
    /// Blocks: it reads the last segments; and all of them when tiles are missing, or when told to.
    func resume(size: UInt64, readsEverything: Bool, rotates: Bool = false, now: WallTime) throws(AuditFailure)
        -> SigningState
    {
        let anchored = try attempt { () throws(SystemFailure) in try anchor.read() }
        let signing = try takeUpKeys(isAnchored: anchored != nil, rotates: rotates, now: now)
        let statements = try SignedStatement.all(storage, anchored: anchored, keys: description.keys)
        for statement in statements where statement.checkpoint.size > size {
            throw .rolledBack(source: statement.source, signed: statement.checkpoint.size, found: size)
        }
        do throws(PublishFailure) {
            try compare(with: statements, trustsTiles: !readsEverything)
        } catch {
            switch error {
            case .failed(let failure): throw .system(failure)
            case .refused(let damage): throw .damaged(damage)
            case .forked(let source, let size): throw .forked(source: source, size: size)
            }
        }
        releasedSize = statements.map(\.checkpoint.size).max() ?? 0
        return signing
    }

    private func takeUpKeys(isAnchored: Bool, rotates: Bool, now: WallTime) throws(AuditFailure) -> SigningState {
        let bytes = try attempt { () throws(SystemFailure) in
            try storage.readIfThere(LogDescription.path, limit: LogDescription.limit)
        }
        guard let found = bytes.flatMap({ LogDescription($0) }) else {
            throw .damaged(
                AuditDamage(file: LogDescription.path, offset: 0, reason: "it does not say whose log this is"))
        }
        description = found
        let key: NoteKey
        if let known = found.key {
            key = known
            signers = [try keys.signer(for: key)]
            // The overlap: who knows only the old key can still verify what the new one signs.
            for retired in found.retired where retired.until > now { signers.append(try keys.signer(for: retired.key)) }
        } else if isAnchored {
            throw .damaged(
                AuditDamage(
                    file: LogDescription.path, offset: 0,
                    reason:
                        "it names no key, and the anchor `\(anchor.name)` says that the log has signed with one; to begin "
                        + "another log, move the anchor aside"))
        } else {
            let signer = try keys.make()
            (key, signers) = (signer.key, [signer])
            description.key = key
            try save()
        }
        if rotates, description.next == nil {
            description.next = try keys.make().key
            try save()
        }
        return SigningState(key: key, next: description.next)
    }

    /// Signs with the next key from here on, and for a while also with the one that it follows. To be called once
    /// `log.key_rotated` is durable; a crash before leaves the rotation to the next start, which records it again.
    func rotate(now: WallTime) throws(AuditFailure) {
        guard let old = description.key, let new = description.next else { return }
        signers.insert(try keys.signer(for: new), at: 0)
        description.key = new
        description.next = nil
        description.retired.append(LogDescription.Retired(key: old, until: now + Publisher.overlap))
        try save()
    }

    /// For so long a retired key signs beside its successor: 30 days.
    static let overlap = Duration.seconds(30 * 86_400)

    private func save() throws(AuditFailure) {
        try attempt { () throws(SystemFailure) in try description.write(to: storage) }
    }

    /// Compares the trail with what was signed, smaller trees first, and leaves the edge at the largest.
    private func compare(with statements: [SignedStatement], trustsTiles: Bool) throws(PublishFailure) {
        let newest = statements.last { !$0.isAnchor } ?? statements.last
        var isFast = false
        if trustsTiles, let newest { isFast = try start(at: newest.checkpoint) }
        if !isFast {
            edge = TreeEdge()
            cursor = TrailCursor(storage, origin: origin)
        }
        for statement in statements {
            let size = statement.checkpoint.size
            if size < edge.size {
                guard let root = try? root(at: size) else {
                    return try compare(with: statements, trustsTiles: false)
                }
                if root != statement.checkpoint.root { throw .forked(source: statement.source, size: size) }
            } else {
                try advance(to: size)
                if edge.root != statement.checkpoint.root { throw .forked(source: statement.source, size: size) }
            }
        }
    }

    /// Takes the tree up where its tiles end; false when they do not lead to the signed root, or not to the trail's records.
    private func start(at checkpoint: Checkpoint) throws(PublishFailure) -> Bool {
        guard tiles.hasFullTiles(of: checkpoint.size) else { return false }
        let leaves: [TreeHash]?
        do throws(SystemFailure) {
            edge = try TreeEdge(size: checkpoint.size) { (tile) throws(SystemFailure) in try tiles.hashes(tile) }
            guard edge.root == checkpoint.root else { return false }
            let last = (checkpoint.size - 1) / 256
            leaves = try Tile(level: 0, index: last, width: Int((checkpoint.size - 1) % 256) + 1)
                .flatMap { (tile) throws(SystemFailure) in try tiles.hashes(tile) }
        } catch {
            throw .failed(error)
        }
        cursor = try TrailCursor(storage, behind: checkpoint.size)
        // The chain of hashes binds all records before to this one.
        return leaves?.last?.bytes == cursor.lastLeaf
    }

    private struct NoTile: Error {}

    private func root(at size: UInt64) throws -> TreeHash {
        let view = TreeView(size: size) { [tiles, edge] (tile) throws(NoTile) in
            if let hashes = try? tiles.hashes(tile) { return hashes }
            let last = edge.hashes(level: tile.level)
            guard edge.size >> UInt64(Tile.height * (tile.level + 1)) == tile.index, last.count >= tile.width else {
                throw NoTile()
            }
            return last
        }
        return try view.root()
    }

    private func attempt<Value>(_ body: () throws(SystemFailure) -> Value) throws(AuditFailure) -> Value {
        do throws(SystemFailure) { return try body() } catch { throw .system(error) }
    }
}

/// The right edge of a growing tree: all that is needed to add leaves, to know the root and to write tiles. It holds at most
/// 255 hashes a level, however many leaves there are.
public struct TreeEdge: Sendable {
    /// How many leaves the tree has.
    public private(set) var size: UInt64 = 0
    /// The roots of the largest full subtrees, from the left: one for each bit of `size`.
    private var peaks: [TreeHash] = []
    /// The hashes of each level's last tile.
    private var levels: [[TreeHash]] = []

    /// A tree without leaves.
    public init() {}

    /// Takes up a tree of `size` leaves where its tiles leave it. `read` gives the hashes of a tile of the right edge, as many
    /// as its width says; whether they belong together is to be seen from `root`.
    public init<Failure: Error>(
        size: UInt64, tile read: (Tile) throws(Failure) -> [TreeHash]?
    ) throws(Failure) {
        self.size = size
        let partial = Dictionary(Tile.partial(of: size).map { ($0.level, $0) }) { first, _ in first }
        for level in 0..<Tile.fullCounts(of: size).count {
            guard let tile = partial[level] else {
                levels.append([])
                continue
            }
            levels.append(try read(tile)?.prefix(tile.width).map(\.self) ?? [])
        }
        for level in levels.reversed() { peaks += TreeEdge.peaks(of: level[...]) }
    }

    /// The roots of the largest full subtrees over neighbouring hashes.
    private static func peaks(of hashes: ArraySlice<TreeHash>) -> [TreeHash] {
        var peaks: [TreeHash] = []
        var rest = hashes
        while !rest.isEmpty {
            let width = 1 << (Int.bitWidth - 1 - rest.count.leadingZeroBitCount)
            peaks.append(TreeHash.root(over: rest.prefix(width)))
            rest = rest.dropFirst(width)
        }
        return peaks
    }

    /// Adds a leaf. Each tile that becomes full is handed out, lower levels first; nothing keeps it afterwards.
    public mutating func append(_ leaf: TreeHash, full: (Tile, [TreeHash]) -> Void = { _, _ in }) {
        enter(leaf, level: 0, full)
        var hash = leaf
        var height = 0
        // Each 1 bit at the low end of the size is a subtree that gets its right half now.
        while size >> UInt64(height) & 1 == 1, let left = peaks.popLast() {
            hash = TreeHash.node(left, hash)
            height += 1
            if height % Tile.height == 0 { enter(hash, level: height / Tile.height, full) }
        }
        peaks.append(hash)
        size += 1
    }

    private mutating func enter(_ hash: TreeHash, level: Int, _ full: (Tile, [TreeHash]) -> Void) {
        if level == levels.count { levels.append([]) }
        levels[level].append(hash)
        guard levels[level].count == Tile.fullWidth else { return }
        // The number of full tiles of this level, this one included, counted in leaves that this append completes.
        let index = (size + 1) >> UInt64(Tile.height * (level + 1))
        full(Tile(uncheckedLevel: level, index: index - 1, width: Tile.fullWidth), levels[level])
        levels[level].removeAll(keepingCapacity: true)
    }

    /// The root of the tree (RFC 6962 section 2.1).
    public var root: TreeHash {
        guard var hash = peaks.last else { return .ofNothing }
        for peak in peaks.dropLast().reversed() { hash = TreeHash.node(peak, hash) }
        return hash
    }

    /// The tiles that are not full, with their hashes.
    public var partialTiles: [(tile: Tile, hashes: [TreeHash])] {
        Tile.partial(of: size).map { ($0, levels[$0.level]) }
    }

    /// The hashes that the last tile of a level has so far.
    public func hashes(level: Int) -> [TreeHash] { level < levels.count ? levels[level] : [] }
}

extension Tile {
    /// The tile's content: its hashes one behind the other.
    public static func bytes(of hashes: [TreeHash]) -> [UInt8] { hashes.flatMap(\.bytes) }

    /// The hashes in a tile's content; nil unless there are as many as its name says.
    public func hashes(in bytes: [UInt8]) -> [TreeHash]? {
        guard bytes.count == width * TreeHash.byteCount else { return nil }
        return stride(from: 0, to: bytes.count, by: TreeHash.byteCount).compactMap {
            TreeHash(Array(bytes[$0..<$0 + TreeHash.byteCount]))
        }
    }
}

/// A tree whose hashes can be asked for: what proofs are made from.
public struct TreeView<Failure: Error> {
    private let size: UInt64
    private let subtree: (_ height: Int, _ index: UInt64) throws(Failure) -> TreeHash

    /// A tree of `size` leaves; `subtree` gives the root of the `index`th full subtree of `2^height` leaves.
    public init(size: UInt64, subtree: @escaping (_ height: Int, _ index: UInt64) throws(Failure) -> TreeHash) {
        self.size = size
        self.subtree = subtree
    }

    /// A tree in tiles; `tile` gives the hashes of one, more than its width where a wider one is at hand.
    public init(size: UInt64, tile: @escaping (Tile) throws(Failure) -> [TreeHash]) {
        self.init(size: size) { (height, index) throws(Failure) in
            let level = height / Tile.height
            let shift = UInt64(height % Tile.height)
            let first = index << shift
            let count = size >> UInt64(level * Tile.height)
            let width = min(count - first / 256 * 256, 256)
            let hashes = try tile(Tile(uncheckedLevel: level, index: first / 256, width: Int(width)))
            let start = Int(first % 256)
            return TreeHash.root(over: hashes[start..<start + 1 << Int(shift)])
        }
    }

    /// The root of the tree.
    public func root() throws(Failure) -> TreeHash { size == 0 ? .ofNothing : try hash(0, size) }

    /// The hashes that lead from a leaf to the root, the leaf's sibling first (RFC 6962 section 2.1.1); nil for a leaf that
    /// the tree has not.
    public func inclusion(of index: UInt64) throws(Failure) -> [TreeHash]? {
        guard index < size else { return nil }
        var proof: [TreeHash] = []
        var (start, end) = (UInt64(0), size)
        while end - start > 1 {
            let middle = start + (end - start).split
            if index < middle {
                proof.append(try hash(middle, end))
                end = middle
            } else {
                proof.append(try hash(start, middle))
                start = middle
            }
        }
        return proof.reversed()
    }

    /// The hashes that show that the tree's first `old` leaves are those of an earlier tree (RFC 6962 section 2.1.2); nil
    /// unless the earlier tree is one, and not larger.
    public func consistency(from old: UInt64) throws(Failure) -> [TreeHash]? {
        guard old > 0, old <= size else { return nil }
        var proof: [TreeHash] = []
        var (start, end) = (UInt64(0), size)
        // The verifier knows the old root: it is left out as long as the old tree is a subtree that begins at 0.
        while end != old {
            let middle = start + (end - start).split
            if old <= middle {
                proof.append(try hash(middle, end))
                end = middle
            } else {
                proof.append(try hash(start, middle))
                start = middle
            }
        }
        if start > 0 { proof.append(try hash(start, end)) }
        return proof.reversed()
    }

    private func hash(_ start: UInt64, _ end: UInt64) throws(Failure) -> TreeHash {
        let count = end - start
        if count & (count - 1) == 0 {
            let height = count.trailingZeroBitCount
            return try subtree(height, start >> UInt64(height))
        }
        let middle = start + count.split
        return TreeHash.node(try hash(start, middle), try hash(middle, end))
    }
}

/// Checking proofs, for whoever has nothing but hashes (RFC 9162 sections 2.1.3.2 and 2.1.4.2).
public enum TreeProof {
    /// The root that the proof leads to from a leaf; nil when it cannot be a proof for that place.
    public static func root(of leaf: TreeHash, at index: UInt64, size: UInt64, _ proof: [TreeHash]) -> TreeHash? {
        guard index < size else { return nil }
        var (place, last) = (index, size - 1)
        var hash = leaf
        for sibling in proof {
            if last == 0 { return nil }
            if place & 1 == 1 || place == last {
                hash = TreeHash.node(sibling, hash)
                while place & 1 == 0, place != 0 { (place, last) = (place >> 1, last >> 1) }
            } else {
                hash = TreeHash.node(hash, sibling)
            }
            (place, last) = (place >> 1, last >> 1)
        }
        return last == 0 ? hash : nil
    }

    /// Whether the proof shows that the larger tree begins with the smaller one.
    public static func isConsistent(
        _ old: (size: UInt64, root: TreeHash), with new: (size: UInt64, root: TreeHash), _ proof: [TreeHash]
    ) -> Bool {
        guard old.size <= new.size else { return false }
        if old.size == new.size { return old.root == new.root && proof.isEmpty }
        if old.size == 0 { return old.root == .ofNothing && proof.isEmpty }
        var rest = proof[...]
        if old.size & (old.size - 1) == 0 { rest = [old.root] + rest }
        guard let first = rest.popFirst() else { return false }
        var (place, last) = (old.size - 1, new.size - 1)
        while place & 1 == 1 { (place, last) = (place >> 1, last >> 1) }
        var (oldRoot, newRoot) = (first, first)
        for hash in rest {
            if last == 0 { return false }
            if place & 1 == 1 || place == last {
                oldRoot = TreeHash.node(hash, oldRoot)
                newRoot = TreeHash.node(hash, newRoot)
                while place & 1 == 0, place != 0 { (place, last) = (place >> 1, last >> 1) }
            } else {
                newRoot = TreeHash.node(newRoot, hash)
            }
            (place, last) = (place >> 1, last >> 1)
        }
        return last == 0 && oldRoot == old.root && newRoot == new.root
    }
}

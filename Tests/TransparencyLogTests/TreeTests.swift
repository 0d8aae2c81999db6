import Bytes
import Foundation
import OpenSSL
import Testing

@testable import TransparencyLog

/// The tree as RFC 6962 section 2.1 defines it, and nothing else: what the quick ways are compared with.
enum Plainly {
    static func root(_ leaves: ArraySlice<TreeHash>) -> TreeHash {
        if leaves.count < 2 { return leaves.first ?? .ofNothing }
        let middle = leaves.startIndex + split(leaves.count)
        return .node(root(leaves[..<middle]), root(leaves[middle...]))
    }

    static func inclusion(_ index: Int, _ leaves: ArraySlice<TreeHash>) -> [TreeHash] {
        if leaves.count < 2 { return [] }
        let middle = leaves.startIndex + split(leaves.count)
        return index < middle
            ? inclusion(index, leaves[..<middle]) + [root(leaves[middle...])]
            : inclusion(index, leaves[middle...]) + [root(leaves[..<middle])]
    }

    private static func split(_ count: Int) -> Int {
        var power = 1
        while power * 2 < count { power *= 2 }
        return power
    }
}

/// A tree in memory with its tiles, as a log would write them.
struct Forest {
    var edge = TreeEdge()
    var leaves: [TreeHash] = []
    var tiles: [Tile: [TreeHash]] = [:]

    mutating func grow(to size: Int) {
        while leaves.count < size {
            let leaf = TreeHash.leaf(of: Array("entry \(leaves.count)".utf8))
            leaves.append(leaf)
            edge.append(leaf) { tile, hashes in
                #expect(tiles[tile] == nil)
                tiles[tile] = hashes
            }
        }
    }

    /// The tiles of the present size, the partial ones included.
    var all: [Tile: [TreeHash]] { tiles.merging(edge.partialTiles.map { ($0.tile, $0.hashes) }) { $1 } }
}

private struct NoTile: Error {}

@Suite struct `A tree` {
    @Test func `has the roots of RFC 6962's reference implementation`() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Cases/rfc6962-roots.txt")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count == 8)
        #expect(
            Hex.encode(TreeHash.ofNothing.bytes) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        var edge = TreeEdge()
        #expect(edge.root == .ofNothing)
        for line in lines {
            let parts = line.split(separator: " ")
            let entry = parts[0] == "-" ? [] : try #require(Hex.decode(ByteString(String(parts[0]))))
            edge.append(.leaf(of: entry))
            #expect(Hex.encode(edge.root.bytes) == parts[1])
        }
    }

    @Test func `has the root that the definition gives, at every size`() {
        var forest = Forest()
        for size in 1...600 {
            forest.grow(to: size)
            #expect(forest.edge.root == Plainly.root(forest.leaves[...]), "\(size)")
        }
    }

    @Test func `fills its tiles as the specification's example of 70,000 entries says`() {
        var forest = Forest()
        forest.grow(to: 70_000)
        #expect(forest.edge.root == Plainly.root(forest.leaves[...]))
        #expect(Tile.fullCounts(of: 70_000) == [273, 1, 0])
        #expect(
            Tile.partial(of: 70_000).map(\.path) == ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"])
        #expect(
            Set(forest.tiles.keys.map(\.path)) == Set((0..<273).map { "tile/0/\(threeDigits($0))" } + ["tile/1/000"]))
        for (tile, hashes) in forest.all {
            #expect(hashes.count == tile.width)
            let span = (0..<tile.level).reduce(1) { span, _ in span * 256 }
            let first = Int(tile.index) * 256 * span
            let places = [0, tile.width - 1]
            for place in places {
                let start = first + place * span
                #expect(hashes[place] == Plainly.root(forest.leaves[start..<start + span]))
            }
        }
    }

    @Test func `goes on from its tiles as if it had never stopped`() throws {
        var forest = Forest()
        for size in [0, 1, 2, 255, 256, 257, 511, 512, 1_000, 65_535, 65_536, 65_537, 66_000] {
            forest.grow(to: size)
            let all = forest.all
            var again = TreeEdge(size: UInt64(size)) { all[$0] }
            #expect(again.root == forest.edge.root, "\(size)")
            var next = forest.edge
            for number in 0..<300 {
                let leaf = TreeHash.leaf(of: Array("more \(number)".utf8))
                next.append(leaf)
                again.append(leaf)
            }
            #expect(again.root == next.root, "\(size)")
            #expect(again.partialTiles.map(\.hashes) == next.partialTiles.map(\.hashes))
        }
    }

    @Test func `has another root when tiles of its edge are missing or others`() {
        var forest = Forest()
        forest.grow(to: 700)
        var all = forest.all
        let edge = Tile.partial(of: 700)
        for tile in edge {
            let hashes = all[tile]
            all[tile] = nil
            #expect(TreeEdge(size: 700) { all[$0] }.root != forest.edge.root)
            all[tile] = hashes?.reversed()
            #expect(TreeEdge(size: 700) { all[$0] }.root != forest.edge.root)
            all[tile] = hashes
        }
    }
}

@Suite struct `Proofs from tiles` {
    @Test func `of inclusion are the definition's, and lead to the root from their leaf alone`() throws {
        for size in [1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257, 600] {
            var forest = Forest()
            forest.grow(to: size)
            let (tiles, root) = (forest.all, forest.edge.root)
            let view = TreeView(size: UInt64(size)) { (tile) throws(NoTile) in
                guard let hashes = tiles[tile] else { throw NoTile() }
                return hashes
            }
            #expect(try view.root() == root)
            #expect(try view.inclusion(of: UInt64(size)) == nil)
            for index in forest.leaves.indices where size < 300 || index % 37 == 0 {
                let proof = try #require(try view.inclusion(of: UInt64(index)))
                #expect(proof == Plainly.inclusion(index, forest.leaves[...]))
                func lead(_ leaf: TreeHash, _ place: Int, _ hashes: [TreeHash]) -> Bool {
                    TreeProof.root(of: leaf, at: UInt64(place), size: UInt64(size), hashes) == root
                }
                let leaf = forest.leaves[index]
                #expect(lead(leaf, index, proof))
                #expect(!lead(.leaf(of: [1]), index, proof))
                #expect(!lead(leaf, index + 1, proof))
                #expect(!lead(leaf, index, proof + [leaf]))
                if !proof.isEmpty {
                    #expect(!lead(leaf, index, proof.dropLast()))
                    #expect(!lead(leaf, index, proof.dropLast() + [leaf]))
                }
            }
        }
    }

    @Test func `of consistency convince of every growth and of nothing else`() throws {
        var forest = Forest()
        var roots: [TreeHash] = [.ofNothing]
        for size in 1...70 {
            forest.grow(to: size)
            roots.append(forest.edge.root)
            let tiles = forest.all
            let view = TreeView(size: UInt64(size)) { (tile) throws(NoTile) in
                guard let hashes = tiles[tile] else { throw NoTile() }
                return hashes
            }
            for old in 1...size {
                let proof = try #require(try view.consistency(from: UInt64(old)))
                func holds(_ oldRoot: TreeHash, _ newRoot: TreeHash, _ hashes: [TreeHash]) -> Bool {
                    TreeProof.isConsistent((UInt64(old), oldRoot), with: (UInt64(size), newRoot), hashes)
                }
                #expect(holds(roots[old], roots[size], proof))
                #expect(!holds(roots[old - 1], roots[size], proof))
                #expect(!holds(roots[old], roots[size - 1], proof))
                #expect(!holds(roots[old], roots[size], proof + [roots[1]]))
                if !proof.isEmpty { #expect(!holds(roots[old], roots[size], proof.dropLast())) }
            }
            #expect(try view.consistency(from: UInt64(size) + 1) == nil)
            #expect(!TreeProof.isConsistent((UInt64(size), roots[size]), with: (UInt64(size) - 1, roots[size - 1]), []))
        }
        #expect(TreeProof.isConsistent((0, .ofNothing), with: (70, roots[70]), []))
        #expect(!TreeProof.isConsistent((0, roots[1]), with: (70, roots[70]), []))
    }
}

@Suite struct `A tile's path` {
    @Test func `is the one that the specification gives`() throws {
        #expect(Tile(level: 0, index: 1_234_067)?.path == "tile/0/x001/x234/067")
        #expect(Tile(level: 1, index: 0, width: 17)?.path == "tile/1/000.p/17")
        #expect(Tile(level: 63, index: 1_000, width: 255)?.path == "tile/63/x001/000.p/255")
        #expect(Tile(level: 64, index: 0) == nil)
        #expect(Tile(level: 0, index: 0, width: 0) == nil)
        #expect(Tile(level: 0, index: 0, width: 257) == nil)
    }

    @Test func `is read back, and nothing else is`() throws {
        for path in ["tile/0/000", "tile/0/x001/x234/067", "tile/12/999.p/1", "tile/0/x001/000.p/255"] {
            #expect(try #require(Tile(path: path)).path == path)
        }
        for path in [
            "tile/0", "tile/0/1", "tile/00/000", "tile/0/x000/001", "tile/0/001/002", "tile/0/000.p/256", "tile/64/000",
            "tile/0/000.p/0", "tile/0/000.p/01", "tile/0/000.p", "tile/entries/000", "tile/0/x001", "tile//000",
            "tile/0/xx01", "tile/0/+01", "seg/0/000",
        ] {
            #expect(Tile(path: path) == nil, "\(path)")
        }
    }
}

private func threeDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: 3 - digits.count) + digits
}

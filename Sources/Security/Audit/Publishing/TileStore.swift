import System
import TransparencyLog

/// The tree's tiles in the trail's directory. Derived: all of them can be made again from the segments.
final class TileStore {
    private let storage: any LogStorage
    /// Folders that are known to be there, durably.
    private var folders: Set<String> = [""]

    init(_ storage: any LogStorage) {
        self.storage = storage
    }

    /// The hashes of a tile, from its own file or from the full tile at its place; nil when neither can be used.
    func hashes(_ tile: Tile) throws(SystemFailure) -> [TreeHash]? {
        for candidate in tile.isFull ? [tile] : [tile, tile.full] {
            let bytes = try storage.readIfThere(candidate.path, limit: Tile.fullWidth * TreeHash.byteCount)
            if let hashes = bytes.flatMap({ candidate.hashes(in: $0) }) { return Array(hashes.prefix(tile.width)) }
        }
        return nil
    }

    /// Whether all full tiles of a tree are there, with their length.
    func hasFullTiles(of size: UInt64) -> Bool {
        for (level, count) in Tile.fullCounts(of: size).enumerated() {
            for index in 0..<count {
                guard let tile = Tile(level: level, index: index),
                    (try? storage.status(tile.path))?.size == Tile.fullWidth * TreeHash.byteCount
                else { return false }
            }
        }
        return true
    }

    /// Writes a tile. The partial ones that a full one takes the place of go: whoever needs one reads the full one's beginning.
    func write(_ tile: Tile, _ hashes: [TreeHash]) throws(SystemFailure) {
        let path = tile.path
        try makeFolder(TileStore.folder(of: path))
        try storage.replace(path, with: Tile.bytes(of: hashes), permissions: 0o440)
        if tile.isFull { removePartials(of: path) }
    }

    private func removePartials(of path: String) {
        let folder = "\(path).p"
        guard let names = try? storage.list(folder), !names.isEmpty else { return }
        for name in names { try? storage.remove("\(folder)/\(name)") }
        try? storage.removeFolder(folder)
        folders.remove(folder)
    }

    private func makeFolder(_ path: String) throws(SystemFailure) {
        if folders.contains(path) { return }
        let parent = TileStore.folder(of: path)
        try makeFolder(parent)
        try storage.makeFolder(path)
        try storage.synchronizeFolder(parent)
        folders.insert(path)
    }

    private static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}

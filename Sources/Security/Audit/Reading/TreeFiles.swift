import Bytes
import System
import TransparencyLog

/// What a trail's directory holds of the tree, as it was at one moment: looked at before the segments are, so that everything
/// that is named here is in them.
struct TreeFiles {
    /// `log.json` as it stands there.
    let description: [UInt8]?
    /// The released checkpoint.
    let checkpoint: [UInt8]?
    /// The sizes of the checkpoints that are kept.
    let kept: [UInt64]
    /// The tiles that are there, by their place: how many hashes each file of that place has.
    let tiles: [Tile: [Int]]
    /// Files among them that nothing explains.
    let strangers: [String]

    init(_ storage: DiskStorage) throws(SystemFailure) {
        checkpoint = try storage.readIfThere("checkpoint", limit: 1 << 20)
        description = try storage.readIfThere(LogDescription.path, limit: LogDescription.limit)
        var strangers: [String] = []
        var kept: [UInt64] = []
        for name in try TreeFiles.names("checkpoints", storage) {
            if let size = UInt64(name), "\(size)" == name {
                kept.append(size)
            } else {
                strangers.append("checkpoints/\(name)")
            }
        }
        self.kept = kept.sorted()
        var tiles: [Tile: [Int]] = [:]
        try TreeFiles.walk("tile", storage, depth: 0) { path in
            guard let tile = Tile(path: path) else {
                strangers.append(path)
                return
            }
            tiles[tile.full, default: []].append(tile.width)
        }
        self.tiles = tiles
        self.strangers = strangers
    }

    private static func walk(
        _ folder: String, _ storage: DiskStorage, depth: Int, _ file: (String) -> Void
    ) throws(SystemFailure) {
        for name in try names(folder, storage) {
            let path = "\(folder)/\(name)"
            // Deeper than any tile lies: what is there is not looked into, and counts as a stranger.
            if depth < 10, (try? storage.isFolder(path)) == true {
                try walk(path, storage, depth: depth + 1, file)
            } else {
                file(path)
            }
        }
    }

    /// The names in a folder, none when it is not there. A crash may leave what it was about to rename; nothing reads that.
    private static func names(_ folder: String, _ storage: DiskStorage) throws(SystemFailure) -> [String] {
        do throws(SystemFailure) {
            return try storage.list(folder).filter { !($0.hasPrefix(".") && $0.hasSuffix(".new")) }
        } catch {
            if error.isNotFound { return [] }
            throw error
        }
    }
}

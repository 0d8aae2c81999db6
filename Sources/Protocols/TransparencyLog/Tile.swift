internal import Bytes

/// A hash tile of C2SP tlog-tiles: up to 256 neighbouring hashes, each the root of 256^level leaves.
public struct Tile: Hashable, Sendable {
    /// The height of a tile: hashes in two tiles above each other are so many levels of the tree apart.
    public static let height = 8
    /// The hashes of a full tile.
    public static let fullWidth = 256

    /// 0 for a tile of leaves.
    public let level: Int
    /// Its number among those of its level.
    public let index: UInt64
    /// How many hashes it has, 1 to 256.
    public let width: Int

    /// Names a tile; nil for what no tile can be called.
    public init?(level: Int, index: UInt64, width: Int = fullWidth) {
        guard (0...63).contains(level), (1...Tile.fullWidth).contains(width) else { return nil }
        self.init(uncheckedLevel: level, index: index, width: width)
    }

    init(uncheckedLevel level: Int, index: UInt64, width: Int) {
        self.level = level
        self.index = index
        self.width = width
    }

    /// Whether it has all its hashes and never changes again.
    public var isFull: Bool { width == Tile.fullWidth }

    /// The same place with all its hashes.
    public var full: Tile { Tile(uncheckedLevel: level, index: index, width: Tile.fullWidth) }

    /// Where it lies beneath the log's directory, such as `tile/0/x001/x234/067` or `tile/1/000.p/17`.
    public var path: String {
        var groups: [String] = []
        var rest = index
        repeat {
            let digits = String(rest % 1000)
            let padded = String(repeating: "0", count: 3 - digits.utf8.count) + digits
            groups.append(groups.isEmpty ? padded : "x\(padded)")
            rest /= 1000
        } while rest > 0
        return "tile/\(level)/\(groups.reversed().joined(separator: "/"))" + (isFull ? "" : ".p/\(width)")
    }

    /// Reads a path that `path` wrote; nil for any other.
    public init?(path: String) {
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)[...]
        guard parts.count >= 3, parts.removeFirst() == "tile", let level = Int(parts.removeFirst()) else { return nil }
        var width = Tile.fullWidth
        if parts.count >= 2, parts[parts.endIndex - 2].hasSuffix(".p"), let partial = Int(parts[parts.endIndex - 1]) {
            parts.removeLast()
            parts[parts.endIndex - 1] = parts[parts.endIndex - 1].dropLast(2)
            width = partial
        }
        var index: UInt64 = 0
        for part in parts {
            guard let group = UInt64(part.drop { $0 == "x" }), group < 1000, index < 1 << 53 else { return nil }
            index = index * 1000 + group
        }
        self.init(level: level, index: index, width: width)
        guard self.path.utf8.elementsEqual(path.utf8) else { return nil }
    }

    /// The tiles that are not full in a tree of `size` leaves: its right edge, from the leaves up.
    public static func partial(of size: UInt64) -> [Tile] {
        levels(of: size).compactMap { level, count in
            Tile(level: level, index: count / 256, width: Int(count % 256))
        }
    }

    /// How many full tiles each level has in a tree of `size` leaves, from the leaves up.
    public static func fullCounts(of size: UInt64) -> [UInt64] { levels(of: size).map { $0.count / 256 } }

    /// How many hashes each level has.
    private static func levels(of size: UInt64) -> [(level: Int, count: UInt64)] {
        var levels: [(level: Int, count: UInt64)] = []
        var count = size
        while count > 0 {
            levels.append((levels.count, count))
            count /= 256
        }
        return levels
    }
}

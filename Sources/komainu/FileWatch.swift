import System

/// Tells when any of some files changed, by looking at them once a second.
///
/// Looking works where notifications don't: on network file systems, and when a container's secrets are exchanged by
/// turning a symbolic link.
struct FileWatch {
    private let paths: [String]
    private var seen: [Sight]

    /// Which file a path named, and how it was. All of it changes when a file is written or exchanged.
    private struct Sight: Equatable {
        var device: UInt64 = 0
        var inode: UInt64 = 0
        var size: Int64 = -1
        var modified: Int64 = 0

        init(_ path: String) {
            guard let status = try? Files.status(path) else { return }
            (device, inode, size) = (status.device, status.inode, status.size)
            modified = status.modified.nanoseconds
        }
    }

    /// A watch over these files as they are now; one that isn't there is watched for its appearance.
    init(_ paths: [String]) {
        self.paths = paths
        self.seen = paths.map(Sight.init)
    }

    /// Whether anything changed since the last time this was asked.
    mutating func hasChanged() -> Bool {
        let now = paths.map(Sight.init)
        defer { seen = now }
        return now != seen
    }
}

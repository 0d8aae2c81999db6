import System

/// A trail's directory as it was at one moment, to be read and never changed. Needs nothing but the directory.
struct Trail {
    let storage: DiskStorage
    /// What `log.json` says; nil when that is missing or says nothing.
    let log: LogDescription?
    /// What there is of the tree.
    let tree: TreeFiles
    /// The segments in their order, with the bytes they had.
    let segments: [(name: SegmentName, bytes: Int)]
    /// Seals whose segment is not there.
    let orphanedSeals: [String]
    /// Whether a process has the log open.
    let isLive: Bool

    /// Looks at a directory. Bytes that a live log writes later are not looked at.
    init(_ directory: String) throws(SystemFailure) {
        storage = DiskStorage(directory)
        // Whether it is live first: a log that is closed in between then only looks livelier than it is.
        isLive = Trail.isLocked("\(directory)/LOCK")
        // The tree before the records that it is of: what is written meanwhile is then only more.
        tree = try TreeFiles(storage)
        log = tree.description.flatMap { LogDescription($0) }
        let files = try storage.list("seg")
        var segments: [(name: SegmentName, bytes: Int)] = []
        for name in files.compactMap(SegmentName.init(fileName:)).sorted() {
            segments.append((name, try storage.status(name.path).size))
        }
        self.segments = segments
        let seals = Set(segments.map(\.name.sealFileName))
        orphanedSeals = files.filter { $0.hasSuffix(".seal") && !$0.hasPrefix(".") && !seals.contains($0) }
    }

    /// The seal of a segment as it stands in its file; nil when there is none.
    func seal(of name: SegmentName) throws(SystemFailure) -> [UInt8]? {
        try storage.readIfThere(name.sealPath, limit: Seal.limit)
    }

    private static func isLocked(_ path: String) -> Bool {
        guard let file = try? File(path, .read), let isFree = try? file.tryLock() else { return false }
        return !isFree
    }
}

import System

/// What the trail needs of a file system. There are two: the disk, and in tests one that loses what was not synchronised.
///
/// Paths are relative to the trail's directory. The writer and the notary use it from threads of their own.
protocol LogStorage: AnyObject, Sendable {
    /// The names in a folder, sorted.
    func list(_ folder: String) throws(SystemFailure) -> [String]
    /// Opens a file.
    func open(_ path: String, _ access: FileAccess) throws(SystemFailure) -> any LogFile
    /// The whole file; nil when it is longer than `limit`.
    func read(_ path: String, limit: Int) throws(SystemFailure) -> [UInt8]?
    /// Replaces a file in one step, durably.
    func replace(_ path: String, with bytes: [UInt8], permissions: UInt32) throws(SystemFailure)
    /// Durable only after `synchronizeFolder`.
    func rename(_ path: String, to target: String) throws(SystemFailure)
    /// Durable only after `synchronizeFolder`.
    func remove(_ path: String) throws(SystemFailure)
    /// Makes a folder's names survive a power cut.
    func synchronizeFolder(_ path: String) throws(SystemFailure)
    /// Makes a folder, if it is not there.
    func makeFolder(_ path: String) throws(SystemFailure)
    /// Removes an empty folder. Nothing depends on it.
    func removeFolder(_ path: String) throws(SystemFailure)
    /// What a path names, a symbolic link itself.
    func status(_ path: String) throws(SystemFailure) -> StoredFile
    /// Changes the permission bits. Nothing depends on it.
    func setPermissions(_ path: String, _ permissions: UInt32) throws(SystemFailure)
}

/// One open file of the trail.
protocol LogFile: AnyObject {
    /// Writes all of it, or throws having written any part of it.
    func write(_ bytes: Span<UInt8>, at offset: Int) throws(SystemFailure)
    /// Fewer bytes than asked for only at the file's end.
    func read(at offset: Int, count: Int) throws(SystemFailure) -> [UInt8]
    func synchronizeData() throws(SystemFailure)
    func synchronize() throws(SystemFailure)
    func truncate(to length: Int) throws(SystemFailure)
    func reserve(_ length: Int) throws(SystemFailure)
    func status() throws(SystemFailure) -> StoredFile
}

/// Which file it is, and how long.
struct StoredFile: Equatable {
    let device: UInt64
    let inode: UInt64
    let links: UInt64
    let size: Int

    /// Whether both are the same file, whatever their length by now.
    func isSameFile(as other: StoredFile) -> Bool { device == other.device && inode == other.inode }
}

/// The trail's directory on disk.
final class DiskStorage: LogStorage {
    private let directory: String
    private let folderPermissions: UInt32

    init(_ directory: String, folderPermissions: UInt32 = 0o750) {
        self.directory = directory
        self.folderPermissions = folderPermissions
    }

    private func full(_ path: String) -> String { path.isEmpty ? directory : "\(directory)/\(path)" }

    func list(_ folder: String) throws(SystemFailure) -> [String] { try Files.list(full(folder)) }

    func open(_ path: String, _ access: FileAccess) throws(SystemFailure) -> any LogFile {
        DiskFile(try File(full(path), access))
    }

    func read(_ path: String, limit: Int) throws(SystemFailure) -> [UInt8]? {
        try Files.read(full(path), limit: limit)
    }

    func replace(_ path: String, with bytes: [UInt8], permissions: UInt32) throws(SystemFailure) {
        try Files.replace(full(path), with: bytes, permissions: permissions)
    }

    func rename(_ path: String, to target: String) throws(SystemFailure) {
        try Files.rename(full(path), to: full(target))
    }

    func remove(_ path: String) throws(SystemFailure) { try Files.remove(full(path)) }

    func synchronizeFolder(_ path: String) throws(SystemFailure) { try Files.synchronizeFolder(full(path)) }

    func makeFolder(_ path: String) throws(SystemFailure) {
        try Files.makeFolders(full(path), permissions: folderPermissions)
    }

    func removeFolder(_ path: String) throws(SystemFailure) { try Files.removeFolder(full(path)) }

    func status(_ path: String) throws(SystemFailure) -> StoredFile { StoredFile(try Files.linkStatus(full(path))) }

    func setPermissions(_ path: String, _ permissions: UInt32) throws(SystemFailure) {
        try Files.setPermissions(full(path), permissions)
    }

    /// Whether a path names a folder, and not a link to one.
    func isFolder(_ path: String) throws(SystemFailure) -> Bool { try Files.linkStatus(full(path)).kind == .folder }
}

private final class DiskFile: LogFile {
    private let file: File

    init(_ file: consuming File) {
        self.file = file
    }

    func write(_ bytes: Span<UInt8>, at offset: Int) throws(SystemFailure) { try file.write(bytes, at: Int64(offset)) }

    func read(at offset: Int, count: Int) throws(SystemFailure) -> [UInt8] {
        try file.read(at: Int64(offset), count: count)
    }

    func synchronizeData() throws(SystemFailure) { try file.synchronizeData() }

    func synchronize() throws(SystemFailure) { try file.synchronize() }

    func truncate(to length: Int) throws(SystemFailure) { try file.truncate(to: Int64(length)) }

    func reserve(_ length: Int) throws(SystemFailure) { try file.reserve(from: 0, length: Int64(length)) }

    func status() throws(SystemFailure) -> StoredFile { StoredFile(try file.status()) }
}

extension StoredFile {
    fileprivate init(_ status: FileStatus) {
        self.init(device: status.device, inode: status.inode, links: status.links, size: Int(clamping: status.size))
    }
}

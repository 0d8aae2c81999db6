import Synchronization
import System

@testable import Audit

/// The hand of a test on the trail's disk.
final class Disk: Sendable {
    private let isFullNow = Mutex(false)
    var isFull: Bool {
        get { isFullNow.withLock { $0 } }
        set { isFullNow.withLock { $0 = newValue } }
    }

    fileprivate func check(_ call: StaticString) throws(SystemFailure) {
        let noSpace: Int32 = 28
        if isFull { throw SystemFailure(call: call, errno: noSpace) }
    }
}

/// A real directory on a disk that is full when a test says so.
final class FillingStorage: LogStorage {
    private let storage: DiskStorage
    private let disk: Disk

    init(_ directory: String, _ disk: Disk) {
        storage = DiskStorage(directory)
        self.disk = disk
    }

    func list(_ folder: String) throws(SystemFailure) -> [String] { try storage.list(folder) }

    func open(_ path: String, _ access: FileAccess) throws(SystemFailure) -> any LogFile {
        if case .readAndWriteNew = access { try disk.check("open") }
        return FillingFile(try storage.open(path, access), disk)
    }

    func read(_ path: String, limit: Int) throws(SystemFailure) -> [UInt8]? { try storage.read(path, limit: limit) }

    func replace(_ path: String, with bytes: [UInt8], permissions: UInt32) throws(SystemFailure) {
        try disk.check("open")
        try storage.replace(path, with: bytes, permissions: permissions)
    }

    func rename(_ path: String, to target: String) throws(SystemFailure) { try storage.rename(path, to: target) }
    func remove(_ path: String) throws(SystemFailure) { try storage.remove(path) }
    func synchronizeFolder(_ path: String) throws(SystemFailure) { try storage.synchronizeFolder(path) }
    func makeFolder(_ path: String) throws(SystemFailure) { try storage.makeFolder(path) }
    func removeFolder(_ path: String) throws(SystemFailure) { try storage.removeFolder(path) }
    func status(_ path: String) throws(SystemFailure) -> StoredFile { try storage.status(path) }

    func setPermissions(_ path: String, _ permissions: UInt32) throws(SystemFailure) {
        try storage.setPermissions(path, permissions)
    }
}

private final class FillingFile: LogFile {
    private let file: any LogFile
    private let disk: Disk

    init(_ file: any LogFile, _ disk: Disk) {
        self.file = file
        self.disk = disk
    }

    func write(_ bytes: Span<UInt8>, at offset: Int) throws(SystemFailure) {
        try disk.check("pwrite")
        try file.write(bytes, at: offset)
    }

    func read(at offset: Int, count: Int) throws(SystemFailure) -> [UInt8] { try file.read(at: offset, count: count) }
    func synchronizeData() throws(SystemFailure) { try file.synchronizeData() }
    func synchronize() throws(SystemFailure) { try file.synchronize() }
    func truncate(to length: Int) throws(SystemFailure) { try file.truncate(to: length) }

    func reserve(_ length: Int) throws(SystemFailure) {
        try disk.check("fallocate")
        try file.reserve(length)
    }

    func status() throws(SystemFailure) -> StoredFile { try file.status() }
}

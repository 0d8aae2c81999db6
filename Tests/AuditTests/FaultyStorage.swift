import Bytes
import System

@testable import Audit

/// What is wrong with the disk at the moment; a test's hand on a `FaultyStorage`.
final class Faults: Sendable {
    enum Fault: Equatable {
        case none
        /// Every write and every reservation finds the disk full; writes after having written half.
        case full
        /// Only what is already reserved can be written.
        case fullForNewSegments
        /// Writes fail otherwise.
        case broken
        /// Synchronising fails.
        case losing
        /// Synchronising does not come back.
        case hanging
    }

    private let state = Guarded((fault: Fault.none, isCaught: false))

    var fault: Fault {
        get { state.withLock { $0.fault } }
        set { state.withLock { $0 = (newValue, false) } }
    }

    /// Whether somebody waits for the disk.
    var isCaught: Bool { state.withLock { $0.isCaught } }

    fileprivate func hang() {
        let pause = Bell()
        while fault == .hanging {
            state.withLock { $0.isCaught = true }
            pause.wait(until: .now + .milliseconds(2))
        }
    }

    fileprivate func check(_ call: StaticString, isNewSegment: Bool = false) throws(SystemFailure) {
        switch fault {
        case .full: throw SystemFailure(call: call, errno: 28)
        case .fullForNewSegments: if isNewSegment { throw SystemFailure(call: call, errno: 28) }
        case .broken: throw SystemFailure(call: call, errno: 5)
        case .none, .losing, .hanging: break
        }
    }
}

/// A real directory behind a disk that fails when it is told to.
final class FaultyStorage: LogStorage {
    private let disk: DiskStorage
    private let faults: Faults

    init(_ directory: String, _ faults: Faults) {
        disk = DiskStorage(directory)
        self.faults = faults
    }

    func list(_ folder: String) throws(SystemFailure) -> [String] { try disk.list(folder) }

    func open(_ path: String, _ access: FileAccess) throws(SystemFailure) -> any LogFile {
        if case .readAndWriteNew = access { try faults.check("open", isNewSegment: true) }
        return FaultyFile(try disk.open(path, access), faults)
    }

    func read(_ path: String, limit: Int) throws(SystemFailure) -> [UInt8]? { try disk.read(path, limit: limit) }

    func replace(_ path: String, with bytes: [UInt8], permissions: UInt32) throws(SystemFailure) {
        try faults.check("open", isNewSegment: true)
        try disk.replace(path, with: bytes, permissions: permissions)
    }

    func rename(_ path: String, to target: String) throws(SystemFailure) { try disk.rename(path, to: target) }
    func remove(_ path: String) throws(SystemFailure) { try disk.remove(path) }
    func synchronizeFolder(_ path: String) throws(SystemFailure) { try disk.synchronizeFolder(path) }
    func makeFolder(_ path: String) throws(SystemFailure) { try disk.makeFolder(path) }
    func removeFolder(_ path: String) throws(SystemFailure) { try disk.removeFolder(path) }
    func status(_ path: String) throws(SystemFailure) -> StoredFile { try disk.status(path) }

    func setPermissions(_ path: String, _ permissions: UInt32) throws(SystemFailure) {
        try disk.setPermissions(path, permissions)
    }
}

private final class FaultyFile: LogFile {
    private let file: any LogFile
    private let faults: Faults

    init(_ file: any LogFile, _ faults: Faults) {
        self.file = file
        self.faults = faults
    }

    func write(_ bytes: Span<UInt8>, at offset: Int) throws(SystemFailure) {
        do throws(SystemFailure) { try faults.check("pwrite") } catch {
            try file.write(bytes.extracting(0..<bytes.count / 2), at: offset)
            throw error
        }
        try file.write(bytes, at: offset)
    }

    func read(at offset: Int, count: Int) throws(SystemFailure) -> [UInt8] { try file.read(at: offset, count: count) }

    func synchronizeData() throws(SystemFailure) {
        faults.hang()
        if faults.fault == .losing { throw SystemFailure(call: "fdatasync", errno: 5) }
        try file.synchronizeData()
    }

    func synchronize() throws(SystemFailure) { try file.synchronize() }
    func truncate(to length: Int) throws(SystemFailure) { try file.truncate(to: length) }

    func reserve(_ length: Int) throws(SystemFailure) {
        try faults.check("fallocate", isNewSegment: true)
        try file.reserve(length)
    }

    func status() throws(SystemFailure) -> StoredFile { try file.status() }
}

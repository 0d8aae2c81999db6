import Bytes
import System

@testable import Audit

/// Numbers that look random and are the same for the same seed (SplitMix64).
struct Dice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// True once in so many times.
    mutating func once(in count: Int) -> Bool { Int.random(in: 0..<count, using: &self) == 0 }
}

/// A disk that keeps its promises and not one more: what was not synchronised survives a power cut in any subset of sectors,
/// what did not survive reads as zeros, as garbage or as what was there before, lengths land anywhere between the old and the
/// new, and names appear in order or not at all.
///
/// A failed synchronisation leaves pages that the kernel calls clean and the disk never got.
final class CrashingStorage: LogStorage, @unchecked Sendable {
    static let sector = 512

    final class Node {
        /// What programs read.
        var cache: [UInt8] = []
        /// What the disk holds, with `diskSize` as the length it knows.
        var disk: [UInt8] = []
        var diskSize = 0
        /// Sectors whose bytes the disk does not have and the kernel will write.
        var dirty: Set<Int> = []
    }

    private enum NameChange {
        case set(String, Node)
        case remove(String)
    }

    /// How the disk breaks its promises, for tests that must see the difference.
    enum Lie {
        /// Synchronising does nothing, as if it were left out.
        case forgetsToSynchronize
        /// Synchronising records does nothing, as if checkpoints were signed before their records are durable.
        case forgetsToSynchronizeRecords
        /// Writing the same bytes again does nothing, as if recovery did not write them again.
        case skipsSameBytes
    }

    /// Calls that change something, until the next one crashes; nil: no crash.
    var stepsToCrash: Int?
    /// Calls to `synchronizeData` until one fails; nil: none.
    var synchronizationsToFailure: Int?
    /// Writes until one meets a full disk; nil: none.
    var writesToFullDisk: Int?
    /// Calls that change something, until one fails without effect and the machine goes on; nil: none.
    var stepsToFailure: Int?
    var lie: Lie?
    private(set) var isCrashed = false
    private(set) var steps = 0

    private var dice: Dice
    private var names: [String: Node] = [:]
    private var durableNames: [String: Node] = [:]
    private var pendingNames: [NameChange] = []

    init(seed: UInt64) {
        dice = Dice(seed: seed)
    }

    // MARK: The end of a life

    /// The process dies and the machine goes on: what programs could read can still be read.
    func killProcess() {
        isCrashed = false
        stepsToCrash = nil
        stepsToFailure = nil
        synchronizationsToFailure = nil
        writesToFullDisk = nil
    }

    /// The machine dies: only the disk is left.
    func cutPower() {
        killProcess()
        let survivors = Int.random(in: 0...pendingNames.count, using: &dice)
        for change in pendingNames.prefix(survivors) { apply(change, to: &durableNames) }
        pendingNames = []
        names = durableNames
        for name in names.keys.sorted() { if let node = names[name] { loseCache(of: node) } }
    }

    private func loseCache(of node: Node) {
        let sizes = (min(node.diskSize, node.cache.count), max(node.diskSize, node.cache.count))
        // Sectors of a bigger file are lost one by one; a cut that was not synchronised happened or did not.
        let size =
            node.cache.count < node.diskSize
            ? (dice.once(in: 2) ? sizes.0 : sizes.1) : Int.random(in: sizes.0...sizes.1, using: &dice)
        node.disk.append(contentsOf: repeatElement(0, count: max(0, size - node.disk.count)))
        for sector in node.dirty.sorted() {
            let range = (sector * CrashingStorage.sector)..<min((sector + 1) * CrashingStorage.sector, node.cache.count)
            if range.lowerBound >= node.disk.count { continue }
            switch Int.random(in: 0..<4, using: &dice) {
            case 0, 1: for index in range where index < node.disk.count { node.disk[index] = node.cache[index] }
            case 2 where range.lowerBound >= node.diskSize:
                for index in range where index < node.disk.count {
                    node.disk[index] = UInt8(truncatingIfNeeded: dice.next())
                }
            default: break
            }
        }
        node.disk.removeLast(node.disk.count - size)
        node.diskSize = size
        node.cache = node.disk
        node.dirty = []
    }

    private func apply(_ change: NameChange, to names: inout [String: Node]) {
        switch change {
        case .set(let name, let node): names[name] = node
        case .remove(let name): names[name] = nil
        }
    }

    // MARK: Steps

    fileprivate func step(_ call: StaticString) throws(SystemFailure) {
        steps += 1
        if let left = stepsToCrash {
            if left == 0 { isCrashed = true }
            stepsToCrash = left - 1
        }
        if isCrashed { throw SystemFailure(call: call, errno: 5, path: "crashed") }
        if let left = stepsToFailure {
            stepsToFailure = left - 1
            if left == 0 { throw SystemFailure(call: call, errno: dice.once(in: 2) ? 28 : 5) }
        }
    }

    private func change(_ change: NameChange) {
        apply(change, to: &names)
        pendingNames.append(change)
    }

    private func node(_ path: String) throws(SystemFailure) -> Node {
        guard let node = names[path] else { throw SystemFailure(call: "open", errno: 2, path: path) }
        return node
    }

    // MARK: LogStorage

    func list(_ folder: String) throws(SystemFailure) -> [String] {
        if isCrashed { throw SystemFailure(call: "opendir", errno: 5) }
        return names.keys.filter { $0.hasPrefix("\(folder)/") }.map { String($0.dropFirst(folder.count + 1)) }.sorted()
    }

    func open(_ path: String, _ access: FileAccess) throws(SystemFailure) -> any LogFile {
        switch access {
        case .readAndWriteNew:
            try step("open")
            guard names[path] == nil else { throw SystemFailure(call: "open", errno: 17, path: path) }
            change(.set(path, Node()))
        default:
            if isCrashed { throw SystemFailure(call: "open", errno: 5) }
        }
        return CrashingFile(self, try node(path))
    }

    func read(_ path: String, limit: Int) throws(SystemFailure) -> [UInt8]? {
        if isCrashed { throw SystemFailure(call: "read", errno: 5) }
        let bytes = try node(path).cache
        return bytes.count > limit ? nil : bytes
    }

    func replace(_ path: String, with bytes: [UInt8], permissions: UInt32) throws(SystemFailure) {
        let temporary = "\(path).new"
        try step("open")
        let fresh = Node()
        change(.set(temporary, fresh))
        let file = CrashingFile(self, fresh)
        try file.write(bytes.span, at: 0)
        try file.synchronize()
        try rename(temporary, to: path)
        try synchronizeFolder("")
    }

    func rename(_ path: String, to target: String) throws(SystemFailure) {
        try step("rename")
        let node = try node(path)
        change(.set(target, node))
        change(.remove(path))
    }

    func remove(_ path: String) throws(SystemFailure) {
        guard names[path] != nil else { throw SystemFailure(call: "unlink", errno: 2, path: path) }
        try step("unlink")
        change(.remove(path))
    }

    func synchronizeFolder(_ path: String) throws(SystemFailure) {
        try step("fsync")
        if lie == .forgetsToSynchronize { return }
        for change in pendingNames { apply(change, to: &durableNames) }
        pendingNames = []
    }

    func makeFolder(_ path: String) throws(SystemFailure) {}

    func removeFolder(_ path: String) throws(SystemFailure) {}

    func status(_ path: String) throws(SystemFailure) -> StoredFile {
        let node = try node(path)
        return StoredFile(
            device: 1, inode: UInt64(UInt(bitPattern: ObjectIdentifier(node).hashValue)), links: 1,
            size: node.cache.count)
    }

    func setPermissions(_ path: String, _ permissions: UInt32) throws(SystemFailure) {}

    // MARK: Files

    fileprivate func write(_ bytes: Span<UInt8>, at offset: Int, to node: Node) throws(SystemFailure) {
        var count = bytes.count
        var failure: SystemFailure?
        if let left = writesToFullDisk {
            writesToFullDisk = left - 1
            if left == 0 {
                count = Int.random(in: 0...count, using: &dice)
                failure = SystemFailure(call: "pwrite", errno: 28)
            }
        }
        do throws(SystemFailure) { try step("pwrite") } catch {
            // A crash in the middle of a write leaves any beginning of it.
            count = Int.random(in: 0...count, using: &dice)
            failure = error
        }
        if offset + count > node.cache.count {
            node.cache.append(contentsOf: repeatElement(0, count: offset + count - node.cache.count))
        }
        var written: [UInt8] = []
        written.append(copying: bytes.extracting(0..<count))
        let range = offset..<offset + count
        if count > 0, !(lie == .skipsSameBytes && node.cache[range] == written[...]) {
            node.cache.replaceSubrange(range, with: written)
            node.dirty.formUnion(offset / CrashingStorage.sector...(offset + count - 1) / CrashingStorage.sector)
        }
        if let failure { throw failure }
    }

    fileprivate func synchronize(_ node: Node, isData: Bool) throws(SystemFailure) {
        try step("fdatasync")
        if lie == .forgetsToSynchronize || isData && lie == .forgetsToSynchronizeRecords { return }
        var fails = false
        if isData, let left = synchronizationsToFailure {
            synchronizationsToFailure = left - 1
            fails = left == 0
        }
        let size = node.cache.count
        node.disk.append(contentsOf: repeatElement(0, count: max(0, size - node.disk.count)))
        for sector in node.dirty.sorted() where !(fails && dice.once(in: 2)) {
            let range = (sector * CrashingStorage.sector)..<min((sector + 1) * CrashingStorage.sector, size)
            node.disk.replaceSubrange(range, with: node.cache[range])
        }
        node.dirty = []
        node.disk.removeLast(node.disk.count - size)
        node.diskSize = size
        if fails { throw SystemFailure(call: "fdatasync", errno: 5) }
    }

    fileprivate func truncate(_ node: Node, to length: Int) throws(SystemFailure) {
        try step("ftruncate")
        if length < node.cache.count { node.cache.removeLast(node.cache.count - length) }
        node.dirty = node.dirty.filter { $0 * CrashingStorage.sector < length }
    }
}

private final class CrashingFile: LogFile {
    private let storage: CrashingStorage
    private let node: CrashingStorage.Node

    init(_ storage: CrashingStorage, _ node: CrashingStorage.Node) {
        self.storage = storage
        self.node = node
    }

    func write(_ bytes: Span<UInt8>, at offset: Int) throws(SystemFailure) {
        try storage.write(bytes, at: offset, to: node)
    }

    func read(at offset: Int, count: Int) throws(SystemFailure) -> [UInt8] {
        if storage.isCrashed { throw SystemFailure(call: "pread", errno: 5) }
        return Array(node.cache.dropFirst(offset).prefix(count))
    }

    func synchronizeData() throws(SystemFailure) { try storage.synchronize(node, isData: true) }

    func synchronize() throws(SystemFailure) { try storage.synchronize(node, isData: false) }

    func truncate(to length: Int) throws(SystemFailure) { try storage.truncate(node, to: length) }

    func reserve(_ length: Int) throws(SystemFailure) { try storage.step("fallocate") }

    func status() throws(SystemFailure) -> StoredFile {
        StoredFile(
            device: 1, inode: UInt64(UInt(bitPattern: ObjectIdentifier(node).hashValue)), links: 1,
            size: node.cache.count)
    }
}

import Bytes
import OpenSSL
import System

/// Why a batch was not written.
enum WriteFailure: Error {
    /// Nothing of it is in the log, and what was written before is safe.
    case failed(SystemFailure)
    /// Nobody can tell what the disk holds. Nothing may be written any more by this process.
    case poisoned(SystemFailure)

    var isPoison: Bool {
        if case .poisoned = self { true } else { false }
    }
}

/// Sizes that follow from the settings.
struct SegmentLimits: Sendable {
    /// A segment that has as many bytes gets a successor.
    let segmentBytes: Int
    /// One batch has at most this many bytes, the last record excepted.
    let batchBytes: Int
    /// What is reserved for each segment: room for what ends allowed calls when the disk is full.
    let reservedBytes: Int

    init(segmentBytes: Int) {
        self.segmentBytes = segmentBytes
        let slack = max(segmentBytes / 16, 256 << 10)
        batchBytes = min(1 << 20, slack)
        reservedBytes = segmentBytes + slack
    }
}

/// Puts batches on disk and knows where the log ends. It belongs to one thread; a crash between any two of its calls to the
/// storage leaves what `Recovery` expects.
final class SegmentWriter {
    private let storage: any LogStorage
    let limits: SegmentLimits
    private var file: any LogFile
    private var identity: StoredFile
    /// The next segment, reserved before it is needed. Its name is given to it when the number of its first record is known.
    private var spare: (any LogFile)?
    private(set) var name: SegmentName
    /// All of it is on disk.
    private(set) var chain: Chain
    /// Bytes of the segment; all of them are on disk.
    private(set) var end = 0
    private var count: UInt64 = 0
    private var before: [UInt8]
    private var day: Int64
    private var times: TimeSpan?
    private var digest = SHA256Stream()
    private var hasher = LeafHasher()
    private var buffer: [UInt8] = []
    /// Seals that could not be written yet. Recovery writes those that are lost with the process.
    private var seals: [Seal] = []

    private static let sparePath = "seg/spare"

    /// Begins a new segment. Never goes on writing one that another process, or this one before a failure, has written.
    init(
        _ storage: any LogStorage, limits: SegmentLimits, after recovered: Recovered, now: WallTime
    ) throws(WriteFailure) {
        self.storage = storage
        self.limits = limits
        chain = recovered.chain
        before = chain.lastLeaf
        day = SegmentWriter.day(of: now)
        name = SegmentName(first: chain.next, generation: recovered.generation)
        (file, identity) = try SegmentWriter.create(name, from: nil, storage, limits)
        seals = recovered.owedSeals
        writeSeals()
        prepareSpare()
    }

    /// Whether what is allowed may still be ended when the disk is full.
    var hasReserve: Bool { end + limits.batchBytes / 2 < limits.reservedBytes }

    /// Whether the next segment's blocks are reserved.
    var hasSpare: Bool { spare != nil }

    /// Makes a batch durable and gives each record its place. When it throws, no record has one.
    ///
    /// An outcome that closes no open intent is left out, and gets a failure instead of a receipt.
    func write(_ drafts: [Draft]) throws(WriteFailure) -> [Result<AuditReceipt, AuditFailure>] {
        let earlier = (next: chain.next, lastLeaf: chain.lastLeaf, durable: chain.durable)
        var changes: [IntentChange] = []
        var made: TimeSpan?
        let results = assemble(drafts, &changes, &made)
        if buffer.isEmpty { return results }
        do throws(SystemFailure) {
            // Behind a cut the batch would leave a hole, and hide that anything was cut.
            guard try file.status().size == end else { throw SegmentWriter.changed(name) }
        } catch {
            chain.takeBack(to: earlier, changes)
            throw .failed(error)
        }
        do throws(SystemFailure) {
            try file.write(buffer.span, at: end)
        } catch {
            // Some of it may be in the file. Cut it off, so that what follows stands where this stood.
            chain.takeBack(to: earlier, changes)
            do throws(SystemFailure) { try file.truncate(to: end) } catch { throw .poisoned(error) }
            throw .failed(error)
        }
        // Once this fails the kernel may have dropped the pages and call them clean: a second try would succeed and prove
        // nothing (fsyncgate). A crash before it leaves any part of the batch, which nobody was told about.
        do throws(SystemFailure) { try file.synchronizeData() } catch { throw .poisoned(error) }
        end += buffer.count
        count += chain.next - earlier.next
        if let made { times = times + made }
        digest.update(buffer)
        return results
    }

    /// Lays the lines of a batch into the buffer, one behind the other.
    private func assemble(
        _ drafts: [Draft], _ changes: inout [IntentChange], _ made: inout TimeSpan?
    ) -> [Result<AuditReceipt, AuditFailure>] {
        buffer.removeAll(keepingCapacity: true)
        let durable = chain.next
        var results: [Result<AuditReceipt, AuditFailure>] = []
        results.reserveCapacity(drafts.count)
        for draft in drafts {
            do throws(LineProblem) {
                let change = try chain.note(kind: draft.kind, call: draft.call, of: draft.of)
                if let change { changes.append(change) }
            } catch {
                results.append(.failure(.noOpenIntent(draft.of ?? 0)))
                continue
            }
            let start = buffer.count
            buffer.append(contentsOf: "{\"v\":1,\"seq\":".utf8)
            buffer.appendDecimal(chain.next)
            buffer.append(contentsOf: ",\"dur\":".utf8)
            buffer.appendDecimal(durable)
            buffer.append(UInt8(ascii: ","))
            buffer.append(contentsOf: draft.body)
            buffer.append(contentsOf: ",\"prev\":\"".utf8)
            Base64URL.append(chain.lastLeaf, to: &buffer)
            buffer.append(contentsOf: "\"}".utf8)
            let leaf = hasher.leaf(of: buffer.span.extracting(start..<buffer.count))
            buffer.append(0x0A)
            made = made + TimeSpan(draft.wall)
            results.append(.success(AuditReceipt(sequence: chain.next, leaf: leaf)))
            chain.advance(to: leaf, durable: durable)
        }
        return results
    }
}

// MARK: Segments follow each other

extension SegmentWriter {
    /// Begins the next segment when this one is full or from another day. Throws `failed` when there is no room for one: this
    /// segment can then be written as long as `hasReserve`.
    func rotateIfDue(now: WallTime) throws(WriteFailure) {
        let today = SegmentWriter.day(of: now)
        let isFull = end >= limits.segmentBytes
        guard isFull || (today != day && count > 0) else { return }
        do throws(WriteFailure) {
            try rotate(day: today)
        } catch {
            // Another day is no reason to stop as long as there is room.
            if isFull || error.isPoison { throw error }
        }
    }

    private func rotate(day today: Int64) throws(WriteFailure) {
        let next = SegmentName(first: chain.next, generation: name.generation + 1)
        let reserved = spare
        spare = nil
        let made = try SegmentWriter.create(next, from: reserved, storage, limits)
        // The successor exists before the seal does: a seal on the last segment means that somebody took a segment away.
        seals.append(seal())
        giveBack()
        (file, identity) = made
        name = next
        before = chain.lastLeaf
        day = today
        end = 0
        count = 0
        times = nil
        writeSeals()
        prepareSpare()
    }

    /// Makes a segment and its name durable. A failure leaves no trace of it, or else the log must not go on: a segment that
    /// may or may not appear after a crash would stand between this one and its tail.
    private static func create(
        _ name: SegmentName, from spare: (any LogFile)?, _ storage: any LogStorage, _ limits: SegmentLimits
    ) throws(WriteFailure) -> (any LogFile, StoredFile) {
        do throws(SystemFailure) {
            let file: any LogFile
            if let spare {
                file = spare
                try storage.rename(sparePath, to: name.path)
            } else {
                file = try storage.open(name.path, .readAndWriteNew(permissions: 0o640))
                try file.reserveIfPossible(limits.reservedBytes)
            }
            try file.synchronize()
            try storage.synchronizeFolder("seg")
            return (file, try file.status())
        } catch {
            do throws(SystemFailure) {
                try storage.removeIfThere(name.path)
                try storage.synchronizeFolder("seg")
            } catch {
                throw .poisoned(error)
            }
            throw .failed(error)
        }
    }

    /// Reserves the next segment, unless it is reserved already. Failing is no failure yet: see `hasSpare`.
    func prepareSpare() {
        guard spare == nil else { return }
        do throws(SystemFailure) {
            try storage.removeIfThere(SegmentWriter.sparePath)
            let file = try storage.open(SegmentWriter.sparePath, .readAndWriteNew(permissions: 0o640))
            try file.reserveIfPossible(limits.reservedBytes)
            spare = file
        } catch {
            try? storage.removeIfThere(SegmentWriter.sparePath)
        }
    }

    /// Seals the segment that ends with `log.closed`. Without it the end is less well protected, and nothing else is wrong.
    func sealClosed() {
        giveBack()
        try? storage.removeIfThere(SegmentWriter.sparePath)
        var seal = seal()
        seal.isClosed = true
        seals.append(seal)
        writeSeals()
    }

    /// Gives back what is reserved behind the segment's end. Failing costs room on the disk and nothing else.
    private func giveBack() {
        try? file.truncate(to: end)
    }

    private func seal() -> Seal {
        Seal(name: name, count: count, bytes: end, digest: digest.finish(), times: times, before: before, end: chain)
    }

    /// Writes the seals that are owed. What fails is tried again the next time.
    func writeSeals() {
        while let seal = seals.first {
            do throws(SystemFailure) {
                try storage.replace(seal.name.sealPath, with: seal.encoded(), permissions: 0o440)
                try storage.setPermissions(seal.name.path, 0o440)
            } catch {
                return
            }
            seals.removeFirst()
        }
    }

    /// Makes room again after the disk was full: what the segment had reserved was given back when it was cut.
    func makeRoom(now: WallTime) throws(WriteFailure) {
        do throws(SystemFailure) {
            try file.reserveIfPossible(limits.reservedBytes)
        } catch {
            throw .failed(error)
        }
        prepareSpare()
        try rotateIfDue(now: now)
    }

    private static func day(of time: WallTime) -> Int64 { time.seconds / 86_400 }
}

// MARK: The file stays where it is, and as it is

extension SegmentWriter {
    /// How the segment's file is found.
    enum Standing {
        /// As it was left.
        case whole
        /// The path names another file, or none.
        case replaced
        /// It is shorter or longer than what was written.
        case changed
    }

    /// Looks at the segment's file.
    var standing: Standing {
        guard let named = try? storage.status(name.path), let open = try? file.status() else { return .replaced }
        guard named.isSameFile(as: identity), open.links > 0 else { return .replaced }
        return open.size == end ? .whole : .changed
    }

    /// Whether the file holds what was written, byte for byte. Reads all of it.
    var isUnchanged: Bool {
        guard standing == .whole, let bytes = try? file.read(at: 0, count: end) else { return false }
        return SHA256.hash(bytes) == digest.hashSoFar()
    }

    /// Puts the segment back when its path names nothing: from the file that is still open, whose bytes must be the ones that
    /// were written. A path that names something else, or a file that was changed, is left alone, for it is evidence.
    func restoreIfGone() throws(WriteFailure) {
        switch standing {
        case .whole: return
        case .changed: throw .failed(SegmentWriter.changed(name))
        case .replaced: break
        }
        do throws(SystemFailure) {
            if (try? storage.status(name.path)) != nil {
                throw SystemFailure(call: "restore", errno: 17, path: name.path)
            }
            let bytes = try file.read(at: 0, count: end)
            guard SHA256.hash(bytes) == digest.hashSoFar() else {
                throw SystemFailure(call: "restore", errno: 5, path: name.path)
            }
            try storage.replace(name.path, with: bytes, permissions: 0o640)
            file = try storage.open(name.path, .readAndWrite)
            try file.reserveIfPossible(limits.reservedBytes)
            identity = try file.status()
        } catch {
            throw .failed(error)
        }
    }

    /// The segment is not as long as what was written (ESTALE).
    private static func changed(_ name: SegmentName) -> SystemFailure {
        SystemFailure(call: "length", errno: 116, path: name.path)
    }
}

extension LogFile {
    /// Reserves blocks where the file system can do that at all.
    func reserveIfPossible(_ length: Int) throws(SystemFailure) {
        do throws(SystemFailure) { try reserve(length) } catch {
            if !error.isNotSupported { throw error }
        }
    }
}

extension LogStorage {
    /// Removes a file's name if it has one.
    func removeIfThere(_ path: String) throws(SystemFailure) {
        do throws(SystemFailure) { try remove(path) } catch {
            if !error.isNotFound { throw error }
        }
    }
}

import Bytes
import JSON
import OpenSSL
import System

/// Where a new segment can be chained to, and what was found on the way there.
struct Recovered {
    /// The state after the last record.
    let chain: Chain
    /// The new segment's.
    let generation: Int
    /// Seals to be written once the new segment exists.
    let owedSeals: [Seal]
    /// What the last segment's end needed; nil after an orderly close, and in a new log.
    let repair: Repair?
    /// How many torn ends are kept in `quarantine/`.
    let quarantined: Int

    /// What was done to the last segment after an unclean stop.
    struct Repair {
        let segment: SegmentName
        /// Where the good lines end.
        let end: Int
        /// What was cut off there.
        let dropped: [UInt8]
        /// The file it is kept in; nil when nothing was cut.
        let quarantine: String?
        /// Why it was cut.
        let problem: LineProblem?
        /// How many bytes before the end were written again, because nothing proved that the disk had them.
        let rewritten: Int

        /// SHA-256 of what was cut off, in hex.
        var droppedHash: ByteString { ByteString(Hex.encode(SHA256.hash(dropped))) }
    }
}

/// Makes a trail that any crash left fit to be continued, or refuses it untouched.
///
/// Only the last segment may end badly, and only within its last batch: whatever an earlier batch wrote was durable before the
/// next one was begun, and each line says up to where (`dur`). Anything else is damage, and damage is never repaired silently.
/// A crash during recovery leaves what recovery expects: each of its steps can be done again.
struct Recovery {
    let storage: any LogStorage
    let origin: String
    let readsEverything: Bool

    /// No batch was ever longer.
    static let longestBatch = (1 << 20) + AuditRecord.lineLimit + 1

    func run() throws(AuditFailure) -> Recovered {
        let files = try attempt { () throws(SystemFailure) in
            for folder in ["", "seg", "quarantine"] { try storage.makeFolder(folder) }
            return try storage.list("seg")
        }
        let names = files.compactMap(SegmentName.init(fileName:)).sorted()
        let seals = Set(names.map(\.sealFileName))
        for file in files where file.hasSuffix(".seal") && !file.hasPrefix(".") && !seals.contains(file) {
            throw damage("seg/\(file)", 0, "the segment of this seal is missing")
        }
        try describe(isNew: names.isEmpty)
        var chain = Chain(origin: origin)
        var owed: [Seal] = []
        for name in names.dropLast() { chain = try passed(name, from: chain, &owed) }
        let repair = try names.last.flatMap { name throws(AuditFailure) in try ended(name, &chain, &owed) }
        let quarantined = try attempt { () throws(SystemFailure) in try storage.list("quarantine").count }
        return Recovered(
            chain: chain, generation: (names.last?.generation ?? 0) + 1, owedSeals: owed, repair: repair,
            quarantined: quarantined)
    }

    /// `log.json` says whose log this is, and is written before the first segment is.
    private func describe(isNew: Bool) throws(AuditFailure) {
        let path = LogDescription.path
        let bytes = try attempt { () throws(SystemFailure) in
            try storage.readIfThere(path, limit: LogDescription.limit)
        }
        if let bytes {
            guard let description = LogDescription(bytes) else {
                throw damage(path, 0, "it does not say whose log this is")
            }
            guard ByteString(description.origin) == ByteString(origin) else {
                throw .otherOrigin(found: description.origin, expected: origin)
            }
            return
        }
        guard isNew else { throw damage(path, 0, "it is missing") }
        try attempt { () throws(SystemFailure) in try LogDescription(origin: origin).write(to: storage) }
    }

    /// What `log.json` says before the log has a key.
    static func description(of origin: String) -> [UInt8] { LogDescription(origin: origin).encoded }

    private func attempt<Value>(_ body: () throws(SystemFailure) -> Value) throws(AuditFailure) -> Value {
        do throws(SystemFailure) { return try body() } catch { throw .system(error) }
    }

    private func damage(_ file: String, _ offset: Int, _ reason: String) -> AuditFailure {
        .damaged(AuditDamage(file: file, offset: offset, reason: reason))
    }
}

// MARK: Segments that have a successor

extension Recovery {
    /// Where the chain stands after a segment that has a successor: by its seal, or by reading it.
    private func passed(
        _ name: SegmentName, from chain: Chain, _ owed: inout [Seal]
    ) throws(AuditFailure) -> Chain {
        try expect(name, after: chain)
        let sealed = try attempt { () throws(SystemFailure) in
            try storage.readIfThere(name.sealPath, limit: Seal.limit)
        }
        guard let sealed else {
            // The process ended between making the successor and sealing, both of which came after the last batch.
            let seal = try read(name, from: chain)
            owed.append(seal)
            return seal.end
        }
        guard let seal = Seal(sealed, of: name) else { throw damage(name.sealPath, 0, "the seal cannot be read") }
        try check(name, seal, from: chain)
        return seal.end
    }

    /// Whether a segment is what its seal says, so far as can be seen without reading it, or else by reading it.
    private func check(_ name: SegmentName, _ seal: Seal, from chain: Chain) throws(AuditFailure) {
        guard seal.before == chain.lastLeaf else {
            throw damage(name.sealPath, 0, "the segment does not follow the one before it")
        }
        let size = try attempt { () throws(SystemFailure) in try storage.status(name.path).size }
        guard size == seal.bytes else {
            throw damage(name.path, min(size, seal.bytes), "it has \(size) bytes, and its seal says \(seal.bytes)")
        }
        if readsEverything, try !read(name, from: chain).fits(seal) {
            throw damage(name.sealPath, 0, "the seal does not fit the segment")
        }
    }

    private func expect(_ name: SegmentName, after chain: Chain) throws(AuditFailure) {
        guard name.first == chain.next else {
            throw damage(name.path, 0, "it begins with record \(name.first), and record \(chain.next) is missing")
        }
    }

    /// Reads a whole segment that must be good to its end.
    private func read(_ name: SegmentName, from chain: Chain) throws(AuditFailure) -> Seal {
        let scan = try attempt { () throws(SystemFailure) in
            let file = try storage.open(name.path, .read)
            return try SegmentScan.read(file, to: file.status().size, from: chain)
        }
        if let problem = scan.problem { throw damage(name.path, scan.bytes, problem.description) }
        return scan.seal(name, before: chain)
    }
}

// MARK: The last segment

extension Recovery {
    /// Makes the last segment's end safe, and says what that took; nil when the log was closed in good order.
    private func ended(
        _ name: SegmentName, _ chain: inout Chain, _ owed: inout [Seal]
    ) throws(AuditFailure) -> Recovered.Repair? {
        try expect(name, after: chain)
        let sealed = try attempt { () throws(SystemFailure) in
            try storage.readIfThere(name.sealPath, limit: Seal.limit)
        }
        if let sealed {
            let seal = try closed(name, sealed, from: chain)
            chain = seal.end
            owed.append(seal)
            return nil
        }
        let (file, status) = try attempt { () throws(SystemFailure) in
            let file = try storage.open(name.path, .readAndWrite)
            return (file, try file.status())
        }
        let named = try attempt { () throws(SystemFailure) in try storage.status(name.path) }
        // What is written below must be written into a file of ours, not into one that somebody linked here.
        guard named.isSameFile(as: status) else { throw damage(name.path, 0, "it is a symbolic link") }
        let size = status.size
        let scan = try attempt { () throws(SystemFailure) in try SegmentScan.read(file, to: size, from: chain) }
        owed.append(scan.seal(name, before: chain))
        chain = scan.chain
        if scan.problem == nil, scan.lastKind == .logClosed {
            // Only what is reserved behind the end goes.
            try? file.truncate(to: size)
            return nil
        }
        return try repair(name, file, size, scan)
    }

    /// A seal on the last segment says that the log was closed with it, or that its successor was taken away. Answers the seal
    /// that it gets now that a successor comes.
    private func closed(_ name: SegmentName, _ sealed: [UInt8], from chain: Chain) throws(AuditFailure) -> Seal {
        guard var seal = Seal(sealed, of: name) else { throw damage(name.sealPath, 0, "the seal cannot be read") }
        guard seal.isClosed else {
            throw damage(name.sealPath, 0, "the segment is sealed, and its successor is missing")
        }
        try check(name, seal, from: chain)
        seal.isClosed = false
        return seal
    }

    private func repair(
        _ name: SegmentName, _ file: any LogFile, _ size: Int, _ scan: SegmentScan
    ) throws(AuditFailure) -> Recovered.Repair {
        let tail = try attempt { () throws(SystemFailure) in try file.read(at: scan.bytes, count: size - scan.bytes) }
        try checkIsTorn(tail, name, scan)
        var quarantine: String?
        if !tail.isEmpty {
            let hash = Hex.encode([UInt8](SHA256.hash(tail).prefix(8)))
            quarantine = "quarantine/\(name.fileName)-\(scan.bytes)-\(hash)"
        }
        let start = max(0, scan.bytes - Recovery.longestBatch)
        try attempt { () throws(SystemFailure) in
            if let quarantine { try storage.replace(quarantine, with: tail, permissions: 0o440) }
            // The kernel may hold the last batch as clean pages that the disk never got, if a synchronisation failed before
            // the stop. Writing the bytes again makes them dirty, and then durable. They are the same bytes, so a crash here
            // changes nothing.
            let unproven = try file.read(at: start, count: scan.bytes - start)
            try file.write(unproven.span, at: start)
            try file.truncate(to: scan.bytes)
            try file.synchronize()
        }
        return Recovered.Repair(
            segment: name, end: scan.bytes, dropped: tail, quarantine: quarantine, problem: scan.problem,
            rewritten: scan.bytes - start)
    }

    /// Refuses to call an end torn that no crash can have torn.
    private func checkIsTorn(_ tail: [UInt8], _ name: SegmentName, _ scan: SegmentScan) throws(AuditFailure) {
        guard let problem = scan.problem else { return }
        if !problem.mayBeTorn { throw damage(name.path, scan.bytes, problem.description) }
        if tail.count > Recovery.longestBatch {
            throw damage(name.path, scan.bytes, "\(problem.description), and too much follows for a torn batch")
        }
        if let proof = Recovery.recordProving(scan.chain.next, in: tail) {
            throw damage(
                name.path, scan.bytes,
                "\(problem.description), and record \(proof) proves that record \(scan.chain.next) was on disk")
        }
    }

    /// A later record that was written when this one was durable already; nil when there is none among these bytes.
    static func recordProving(_ sequence: UInt64, in tail: [UInt8]) -> UInt64? {
        for line in tail.split(separator: 0x0A) {
            guard let document = try? JSONDocument(parsing: Array(line)), document.number("v") == 1,
                let found = document.number("seq"), let durable = document.number("dur")
            else { continue }
            if found >= durable, durable > sequence { return found }
        }
        return nil
    }
}

extension LogStorage {
    /// The whole file, nil when there is none. A file that is too long is not ours.
    func readIfThere(_ path: String, limit: Int) throws(SystemFailure) -> [UInt8]? {
        do throws(SystemFailure) {
            guard let bytes = try read(path, limit: limit) else {
                throw SystemFailure(call: "read", errno: 27, path: path)
            }
            return bytes
        } catch {
            if error.isNotFound { return nil }
            throw error
        }
    }
}

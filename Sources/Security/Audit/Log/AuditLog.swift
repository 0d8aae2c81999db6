public import Bytes
import System
import TransparencyLog

/// The trail of one gate: whatever must not happen unrecorded waits here until its record is on disk.
///
/// Any task may append; one thread writes, and makes everything that waits durable with one call to the disk. An `append`
/// that throws means that the record may not be relied on: what depended on it must not happen.
public final class AuditLog: Sendable {
    /// The log's name.
    public let origin: String
    /// The public key that verifies the log's checkpoints (`vkey`), to be published by its operator.
    public let verificationKey: String
    /// Pseudonyms, fingerprints and commitments under this log's keys.
    public let keys: AuditKeys

    private let desk: Desk
    private let watch: Watch
    private let clock: LogClock
    private let threads: Guarded<[Thread]>

    private init(
        origin: String, verificationKey: String, keys: AuditKeys, desk: Desk, watch: Watch, clock: LogClock,
        threads: [Thread]
    ) {
        self.origin = origin
        self.verificationKey = verificationKey
        self.keys = keys
        self.desk = desk
        self.watch = watch
        self.clock = clock
        self.threads = Guarded(threads)
    }

    /// Opens the trail, after having checked and where necessary recovered what a crash left, and writes `log.opened`.
    ///
    /// Blocks: it reads the last segment and the seals of the others. Intents that a crash left without an outcome are closed
    /// by `call.orphaned`.
    public static func open(_ settings: AuditSettings) throws(AuditFailure) -> AuditLog {
        try open(settings, storage: DiskStorage(settings.directory), clock: LogClock())
    }

    /// Waits until the record is on disk. Cancelling the task does not end the wait: the record may be there already.
    ///
    /// - Throws: `suspended`, `queueFull`, `poisoned`, `closed`: refuse what the record was for, with 503. `noOpenIntent` is a
    ///   mistake of the caller.
    public func append(_ record: AuditRecord) async throws(AuditFailure) -> AuditReceipt {
        let draft = Draft(record, at: clock.now())
        let result = await withCheckedContinuation { (waiter: Waiting.Waiter) in
            if let failure = desk.hand(Waiting(draft: draft, waiter: waiter)) {
                waiter.resume(returning: .failure(failure))
            }
        }
        return try result.get()
    }

    /// Hands the record over and does not wait: for what is worth a record but not an answer.
    public func appendWithoutWaiting(_ record: AuditRecord) throws(AuditFailure) {
        let draft = Draft(record, at: clock.now())
        if let failure = desk.hand(Waiting(draft: draft, waiter: nil)) { throw failure }
    }

    /// As `appendWithoutWaiting`, for what strangers can cause as often as they like: the first of each source and reason is
    /// recorded at once, the others of the same ten seconds are counted in one record. A refusal by the log is only counted.
    ///
    /// Never for an authenticated action: each of those has a record of its own.
    /// - Parameters:
    ///   - source: the address without the port, or the network it is in.
    ///   - reason: one of the program's few codes.
    public func appendCoalesced(_ record: AuditRecord, source: ByteString, reason: ByteString) {
        let now = clock.now()
        guard watch.isFirst(record.kind, source: source, reason: reason, at: now) else { return }
        _ = desk.hand(Waiting(draft: Draft(record, at: now), waiter: nil))
    }

    /// How the log is.
    public var health: AuditHealth { desk.health }

    /// Writes what waits and `log.closed`, and ends the log's threads. Blocks until then: not for an event loop. Later records
    /// are refused. Closing twice is closing once.
    public func close() {
        let threads = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        if threads.isEmpty { return }
        watch.finish()
        desk.beginClosing()
        for thread in threads { thread.join() }
    }
}

// MARK: Opening

extension AuditLog {
    static func open(
        _ settings: AuditSettings, storage: sending any LogStorage, clock: LogClock
    ) throws(AuditFailure) -> AuditLog {
        try check(settings)
        let lock = try LockFile(settings)
        let (keyFile, content) = try KeyFile.open(settings.keys)
        let keys = AuditKeys(keyFile, origin: settings.origin, content)
        let anchorLock = try LockFile(
            directory: settings.anchor ?? settings.keys, name: "\(Anchor.stem(of: settings.origin)).lock",
            content: "\(CurrentProcess.identifier)")
        let publisher = Publisher(
            storage, anchor: Anchor(DiskStorage(settings.anchor ?? settings.keys), origin: settings.origin),
            keys: SigningKeyFolder(directory: settings.keys, origin: settings.origin), origin: settings.origin)
        let recovered = try recover(settings, on: storage)
        let signing = try publisher.resume(
            size: recovered.chain.next, readsEverything: settings.readsEverything, rotates: settings.rotation != nil,
            now: clock.wall())
        let segments = try begin(settings, on: storage, clock, after: recovered, signing)
        try publisher.rotate(now: clock.wall())
        let desk = Desk(
            records: settings.queueRecords, bytes: settings.queueBytes,
            report: Desk.Report(
                durableRecords: segments.chain.next, lastLeaf: segments.chain.lastLeaf, openIntents: 0,
                lastDurable: clock.wall(),
                segment: segments.name.path, hasSpare: segments.hasSpare))
        let watch = Watch(desk: desk, clock: clock, settings: settings)
        let scribe = Scribe(
            desk: desk, segments: segments, keys: keys, clock: clock, settings: settings, lock: lock)
        let verificationKey = (signing.next ?? signing.key).text
        let notary = Notary(desk: desk, publisher: publisher, settings: settings, lock: anchorLock)
        do throws(SystemFailure) {
            let threads = [
                try Thread.start("audit-writer") { scribe.run() }, try Thread.start("audit-watch") { watch.run() },
                try Thread.start("audit-notary") { notary.run() },
            ]
            return AuditLog(
                origin: settings.origin, verificationKey: verificationKey, keys: keys, desk: desk, watch: watch,
                clock: clock, threads: threads)
        } catch {
            desk.beginClosing()
            throw .system(error)
        }
    }

    private static func check(_ settings: AuditSettings) throws(AuditFailure) {
        let origin = ByteString(settings.origin)
        guard !origin.isEmpty, origin.count <= 255, origin.bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x2B })
        else {
            throw .settings("the origin must be a name such as mcp.example.com/audit, without spaces and `+`")
        }
        guard settings.segmentBytes >= 4_096 else { throw .settings("a segment must have at least 4,096 bytes") }
        guard settings.directory != settings.keys else {
            throw .settings("the keys must not be in the trail's directory")
        }
    }

    /// Makes what is there fit to be continued.
    static func recover(_ settings: AuditSettings, on storage: any LogStorage) throws(AuditFailure) -> Recovered {
        try Recovery(storage: storage, origin: settings.origin, readsEverything: settings.readsEverything).run()
    }

    /// Begins a new segment behind what was recovered.
    static func begin(
        _ settings: AuditSettings, on storage: any LogStorage, _ clock: LogClock, after recovered: Recovered,
        _ signing: SigningState?
    ) throws(AuditFailure) -> SegmentWriter {
        let limits = SegmentLimits(segmentBytes: settings.segmentBytes)
        do throws(WriteFailure) {
            let segments = try SegmentWriter(storage, limits: limits, after: recovered, now: clock.wall())
            try writeBeginning(segments, recovered, settings, clock, signing)
            return segments
        } catch {
            switch error {
            case .failed(let failure): throw .system(failure)
            case .poisoned(let failure): throw .poisoned(failure)
            }
        }
    }

    /// The first records of a new segment: who writes from here on, what a crash left, and how the calls ended that it cut off.
    private static func writeBeginning(
        _ segments: SegmentWriter, _ recovered: Recovered, _ settings: AuditSettings, _ clock: LogClock,
        _ signing: SigningState?
    ) throws(WriteFailure) {
        var opened = AuditRecord(.logOpened)
        opened.facts = [
            ("program", .text(ByteString(settings.program))), ("pid", .int(Int(CurrentProcess.identifier))),
            ("generation", .int(recovered.generation)), ("clean", .bool(recovered.repair == nil)),
            ("quarantined", .int(recovered.quarantined)),
            ("heartbeat_ms", .int(Int(clamping: settings.heartbeat.nanoseconds / 1_000_000))),
        ]
        if let boot = BootClock.bootIdentifier { opened.facts.append(("boot", .text(ByteString(boot)))) }
        // Whoever takes the key out of the directory's description leaves this.
        if let signing { opened.facts.append(("vkey", .text(ByteString(signing.key.text)))) }
        opened.facts += Watch.clockFacts()
        var records = [opened]
        if let repair = recovered.repair { records.append(AuditRecord(repair)) }
        if let signing, let next = signing.next {
            records.append(
                AuditRecord(
                    .logKeyRotated,
                    facts: [
                        ("old", .text(ByteString(signing.key.text))), ("new", .text(ByteString(next.text))),
                        ("reason", .text(ByteString(settings.rotation ?? "resumed"))),
                    ]))
        }
        let now = clock.now()
        _ = try segments.write(records.map { Draft($0, at: now) })
        let orphans = recovered.chain.openIntents.sorted { $0.key < $1.key }
        try Scribe.close(
            orphans.map { ($0.key, $0.value.isEmpty ? nil : $0.value) }, because: "stopped", segments, clock)
    }
}

extension LockFile {
    /// Takes the lock of the settings' directory, which is made when it is not there.
    fileprivate convenience init(_ settings: AuditSettings) throws(AuditFailure) {
        do throws(SystemFailure) { try Files.makeFolders(settings.directory, permissions: 0o750) } catch {
            throw .system(error)
        }
        let boot = BootClock.bootIdentifier ?? "-"
        try self.init(directory: settings.directory, content: "\(CurrentProcess.identifier) \(boot)")
    }
}

extension AuditRecord {
    /// What recovery did.
    fileprivate init(_ repair: Recovered.Repair) {
        self.init(.logRecovered)
        facts = [
            ("segment", .text(ByteString(repair.segment.path))), ("end", .int(repair.end)),
            ("dropped_bytes", .int(repair.dropped.count)), ("rewritten_bytes", .int(repair.rewritten)),
        ]
        if let quarantine = repair.quarantine, let problem = repair.problem {
            facts.append(("dropped_sha256", .text(repair.droppedHash)))
            facts.append(("quarantine", .text(ByteString(quarantine))))
            facts.append(("problem", .text(ByteString(problem.description))))
        }
    }
}

import Bytes
import System
import Telemetry

/// The log's writer: takes batches from the desk, puts them on disk, and answers who waits. It lives on a thread of its own,
/// because it blocks on the disk, and is the only one that writes.
final class Scribe {
    private let desk: Desk
    private let segments: SegmentWriter
    private let keys: AuditKeys
    private let clock: LogClock
    private let settings: AuditSettings
    private let lock: LockFile
    private var meters = AuditMeters()
    private var pacing = Pacing()
    private var batches: UInt64 = 0
    private var nextTick = MonotonicTime.now
    private var suspension: Suspension?
    /// Intents that are on disk although their callers were refused. Each gets its `call.orphaned` when the log resumes.
    private var unanswered: [(sequence: UInt64, call: ByteString?)] = []

    private struct Suspension {
        let why: AuditSuspension
        let since: Moment
        /// Whether `log.suspended` is in the trail.
        var isTold = false
        var nextProbe: MonotonicTime
    }

    init(
        desk: Desk, segments: SegmentWriter, keys: AuditKeys, clock: LogClock, settings: AuditSettings,
        lock: LockFile
    ) {
        self.desk = desk
        self.segments = segments
        self.keys = keys
        self.clock = clock
        self.settings = settings
        self.lock = lock
    }

    /// Writes until the log is closed or its disk failed.
    func run() {
        while !desk.isOver {
            let batch = desk.take(batchBytes: segments.limits.batchBytes, until: nextTick)
            if !batch.isEmpty {
                let begin = MonotonicTime.now
                write(batch)
                if let moment = pacing.wrote(batch.count, begun: begin, ended: .now) { desk.rest(until: moment) }
            }
            if MonotonicTime.now >= nextTick { tick() }
            if batch.isEmpty, desk.condition.isClosing { finish() }
        }
    }

    private func write(_ batch: [Waiting]) {
        do throws(WriteFailure) {
            // A suspended log writes the last outcomes into the room that is left, and begins nothing.
            if suspension == nil { try segments.rotateIfDue(now: clock.wall()) }
            try commit(batch)
        } catch {
            switch error {
            case .failed(let failure):
                suspend(reason(of: failure))
            case .poisoned(let failure):
                poison(failure)
            }
        }
    }

    private func reason(of failure: SystemFailure) -> AuditSuspension {
        switch segments.standing {
        case .changed: .fileChanged
        case .whole, .replaced: failure.isDiskFull ? .diskFull : .writeFailed(failure)
        }
    }

    private func commit(_ batch: [Waiting]) throws(WriteFailure) {
        do throws(SystemFailure) { try keys.flush() } catch { throw .failed(error) }
        let begin = MonotonicTime.now
        let results = try segments.write(batch.map(\.draft))
        meters.wrote(batch, in: MonotonicTime.now - begin)
        batches += 1
        if desk.settle(report) {
            for (waiting, result) in zip(batch, results) { waiting.waiter?.resume(returning: result) }
        } else {
            abandon(batch, results)
        }
    }

    /// The disk answered after the callers had been told that it did not.
    private func abandon(_ batch: [Waiting], _ results: [Result<AuditReceipt, AuditFailure>]) {
        for (waiting, result) in zip(batch, results) where waiting.draft.kind == .callIntent {
            if case .success(let receipt) = result { unanswered.append((receipt.sequence, waiting.draft.call)) }
        }
        if suspension == nil { beginSuspension(.stalled) }
        probe()
    }

    private var report: Desk.Report {
        Desk.Report(
            durableRecords: segments.chain.next, lastLeaf: segments.chain.lastLeaf,
            openIntents: segments.chain.openIntents.count, batches: batches, lastDurable: clock.wall(),
            segment: segments.name.path, hasSpare: segments.hasSpare)
    }
}

// MARK: Suspension

extension Scribe {
    private func suspend(_ why: AuditSuspension) {
        let hasReserve = why == .diskFull && suspension == nil && segments.hasReserve
        if suspension == nil { beginSuspension(why) }
        refuse(desk.suspend(why, hasReserve: hasReserve), .suspended(why))
        guard hasReserve else { return }
        do throws(WriteFailure) {
            _ = try segments.write([told(.logSuspended, ["why": .text(ByteString("\(why.code)"))])])
            suspension?.isTold = true
        } catch {
            switch error {
            case .failed:
                refuse(desk.suspend(why, hasReserve: false), .suspended(why))
            case .poisoned(let failure):
                poison(failure)
            }
        }
    }

    private func beginSuspension(_ why: AuditSuspension) {
        suspension = Suspension(
            why: why, since: clock.now(), nextProbe: .now + settings.probe)
        Log.error("audit.suspended", ["why": .text(ByteString("\(why.code)"))])
    }

    /// Tries whether the log can be written again, by writing that it can.
    private func probe() {
        guard let suspension else { return }
        self.suspension?.nextProbe = .now + settings.probe
        do throws(WriteFailure) {
            guard lock.isInPlace else { return }
            try segments.restoreIfGone()
            guard suspension.why != .fileChanged || segments.isUnchanged else { return }
            try segments.makeRoom(now: clock.wall())
            try resumed(suspension)
        } catch {
            switch error {
            case .failed:
                return
            case .poisoned(let failure):
                poison(failure)
                return
            }
        }
        self.suspension = nil
        desk.resume(report)
        Log.notice("audit.resumed")
    }

    private func resumed(_ suspension: Suspension) throws(WriteFailure) {
        var drafts: [Draft] = []
        if !suspension.isTold {
            drafts.append(
                told(.logSuspended, ["why": .text(ByteString("\(suspension.why.code)"))], at: suspension.since))
        }
        drafts.append(
            told(
                .logResumed,
                [
                    "why": .text(ByteString("\(suspension.why.code)")),
                    "since": .text(ByteString(suspension.since.wall.rfc3339(fractionDigits: 9))),
                    "refused": .int(Int(clamping: desk.refusedMeanwhile)),
                ]))
        _ = try segments.write(drafts)
        try Scribe.close(unanswered, because: "refused", segments, clock)
        unanswered = []
    }

    /// Writes `call.orphaned` for each intent, in batches.
    static func close(
        _ intents: [(sequence: UInt64, call: ByteString?)], because why: ByteString, _ segments: SegmentWriter,
        _ clock: LogClock
    ) throws(WriteFailure) {
        var rest = intents[...]
        while !rest.isEmpty {
            let some = rest.prefix(1_000)
            rest = rest.dropFirst(1_000)
            let now = clock.now()
            _ = try segments.write(
                some.map { intent in
                    var record = AuditRecord(.callOrphaned, facts: [("why", .text(why))])
                    record.call = intent.call.flatMap { CallID($0) }
                    record.of = intent.sequence
                    return Draft(record, at: now)
                })
        }
    }

    private func told(
        _ kind: AuditKind, _ facts: KeyValuePairs<String, AuditRecord.Value>, at moment: Moment? = nil
    ) -> Draft {
        Draft(AuditRecord(kind, facts: facts.map { ($0.key, $0.value) }), at: moment ?? clock.now())
    }

    private func refuse(_ waiting: [Waiting], _ failure: AuditFailure) {
        for waiting in waiting { waiting.waiter?.resume(returning: .failure(failure)) }
    }

    private func poison(_ failure: SystemFailure) {
        Log.error("audit.poisoned", ["failure": .text(ByteString(failure.description))])
        refuse(desk.end(.poisoned(failure)), .poisoned(failure))
        settings.whenPoisoned(.poisoned(failure))
    }
}

// MARK: Once a second, and the end

extension Scribe {
    private func tick() {
        nextTick = .now + min(.seconds(1), settings.probe)
        if let suspension {
            if MonotonicTime.now >= suspension.nextProbe { probe() }
            return
        }
        // The watch may have given up on a batch that the disk then finished: the desk is suspended, the disk is well.
        if case .suspended(let why) = desk.condition.log {
            beginSuspension(why)
            probe()
            return
        }
        switch segments.standing {
        case .whole: break
        case .replaced: return suspend(.fileReplaced)
        case .changed: return suspend(.fileChanged)
        }
        if !lock.isInPlace { return suspend(.fileReplaced) }
        segments.writeSeals()
        if !segments.hasSpare { segments.prepareSpare() }
    }

    private func finish() {
        let condition = desk.condition
        if condition.log == .running || condition.hasReserve {
            do throws(WriteFailure) {
                _ = try segments.write([told(.logClosed, [:])])
                segments.sealClosed()
            } catch {
                switch error {
                case .failed:
                    // The end is then as after a crash, and the next start says so.
                    break
                case .poisoned(let failure):
                    poison(failure)
                    return
                }
            }
        }
        refuse(desk.end(.closed, report), .closed)
    }
}

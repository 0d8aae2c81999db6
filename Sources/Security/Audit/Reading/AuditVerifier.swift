import Bytes
import JSON
import OpenSSL
import System
import TransparencyLog

/// Reads a whole trail and says whether it is what was written: every line, the chain through them, every seal, and that every
/// call that was let through ended exactly once. Needs nothing but the directory, and works while the log is being written.
///
/// The tree's tiles and signed checkpoints are compared as well. Without the log's key or a checkpoint from outside the directory
/// it cannot notice that the whole directory was put back to an earlier state, or was made anew under another key.
struct AuditVerifier {
    private let trail: Trail
    private let progress: (_ done: Int, _ total: Int) -> Void
    private var report = VerifyReport()
    private var chain: Chain
    private var session = SessionCheck()
    private var lastKind: AuditKind?
    private var tree: TreeCheck
    private let key: NoteKey?
    /// Where the good lines end.
    private var end = (file: "seg", offset: 0)
    /// Whether the rest of the segment before was not read because something in it is wrong.
    private var isBroken = false

    /// Verifies a directory. `progress` is told now and then how many bytes of how many are read.
    ///
    /// - Parameters:
    ///   - key: the log's key, for whoever has it from elsewhere.
    ///   - outside: checkpoints that were kept elsewhere, such as the anchor.
    static func verify(
        _ directory: String, key: NoteKey? = nil, outside: [VerifyReport.Outside] = [],
        progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) -> VerifyReport {
        do throws(SystemFailure) {
            var verifier = try AuditVerifier(Trail(directory), key, outside, progress)
            try verifier.run()
            return verifier.report
        } catch {
            var report = VerifyReport()
            report.add(.init(verdict: .unverifiable, file: ".", offset: 0, record: nil, reason: error.description))
            return report
        }
    }

    private init(
        _ trail: Trail, _ key: NoteKey?, _ outside: [VerifyReport.Outside], _ progress: @escaping (Int, Int) -> Void
    ) throws(SystemFailure) {
        self.trail = trail
        self.key = key
        self.progress = progress
        tree = try TreeCheck(trail, outside: outside)
        chain = Chain(origin: trail.log?.origin ?? "")
        report.origin = trail.log.map { ByteString($0.origin) }
        report.isLive = trail.isLive
    }

    private mutating func run() throws(SystemFailure) {
        if trail.tree.description == nil {
            add(.missing, "log.json", 0, "it is not there")
        } else if trail.tree.description != trail.log?.encoded {
            add(.tampered, "log.json", 0, "it is not what it was when the log was made")
        }
        for seal in trail.orphanedSeals { add(.missing, "seg/\(seal)", 0, "the segment of this seal is missing") }
        if trail.segments.isEmpty { add(.missing, "seg", 0, "there is no segment") }
        let total = trail.segments.reduce(0) { $0 + $1.bytes }
        var done = 0
        for (index, segment) in trail.segments.enumerated() {
            progress(done, total)
            try verify(segment.name, segment.bytes, isLast: index == trail.segments.count - 1)
            done += segment.bytes
        }
        finish()
    }

    private mutating func add(_ verdict: VerifyReport.Verdict, _ file: String, _ offset: Int, _ reason: String) {
        report.add(.init(verdict: verdict, file: file, offset: offset, record: nil, reason: reason))
    }
}

// MARK: One segment

extension AuditVerifier {
    private mutating func verify(_ name: SegmentName, _ size: Int, isLast: Bool) throws(SystemFailure) {
        let file: any LogFile
        do throws(SystemFailure) { file = try trail.storage.open(name.path, .read) } catch {
            add(.unverifiable, name.path, 0, error.description)
            return
        }
        if name.first != chain.next { try find(name, file, size) }
        let before = chain
        var facts = report
        var session = session
        var torn: [(file: String, hash: ByteString)] = []
        var tree = tree
        let scan = try SegmentScan.read(file, to: size, from: chain) { line, leaf, offset, length in
            facts.note(line, length)
            tree.add(line, leaf: leaf, file: name.path, offset: offset)
            session.note(line, &facts)
            if line.kind == .logRecovered, let aside = line.setAside { torn.append(aside) }
        }
        (report, self.session, self.tree) = (facts, session, tree)
        end = (name.path, scan.bytes)
        report.segments += 1
        try checkQuarantine(torn)
        chain = scan.chain
        if let kind = scan.lastKind { lastKind = kind }
        isBroken = false
        if let problem = scan.problem { try explain(problem, name, file, size, scan, isLast: isLast) }
        try checkSeal(
            scan.seal(name, before: before), size, isLast: isLast)
    }

    /// The records between the last segment and this one are not there. To go on, this segment's own beginning is believed.
    private mutating func find(_ name: SegmentName, _ file: any LogFile, _ size: Int) throws(SystemFailure) {
        if isBroken {
            // Said already.
        } else if name.first > chain.next {
            add(.missing, name.path, 0, "records \(chain.next) to \(name.first - 1) should stand before it")
        } else {
            add(.tampered, name.path, 0, "it begins with record \(name.first), which stands elsewhere already")
        }
        var reader = LineReader(file, to: size)
        let first = try reader.next()
        guard let first, let document = try? JSONDocument(parsing: first.line),
            let leaf = document.text("prev").flatMap(Base64URL.decode), leaf.count == 32
        else { return }
        chain = Chain(believing: name.first, after: leaf)
    }

    private mutating func explain(
        _ problem: LineProblem, _ name: SegmentName, _ file: any LogFile, _ size: Int, _ scan: SegmentScan, isLast: Bool
    ) throws(SystemFailure) {
        // A batch that is being written may be seen half; the rest of it comes after our snapshot.
        if isLast, trail.isLive, problem == .unfinished { return }
        let isTorn = isLast && problem.mayBeTorn ? try isTorn(file, size, scan) : false
        let verdict: VerifyReport.Verdict =
            problem == .unknownVersion ? .unverifiable : isTorn ? .truncated : .tampered
        let what =
            verdict == .truncated
            ? "the log ends in \(size - scan.bytes) bytes that are no whole record, as after a power cut or an edit: "
            : ""
        report.add(
            .init(
                verdict: verdict, file: name.path, offset: scan.bytes, record: scan.chain.next,
                reason: what + problem.description))
        isBroken = true
    }

    /// Whether a crash can have left this end: see `Recovery`.
    private func isTorn(_ file: any LogFile, _ size: Int, _ scan: SegmentScan) throws(SystemFailure) -> Bool {
        if size - scan.bytes > Recovery.longestBatch { return false }
        let tail = try file.read(at: scan.bytes, count: size - scan.bytes)
        return Recovery.recordProving(scan.chain.next, in: tail) == nil
    }

    private mutating func checkSeal(_ seal: Seal, _ size: Int, isLast: Bool) throws(SystemFailure) {
        // Meanwhile it may have grown and been sealed.
        if isLast, trail.isLive { return }
        guard let bytes = try trail.seal(of: seal.name) else {
            if !isLast, !trail.isLive {
                report.warn("\(seal.name.path) is not sealed: the log stopped before it could be")
            }
            return
        }
        guard let found = Seal(bytes, of: seal.name), found.encoded() == bytes else {
            add(.tampered, seal.name.sealPath, 0, "the seal cannot be read")
            return
        }
        if isLast, !found.isClosed {
            add(.missing, seal.name.sealPath, 0, "the segment is sealed, and the one that must follow is not there")
        }
        if found.bytes > size {
            add(.truncated, seal.name.path, size, "its seal says \(found.count) records in \(found.bytes) bytes")
        } else if !isBroken, !found.fits(seal, knowsIntents: !chain.isPartial) {
            add(.tampered, seal.name.sealPath, 0, "the seal does not fit the segment")
        }
    }

    /// What recovery set aside must still be what it was.
    private mutating func checkQuarantine(_ torn: [(file: String, hash: ByteString)]) throws(SystemFailure) {
        for (file, hash) in torn {
            guard let bytes = try trail.storage.readIfThere(file, limit: 2 * Recovery.longestBatch) else {
                report.warn("\(file), which recovery set aside, is not there any more")
                continue
            }
            if ByteString(Hex.encode(SHA256.hash(bytes))) != hash {
                add(.tampered, file, 0, "it is not what recovery set aside")
            }
        }
    }

    private mutating func finish() {
        progress(report.bytes, report.bytes)
        report.openIntents = chain.openIntents.count
        report.head = report.records == 0 ? [] : chain.lastLeaf
        session.finish(&report)
        tree.finish(&report, pinned: key, end: end, isClosed: lastKind == .logClosed)
        if report.isLive || report.verdict != .ok { return }
        if lastKind != .logClosed {
            report.warn("the log was not closed: it crashed, or records were cut off its end")
        } else if report.openIntents > 0 {
            report.warn("\(report.openIntents) calls had no outcome when the log was closed")
        }
    }
}

extension VerifyReport {
    fileprivate mutating func note(_ line: TrailLine, _ length: Int) {
        records += 1
        bytes += length + 1
        kinds[line.kind, default: 0] += 1
        if begin == nil { begin = line.wall }
        end = line.wall
    }
}

extension TrailLine {
    /// The file that recovery set aside, and its hash.
    fileprivate var setAside: (file: String, hash: ByteString)? {
        guard let file = document.text("info", "quarantine")?.text, let hash = document.text("info", "dropped_sha256"),
            file.hasPrefix("quarantine/"), !file.dropFirst(11).contains("/")
        else { return nil }
        return (file, hash)
    }
}

/// What must hold between `log.opened` and the next: clocks that agree, and no unexplained silence.
private struct SessionCheck {
    private var offset: Int64?
    private var heartbeat: Int64 = 0
    private var last: (sequence: UInt64, monotonic: Int64)?
    private var isSuspended = false
    /// A record whose clocks disagree, until `clock.jump` explains it.
    private var unexplained: (sequence: UInt64, monotonic: Int64)?

    /// Records are stamped by their callers and `clock.jump` by a watch that looks once a second.
    private static let patience: Int64 = 5_000_000_000

    mutating func note(_ line: TrailLine, _ report: inout VerifyReport) {
        let moment = Moment(wall: line.wall, monotonic: line.monotonic)
        switch line.kind {
        case .logOpened:
            finish(&report)
            self = SessionCheck()
            offset = moment.offset
            let facts = line.document.member("info", of: line.document.root)
            heartbeat =
                facts.flatMap { line.document.member("heartbeat_ms", of: $0) }.flatMap { line.document.integer($0) }
                ?? 0
        case .clockJump:
            offset = moment.offset
            unexplained = nil
        case .logSuspended: isSuspended = true
        case .logResumed: isSuspended = false
        default: break
        }
        checkSilence(line, &report)
        checkClock(moment, line, &report)
        last = (line.sequence, line.monotonic)
    }

    private mutating func checkSilence(_ line: TrailLine, _ report: inout VerifyReport) {
        guard let last, heartbeat > 0, !isSuspended, line.kind != .logResumed else { return }
        let silence = line.monotonic - last.monotonic
        if silence > 2 * heartbeat * 1_000_000 {
            report.warn(
                "nothing was recorded for \(silence / 1_000_000_000) s after record \(last.sequence), "
                    + "not even a heartbeat")
        }
    }

    private mutating func checkClock(_ moment: Moment, _ line: TrailLine, _ report: inout VerifyReport) {
        guard let offset else { return }
        let isOff = (moment.offset &- offset).magnitude > UInt64(ClockWatch.tolerance) + 500_000_000
        if isOff, unexplained == nil { unexplained = (line.sequence, line.monotonic) }
        if let since = unexplained, line.monotonic - since.monotonic > SessionCheck.patience { finish(&report) }
    }

    mutating func finish(_ report: inout VerifyReport) {
        guard let since = unexplained else { return }
        report.warn("the wall clock of record \(since.sequence) does not fit, and no clock.jump says why")
        unexplained = nil
        offset = nil
    }
}

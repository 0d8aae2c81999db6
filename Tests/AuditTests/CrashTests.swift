import Bytes
import OpenSSL
import System
import Testing
import TransparencyLog

@testable import Audit

/// Signing keys that survive everything.
final class KeptKeys: SigningKeys, Sendable {
    private let made = Guarded<[NoteSigner]>([])
    private let origin: String

    init(origin: String) {
        self.origin = origin
    }

    func make() throws(AuditFailure) -> NoteSigner {
        guard let key = try? SigningKey.ed25519(), let signer = NoteSigner(name: ByteString(origin), key) else {
            throw .signingKey("none")
        }
        made.withLock { $0.append(signer) }
        return signer
    }

    func signer(for key: NoteKey) throws(AuditFailure) -> NoteSigner {
        guard let signer = made.withLock({ $0.first { $0.key == key } }) else { throw .signingKey("unknown") }
        return signer
    }
}

/// Several lives of one log on a disk that loses what it may lose.
private struct Lives {
    private let storage: CrashingStorage
    private var dice: Dice
    private var settings = AuditSettings(directory: "", origin: "sim", keys: "")
    /// The leaves of records that somebody was told are durable.
    private var acknowledged: [UInt64: [UInt8]] = [:]
    /// What was ever signed, whether or not anybody saw it.
    private var signed: [Checkpoint] = []
    private let keys = KeptKeys(origin: "sim")
    private(set) var crashes = 0

    init(seed: UInt64, lie: CrashingStorage.Lie? = nil) {
        storage = CrashingStorage(seed: seed &* 31)
        storage.lie = lie
        dice = Dice(seed: seed)
        settings.segmentBytes = 2_048
    }

    /// The crashes of many seeds, and what was wrong after them.
    static func run(
        _ seeds: some Sequence<Int>, lie: CrashingStorage.Lie? = nil
    ) -> (crashes: Int, wrong: [String]) {
        var crashes = 0
        var wrong: [String] = []
        for seed in seeds {
            var lives = Lives(seed: UInt64(seed), lie: lie)
            if let problem = lives.run() { wrong.append("seed \(seed): \(problem)") }
            crashes += lives.crashes
        }
        return (crashes, wrong)
    }

    /// Lives and dies a few times; what is wrong in the end, or nil.
    mutating func run() -> String? {
        for _ in 0..<Int.random(in: 1...4, using: &dice) {
            if let wrong = live() { return wrong }
            crashes += 1
            if dice.once(in: 3) { storage.killProcess() } else { storage.cutPower() }
        }
        return check()
    }

    private mutating func live() -> String? {
        storage.stepsToCrash = Int.random(in: 0...120, using: &dice)
        if dice.once(in: 4) { storage.synchronizationsToFailure = Int.random(in: 0...6, using: &dice) }
        if dice.once(in: 4) { storage.writesToFullDisk = Int.random(in: 0...10, using: &dice) }
        if dice.once(in: 3) { storage.stepsToFailure = Int.random(in: 0...40, using: &dice) }
        settings.rotation = dice.once(in: 6) ? "yearly" : nil
        let publisher = publisher
        let segments: SegmentWriter
        do throws(AuditFailure) {
            segments = try AuditLog.begin(settings, on: storage, LogClock(), publisher: publisher)
        } catch {
            if case .system = error { return nil }
            if case .poisoned = error { return nil }
            return "recovery refuses: \(error)"
        }
        var open = segments.chain.openIntents.keys.sorted()
        for _ in 0..<6 {
            let drafts = (0..<Int.random(in: 1...4, using: &dice)).map { _ in draft(&open) }
            do throws(WriteFailure) {
                try segments.rotateIfDue(now: .now)
                let results = try segments.write(drafts)
                for (draft, result) in zip(drafts, results) {
                    guard case .success(let receipt) = result else { return "an outcome was refused" }
                    acknowledged[receipt.sequence] = receipt.leaf
                    if draft.kind == .callIntent { open.append(receipt.sequence) }
                }
            } catch {
                // A poisoned log ends its process; a log that only failed goes on.
                if error.isPoison || storage.isCrashed { return nil }
                try? segments.makeRoom(now: .now)
                open = segments.chain.openIntents.keys.sorted()
            }
            if dice.once(in: 2), let wrong = publish(publisher, segments) { return wrong }
        }
        return nil
    }

    private var publisher: Publisher {
        Publisher(storage, anchor: Anchor(storage, folder: "anchor", origin: "sim"), keys: keys, origin: "sim")
    }

    /// Signs what is durable; a disk that fails is no reason to sign anything else the next time.
    private mutating func publish(_ publisher: Publisher, _ segments: SegmentWriter) -> String? {
        defer { if let checkpoint = publisher.signed { signed.append(checkpoint) } }
        do throws(PublishFailure) {
            let head = TrailHead(next: segments.chain.next, lastLeaf: segments.chain.lastLeaf)
            try publisher.publish(upTo: head, keeps: dice.once(in: 3))
        } catch {
            if case .failed = error { return nil }
            return "publishing refuses: \(error)"
        }
        return nil
    }

    private mutating func draft(_ open: inout [UInt64]) -> Draft {
        var record = AuditRecord(.listServed)
        if dice.once(in: 3) {
            record.kind = .callIntent
        } else if dice.once(in: 3), let sequence = open.popLast() {
            record.kind = .callOutcome
            record.of = sequence
        }
        let length = Int.random(in: 0...(dice.once(in: 5) ? 900 : 100), using: &dice)
        record.facts = [("filling", .text(ByteString([UInt8](repeating: 0x61, count: length))))]
        return Draft(record, at: LogClock().now())
    }

    /// Recovers once more, on a disk that works, and reads everything.
    private mutating func check() -> String? {
        do throws(AuditFailure) {
            settings.rotation = nil
            let publisher = publisher
            let segments = try AuditLog.begin(settings, on: storage, LogClock(), publisher: publisher)
            if let wrong = publish(publisher, segments) { return wrong }
            if publisher.releasedSize != segments.chain.next { return "the last checkpoint is not released" }
            if !segments.chain.openIntents.isEmpty { return "intents stay open" }
            settings.readsEverything = true
            let again = try Recovery(storage: storage, origin: "sim", readsEverything: true).run()
            if again.chain.next != segments.chain.next { return "reading everything ends elsewhere" }
        } catch {
            return "recovery refuses: \(error)"
        }
        return compare()
    }

    private func compare() -> String? {
        var leaves: [[UInt8]] = []
        for name in (try? storage.list("seg")) ?? [] where name.hasSuffix(".jsonl") {
            guard let bytes = try? storage.read("seg/\(name)", limit: 1 << 30) else { return "a segment is gone" }
            for line in bytes.split(separator: 0x0A) { leaves.append(SHA256.hash([0] + line)) }
        }
        for (sequence, leaf) in acknowledged.sorted(by: { $0.key < $1.key }) {
            guard sequence < leaves.count else { return "record \(sequence) was acknowledged and is gone" }
            if leaves[Int(sequence)] != leaf { return "record \(sequence) was acknowledged and is another" }
        }
        return compareTree(leaves.compactMap { TreeHash($0) })
    }

    /// Whether the log is consistent with everything that was ever signed, and its tiles are its own.
    private func compareTree(_ leaves: [TreeHash]) -> String? {
        var edge = TreeEdge()
        var roots = [edge.root]
        var tiles: [Tile: [TreeHash]] = [:]
        for leaf in leaves {
            edge.append(leaf) { tiles[$0] = $1 }
            roots.append(edge.root)
        }
        for checkpoint in signed {
            guard checkpoint.size < roots.count else {
                return "\(checkpoint.size) records were signed and are not there"
            }
            if roots[Int(checkpoint.size)] != checkpoint.root {
                return "\(checkpoint.size) records were signed otherwise"
            }
        }
        for (tile, hashes) in edge.partialTiles { tiles[tile] = hashes }
        for (tile, hashes) in tiles where (try? storage.read(tile.path, limit: 1 << 20)) != Tile.bytes(of: hashes) {
            return "\(tile.path) is not the tree's"
        }
        return nil
    }
}

@Suite struct `A crash at any moment` {
    @Test func `loses nothing that was acknowledged, and never stops the log from opening`() async throws {
        let seeds = Repeats.count("KOMAINU_CRASH_SEEDS", default: 2_000)
        async let even = onThread { Lives.run(stride(from: 0, to: seeds, by: 2)) }
        async let odd = onThread { Lives.run(stride(from: 1, to: seeds, by: 2)) }
        let (first, second) = try await (even, odd)
        let wrong = first.wrong + second.wrong
        #expect(wrong.isEmpty, "\(wrong.prefix(10))")
        #expect(first.crashes + second.crashes > seeds)
    }

    @Test func `is noticed by this simulation when checkpoints are signed before their records are durable`()
        async throws
    {
        let wrong = try await onThread { Lives.run(0..<300, lie: .forgetsToSynchronizeRecords).wrong }
        #expect(wrong.count { $0.contains("rollback") || $0.contains("signed") } > 20, "\(wrong.count)")
    }

    @Test func `is noticed by this simulation when the disk is not synchronised`() {
        let wrong = (0..<200).filter { seed in
            var lives = Lives(seed: UInt64(seed), lie: .forgetsToSynchronize)
            return lives.run() != nil
        }
        #expect(wrong.count > 20)
    }

    @Test func `is noticed by this simulation when recovery does not write the unproven end again`() async throws {
        let wrong = try await onThread { Lives.run(0..<400, lie: .skipsSameBytes).wrong }
        #expect(wrong.count > 3, "\(wrong.count)")
    }
}

import Bytes
import OpenSSL
import System
import Testing

@testable import Audit

/// Several lives of one log on a disk that loses what it may lose.
private struct Lives {
    private let storage: CrashingStorage
    private var dice: Dice
    private var settings = AuditSettings(directory: "", origin: "sim", keys: "")
    /// The leaves of records that somebody was told are durable.
    private var acknowledged: [UInt64: [UInt8]] = [:]
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
        storage.stepsToCrash = Int.random(in: 0...60, using: &dice)
        if dice.once(in: 4) { storage.synchronizationsToFailure = Int.random(in: 0...6, using: &dice) }
        if dice.once(in: 4) { storage.writesToFullDisk = Int.random(in: 0...10, using: &dice) }
        if dice.once(in: 3) { storage.stepsToFailure = Int.random(in: 0...40, using: &dice) }
        let segments: SegmentWriter
        do throws(AuditFailure) {
            segments = try AuditLog.begin(settings, on: storage, LogClock())
        } catch {
            if case .damaged(let damage) = error { return "recovery refuses: \(damage)" }
            return nil
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
            let segments = try AuditLog.begin(settings, on: storage, LogClock())
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

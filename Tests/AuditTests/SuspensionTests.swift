import Bytes
import JSON
import Synchronization
import System
import Testing

@testable import Audit

/// A log on a disk that fails when it is told to, quick to notice and to try again.
private struct Patient {
    let folder: TrailFolder
    let faults = Faults()
    let log: AuditLog
    let poison = Alarm()

    /// Whether the log told that its disk failed.
    final class Alarm: Sendable {
        let count = Atomic<Int>(0)
    }

    init(segmentBytes: Int = 1 << 20, _ change: (inout AuditSettings) -> Void = { _ in }) throws {
        folder = try TrailFolder()
        var settings = folder.settings(segmentBytes: segmentBytes)
        settings.probe = .milliseconds(20)
        settings.stall = .seconds(60)
        let poison = poison
        settings.whenPoisoned = { _ in poison.count.add(1, ordering: .sequentiallyConsistent) }
        change(&settings)
        log = try AuditLog.open(settings, storage: FaultyStorage(folder.directory, faults), clock: LogClock())
    }

    func append() async -> Result<AuditReceipt, AuditFailure> {
        do throws(AuditFailure) { return .success(try await log.append(AuditRecord(.serverUp))) } catch {
            return .failure(error)
        }
    }

    /// What the trail says after the log was closed.
    func verdict() -> (VerifyReport, [String]) {
        log.close()
        return (AuditCommands.verify(directory: folder.directory), (try? folder.kinds()) ?? [])
    }
}

@Suite struct `A full disk` {
    @Test func `suspends the log until there is room, and nothing is half there`() async throws {
        let patient = try Patient()
        _ = await patient.append()
        patient.faults.fault = .full
        guard case .failure(let failure) = await patient.append() else {
            Issue.record("the record was taken")
            return
        }
        #expect(failure == .suspended(.diskFull))
        #expect(patient.log.health.state == .suspended(.diskFull))
        #expect(!patient.log.health.isReady)
        #expect(await patient.append() == .failure(.suspended(.diskFull)))
        try await Task.sleep(for: .milliseconds(60))
        #expect(await patient.append() == .failure(.suspended(.diskFull)))
        patient.faults.fault = .none
        try await eventually("it resumes") { patient.log.health.isReady }
        guard case .success(let receipt) = await patient.append() else {
            Issue.record("the record was refused")
            return
        }
        #expect(receipt.sequence == 4)
        let (report, kinds) = patient.verdict()
        #expect(report.exitCode == 0, "\(report.problems) \(report.warnings)")
        #expect(
            kinds == ["log.opened", "server.up", "log.suspended", "log.resumed", "server.up", "log.closed"])
        let resumed = try #require(try patient.folder.lines().first { $0.text("kind") == "log.resumed" })
        #expect(resumed.text("info", "why") == "disk_full")
        #expect(resumed.integer("info", "refused") == 3)
    }

    @Test func `lets allowed calls end in the room that is left, and begins none`() async throws {
        let patient = try Patient(segmentBytes: 4_096)
        try await eventually("a segment is in reserve") { patient.log.health.hasRoomForNextSegment }
        patient.faults.fault = .fullForNewSegments
        var open: [(AuditReceipt, AuditRecord)] = []
        var failure: AuditFailure?
        while failure == nil, open.count < 200 {
            let asked = try intent()
            do throws(AuditFailure) { open.append((try await patient.log.append(asked), asked)) } catch {
                failure = error
            }
        }
        #expect(failure == .suspended(.diskFull))
        #expect(open.count > 10)
        // The reserved successor was used, then there was none.
        #expect(try patient.folder.segments.count == 2)
        for (receipt, asked) in open { _ = try await patient.log.append(outcome(of: receipt, asked)) }
        #expect(await patient.append() == .failure(.suspended(.diskFull)))
        #expect(patient.log.health.openIntents == 0)
        patient.faults.fault = .none
        try await eventually("it resumes") { patient.log.health.isReady }
        _ = try await patient.log.append(intent())
        let (report, kinds) = patient.verdict()
        #expect(report.verdict == .ok, "\(report.problems)")
        let suspended = try #require(kinds.firstIndex(of: "log.suspended"))
        #expect(kinds[suspended...].contains("call.outcome"))
        #expect(kinds.filter { $0 == "log.suspended" }.count == 1)
    }

    @Test func `is told apart from a disk that fails otherwise`() async throws {
        let patient = try Patient()
        patient.faults.fault = .broken
        let failure = AuditFailure.suspended(.writeFailed(SystemFailure(call: "pwrite", errno: 5)))
        #expect(await patient.append() == .failure(failure))
        patient.faults.fault = .none
        try await eventually("it resumes") { patient.log.health.isReady }
        #expect(patient.verdict().0.exitCode == 0)
    }

    @Test func `that is really one`() async throws {
        // A file system of 2 MiB in memory; only root may mount one.
        let folder = try TrailFolder()
        let mounted = "\(folder.path)/full"
        try Files.makeFolder(mounted, permissions: 0o700)
        guard Mount.memory(at: mounted, bytes: 2 << 20) else {
            print("skipped: a small file system cannot be mounted")
            return
        }
        defer { Mount.remove(mounted) }
        var settings = AuditSettings(directory: "\(mounted)/trail", origin: folder.origin, keys: "\(folder.path)/keys")
        settings.segmentBytes = 64 << 10
        settings.probe = .milliseconds(20)
        let log = try AuditLog.open(settings)
        var failure: AuditFailure?
        var acknowledged: UInt64 = 0
        for _ in 0..<20_000 where failure == nil {
            do throws(AuditFailure) { acknowledged = try await log.append(AuditRecord(.serverUp)).sequence } catch {
                failure = error
            }
        }
        #expect(failure == .suspended(.diskFull))
        #expect(acknowledged > 2_000)
        #expect(AuditCommands.verify(directory: settings.directory).problems.isEmpty)
        // Room again: somebody moves the oldest segments away and back.
        let names = try Files.list("\(settings.directory)/seg").filter { $0.hasSuffix(".jsonl") }.prefix(8)
        var aside: [String: [UInt8]] = [:]
        for name in names {
            aside[name] = try Files.read("\(settings.directory)/seg/\(name)", limit: 1 << 30)
            try Files.remove("\(settings.directory)/seg/\(name)")
        }
        try await eventually("it resumes") { log.health.isReady }
        let receipt = try await log.append(AuditRecord(.serverDown))
        #expect(receipt.sequence > acknowledged)
        log.close()
        let copy = "\(folder.path)/copy"
        var files = try TrailCopy(settings.directory)
        for (name, bytes) in aside { files.add("seg/\(name)", bytes) }
        try files.write(to: copy)
        let report = AuditCommands.verify(directory: copy)
        #expect(report.verdict == .ok, "\(report.problems)")
    }
}

@Suite struct `A disk that loses what it was given` {
    @Test func `ends the log for good, and says so once`() async throws {
        let patient = try Patient()
        _ = await patient.append()
        patient.faults.fault = .losing
        let failure = AuditFailure.poisoned(SystemFailure(call: "fdatasync", errno: 5))
        #expect(await patient.append() == .failure(failure))
        patient.faults.fault = .none
        try await Task.sleep(for: .milliseconds(50))
        #expect(await patient.append() == .failure(failure))
        #expect(patient.log.health.state == .poisoned(SystemFailure(call: "fdatasync", errno: 5)))
        #expect(patient.poison.count.load(ordering: .sequentiallyConsistent) == 1)
        patient.log.close()
        // The next process finds what is really there: the record that nobody was promised may be.
        try patient.folder.open().close()
        #expect(AuditCommands.verify(directory: patient.folder.directory).verdict == .ok)
        #expect(try patient.folder.kinds().contains("log.recovered"))
    }
}

@Suite struct `A disk that does not answer` {
    @Test func `is given up on, and calls that it kept are closed when it answers`() async throws {
        let patient = try Patient { $0.stall = .milliseconds(60) }
        let before = try intent()
        let kept = try await patient.log.append(before)
        patient.faults.fault = .hanging
        async let lost = { () async -> AuditFailure? in
            do throws(AuditFailure) {
                _ = try await patient.log.append(try! intent())
                return nil
            } catch { return error }
        }()
        try await eventually("the writer hangs") { patient.faults.isCaught }
        async let queued = patient.append()
        #expect(await lost == .suspended(.stalled))
        let second = await queued
        #expect(second == .failure(.suspended(.stalled)))
        #expect(patient.log.health.state == .suspended(.stalled))
        #expect(await patient.append() == .failure(.suspended(.stalled)))
        patient.faults.fault = .none
        try await eventually("it resumes") { patient.log.health.isReady }
        _ = try await patient.log.append(outcome(of: kept, before))
        let (report, kinds) = patient.verdict()
        #expect(report.exitCode == 0, "\(report.problems) \(report.warnings)")
        #expect(
            kinds == [
                "log.opened", "call.intent", "call.intent", "log.suspended", "log.resumed", "call.orphaned",
                "call.outcome",
                "log.closed",
            ])
        let orphan = try #require(try patient.folder.lines().first { $0.text("kind") == "call.orphaned" })
        #expect(orphan.number("of") == 2)
        #expect(orphan.text("info", "why") == "refused")
    }
}

@Suite struct `Somebody's hands in the directory` {
    @Test func `that delete the active segment suspend the log until it has put it back`() async throws {
        let patient = try Patient()
        let first = try #require(try? await patient.append().get())
        let path = "\(patient.folder.directory)/\(patient.log.health.segment)"
        try Files.remove(path)
        try await eventually("it is back") { Files.exists(path) && patient.log.health.isReady }
        let second = try #require(try? await patient.append().get())
        #expect(second.sequence > first.sequence)
        let (report, kinds) = patient.verdict()
        #expect(report.exitCode == 0, "\(report.problems)")
        #expect(kinds == ["log.opened", "server.up", "log.suspended", "log.resumed", "server.up", "log.closed"])
        let why = try patient.folder.lines()[2].text("info", "why")
        #expect(why == "file_replaced")
    }

    @Test func `that put another file there suspend the log until it is taken away`() async throws {
        let patient = try Patient { $0.probe = .milliseconds(50) }
        _ = await patient.append()
        let path = "\(patient.folder.directory)/\(patient.log.health.segment)"
        let forged = Array("forged\n".utf8)
        try Files.replace(path, with: forged, permissions: 0o640)
        try await eventually("it is suspended") { patient.log.health.state == .suspended(.fileReplaced) }
        try await Task.sleep(for: .milliseconds(200))
        #expect(patient.log.health.state == .suspended(.fileReplaced))
        #expect(try Files.read(path, limit: 100) == forged)
        try Files.rename(path, to: "\(patient.folder.path)/evidence")
        try await eventually("it resumes") { patient.log.health.isReady }
        #expect(patient.verdict().0.exitCode == 0)
    }

    @Test func `that rename the active segment away suspend the log`() async throws {
        let patient = try Patient { $0.probe = .seconds(3_600) }
        let path = "\(patient.folder.directory)/\(patient.log.health.segment)"
        try Files.rename(path, to: "\(patient.folder.path)/away")
        try await eventually("it is suspended") { patient.log.health.state == .suspended(.fileReplaced) }
        #expect(await patient.append() == .failure(.suspended(.fileReplaced)))
        try Files.rename("\(patient.folder.path)/away", to: path)
        #expect(patient.verdict().0.problems.isEmpty)
    }

    @Test(arguments: [-10, 10])
    func `that cut or lengthen the active segment suspend the log until it is as it was`(by change: Int) async throws {
        let patient = try Patient { $0.probe = .milliseconds(20) }
        _ = await patient.append()
        let path = "\(patient.folder.directory)/\(patient.log.health.segment)"
        let whole = try #require(try Files.read(path, limit: 1 << 20))
        let file = try File(path, .readAndWrite)
        try file.truncate(to: Int64(whole.count + change))
        #expect(await patient.append() == .failure(.suspended(.fileChanged)))
        try await Task.sleep(for: .milliseconds(100))
        #expect(patient.log.health.state == .suspended(.fileChanged))
        // Of the right length again, and yet another file: zeros in place of its end.
        try file.truncate(to: Int64(whole.count - 10))
        try file.truncate(to: Int64(whole.count))
        try await Task.sleep(for: .milliseconds(100))
        #expect(patient.log.health.state == .suspended(.fileChanged))
        try file.write(whole, at: 0)
        try await eventually("it resumes") { patient.log.health.isReady }
        _ = await patient.append()
        let (report, kinds) = patient.verdict()
        #expect(report.exitCode == 0, "\(report.problems)")
        #expect(kinds == ["log.opened", "server.up", "log.suspended", "log.resumed", "server.up", "log.closed"])
        #expect(try patient.folder.lines()[2].text("info", "why") == "file_changed")
    }

    @Test func `that cut the active segment are noticed though nothing is written`() async throws {
        let patient = try Patient { $0.probe = .milliseconds(20) }
        _ = await patient.append()
        let file = try File("\(patient.folder.directory)/\(patient.log.health.segment)", .readAndWrite)
        try file.truncate(to: 0)
        try await eventually("it is suspended") { patient.log.health.state == .suspended(.fileChanged) }
        patient.log.close()
    }

    @Test func `that delete the lock suspend the log`() async throws {
        let patient = try Patient()
        try Files.remove("\(patient.folder.directory)/LOCK")
        try await eventually("it is suspended") { patient.log.health.state == .suspended(.fileReplaced) }
        patient.log.close()
    }
}

@Suite struct `The queue` {
    @Test func `refuses at once what is more than it may hold`() async throws {
        let patient = try Patient {
            $0.queueRecords = 10
        }
        patient.faults.fault = .hanging
        try patient.log.appendWithoutWaiting(AuditRecord(.serverUp))
        try await eventually("the writer hangs") { patient.faults.isCaught }
        for _ in 0..<10 { try patient.log.appendWithoutWaiting(AuditRecord(.serverUp)) }
        #expect(patient.log.health.waitingRecords == 10)
        #expect(await patient.append() == .failure(.queueFull))
        #expect(throws: AuditFailure.queueFull) { try patient.log.appendWithoutWaiting(AuditRecord(.serverUp)) }
        #expect(patient.log.health.refusedRecords == 2)
        patient.faults.fault = .none
        try await eventually("the queue empties") { patient.log.health.waitingRecords == 0 }
        #expect(patient.verdict().0.records == 13)
    }

    @Test func `refuses bytes beyond its limit`() async throws {
        let patient = try Patient {
            $0.queueBytes = 10_000
        }
        patient.faults.fault = .hanging
        try patient.log.appendWithoutWaiting(AuditRecord(.serverUp))
        try await eventually("the writer hangs") { patient.faults.isCaught }
        var big = AuditRecord(.callDenied)
        big.arguments = .init(redacted: Array("\"\(String(repeating: "a", count: 4_000))\"".utf8), byteCount: 4_002)
        try patient.log.appendWithoutWaiting(big)
        try patient.log.appendWithoutWaiting(big)
        #expect(throws: AuditFailure.queueFull) { try patient.log.appendWithoutWaiting(big) }
        patient.faults.fault = .none
        #expect(patient.verdict().0.exitCode == 0)
    }

    @Test func `is written before the log is closed`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        for _ in 0..<2_000 { try log.appendWithoutWaiting(AuditRecord(.serverUp)) }
        log.close()
        #expect(AuditCommands.verify(directory: folder.directory).kinds[.serverUp] == 2_000)
    }
}

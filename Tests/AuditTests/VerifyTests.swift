import Bytes
import JSON
import System
import Testing
import TransparencyLog

@testable import Audit

/// A small trail of several segments, closed, whose files a test may spoil and put back.
final class SmallTrail: Sendable {
    let folder: TrailFolder
    var directory: String { folder.directory }

    init(calls: Int = 8) async throws {
        folder = try TrailFolder()
        // A crash first, so that there is something in quarantine.
        let crashed = try AuditLog.begin(
            folder.settings(segmentBytes: 4_096), on: DiskStorage(folder.directory), LogClock())
        _ = try crashed.write([Draft(try intent(), at: LogClock().now())])
        try File("\(directory)/\(crashed.name.path)", .readAndWrite).write(Array("torn".utf8), at: Int64(crashed.end))
        let log = try folder.open(segmentBytes: 4_096)
        for _ in 0..<calls {
            let asked = try intent()
            let receipt = try await log.append(asked)
            _ = try await log.append(outcome(of: receipt, asked))
        }
        log.close()
        #expect(verdict == .ok)
        #expect(try folder.segments.count >= 3)
    }

    var report: VerifyReport { AuditCommands.verify(directory: directory) }
    var verdict: VerifyReport.Verdict { report.verdict }

    func read(_ name: String) throws -> [UInt8] {
        try #require(try Files.read("\(directory)/\(name)", limit: 1 << 24))
    }

    /// The tiles' files.
    func tiles() throws -> [String] {
        try TreeFiles(DiskStorage(directory)).tiles.flatMap { place, widths in
            widths.compactMap { Tile(level: place.level, index: place.index, width: $0)?.path }
        }.sorted()
    }

    func put(_ name: String, _ bytes: [UInt8]) throws {
        try? Files.remove("\(directory)/\(name)")
        try File("\(directory)/\(name)", .readAndWriteNew(permissions: 0o640)).write(bytes, at: 0)
    }

    /// What verifying says while a file has other bytes.
    func spoiled(_ name: String, _ change: (inout [UInt8]) -> Void) throws -> VerifyReport {
        let bytes = try read(name)
        var changed = bytes
        change(&changed)
        try put(name, changed)
        defer { try? put(name, bytes) }
        return report
    }
}

private func lines(_ bytes: [UInt8]) -> [[UInt8]] {
    bytes.split(separator: 0x0A).map { Array($0) + [0x0A] }
}

@Suite struct `Verifying a trail` {
    @Test func `finds nothing wrong with what was written`() async throws {
        let trail = try await SmallTrail()
        let report = trail.report
        #expect(report.exitCode == 0, "\(report.warnings)")
        #expect(report.origin == "test.example/audit")
        #expect(report.kinds[.callIntent] == 9)
        #expect(report.kinds[.callOutcome] == 8)
        #expect(report.kinds[.callOrphaned] == 1)
        #expect(report.openIntents == 0)
        #expect(report.head.count == 32)
        var text: [UInt8] = []
        #expect(AuditCommands.verify(directory: trail.directory, json: false) { text += $0 } == 0)
        #expect(String(decoding: text, as: UTF8.self).hasPrefix("OK\n"))
        var json: [UInt8] = []
        #expect(AuditCommands.verify(directory: trail.directory, json: true) { json += $0 } == 0)
        #expect(try JSONDocument(parsing: json).text("verdict") == "OK")
    }

    @Test func `notices any changed byte in any file`() async throws {
        let trail = try await SmallTrail()
        try await onThread { try Self.flipEveryByte(of: trail) }
    }

    private static func flipEveryByte(of trail: SmallTrail) throws {
        var files = try Files.list("\(trail.directory)/seg").filter { $0 != "spare" }.map { "seg/\($0)" }
        files += try Files.list("\(trail.directory)/quarantine").map { "quarantine/\($0)" }
        files += ["log.json", "checkpoint"]
        files += try Files.list("\(trail.directory)/checkpoints").map { "checkpoints/\($0)" }
        files += try trail.tiles()
        #expect(files.count >= 12)
        var flips = 0
        for file in files {
            let bytes = try trail.read(file)
            for index in bytes.indices {
                let report = try trail.spoiled(file) { $0[index] ^= 1 << UInt8(index % 8) }
                flips += 1
                // A higher version number could be true: then nobody can tell.
                let isVersion = file.hasPrefix("seg/") && bytes[..<index].suffix(5) == Array("{\"v\":".utf8)[...]
                #expect(report.exitCode == 1 || isVersion && report.exitCode == 3, "\(file) byte \(index)")
                let problem = try #require(report.problems.first)
                // A line that still reads well is found out by the next one, which does not name it any more.
                let end = bytes[index...].firstIndex(of: 0x0A) ?? bytes.count
                if problem.file == file { #expect(problem.offset <= end + 1) }
            }
        }
        #expect(flips > 8_000)
        #expect(trail.verdict == .ok)
    }

    @Test func `notices a line that is gone, twice, elsewhere or new`() async throws {
        let trail = try await SmallTrail()
        for name in try trail.folder.segments {
            let path = "seg/\(name)"
            let all = lines(try trail.read(path))
            for index in all.indices {
                func verdict(_ change: (inout [[UInt8]]) -> Void) throws -> VerifyReport.Verdict {
                    try trail.spoiled(path) { bytes in
                        var changed = all
                        change(&changed)
                        bytes = changed.flatMap(\.self)
                    }.verdict
                }
                #expect(try verdict { $0.remove(at: index) } < .missing)
                #expect(try verdict { $0.insert(all[index], at: index) } < .missing)
                if index > 0 { #expect(try verdict { $0.swapAt(index - 1, index) } < .missing) }
                #expect(try verdict { $0.insert(Array("{\"v\":1}\n".utf8), at: index) } < .missing)
            }
        }
    }

    @Test func `notices a segment that is gone`() async throws {
        let trail = try await SmallTrail()
        for name in try trail.folder.segments {
            let seal = name.replacingSuffix(".jsonl", with: ".seal")
            let (segment, sealBytes) = (try trail.read("seg/\(name)"), try trail.read("seg/\(seal)"))
            try Files.remove("\(trail.directory)/seg/\(name)")
            #expect(trail.report.exitCode == 3)
            #expect(trail.verdict == .missing)
            try Files.remove("\(trail.directory)/seg/\(seal)")
            #expect(trail.verdict == .missing, "\(name)")
            try trail.put("seg/\(name)", segment)
            try trail.put("seg/\(seal)", sealBytes)
        }
        #expect(trail.verdict == .ok)
    }

    @Test func `says where the first difference is`() async throws {
        let trail = try await SmallTrail()
        let path = "seg/\(try trail.folder.segments[1])"
        let all = lines(try trail.read(path))
        let report = try trail.spoiled(path) { $0[all[0].count + 20] ^= 0x80 }
        let problem = try #require(report.problems.first)
        #expect(problem.verdict == .tampered)
        #expect(problem.file == path)
        #expect(problem.offset == all[0].count)
        let first = try #require(try JSONDocument(parsing: all[0]).number("seq"))
        #expect(problem.record == first + 1)
    }

    @Test func `calls a torn end truncated, and a closed log's shortened end too`() async throws {
        let trail = try await SmallTrail()
        let last = "seg/\(try #require(try trail.folder.segments.last))"
        #expect(try trail.spoiled(last) { $0.removeLast(10) }.verdict == .truncated)
        let end = lines(try trail.read(last))
        #expect(try trail.spoiled(last) { $0.removeLast(end[end.count - 1].count) }.verdict == .truncated)
        // Somebody who takes the seal away as well is found by what the log had signed.
        try Files.remove("\(trail.directory)/\(last.replacingSuffix(".jsonl", with: ".seal"))")
        let report = try trail.spoiled(last) { $0.removeLast(end[end.count - 1].count) }
        #expect(report.verdict == .truncated)
        #expect(report.problems.contains { $0.reason.contains("checkpoint was signed over") })
    }

    @Test func `cannot tell about a newer version, or a folder that is no trail`() async throws {
        let trail = try await SmallTrail()
        let path = "seg/\(try trail.folder.segments[0])"
        let report = try trail.spoiled(path) { $0[5] = UInt8(ascii: "2") }
        #expect(report.problems.first?.verdict == .unverifiable)
        #expect(AuditCommands.verify(directory: "\(trail.folder.path)/nowhere").exitCode == 3)
        try Files.makeFolders("\(trail.folder.path)/empty/seg", permissions: 0o750)
        #expect(AuditCommands.verify(directory: "\(trail.folder.path)/empty").verdict == .missing)
    }

    @Test func `notices a name changed in the description`() async throws {
        let trail = try await SmallTrail()
        let report = try trail.spoiled("log.json") { bytes in
            bytes = LogDescription(origin: "other.example/audit").encoded
        }
        #expect(report.verdict == .tampered)
        #expect(report.problems.first?.record == 0)
    }

    @Test func `is right while the log is being written`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open(segmentBytes: 65_536)
        let writers = Task {
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        while !Task.isCancelled {
                            guard let asked = try? intent(), let receipt = try? await log.append(asked) else { return }
                            _ = try? await log.append(outcome(of: receipt, asked))
                        }
                    }
                }
            }
        }
        var last: UInt64 = 0
        for _ in 0..<30 {
            let report = AuditCommands.verify(directory: folder.directory)
            #expect(report.exitCode == 0, "\(report.problems) \(report.warnings)")
            #expect(report.isLive)
            #expect(report.records >= last)
            last = report.records
            try await Task.sleep(for: .milliseconds(3))
        }
        writers.cancel()
        await writers.value
        log.close()
        #expect(AuditCommands.verify(directory: folder.directory).exitCode == 0)
    }

    @Test func `warns of silence and of a clock that moved unrecorded`() throws {
        let folder = try TrailFolder()
        var settings = folder.settings()
        settings.heartbeat = .seconds(10)
        let times = Times()
        let clock = LogClock(wall: { times.wall }, boot: { times.boot })
        let segments = try AuditLog.begin(settings, on: DiskStorage(folder.directory), clock)
        func write(_ kind: AuditKind) throws { _ = try segments.write([Draft(AuditRecord(kind), at: clock.now())]) }
        try write(.logHeartbeat)
        times.pass(seconds: 15)
        try write(.logHeartbeat)
        #expect(AuditCommands.verify(directory: folder.directory).warnings.count == 1)
        times.pass(seconds: 30)
        try write(.logHeartbeat)
        #expect(
            AuditCommands.verify(directory: folder.directory).warnings.contains { $0.contains("30 s after record 2") })
        times.set(by: 3_600)
        try write(.serverUp)
        try write(.clockJump)
        try write(.serverDown)
        #expect(!AuditCommands.verify(directory: folder.directory).warnings.contains { $0.contains("wall clock") })
        times.set(by: -7_200)
        try write(.serverUp)
        times.pass(seconds: 9)
        try write(.serverUp)
        #expect(AuditCommands.verify(directory: folder.directory).warnings.contains { $0.contains("record 7") })
    }
}

extension String {
    func replacingSuffix(_ suffix: String, with other: String) -> String {
        hasSuffix(suffix) ? String(dropLast(suffix.count)) + other : self
    }
}

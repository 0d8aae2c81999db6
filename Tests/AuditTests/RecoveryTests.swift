import Bytes
import Glibc
import JSON
import OpenSSL
import System
import Testing

@testable import Audit

/// A trail with two batches of records behind `log.opened`, left as a crash leaves it: not closed.
private struct CrashedTrail {
    let folder: TrailFolder
    let settings: AuditSettings
    let bytes: [UInt8]
    /// Where the last batch begins.
    let lastBatch: Int

    init() throws {
        folder = try TrailFolder()
        settings = folder.settings()
        let segments = try AuditLog.begin(settings, on: DiskStorage(folder.directory), LogClock())
        _ = try segments.write([Draft(try intent(), at: LogClock().now())])
        lastBatch = segments.end
        _ = try segments.write(try (0..<2).map { _ in Draft(try intent(), at: LogClock().now()) })
        bytes = try #require(try Files.read("\(folder.directory)/\(segments.name.path)", limit: 1 << 20))
    }

    var path: String { "\(folder.directory)/seg/00000000000000000000-000001.jsonl" }

    /// The trail as it was, with other bytes in its only segment.
    func put(_ content: [UInt8]) throws {
        for name in ["seg", "quarantine"] {
            for file in try Files.list("\(folder.directory)/\(name)") {
                try Files.remove("\(folder.directory)/\(name)/\(file)")
            }
        }
        try File(path, .readAndWriteNew(permissions: 0o640)).write(content, at: 0)
    }

    func recover() throws(AuditFailure) -> SegmentWriter {
        try AuditLog.begin(settings, on: DiskStorage(folder.directory), LogClock())
    }
}

private func lineEnds(_ bytes: [UInt8]) -> [Int] {
    bytes.indices.filter { bytes[$0] == 0x0A }.map { $0 + 1 }
}

@Suite struct `Recovering a trail` {
    @Test func `keeps the whole lines of a last batch that was cut anywhere`() throws {
        let trail = try CrashedTrail()
        let ends = lineEnds(trail.bytes)
        for length in trail.lastBatch...trail.bytes.count {
            try trail.put(Array(trail.bytes[..<length]))
            let whole = ends.last { $0 <= length } ?? 0
            _ = try trail.recover()
            let kept = try #require(try Files.read(trail.path, limit: 1 << 20))
            #expect(kept == Array(trail.bytes[..<whole]))
            let cut = try Files.list("\(trail.folder.directory)/quarantine")
            #expect(cut.count == (whole == length ? 0 : 1))
            if let name = cut.first {
                let tail = try Files.read("\(trail.folder.directory)/quarantine/\(name)", limit: 1 << 20)
                #expect(tail == Array(trail.bytes[whole..<length]))
            }
            if length % 97 == 0 { #expect(AuditCommands.verify(directory: trail.folder.directory).problems.isEmpty) }
        }
    }

    @Test(arguments: [0, 0xFF, 0x0A, 0x61] as [UInt8])
    func `cuts off a tail that was never written`(filling: UInt8) throws {
        let trail = try CrashedTrail()
        let ends = lineEnds(trail.bytes)
        for (end, count) in [(ends[2], 1), (ends[3], 511), (ends[3], 4_096), (ends[2] + 100, 70_000)] {
            var content = Array(trail.bytes[..<end])
            content += [UInt8](repeating: filling, count: count)
            try trail.put(content)
            let segments = try trail.recover()
            #expect(AuditCommands.verify(directory: trail.folder.directory).problems.isEmpty)
            let recovered = try #require(try trail.folder.lines().first { $0.text("kind") == "log.recovered" })
            let whole = ends.last { $0 <= end } ?? 0
            #expect(recovered.integer("info", "end") == Int64(whole))
            #expect(recovered.integer("info", "dropped_bytes") == Int64(content.count - whole))
            #expect(segments.chain.openIntents.isEmpty)
        }
    }

    @Test func `cuts off a last batch of which the first sectors were lost and the last were not`() throws {
        let trail = try CrashedTrail()
        var content = trail.bytes
        for index in trail.lastBatch..<trail.lastBatch + 512 { content[index] = 0 }
        try trail.put(content)
        _ = try trail.recover()
        #expect(AuditCommands.verify(directory: trail.folder.directory).problems.isEmpty)
    }

    @Test func `refuses to call damage torn when a later record proves that it was on disk`() throws {
        let trail = try CrashedTrail()
        for index in stride(from: 0, to: trail.lastBatch - 1, by: 7) {
            var content = trail.bytes
            content[index] ^= 0x10
            try trail.put(content)
            #expect(throws: AuditFailure.self) { try trail.recover() }
            #expect(try Files.read(trail.path, limit: 1 << 20) == content)
        }
    }

    @Test func `refuses more garbage than a batch can have left`() throws {
        let trail = try CrashedTrail()
        try trail.put(trail.bytes + [UInt8](repeating: 0, count: Recovery.longestBatch + 1))
        #expect(throws: AuditFailure.self) { try trail.recover() }
    }

    @Test func `closes each intent once, however often it is interrupted`() throws {
        let trail = try CrashedTrail()
        for _ in 0..<5 { _ = try trail.recover() }
        let orphans = try trail.folder.lines().filter { $0.text("kind") == "call.orphaned" }.compactMap {
            $0.number("of")
        }
        #expect(orphans == [1, 2, 3])
        #expect(AuditCommands.verify(directory: trail.folder.directory).verdict == .ok)
    }

    @Test func `says nothing about recovery after an orderly close`() throws {
        let folder = try TrailFolder()
        for _ in 0..<3 { try folder.open().close() }
        #expect(
            try folder.kinds() == ["log.opened", "log.closed", "log.opened", "log.closed", "log.opened", "log.closed"])
        #expect(try folder.segments.count == 3)
        #expect(AuditCommands.verify(directory: folder.directory).exitCode == 0)
    }

    @Test func `begins a segment with a higher generation each time`() throws {
        let trail = try CrashedTrail()
        _ = try trail.recover()
        _ = try trail.recover()
        #expect(
            try trail.folder.segments == [
                "00000000000000000000-000001.jsonl", "00000000000000000004-000002.jsonl",
                "00000000000000000009-000003.jsonl",
            ])
    }

    @Test func `copies of a live trail recover at any moment`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open(segmentBytes: 16_384)
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
        for round in 0..<20 {
            let acknowledged = log.health.durableRecords
            let copy = try TrailFolder()
            try copyTrail(from: folder.directory, to: copy.directory)
            var settings = folder.settings()
            settings.directory = copy.directory
            settings.keys = "\(copy.path)/keys"
            // The same keys, and no anchor: the original's is ahead of its copies.
            try Files.makeFolder(settings.keys, permissions: 0o700)
            for name in try Files.list("\(folder.path)/keys") where name.hasPrefix("checkpoint-") {
                let key = try Files.read("\(folder.path)/keys/\(name)", limit: 1 << 20) ?? []
                try Files.replace("\(settings.keys)/\(name)", with: key, permissions: 0o400)
            }
            let recovered = try AuditLog.open(settings)
            #expect(recovered.health.durableRecords > acknowledged, "round \(round)")
            recovered.close()
            let report = AuditCommands.verify(directory: copy.directory)
            #expect(report.verdict == .ok, "\(report.problems)")
            #expect(report.openIntents == 0)
            try await Task.sleep(for: .milliseconds(7))
        }
        writers.cancel()
        await writers.value
        log.close()
        #expect(AuditCommands.verify(directory: folder.directory).verdict == .ok)
    }
}

/// Copies a trail while it may be written: the newest segment last, so that the copy is a moment that was, or a torn one.
private func copyTrail(from source: String, to target: String) throws {
    try Files.makeFolders("\(target)/seg", permissions: 0o750)
    try Files.makeFolder("\(target)/quarantine", permissions: 0o750)
    for name in ["log.json"]
        + (try Files.list("\(source)/seg")).filter({ !$0.hasPrefix(".") && $0 != "spare" }).map({ "seg/\($0)" })
    {
        guard let bytes = try Files.read("\(source)/\(name)", limit: 1 << 30) else { continue }
        try File("\(target)/\(name)", .readAndWriteNew(permissions: 0o640)).write(bytes, at: 0)
    }
}

@Suite struct `Opening refuses` {
    private func folderWithSegments() async throws -> TrailFolder {
        let folder = try TrailFolder()
        let log = try folder.open(segmentBytes: 4_096)
        for _ in 0..<40 {
            let asked = try intent()
            let receipt = try await log.append(asked)
            _ = try await log.append(outcome(of: receipt, asked))
        }
        log.close()
        #expect(try folder.segments.count > 4)
        return folder
    }

    private func refusal(_ folder: TrailFolder, readsEverything: Bool = false) -> String? {
        var settings = folder.settings()
        settings.readsEverything = readsEverything
        do throws(AuditFailure) {
            try AuditLog.open(settings).close()
            return nil
        } catch {
            guard case .damaged(let damage) = error else { return "\(error)" }
            return "\(damage.file): \(damage.reason)"
        }
    }

    @Test func `a segment that is gone`() async throws {
        let folder = try await folderWithSegments()
        for name in try folder.segments {
            let path = "\(folder.directory)/seg/\(name)"
            try Files.rename(path, to: "\(folder.path)/aside")
            let reason = try #require(refusal(folder))
            #expect(reason.contains("missing"), "\(reason)")
            try Files.rename("\(folder.path)/aside", to: path)
        }
        #expect(refusal(folder) == nil)
    }

    @Test func `a link where the segment or the lock should be`() async throws {
        let folder = try await folderWithSegments()
        let other = "\(folder.path)/other"
        try Files.replace(other, with: Array("precious".utf8), permissions: 0o640)
        try Files.remove("\(folder.directory)/LOCK")
        #expect(unsafe symlink(other, "\(folder.directory)/LOCK") == 0)
        #expect(throws: AuditFailure.self) { try folder.open() }
        try Files.remove("\(folder.directory)/LOCK")
        let last = "\(folder.directory)/seg/\(try #require(try folder.segments.last))"
        try Files.remove(last.replacingSuffix(".jsonl", with: ".seal"))
        try Files.remove(last)
        #expect(unsafe symlink(other, last) == 0)
        #expect(try #require(refusal(folder)).contains("symbolic link"))
        #expect(try Files.read(other, limit: 100) == Array("precious".utf8))
    }

    @Test func `a sealed segment of another length`() async throws {
        let folder = try await folderWithSegments()
        let path = "\(folder.directory)/seg/\(try folder.segments[1])"
        let bytes = try #require(try Files.read(path, limit: 1 << 20))
        try Files.replace(path, with: Array(bytes.dropLast()), permissions: 0o640)
        #expect(try #require(refusal(folder)).contains("its seal says"))
    }

    @Test func `a changed byte anywhere, when everything is read`() async throws {
        let folder = try await folderWithSegments()
        let path = "\(folder.directory)/seg/\(try folder.segments[1])"
        var bytes = try #require(try Files.read(path, limit: 1 << 20))
        bytes[bytes.count / 2] ^= 1
        try Files.replace(path, with: bytes, permissions: 0o640)
        #expect(refusal(folder, readsEverything: true) != nil)
    }

    @Test func `a description that is missing or another log's`() async throws {
        let folder = try await folderWithSegments()
        var settings = folder.settings()
        settings.origin = "other.example"
        #expect(throws: AuditFailure.otherOrigin(found: folder.origin, expected: "other.example")) {
            try AuditLog.open(settings)
        }
        try Files.remove("\(folder.directory)/log.json")
        #expect(refusal(folder) == "log.json: it is missing")
    }

    @Test(arguments: ["", "has space", "plus+sign", "new\nline"])
    func `an origin that is no name`(origin: String) throws {
        let folder = try TrailFolder()
        var settings = folder.settings()
        settings.origin = origin
        #expect(throws: AuditFailure.self) { try AuditLog.open(settings) }
    }
}

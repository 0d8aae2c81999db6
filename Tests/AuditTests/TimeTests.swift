import Bytes
import Glibc
import JSON
import System
import Testing

@testable import Audit

@Suite struct `Segments` {
    @Test func `follow each other when they are full and at midnight`() throws {
        let folder = try TrailFolder()
        let times = Times()
        let clock = LogClock(wall: { times.wall }, boot: { times.boot })
        let segments = try AuditLog.begin(
            folder.settings(segmentBytes: 4_096), on: DiskStorage(folder.directory), clock)
        func write() throws {
            try segments.rotateIfDue(now: clock.wall())
            _ = try segments.write([Draft(AuditRecord(.serverUp), at: clock.now())])
        }
        try write()
        #expect(try folder.segments.count == 1)
        times.pass(seconds: 61)
        try write()
        #expect(try folder.segments.count == 2)
        while try folder.segments.count == 2 { try write() }
        let first = try folder.segments[1]
        let size = try Files.status("\(folder.directory)/seg/\(first)").size
        #expect(size >= 4_096 && size < 5_000)
        #expect(try Files.status("\(folder.directory)/seg/\(first)").permissions == 0o440)
        let names = try folder.segments.compactMap(SegmentName.init(fileName:))
        #expect(names.map(\.generation) == [1, 2, 3])
        // Blocks are reserved and the length is not: readers see no zeros.
        #expect(try Files.status("\(folder.directory)/seg/spare").size == 0)
        #expect(AuditCommands.verify(directory: folder.directory).problems.isEmpty)
    }

    @Test func `keep no room on the disk that they do not use`() async throws {
        let folder = try TrailFolder()
        for _ in 0..<3 {
            let log = try folder.open(segmentBytes: 64 << 20)
            _ = try await log.append(AuditRecord(.serverUp))
            log.close()
        }
        for name in try Files.list("\(folder.directory)/seg") {
            var status = stat()
            #expect(unsafe stat("\(folder.directory)/seg/\(name)", &status) == 0)
            #expect(status.st_blocks * 512 < 64 << 10, "\(name)")
        }
    }

    @Test(arguments: [
        "00000000000000000000-000001.jsonl", "18446744073709551615-999999.jsonl", "00000000000000000007-1000000.jsonl",
    ])
    func `have names that read back`(name: String) throws {
        #expect(try #require(SegmentName(fileName: name)).fileName == name)
    }

    @Test(arguments: [
        "", "spare", "00000000000000000000-000001.seal", "0000000000000000000-000001.jsonl",
        "00000000000000000000-00001.jsonl",
        "00000000000000000000-000001.jsonl.gz", "+0000000000000000001-000001.jsonl",
        "00000000000000000000-0000001.jsonl",
        "99999999999999999999-000001.jsonl", ".00000000000000000000-000001.seal.new",
    ])
    func `are called nothing else`(name: String) {
        #expect(SegmentName(fileName: name) == nil)
    }
}

@Suite struct `Time in the trail` {
    @Test func `is told twice, and a clock that is set is a record`() async throws {
        let folder = try TrailFolder()
        let times = Times()
        var settings = folder.settings()
        settings.heartbeat = .milliseconds(40)
        let clock = LogClock(wall: { times.wall }, boot: { times.boot })
        let log = try AuditLog.open(settings, storage: DiskStorage(folder.directory), clock: clock)
        times.pass(seconds: 30)
        _ = try await log.append(AuditRecord(.serverUp))
        times.set(by: -3_600)
        try await eventually("there is a clock.jump") { try folder.kinds().contains("clock.jump") }
        try await eventually("there is a log.heartbeat") { try folder.kinds().contains("log.heartbeat") }
        log.close()
        let lines = try folder.lines()
        let up = try #require(lines.first { $0.text("kind") == "server.up" })
        #expect(up.text("ts") == "2026-11-20T23:59:30.000000000Z")
        #expect(up.number("mono") == 30_000_000_000)
        let jumps = lines.filter { $0.text("kind") == "clock.jump" }
        #expect(jumps.count == 1)
        #expect(jumps.first?.integer("info", "delta_ms") == -3_600_000)
        #expect(jumps.first?.text("info", "old") == "2026-11-20T23:59:30.000000000Z")
        #expect(jumps.first?.text("info", "new") == "2026-11-20T22:59:30.000000000Z")
        #expect(lines.contains { $0.text("kind") == "log.heartbeat" })
    }

    @Test func `may drift a little, but not for ever`() {
        func moment(_ wall: Int64, _ boot: Int64) -> Moment {
            Moment(wall: WallTime(seconds: 1_000 + wall), monotonic: boot * 1_000_000_000)
        }
        var watch = ClockWatch(moment(0, 0))
        let noticed = [(11, 10), (22, 20), (33, 30), (43, 40)].map { watch.check(moment($0.0, $0.1)) != nil }
        #expect(noticed == [false, false, true, false])
    }
}

@Suite struct `What strangers do` {
    private func at(_ seconds: Int64) -> Moment {
        Moment(wall: WallTime(seconds: 1_000 + seconds), monotonic: seconds * 1_000_000_000)
    }

    @Test func `is recorded once, and then counted for ten seconds`() throws {
        var coalescer = Coalescer()
        func isFirst(_ source: ByteString, _ reason: ByteString, _ second: Int64) -> Bool {
            coalescer.isFirst(.authFailed, source: source, reason: reason, at: at(second))
        }
        #expect(isFirst("a", "r", 0))
        for second in 1..<10 { #expect(!isFirst("a", "r", Int64(second))) }
        #expect(isFirst("a", "other", 5))
        #expect(isFirst("b", "r", 5))
        let early = coalescer.finished(at: at(9))
        #expect(early.isEmpty)
        let records = coalescer.finished(at: at(10))
        #expect(records.count == 1)
        let document = try JSONDocument(parsing: Array("{".utf8) + records[0].encoded(at: at(10)) + Array("}".utf8))
        #expect(document.text("kind") == "auth.failed")
        #expect(document.text("via", "addr") == "a")
        #expect(document.integer("info", "count") == 9)
        #expect(isFirst("a", "r", 11))
        // Those that happened once leave nothing behind.
        let late = coalescer.finished(at: at(30))
        #expect(late.isEmpty)
    }

    @Test func `costs a bounded number of records however many they are`() {
        var coalescer = Coalescer()
        var first = 0
        for number in 0..<100_000
        where coalescer.isFirst(.authFailed, source: ByteString("\(number)"), reason: "r", at: at(0)) {
            first += 1
        }
        #expect(first == Coalescer.sources)
        let records = coalescer.finished(at: at(10))
        #expect(records.count == 1)
        guard case .int(let count)? = records.first?.facts.first(where: { $0.name == "count" })?.value else {
            Issue.record("no count")
            return
        }
        #expect(count == 100_000 - Coalescer.sources)
    }

    @Test func `is in the trail when the log is closed`() throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        for _ in 0..<500 { log.appendCoalesced(AuditRecord(.requestRefused), source: "192.0.2.1", reason: "bad_head") }
        log.close()
        #expect(try folder.kinds() == ["log.opened", "request.refused", "request.refused", "log.closed"])
        #expect(try folder.lines()[2].integer("info", "count") == 499)
    }
}

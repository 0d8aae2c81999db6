import Bytes
import JSON
import Synchronization
import System
import Testing

@testable import Audit

/// What a command wrote, as lines.
private final class Answer {
    private(set) var text = ""

    func write(_ bytes: [UInt8]) { text += String(decoding: bytes, as: UTF8.self) }

    var lines: [String] { text.split(separator: "\n").map(String.init) }
}

/// A trail in which three people call, are refused and knock in vain.
private func busyTrail() async throws -> TrailFolder {
    let folder = try TrailFolder()
    let log = try folder.open(segmentBytes: 4_096)
    for (name, tool, effect) in [
        ("ada", "list_apps", "read"), ("bob", "delete_user", "destructive"), ("ada", "get_user", "read"),
    ] {
        var asked = try intent(ByteString(tool))
        asked.who?.subject = try log.keys.pseudonym(issuer: nil, subject: ByteString(name))
        asked.message?.effect = ByteString(effect)
        if effect == "read" {
            let receipt = try await log.append(asked)
            var done = outcome(of: receipt, asked)
            done.redactions = [.init(place: "result", rule: "people", count: 3)]
            _ = try await log.append(done)
        } else {
            asked.kind = .callDenied
            asked.decision = .init(.deny, rule: "never-destroy", reason: "denied_by_rule")
            _ = try await log.append(asked)
        }
    }
    log.appendCoalesced(AuditRecord(.authFailed), source: "192.0.2.9", reason: "unknown_token")
    log.close()
    return folder
}

@Suite struct `Querying a trail` {
    private func ask(_ folder: TrailFolder, _ conditions: [(String, String)], keys: Bool = true, json: Bool = true)
        throws -> [String]
    {
        var filter = AuditFilter()
        for (option, value) in conditions { try filter.set(option, value) }
        let answer = Answer()
        let code = AuditCommands.query(
            directory: folder.directory, filter: filter, json: json, keys: keys ? "\(folder.path)/keys" : nil,
            write: answer.write)
        #expect(code == 0)
        return answer.lines
    }

    private func kinds(_ lines: [String]) throws -> [String] {
        try lines.map { try JSONDocument(parsing: Array($0.utf8)).text("kind")?.text ?? "?" }
    }

    @Test func `shows exactly the lines of the trail`() async throws {
        let folder = try await busyTrail()
        let stored = try folder.segments.flatMap { name in
            try #require(try Files.read("\(folder.directory)/seg/\(name)", limit: 1 << 20))
        }
        #expect(try ask(folder, []).map { $0 + "\n" }.joined() == String(decoding: stored, as: UTF8.self))
    }

    @Test func `finds a call with its outcome by any of its conditions`() async throws {
        let folder = try await busyTrail()
        #expect(try kinds(ask(folder, [("tool", "list_apps")])) == ["call.intent", "call.outcome"])
        #expect(try kinds(ask(folder, [("tool", "torii.get_*")])) == ["call.intent", "call.outcome"])
        #expect(try kinds(ask(folder, [("effect", "destructive")])) == ["call.denied"])
        #expect(try kinds(ask(folder, [("decision", "deny")])) == ["call.denied"])
        #expect(try kinds(ask(folder, [("rule", "dashboard-reads"), ("kind", "call.intent")])).count == 2)
        #expect(try kinds(ask(folder, [("who", "ada")])).count == 4)
        #expect(try kinds(ask(folder, [("who", "ada")], keys: false)) == [])
        #expect(try kinds(ask(folder, [("kind", "auth.*")])) == ["auth.failed"])
        #expect(try kinds(ask(folder, [("text", "NEVER-destroy")])) == ["call.denied"])
        let cid = try #require(
            try JSONDocument(parsing: Array(ask(folder, [("tool", "get_user")])[0].utf8)).text("cid"))
        #expect(try ask(folder, [("cid", cid.text)]).count == 2)
        #expect(try ask(folder, [("limit", "2")]).count == 2)
        #expect(try kinds(ask(folder, [("last", "2")])) == ["auth.failed", "log.closed"])
    }

    @Test func `knows times`() async throws {
        let folder = try await busyTrail()
        let all = try ask(folder, []).count
        #expect(try ask(folder, [("since", "1h")]).count == all)
        #expect(try ask(folder, [("until", "1h")]).count == 0)
        #expect(try ask(folder, [("since", "2000-01-01"), ("until", "2100-01-01T00:00:00Z")]).count == all)
    }

    @Test func `passes over segments of other times, and over old ones when only the last are wanted`() throws {
        let folder = try TrailFolder()
        let times = Times()
        let clock = LogClock(wall: { times.wall }, boot: { times.boot })
        let segments = try AuditLog.begin(folder.settings(), on: DiskStorage(folder.directory), clock)
        for _ in 0..<4 {
            try segments.rotateIfDue(now: clock.wall())
            _ = try segments.write([Draft(AuditRecord(.serverUp), at: clock.now())])
            times.pass(seconds: 86_400)
        }
        let names = try folder.segments
        #expect(names.count == 4)
        // Whoever reads this would have to say so.
        let file = try File("\(folder.directory)/seg/\(names[0])", .readAndWrite)
        try file.write([0, 0], at: 0)
        #expect(try ask(folder, [("since", "2026-11-21"), ("until", "2026-11-23"), ("kind", "server.up")]).count == 2)
        #expect(try ask(folder, [("last", "3")]).count == 3)
    }

    @Test(arguments: [
        ("since", "yesterday"), ("since", "-5m"), ("until", ""), ("kind", "call.nothing"), ("decision", "maybe"),
        ("effect", "Read"), ("limit", "many"), ("colour", "red"), ("since", "99999999999999d"),
    ])
    func `refuses a condition that it does not understand`(option: String, value: String) {
        var filter = AuditFilter()
        #expect(throws: AuditFilter.Failure.self) { try filter.set(option, value) }
    }

    @Test func `tells in plain words`() async throws {
        let folder = try await busyTrail()
        let lines = try ask(folder, [("kind", "call.*")], json: false).map { line in
            String(line.drop { $0 != "Z" }.dropFirst().drop { $0 == " " }.drop { $0 != " " }.dropFirst(2))
        }
        #expect(
            lines == [
                "ada (claude-code) called torii.list_apps: allowed by dashboard-reads",
                "call 1 ended: ok in 12 ms, 3 values redacted (people)",
                "bob (claude-code) was refused torii.delete_user: denied by never-destroy (denied_by_rule)",
                "ada (claude-code) called torii.get_user: allowed by dashboard-reads",
                "call 4 ended: ok in 12 ms, 3 values redacted (people)",
            ])
    }

    @Test func `lets nobody's text move the cursor`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        _ = try await log.append(intent("evil\u{1B}[2J\u{202E}txt\u{9B}\n\u{2066}"))
        log.close()
        let lines = try ask(folder, [("kind", "call.*")], json: false)
        #expect(lines.count == 1)
        #expect(lines[0].contains(#"torii.evil\u{1b}[2J\u{202e}txt\u{9b}\u{a}\u{2066}"#))
    }

    @Test func `says so when a line cannot be read`() async throws {
        let folder = try await busyTrail()
        let path = "\(folder.directory)/seg/\(try folder.segments[0])"
        var bytes = try #require(try Files.read(path, limit: 1 << 20))
        bytes[3] = 0
        try Files.replace(path, with: bytes, permissions: 0o640)
        let answer = Answer()
        let code = AuditCommands.query(
            directory: folder.directory, filter: AuditFilter(), json: false, write: answer.write)
        #expect(code == 3)
        #expect(answer.lines.last == "1 lines could not be read: run `komainu audit verify`")
        #expect(
            AuditCommands.query(directory: "\(folder.path)/no", filter: AuditFilter(), json: true, write: answer.write)
                == 3)
    }
}

/// Somebody who follows a trail on a thread of their own.
private final class Follower: Sendable {
    private let shown = Guarded<[UInt8]>([])
    private let isOver = Atomic<Bool>(false)
    private let thread = Guarded<Thread?>(nil)

    func start(_ directory: String) throws {
        let started = try Thread.start("follower") {
            _ = AuditCommands.tail(
                directory: directory, filter: AuditFilter(), json: true, follow: true,
                isOver: { self.isOver.load(ordering: .sequentiallyConsistent) },
                write: { bytes in self.shown.withLock { $0 += bytes } })
        }
        thread.withLock { $0 = started }
    }

    func stop() {
        isOver.store(true, ordering: .sequentiallyConsistent)
        thread.withLock { $0 }?.join()
    }

    func numbers() throws -> [UInt64] {
        try shown.withLock { $0 }.split(separator: 0x0A).map { line in
            try #require(try JSONDocument(parsing: Array(line)).number("seq"))
        }
    }
}

@Suite struct `Following a trail` {
    @Test func `shows the last records and those that come, across segments`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open(segmentBytes: 4_096)
        for _ in 0..<30 { _ = try await log.append(AuditRecord(.serverUp)) }
        let follower = Follower()
        try follower.start(folder.directory)
        try await eventually("something is shown") { try !follower.numbers().isEmpty }
        for _ in 0..<40 { _ = try await log.append(AuditRecord(.serverDown)) }
        log.close()
        try await eventually("all is shown") { try follower.numbers().last == 71 }
        follower.stop()
        #expect(try follower.numbers() == Array(21...71))
        #expect(try folder.segments.count >= 3)
    }
}

@Suite struct `A pattern` {
    @Test(arguments: [
        ("list_apps", "list_apps", true), ("list_apps", "list_*", true), ("list_apps", "*", true), ("", "*", true),
        ("", "", true), ("a", "", false), ("list_apps", "*apps", true), ("list_apps", "l*_*s", true),
        ("list_apps", "*x*", false), ("aab", "*ab", true), ("abab", "a*b*ab", true), ("ab", "a*b*ab", false),
        ("list_apps", "LIST_*", false),
    ])
    func `matches with stars`(value: String, pattern: String, isMatch: Bool) {
        #expect(matches(ByteString(value), ByteString(pattern)) == isMatch)
    }
}

import Bytes
import Glibc
import JSON
import System
import Testing

@testable import Audit

/// A trail in a temporary folder, removed with this value.
final class TrailFolder: Sendable {
    let path: String
    let origin = "test.example/audit"

    init() throws {
        path = try Files.makeTemporaryFolder(prefix: "komainu-audit-")
    }

    deinit {
        try? Files.removeTree(path)
    }

    var directory: String { "\(path)/trail" }

    /// Quick settings; segments are small where a test wants many.
    func settings(segmentBytes: Int = 1 << 20) -> AuditSettings {
        var settings = AuditSettings(directory: directory, origin: origin, keys: "\(path)/keys")
        settings.segmentBytes = segmentBytes
        return settings
    }

    func open(segmentBytes: Int = 1 << 20) throws -> AuditLog {
        try AuditLog.open(settings(segmentBytes: segmentBytes))
    }

    /// The segments' files, oldest first.
    var segments: [String] {
        get throws { try Files.list("\(directory)/seg").filter { $0.hasSuffix(".jsonl") } }
    }

    /// Every line of the trail, as JSON.
    func lines() throws -> [JSONDocument] {
        try segments.flatMap { name in
            let bytes = try #require(try Files.read("\(directory)/seg/\(name)", limit: 1 << 30))
            return try bytes.split(separator: 0x0A).map { try JSONDocument(parsing: Array($0)) }
        }
    }

    func kinds() throws -> [String] {
        try lines().map { $0.text("kind")?.text ?? "?" }
    }
}

extension AuditLog {
    /// Begins a log as `open` does, without its threads.
    static func begin(
        _ settings: AuditSettings, on storage: any LogStorage, _ clock: LogClock, publisher: Publisher? = nil
    ) throws(AuditFailure) -> SegmentWriter {
        let recovered = try recover(settings, on: storage)
        let signing = try publisher?.resume(
            size: recovered.chain.next, readsEverything: settings.readsEverything, rotates: settings.rotation != nil,
            now: clock.wall())
        let segments = try begin(settings, on: storage, clock, after: recovered, signing)
        try publisher?.rotate(now: clock.wall())
        return segments
    }
}

/// An intent such as a gateway writes.
func intent(_ tool: ByteString = "list_apps") throws -> AuditRecord {
    var record = AuditRecord(.callIntent, call: try CallID.make())
    record.who = AuditRecord.Who(subject: "s_0123456789abcdef")
    record.who?.method = "endpoint+token"
    record.via = AuditRecord.Via(address: "192.0.2.7")
    record.via?.client = "claude-code"
    record.message = AuditRecord.Message(method: "tools/call", server: "torii", tool: tool)
    record.message?.requestID = "17"
    record.decision = AuditRecord.Decision(.allow, rule: "dashboard-reads")
    record.decision?.policy = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    record.arguments = AuditRecord.Arguments(
        redacted: Array(#"{"size":50,"q":"p-3f9c2a1b7d@redacted.invalid"}"#.utf8), byteCount: 61)
    return record
}

/// How that intent ended.
func outcome(of receipt: AuditReceipt, _ intent: AuditRecord) -> AuditRecord {
    var record = AuditRecord(.callOutcome, call: intent.call)
    record.of = receipt.sequence
    record.outcome = AuditRecord.Outcome(.ok)
    record.outcome?.milliseconds = 12
    return record
}

/// How often a test repeats, from the environment or as stated.
enum Repeats {
    static func count(_ name: String, default count: Int) -> Int {
        CurrentProcess.environment(name).flatMap { Int($0) } ?? count
    }
}

/// Two clocks that a test moves by hand.
final class Times: Sendable {
    private let state = Guarded((wall: WallTime(rfc3339: "2026-11-20T23:59:00Z") ?? .now, boot: Int64(0)))

    var wall: WallTime { state.withLock { $0.wall } }
    var boot: Int64 { state.withLock { $0.boot } }

    func pass(seconds: Int64) {
        state.withLock { $0 = ($0.wall + .seconds(seconds), $0.boot + seconds * 1_000_000_000) }
    }

    func set(by seconds: Int64) {
        state.withLock { $0.wall = $0.wall + .seconds(seconds) }
    }
}

/// Small file systems in memory.
enum Mount {
    /// Whether one could be mounted.
    static func memory(at path: String, bytes: Int) -> Bool {
        unsafe mount("komainu-test", path, "tmpfs", 0, "size=\(bytes)") == 0
    }

    static func remove(_ path: String) { _ = unsafe umount2(path, Int32(MNT_DETACH)) }
}

/// Runs something long on a thread of its own: the tests' shared threads are few, and others wait on them.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        do {
            _ = try Thread.start("long-test", stackBytes: 8 << 20) {
                continuation.resume(with: Result { try body() })
            }
        } catch {
            continuation.resume(throwing: error)
        }
    }
}

/// Waits until something is so, at most a minute: slow machines are no failures.
func eventually(_ what: String, _ condition: () throws -> Bool) async throws {
    let deadline = MonotonicTime.now + .seconds(60)
    while try !condition() {
        guard MonotonicTime.now < deadline else {
            Issue.record("it did not happen: \(what)")
            return
        }
        try await Task.sleep(for: .milliseconds(5))
    }
}

public import Bytes
import JSON
public import System

/// What verifying a trail found.
public struct VerifyReport: Sendable {
    /// What can be said about a trail, the worst first.
    public enum Verdict: String, Sendable, CaseIterable, Comparable {
        /// Bytes are not the ones that were written.
        case tampered = "TAMPERED"
        /// The log's key signed two histories.
        case forked = "FORKED"
        /// The directory is what it was earlier: something kept elsewhere was signed over more records.
        case rolledBack = "ROLLED BACK"
        /// The end is not whole, or shorter than something proves it was.
        case truncated = "TRUNCATED"
        /// Files that must be there are not.
        case missing = "MISSING"
        /// Something could not be read, or was written by a program that this one does not understand.
        case unverifiable = "UNVERIFIABLE"
        /// Everything is as it was written, so far as the directory alone can show.
        case ok = "OK"

        /// Worse is smaller.
        public static func < (left: Verdict, right: Verdict) -> Bool {
            allCases.firstIndex(of: left) ?? 0 < allCases.firstIndex(of: right) ?? 0
        }
    }

    /// One thing that is wrong.
    public struct Problem: Sendable {
        /// How bad it is.
        public let verdict: Verdict
        /// The file, relative to the trail's directory.
        public let file: String
        /// Where in the file, in bytes.
        public let offset: Int
        /// The number of the record that should stand there.
        public let record: UInt64?
        /// What is wrong there.
        public let reason: String
    }

    /// A checkpoint that was kept outside the trail's directory.
    public struct Outside: Sendable {
        /// Where it was read, for the report.
        public let file: String
        /// The signed note.
        public let note: [UInt8]

        /// Names a checkpoint's place and content.
        public init(file: String, note: [UInt8]) {
            self.file = file
            self.note = note
        }
    }

    /// The log's name.
    public internal(set) var origin: ByteString?
    /// Whether a process was writing the log meanwhile. What it wrote after verifying began was not looked at.
    public internal(set) var isLive = false
    /// Good records.
    public internal(set) var records: UInt64 = 0
    /// Segments that were read.
    public internal(set) var segments = 0
    /// Bytes of good records.
    public internal(set) var bytes = 0
    /// How many records there are of each kind.
    public internal(set) var kinds: [AuditKind: UInt64] = [:]
    /// When the first record was made, by the wall clock.
    public internal(set) var begin: WallTime?
    /// When the last record was made, by the wall clock.
    public internal(set) var end: WallTime?
    /// The last record's leaf. Whoever keeps it can later show that this trail was not shortened or rewritten.
    public internal(set) var head: [UInt8] = []
    /// How many records the released checkpoint covers; nil when there is none that agrees with the trail.
    public internal(set) var signed: UInt64?
    /// That checkpoint's root.
    public internal(set) var root: [UInt8] = []
    /// The key that the log says it signs with (`vkey`). To be compared with what its operator published.
    public internal(set) var key: String?
    /// Calls that were let through and have no outcome.
    public internal(set) var openIntents = 0
    /// What is wrong, in the order of the trail. At most 100 are kept.
    public internal(set) var problems: [Problem] = []
    /// What a reviewer should look at, although nothing is wrong. At most 100 are kept.
    public internal(set) var warnings: [String] = []

    /// The worst that was found.
    public var verdict: Verdict { problems.map(\.verdict).min() ?? .ok }

    /// 0 verified, 1 tampered, forked, rolled back or truncated, 3 something needed is missing, 4 verified with warnings.
    public var exitCode: Int32 {
        switch verdict {
        case .tampered, .forked, .rolledBack, .truncated: 1
        case .missing, .unverifiable: 3
        case .ok: warnings.isEmpty ? 0 : 4
        }
    }

    mutating func add(_ problem: Problem) {
        if problems.count < 100 { problems.append(problem) }
    }

    mutating func warn(_ text: String) {
        if warnings.count < 100 { warnings.append(text) }
    }
}

extension VerifyReport {
    /// The report for people.
    func text() -> String {
        var lines = ["\(verdict.rawValue)\(verdict == .ok && !warnings.isEmpty ? ", with warnings" : "")"]
        func say(_ name: String, _ value: String) {
            lines.append("  \(name)\(String(repeating: " ", count: max(1, 10 - name.utf8.count)))\(value)")
        }
        say("log", TerminalText.of(origin?.text ?? "?") + (isLive ? " (being written)" : ""))
        let last = records == 0 ? "none" : "\(records)"
        say("records", "\(last) in \(segments) \(segments == 1 ? "segment" : "segments"), \(bytes) bytes")
        if let begin, let end {
            say("from", begin.rfc3339(fractionDigits: 3))
            say("to", end.rfc3339(fractionDigits: 3))
        }
        if !head.isEmpty { say("head", Base64URL.encode(head)) }
        if let signed { say("signed", "\(signed) records, root \(Base64.encode(root))") }
        if let key { say("key", TerminalText.of(key)) }
        let (allowed, denied) = (kinds[.callIntent] ?? 0, kinds[.callDenied] ?? 0)
        say("calls", "\(allowed) allowed, \(denied) denied, \(kinds[.callOrphaned] ?? 0) orphaned, \(openIntents) open")
        for problem in problems {
            let record = problem.record.map { ", record \($0)" } ?? ""
            lines.append(
                "\(problem.verdict.rawValue): \(TerminalText.of(problem.file)), byte \(problem.offset)\(record): "
                    + TerminalText.of(problem.reason))
        }
        for warning in warnings { lines.append("warning: \(TerminalText.of(warning))") }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The report for programs: one JSON object on a line.
    func json() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("verdict", verdict.rawValue)
        writer.member("exit", Int(exitCode))
        if let origin { writer.member("origin", origin.text) }
        writer.key("live")
        writer.bool(isLive)
        writer.member("records", Int(clamping: records))
        writer.member("segments", segments)
        writer.member("bytes", bytes)
        if let begin { writer.member("from", begin.rfc3339(fractionDigits: 9)) }
        if let end { writer.member("to", end.rfc3339(fractionDigits: 9)) }
        if !head.isEmpty { writer.member("head", Base64URL.encode(head)) }
        if let signed {
            writer.member("signed", Int(clamping: signed))
            writer.member("root", Base64.encode(root))
        }
        if let key { writer.member("vkey", key) }
        writer.member("open_intents", openIntents)
        writer.key("kinds")
        writer.beginObject()
        for kind in AuditKind.allCases {
            if let count = kinds[kind] { writer.member(kind.rawValue, Int(clamping: count)) }
        }
        writer.endObject()
        writer.key("problems")
        writer.beginArray()
        for problem in problems {
            writer.beginObject()
            writer.member("verdict", problem.verdict.rawValue)
            writer.member("file", problem.file)
            writer.member("offset", problem.offset)
            if let record = problem.record { writer.member("record", Int(clamping: record)) }
            writer.member("reason", problem.reason)
            writer.endObject()
        }
        writer.endArray()
        writer.key("warnings")
        writer.beginArray()
        for warning in warnings { writer.string(warning) }
        writer.endArray()
        writer.endObject()
        return writer.bytes + [0x0A]
    }
}

extension JSONWriter {
    mutating func member(_ name: String, _ value: String) {
        key(name)
        string(value)
    }

    mutating func member(_ name: String, _ value: Int) {
        key(name)
        int(value)
    }
}

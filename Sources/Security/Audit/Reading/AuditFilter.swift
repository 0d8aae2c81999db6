public import Bytes
import JSON
public import System

/// Which records somebody wants to see. A condition that is nil is none; all that are set must hold.
///
/// Conditions on the call (`who`, `tool`, `effect`, `decision`, `rule`) also admit what later belongs to a call that they
/// admitted: its outcome, or that it has none.
public struct AuditFilter: Sendable {
    /// The subject, as its pseudonym or, for a reader with the keys, its name.
    public var who: ByteString?
    /// The tool, or `server.tool`; `*` stands for anything.
    public var tool: ByteString?
    /// `read`, `write`, `destructive`.
    public var effect: ByteString?
    /// `allow`, `deny`, `hold`, `modify`.
    public var decision: ByteString?
    /// The kind; `*` stands for anything, such as `call.*`.
    public var kind: ByteString?
    /// The rule that decided.
    public var rule: ByteString?
    /// The call.
    public var call: ByteString?
    /// From this moment on, by the wall clock.
    public var since: WallTime?
    /// Before this moment, by the wall clock.
    public var until: WallTime?
    /// Bytes anywhere in the record; ASCII letters match in either case.
    public var text: ByteString?
    /// At most so many, the first ones.
    public var limit: Int?
    /// Only the last so many.
    public var last: Int?

    /// Admits everything.
    public init() {}

    /// A condition that cannot be understood.
    public struct Failure: Error, Hashable, Sendable {
        /// The option.
        public let option: String
        /// What it should be.
        public let expected: String
    }

    /// Sets a condition as the command line gives it: `who tool effect decision kind rule cid since until text limit last`.
    ///
    /// Times are RFC 3339, a date (`2026-11-20`, UTC), or how long ago (`90s`, `15m`, `2h`, `7d`).
    public mutating func set(_ option: String, _ value: String, now: WallTime = .now) throws(Failure) {
        switch option {
        case "who": who = ByteString(value)
        case "tool": tool = ByteString(value)
        case "effect": effect = try word(option, value, ["read", "write", "destructive"])
        case "decision": decision = try word(option, value, AuditRecord.Decision.Verdict.allCases.map(\.rawValue))
        case "kind":
            let pattern = ByteString(value)
            guard AuditKind.allCases.contains(where: { matches(ByteString($0.rawValue), pattern) }) else {
                throw Failure(option: option, expected: "a kind of record, such as call.denied or call.*")
            }
            kind = pattern
        case "rule": rule = ByteString(value)
        case "cid": call = ByteString(value)
        case "since": since = try time(option, value, now)
        case "until": until = try time(option, value, now)
        case "text": text = ByteString(value)
        case "limit": limit = try count(option, value)
        case "last": last = try count(option, value)
        default:
            throw Failure(option: option, expected: "one of who tool effect decision kind rule cid since until text")
        }
    }

    private func word(_ option: String, _ value: String, _ words: [String]) throws(Failure) -> ByteString {
        guard words.contains(where: { $0.utf8.elementsEqual(value.utf8) }) else {
            throw Failure(option: option, expected: "one of \(words.joined(separator: " "))")
        }
        return ByteString(value)
    }

    private func count(_ option: String, _ value: String) throws(Failure) -> Int {
        guard let count = Int(value), count >= 0 else { throw Failure(option: option, expected: "a number from 0") }
        return count
    }

    private func time(_ option: String, _ value: String, _ now: WallTime) throws(Failure) -> WallTime {
        if let time = WallTime(rfc3339: value) ?? WallTime(rfc3339: "\(value)T00:00:00Z") { return time }
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
        if let unit = value.last.flatMap({ units[$0] }), let count = Int64(value.dropLast()), count >= 0,
            count < 1_000_000
        {
            return now + .seconds(-count * unit)
        }
        throw Failure(option: option, expected: "a time such as 2026-11-20T09:30:00Z, 2026-11-20, 15m, 2h or 7d")
    }
}

/// A filter at work: it remembers the calls that it admitted.
struct FilterRun {
    private let filter: AuditFilter
    private let subjects: Set<ByteString>
    private let text: [UInt8]?
    private var calls: Set<ByteString> = []

    /// `names` are what the log's keys know about its subjects.
    init(_ filter: AuditFilter, names: [ByteString: ByteString]) {
        self.filter = filter
        subjects = Set(names.filter { $0.value == filter.who }.keys)
        text = filter.text.map { $0.asciiLowercased.bytes }
    }

    /// Whether a record is wanted.
    mutating func admits(_ line: TrailLine, _ bytes: [UInt8]) -> Bool {
        if let since = filter.since, line.wall < since { return false }
        if let until = filter.until, line.wall >= until { return false }
        if let kind = filter.kind, !matches(ByteString(line.kind.rawValue), kind) { return false }
        if let call = filter.call, line.call != call { return false }
        if let text, !ByteString(bytes).asciiLowercased.bytes.contains(text) { return false }
        return admitsCall(line)
    }

    private mutating func admitsCall(_ line: TrailLine) -> Bool {
        if let call = line.call, calls.contains(call) {
            if line.kind == .callOutcome || line.kind == .callOrphaned { calls.remove(call) }
            return true
        }
        guard isWanted(line.document) else { return false }
        if line.kind == .callIntent, let call = line.call { calls.insert(call) }
        return true
    }

    private func isWanted(_ record: JSONDocument) -> Bool {
        if let who = filter.who {
            guard let subject = record.text("who", "sub"), subject == who || subjects.contains(subject) else {
                return false
            }
        }
        if let tool = filter.tool {
            guard let name = record.text("mcp", "tool") else { return false }
            let full = (record.text("mcp", "srv")?.bytes ?? []) + [UInt8(ascii: ".")] + name.bytes
            guard matches(name, tool) || matches(ByteString(full), tool) else { return false }
        }
        if let effect = filter.effect, record.text("mcp", "eff") != effect { return false }
        if let decision = filter.decision, record.text("dec", "d") != decision { return false }
        if let rule = filter.rule, record.text("dec", "rule") != rule { return false }
        return true
    }
}

extension JSONDocument {
    /// A text among the members of one of the document's own objects.
    func text(_ object: String, _ name: String) -> ByteString? {
        member(object, of: root).flatMap { member(name, of: $0) }.flatMap { string($0) }
    }

    /// A whole number among the members of one of the document's own objects.
    func integer(_ object: String, _ name: String) -> Int64? {
        member(object, of: root).flatMap { member(name, of: $0) }.flatMap { integer($0) }
    }
}

/// Whether the bytes match a pattern in which `*` stands for any bytes. Linear: the last star is the only one tried again.
func matches(_ value: ByteString, _ pattern: ByteString) -> Bool {
    let (value, pattern) = (value.bytes, pattern.bytes)
    var (at, place) = (0, 0)
    var star: (pattern: Int, value: Int)?
    while at < value.count {
        if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
            star = (place, at)
            place += 1
        } else if place < pattern.count, pattern[place] == value[at] {
            (at, place) = (at + 1, place + 1)
        } else if let last = star {
            star = (last.pattern, last.value + 1)
            (at, place) = (last.value + 1, last.pattern + 1)
        } else {
            return false
        }
    }
    return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
}

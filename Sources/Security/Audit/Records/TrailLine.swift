import Bytes
import JSON
import System

/// One line of the trail as it was read: the members that every line has, and the document for those who want the rest.
struct TrailLine: Sendable {
    let document: JSONDocument
    /// The record's number.
    let sequence: UInt64
    /// How many records were on disk when this one was written: proof, once it is read, that those were durable.
    let durable: UInt64
    let kind: AuditKind
    let wall: WallTime
    let monotonic: Int64
    let call: ByteString?
    let of: UInt64?

    /// Reads a line, its end not included. Whether it belongs where it was found is the chain's to say.
    init(parsing bytes: [UInt8]) throws(LineProblem) {
        var limits = JSONLimits.standard
        limits.bytes = AuditRecord.lineLimit
        let document: JSONDocument
        do throws(JSONFailure) { document = try JSONDocument(parsing: bytes, limits: limits) } catch {
            throw error.reason == .tooLong ? .tooLong : .notJSON(error)
        }
        guard let version = document.number("v") else { throw .missing("v") }
        guard version == 1 else { throw .unknownVersion }
        guard let sequence = document.number("seq") else { throw .missing("seq") }
        guard let durable = document.number("dur") else { throw .missing("dur") }
        guard let monotonic = document.number("mono") else { throw .missing("mono") }
        guard let wall = document.text("ts").flatMap({ WallTime(rfc3339: $0.bytes) }) else { throw .missing("ts") }
        guard let name = document.text("kind") else { throw .missing("kind") }
        guard let kind = AuditKind(name: name) else { throw .unknownKind(name.text) }
        self.sequence = sequence
        self.durable = durable
        self.kind = kind
        self.wall = wall
        self.monotonic = Int64(clamping: monotonic)
        call = document.text("cid")
        of = document.number("of")
        self.document = document
    }
}

extension JSONDocument {
    /// A text among the document's own members.
    func text(_ name: String) -> ByteString? { member(name, of: root).flatMap { string($0) } }

    /// A whole number from 0 among the document's own members.
    func number(_ name: String) -> UInt64? {
        member(name, of: root).flatMap { integer($0) }.flatMap { UInt64(exactly: $0) }
    }
}

/// Why a line cannot stand where it stands.
enum LineProblem: Error, Equatable, Sendable {
    case tooLong
    case unfinished
    case notJSON(JSONFailure)
    case missing(String)
    case unknownVersion
    case unknownKind(String)
    case sequence(found: UInt64, expected: UInt64)
    case brokenChain
    case durable(UInt64)
    case noOpenIntent(UInt64?)

    /// Whether a crash can have left such bytes. A line that reads well and stands in the wrong place is never torn: somebody
    /// put it there, changed the one before it, or wrote it with a newer program.
    var mayBeTorn: Bool {
        switch self {
        case .tooLong, .unfinished, .notJSON, .missing: true
        case .unknownVersion, .unknownKind, .sequence, .brokenChain, .durable, .noOpenIntent: false
        }
    }

    /// For people; no byte of the line stands in it.
    var description: String {
        switch self {
        case .tooLong: "the line is longer than \(AuditRecord.lineLimit) bytes"
        case .unfinished: "the line has no end"
        case .notJSON(let failure): "the line is not JSON (\(failure.reason.rawValue) at its byte \(failure.offset))"
        case .missing(let name): "the line has no proper `\(name)`"
        case .unknownVersion: "the line has a version that this program does not know"
        case .unknownKind: "the line has a kind that this program does not know"
        case .sequence(let found, let expected): "record \(found) stands where record \(expected) belongs"
        case .brokenChain: "the line does not name the record before it"
        case .durable(let count): "the line claims \(count) durable records, which cannot be"
        case .noOpenIntent(let number):
            number.map { "the line closes record \($0), which is not an open intent" } ?? "the line closes no intent"
        }
    }
}

/// What a record did to the intents that wait.
enum IntentChange {
    case opened(UInt64)
    case closed(UInt64, ByteString)
}

/// Where the chain stands: what the next line must be. The writer, recovery and the verifier share it.
struct Chain: Sendable {
    /// The number of the next record; as many lie behind it.
    private(set) var next: UInt64
    /// The leaf of the record before it, or the genesis hash.
    private(set) var lastLeaf: [UInt8]
    /// What the last line said about how much was durable.
    private(set) var durable: UInt64
    /// The intents without an outcome.
    private(set) var openIntents: [UInt64: ByteString]
    /// Intents before this record are not known: what closes one of them is believed.
    private let knownFrom: UInt64

    /// Whether what stands before is not known.
    var isPartial: Bool { knownFrom > 0 }

    /// The beginning of a log.
    init(origin: String) {
        self.init(next: 0, lastLeaf: LeafHasher.genesis(of: origin), durable: 0, openIntents: [:])
    }

    /// Any place, as a seal describes it.
    init(next: UInt64, lastLeaf: [UInt8], durable: UInt64, openIntents: [UInt64: ByteString]) {
        self.next = next
        self.lastLeaf = lastLeaf
        self.durable = durable
        self.openIntents = openIntents
        knownFrom = 0
    }

    /// A place that is believed because what stands before it is lost.
    init(believing next: UInt64, after lastLeaf: [UInt8]) {
        self.next = next
        self.lastLeaf = lastLeaf
        durable = 0
        openIntents = [:]
        knownFrom = next
    }

    /// Checks that a line belongs here, and moves on. On failure nothing has changed.
    mutating func accept(_ bytes: [UInt8], _ hasher: inout LeafHasher) throws(LineProblem) -> TrailLine {
        guard bytes.count <= AuditRecord.lineLimit else { throw .tooLong }
        let line = try TrailLine(parsing: bytes)
        guard line.sequence == next else { throw .sequence(found: line.sequence, expected: next) }
        guard Chain.isLinked(bytes, to: lastLeaf) else { throw .brokenChain }
        guard line.durable >= durable, line.durable <= next else { throw .durable(line.durable) }
        try note(kind: line.kind, call: line.call, of: line.of)
        advance(to: hasher.leaf(of: bytes.span), durable: line.durable)
        return line
    }

    /// Keeps the intents that wait for an outcome; refuses an outcome that no intent waits for.
    @discardableResult
    mutating func note(kind: AuditKind, call: ByteString?, of: UInt64?) throws(LineProblem) -> IntentChange? {
        switch kind {
        case .callIntent:
            openIntents[next] = call ?? ByteString([])
            return .opened(next)
        case .callOutcome, .callOrphaned:
            if let of, of < knownFrom { return nil }
            guard let of, let intent = openIntents[of], intent == call ?? ByteString([]) else {
                throw .noOpenIntent(of)
            }
            openIntents[of] = nil
            return .closed(of, intent)
        default: return nil
        }
    }

    /// Takes back what was noted since `earlier`: the records were not written. `changes` are what `note` did, in order.
    mutating func takeBack(to earlier: (next: UInt64, lastLeaf: [UInt8], durable: UInt64), _ changes: [IntentChange]) {
        for change in changes.reversed() {
            switch change {
            case .opened(let sequence): openIntents[sequence] = nil
            case .closed(let sequence, let call): openIntents[sequence] = call
            }
        }
        (next, lastLeaf, durable) = earlier
    }

    /// The next record's leaf is this.
    mutating func advance(to leaf: [UInt8], durable: UInt64) {
        next += 1
        lastLeaf = leaf
        self.durable = durable
    }

    /// Whether a line names this leaf as the one before it.
    static func isLinked(_ line: [UInt8], to leaf: [UInt8]) -> Bool {
        let tail = tail(leaf)
        return line.suffix(tail.count) == tail[...]
    }

    /// How every line ends that follows the record with this leaf.
    static func tail(_ leaf: [UInt8]) -> [UInt8] {
        var bytes = Array(",\"prev\":\"".utf8)
        Base64URL.append(leaf, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }
}

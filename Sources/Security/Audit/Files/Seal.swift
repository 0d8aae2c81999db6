import Bytes
import JSON
import System

/// What a segment held when it was closed, in a file beside it. Derived: it can be made again from the segment, and says in a
/// few bytes where the chain stood at its end, so that opening the log reads one segment and not all.
///
/// Whoever can write it can make opening fail, or move where the next record is chained to; verifying recomputes it.
struct Seal: Sendable {
    let name: SegmentName
    let count: UInt64
    let bytes: Int
    /// SHA-256 of the whole segment.
    let digest: [UInt8]
    /// When the records were made; nil when there are none. Lets a reader pass over segments of other days.
    let times: TimeSpan?
    /// The leaf before the first record.
    let before: [UInt8]
    /// Where the chain stands after the segment.
    let end: Chain
    /// Whether the log was closed with this segment, so that none need follow it. Taken back when the log is opened again.
    var isClosed = false

    /// Whether both say the same about the segment; where the log's beginning is not known, without the intents that wait.
    func fits(_ other: Seal, knowsIntents: Bool = true) -> Bool {
        name == other.name && count == other.count && bytes == other.bytes && digest == other.digest
            && times == other.times
            && before == other.before && end.lastLeaf == other.end.lastLeaf && end.durable == other.end.durable
            && (!knowsIntents || end.openIntents == other.end.openIntents)
    }

    func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("v")
        writer.int(1)
        writer.key("generation")
        writer.int(name.generation)
        writer.key("first")
        writer.int(Int(clamping: name.first))
        writer.key("count")
        writer.int(Int(clamping: count))
        writer.key("bytes")
        writer.int(bytes)
        writer.key("sha256")
        writer.string(Hex.encode(digest))
        if let times {
            writer.member("from", times.begin.rfc3339(fractionDigits: 9))
            writer.member("to", times.end.rfc3339(fractionDigits: 9))
        }
        writer.key("before")
        writer.string(Base64URL.encode(before))
        writer.key("last")
        writer.string(Base64URL.encode(end.lastLeaf))
        writer.key("dur")
        writer.int(Int(clamping: end.durable))
        writer.key("open")
        writer.beginArray()
        for (sequence, call) in end.openIntents.sorted(by: { $0.key < $1.key }) {
            writer.beginObject()
            writer.key("seq")
            writer.int(Int(clamping: sequence))
            writer.key("cid")
            writer.string(call)
            writer.endObject()
        }
        writer.endArray()
        if isClosed {
            writer.key("closed")
            writer.bool(true)
        }
        writer.endObject()
        return writer.bytes + [0x0A]
    }

    /// Reads the seal of a segment; nil unless it has every member, and speaks of that segment.
    init?(_ bytes: [UInt8], of name: SegmentName) {
        var limits = JSONLimits.standard
        limits.bytes = Seal.limit
        guard let document = try? JSONDocument(parsing: bytes, limits: limits), document.number("v") == 1,
            document.number("generation") == UInt64(name.generation), document.number("first") == name.first,
            let count = document.number("count"), let length = document.number("bytes"),
            let digest = document.text("sha256").flatMap(Hex.decode), digest.count == 32,
            let before = document.text("before").flatMap(Base64URL.decode), before.count == 32,
            let last = document.text("last").flatMap(Base64URL.decode), last.count == 32,
            let durable = document.number("dur"), let open = document.member("open", of: document.root)
        else { return nil }
        var intents: [UInt64: ByteString] = [:]
        for intent in document.elements(of: open) {
            guard let sequence = document.member("seq", of: intent).flatMap({ document.integer($0) }),
                let number = UInt64(exactly: sequence),
                let call = document.member("cid", of: intent).flatMap({ document.string($0) })
            else { return nil }
            intents[number] = call
        }
        let begin = document.text("from").flatMap { WallTime(rfc3339: $0.text) }
        let latest = document.text("to").flatMap { WallTime(rfc3339: $0.text) }
        let times = begin.flatMap { begin in latest.flatMap { TimeSpan(begin: begin, end: $0) } }
        self.init(
            name: name, count: count, bytes: Int(clamping: length), digest: digest, times: times, before: before,
            end: Chain(next: name.first + count, lastLeaf: last, durable: durable, openIntents: intents))
        isClosed = document.member("closed", of: document.root).flatMap { document.bool($0) } ?? false
    }

    init(
        name: SegmentName, count: UInt64, bytes: Int, digest: [UInt8], times: TimeSpan?, before: [UInt8], end: Chain
    ) {
        self.name = name
        self.count = count
        self.bytes = bytes
        self.digest = digest
        self.times = times
        self.before = before
        self.end = end
    }

    /// The longest seal that is read.
    static let limit = 64 << 20
}

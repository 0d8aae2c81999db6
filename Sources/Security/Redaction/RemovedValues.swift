import Bytes

/// Values that were redacted somewhere in a message, to be found wherever else they stand.
///
/// Only values of five bytes or more count: shorter ones ("USD", "42") are too common to say anything. A value is found as
/// whole words, in any case of ASCII letters. Words that the tool's own schema lists, and a few that every API uses as
/// states, are nobody's data.
struct RemovedValues {
    private struct Value {
        let text: [UInt8]
        let replacement: [UInt8]
    }

    private var values: [Value] = []
    /// By the first five bytes, folded.
    private var byStart: [UInt64: [Int]] = [:]
    private var known: Set<[UInt8]> = []
    /// One bit for each hash of first five bytes.
    private var filter = [UInt64](repeating: 0, count: 1024)
    private let vocabulary: Set<ByteString>

    /// The fewest bytes of a value.
    static let least = 5
    /// The most values kept: beyond, the result is withheld.
    static let most = 100_000

    init(vocabulary: Set<ByteString>) {
        self.vocabulary = vocabulary
    }

    var isEmpty: Bool { values.isEmpty }
    var isFull: Bool { values.count > Self.most }

    private static let states: Set<ByteString> = [
        "active", "inactive", "enabled", "disabled", "pending", "deleted", "offboarded", "offboarding", "admin",
        "member",
        "owner", "viewer", "system", "default", "unknown", "other", "email", "phone", "false", "approved", "rejected",
        "discovered",
        "closed", "sanctioned", "expired", "cancelled", "canceled", "completed", "failed", "success", "error", "string",
        "number",
        "public", "private", "internal", "external", "monthly", "yearly", "annual", "guest", "manager",
    ]

    mutating func add(_ text: [UInt8], _ replacement: [UInt8]) {
        guard text.count >= Self.least, text.count <= 4096, text != replacement, !known.contains(text) else { return }
        known.insert(text)
        let name = ByteString(text)
        guard !Self.states.contains(name.asciiLowercased), !vocabulary.contains(name),
            !text.allSatisfy({ $0 == text[0] })
        else { return }
        keep(text, replacement)
        // The same as it stands in URLs.
        if text.contains(where: { $0 == 0x40 || $0 == 0x20 || $0 == 0x2b }) {
            keep(
                text.flatMap {
                    $0 == 0x40 ? bytes("%40") : $0 == 0x20 ? bytes("%20") : $0 == 0x2b ? bytes("%2B") : [$0]
                }, replacement)
        }
    }

    private mutating func keep(_ text: [UInt8], _ replacement: [UInt8]) {
        let start = Self.start(text.span, 0)
        byStart[start, default: []].append(values.count)
        values.append(Value(text: text, replacement: replacement))
        let hash = Self.hash(start)
        filter[hash >> 6] |= 1 << UInt64(hash & 63)
    }

    /// The text with every removed value replaced; nil when there is none in it.
    func cleaned(_ text: Span<UInt8>) -> [UInt8]? {
        var out: [UInt8]?
        var copied = 0
        var at = 0
        while at + Self.least <= text.count {
            let start = Self.start(text, at)
            let hash = Self.hash(start)
            if filter[hash >> 6] & 1 << UInt64(hash & 63) != 0, let value = longestValue(text, at, start) {
                var made = out ?? []
                made.append(copying: text.extracting(copied..<at))
                made += value.replacement
                out = made
                at += value.text.count
                copied = at
            } else {
                at += 1
            }
        }
        out?.append(copying: text.extracting(copied..<text.count))
        return out
    }

    private func longestValue(_ text: Span<UInt8>, _ at: Int, _ start: UInt64) -> Value? {
        var best: Value?
        for index in byStart[start] ?? [] {
            let value = values[index]
            guard value.text.count > best?.text.count ?? 0, isEqual(value.text, text, at), isWhole(value.text, text, at)
            else { continue }
            best = value
        }
        return best
    }

    private func isEqual(_ value: [UInt8], _ text: Span<UInt8>, _ at: Int) -> Bool {
        guard at + value.count <= text.count else { return false }
        for index in value.indices where Self.folded(value[index]) != Self.folded(text[at + index]) { return false }
        return true
    }

    private func isWhole(_ value: [UInt8], _ text: Span<UInt8>, _ at: Int) -> Bool {
        let end = at + value.count
        let beginsFree = !isAlphanumeric(text[at]) || !isAlphanumeric(text.at(at - 1))
        let endsFree = !isAlphanumeric(text[end - 1]) || !isAlphanumeric(text.at(end))
        return beginsFree && endsFree
    }

    @inline(__always)
    private static func folded(_ byte: UInt8) -> UInt8 { isUpper(byte) ? byte | 0x20 : byte }

    @inline(__always)
    private static func start(_ text: Span<UInt8>, _ at: Int) -> UInt64 {
        var start: UInt64 = 0
        for offset in 0..<least { start = start << 8 | UInt64(folded(text[at &+ offset])) }
        return start
    }

    @inline(__always)
    private static func hash(_ start: UInt64) -> Int {
        Int(truncatingIfNeeded: (start &* 0x9e37_79b9_7f4a_7c15) >> 48)
    }
}

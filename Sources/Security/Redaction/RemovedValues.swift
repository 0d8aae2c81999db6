import Bytes

/// Values that were redacted somewhere in a message, to be found wherever else they stand.
///
/// Only values of five bytes or more count: shorter ones ("USD", "42") are too common to say anything. A value is found as
/// whole words, in any case of ASCII letters. Words that the tool's own schema lists, and a few that every API uses as
/// states, are nobody's data.
struct RemovedValues {
    private struct Value {
        /// Where its text lies in `texts`.
        let range: Range<Int>
        let replacement: [UInt8]
        let hash: UInt64
        /// Whether it was a number, not a text.
        let isNumber: Bool
        /// Whether it is only the beginning of a longer value: where that stands, all that follows it goes too.
        var isBeginning: Bool
    }

    private var values: [Value] = []
    /// The texts of all values one after another.
    private var texts: [UInt8] = []
    /// Values by their whole hash: places in `values`, -1 for none. Empty until there is a value.
    private var table: [Int32] = []
    /// Which lengths the values have that begin with the same five bytes.
    private var beginnings = ValueBeginnings()
    private let vocabulary: Set<ByteString>
    /// How many bytes may yet be compared.
    private var budget = 64 << 20

    /// The fewest bytes of a value.
    static let least = 5
    /// The fewest bytes of a text that is also looked for among numbers: shorter ones are too often equal by chance.
    static let leastOfNumber = 7
    /// The fewest digits of a number that is also looked for among numbers.
    private static let leastOfEqualNumber = 9
    /// The longest value that is looked for as a whole; of longer ones the beginning is.
    private static let longest = 4096
    private static let longestBeginning = 1024
    /// Whether there is a value of which only the beginning is kept.
    private var hasBeginnings = false
    /// The most values: beyond, the result is withheld.
    private static let most = 100_000

    init(vocabulary: Set<ByteString>) {
        self.vocabulary = vocabulary
    }

    var isEmpty: Bool { values.isEmpty }

    /// Whether there are more values, or more to compare, than is bounded: an answer made to be slow.
    var isExhausted: Bool { values.count > Self.most || budget <= 0 }

    private static let states: Set<ByteString> = [
        "active", "inactive", "enabled", "disabled", "pending", "deleted", "offboarded", "offboarding", "admin",
        "member",
        "owner", "viewer", "system", "default", "unknown", "other", "email", "phone", "false", "approved", "rejected",
        "discovered", "closed", "sanctioned", "expired", "cancelled", "canceled", "completed", "failed", "success",
        "error",
        "string", "number", "public", "private", "internal", "external", "monthly", "yearly", "annual", "guest",
        "manager",
    ]

    // MARK: Adding

    mutating func add(_ whole: Span<UInt8>, _ replacement: [UInt8], isNumber: Bool = false) {
        guard whole.count >= Self.least, !whole.elementsEqual(replacement.span) else { return }
        let isBeginning = whole.count > Self.longest
        let text = isBeginning ? whole.extracting(first: Self.longestBeginning) : whole
        if values.isEmpty { reserve() }
        let hash = Self.hash(text, 0, text.count)
        let known = find(text, 0, text.count, hash)
        guard known == nil, !isCommon(text) else {
            if let known, isBeginning { values[known].isBeginning = true }
            hasBeginnings = hasBeginnings || known != nil && isBeginning
            return
        }
        hasBeginnings = hasBeginnings || isBeginning
        let start = texts.count
        texts.append(copying: text)
        keep(
            Value(
                range: start..<texts.count, replacement: replacement, hash: hash, isNumber: isNumber,
                isBeginning: isBeginning))
    }

    private func isCommon(_ text: Span<UInt8>) -> Bool {
        let first = text[0]
        if text.endOfRun(from: 1, { $0 == first }) == text.count { return true }
        if !vocabulary.isEmpty, vocabulary.contains(ByteString(text)) { return true }
        guard text.count <= 11, Self.statesByInitial[Int(first & 0x1f)] >> UInt16(text.count) & 1 == 1,
            text.endOfRun(from: 0, isLetter) == text.count
        else { return false }
        return Self.states.contains(ByteString(text).asciiLowercased)
    }

    /// The lengths of the states by their first letter, a bit each: most words are none of them.
    private static let statesByInitial: [UInt16] = {
        var lengths = [UInt16](repeating: 0, count: 32)
        for state in states { lengths[Int(state.bytes[0] & 0x1f)] |= 1 << UInt16(state.count) }
        return lengths
    }()

    private mutating func keep(_ value: Value) {
        beginnings.add(Self.start(texts.span, value.range.lowerBound), length: value.range.count)
        values.append(value)
        if values.count * 2 > table.count { grow() } else { insert(values.count - 1) }
    }

    /// Room for what most messages need.
    private mutating func reserve() {
        values.reserveCapacity(32)
        texts.reserveCapacity(1024)
    }

    private mutating func insert(_ index: Int) {
        let mask = table.count - 1
        var slot = Int(truncatingIfNeeded: values[index].hash) & mask
        while table[slot] >= 0 { slot = (slot + 1) & mask }
        table[slot] = Int32(truncatingIfNeeded: index)
    }

    private mutating func grow() {
        table = [Int32](repeating: -1, count: max(64, table.count * 4))
        for index in values.indices { insert(index) }
    }

    // MARK: Finding

    /// The value that stands at a place, compared without regard to the case of ASCII letters.
    private func find(_ text: Span<UInt8>, _ at: Int, _ count: Int, _ hash: UInt64) -> Int? {
        guard !table.isEmpty else { return nil }
        let mask = table.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while table[slot] >= 0 {
            let index = Int(table[slot])
            if values[index].hash == hash, isEqual(values[index].range, text, at, count) { return index }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private func isEqual(_ range: Range<Int>, _ text: Span<UInt8>, _ at: Int, _ count: Int) -> Bool {
        guard range.count == count else { return false }
        let value = texts.span.extracting(range)
        let other = text.extracting(at..<at + count)
        for index in value.indices where Self.folded(value[index]) != Self.folded(other[index]) { return false }
        return true
    }

    /// The text with every removed value replaced; nil when there is none in it. Values are also found as they stand in
    /// URLs and HTML: the text is then given without percent signs and character references.
    mutating func cleaned(_ text: Span<UInt8>) -> [UInt8]? {
        // A word of the schema's own stays whole, even one that holds a removed value.
        if !vocabulary.isEmpty, vocabulary.contains(ByteString(text)) { return nil }
        let found = cleanedAsItStands(text)
        guard holdsEncoding(text), let decoded = decodedForms(text) else { return found }
        guard let all = cleanedAsItStands(decoded.span) else { return found }
        return all
    }

    private mutating func cleanedAsItStands(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count >= Self.least, !isEmpty else { return nil }
        var out: [UInt8]?
        var copied = 0
        var at = 0
        var start = Self.start(text, 0)
        var isWithin = false
        let last = text.count - Self.least
        while at <= last, budget > 0 {
            // Within a word no value begins.
            let isCharacter = isAlphanumeric(text[at])
            if !(isWithin && isCharacter), case let first = beginnings.find(start), first >= 0,
                let index = longestValue(text, at, first)
            {
                var made = out ?? []
                made.append(copying: text.extracting(copied..<at))
                made += values[index].replacement
                out = made
                at = values[index].isBeginning ? text.count : at + values[index].range.count
                copied = at
                isWithin = isAlphanumeric(text[at - 1])
                if at <= last { start = Self.start(text, at) }
            } else {
                isWithin = isCharacter
                at &+= 1
                if at <= last {
                    start = (start << 8 | UInt64(Self.folded(text[at &+ Self.least &- 1]))) & 0xff_ffff_ffff
                }
            }
        }
        out?.append(copying: text.extracting(copied..<text.count))
        return out
    }

    /// The longest value that stands at a place, of the lengths from the first one on.
    private mutating func longestValue(_ text: Span<UInt8>, _ at: Int, _ first: Int) -> Int? {
        var next = first
        while next >= 0 {
            let count = beginnings.length(next)
            next = beginnings.shorter(next)
            let end = at + count
            guard end <= text.count else { continue }
            // The answer is withheld as soon as this is used up; nothing more is compared until then.
            guard budget > 0 else { return nil }
            budget -= 1
            let isWhole = !isAlphanumeric(text[end - 1]) || !isAlphanumeric(text.at(end))
            guard isWhole || hasBeginnings && count == Self.longestBeginning else { continue }
            budget -= count
            if let index = find(text, at, count, Self.hash(text, at, count)), isWhole || values[index].isBeginning {
                return index
            }
        }
        return nil
    }

    /// Whether a number is written exactly as a removed text, or as a removed number that is long and not round: others are
    /// equal by chance too often to say anything.
    func holds(_ number: Span<UInt8>) -> Bool {
        guard let index = find(number, 0, number.count, Self.hash(number, 0, number.count)) else { return false }
        return !values[index].isNumber
            || number.count >= Self.leastOfEqualNumber && !number.has(Self.zeros, at: number.count - Self.zeros.count)
    }

    private static let zeros = bytes("0000")

    // MARK: Hashes

    @inline(__always)
    private static func folded(_ byte: UInt8) -> UInt8 { isUpper(byte) ? byte | 0x20 : byte }

    @inline(__always)
    private static func start(_ text: Span<UInt8>, _ at: Int) -> UInt64 {
        var start: UInt64 = 0
        for offset in 0..<least { start = start << 8 | UInt64(folded(text[at &+ offset])) }
        return start
    }

    /// Of this process, so that nobody can make values collide: a beginning, and what every word is multiplied by, of which
    /// both halves of the product count.
    private static let seed = UInt64.random(in: .min ... .max)
    private static let factor = UInt64.random(in: .min ... .max) | 1

    /// Eight bytes at a time, the last eight perhaps some of them again.
    private static func hash(_ text: Span<UInt8>, _ at: Int, _ count: Int) -> UInt64 {
        let text = text.extracting(at..<at + count)
        let factor = factor
        var hash = seed ^ UInt64(truncatingIfNeeded: count)
        guard count >= 8 else {
            var rest: UInt64 = 0
            for index in text.indices { rest = rest << 8 | UInt64(folded(text[index])) }
            return mixed(hash, rest, factor)
        }
        var place = 0
        while place < count &- 8, let word = text.word(at: place) {
            hash = mixed(hash, folded(word), factor)
            place &+= 8
        }
        return mixed(hash, folded(text.word(at: count &- 8) ?? 0), factor)
    }

    /// Eight bytes, capitals among them made small: a byte from `A` on and not beyond `Z` has its highest bit after the first
    /// addition and not after the second.
    @inline(__always)
    private static func folded(_ word: UInt64) -> UInt64 {
        let low = word & 0x7f7f_7f7f_7f7f_7f7f
        let fromA = low &+ 0x3f3f_3f3f_3f3f_3f3f
        let beyondZ = low &+ 0x2525_2525_2525_2525
        return word | (fromA & ~beyondZ & ~word & 0x8080_8080_8080_8080) >> 2
    }

    @inline(__always)
    private static func mixed(_ hash: UInt64, _ word: UInt64, _ factor: UInt64) -> UInt64 {
        let product = (hash ^ word).multipliedFullWidth(by: factor)
        return product.high ^ product.low
    }
}

import Bytes

/// Reads one document in one pass, strictly, onto a tape. It does not recurse and allocates nothing for a value.
struct JSONReader {
    private let limits: JSONLimits
    /// The container being read.
    private var frame = Frame(open: 0, isObject: false)
    /// The containers around it.
    private var frames: [Frame] = []

    /// An object compares each new name with all before it up to this many; beyond, a table is made at its end.
    private static let fewNames = 32

    private struct Frame {
        /// The container's place on the tape.
        var open: Int
        var isObject: Bool
        /// Whether something in it is written otherwise than we would write it.
        var loose = false
        var count: UInt32 = 0
        /// One bit for each fingerprint seen, to skip most comparisons.
        var seen: UInt64 = 0
    }

    private init(limits: JSONLimits) {
        self.limits = limits
        frames.reserveCapacity(min(limits.depth, 64))
    }

    /// Reads `bytes` from `start` as one value; `whole` when nothing but white space may follow.
    ///
    /// Most documents have fewer than one value in four bytes. The tape is made for that many and, should it not be
    /// enough, once more for as many as there can be: one value in two bytes.
    static func tape(
        of bytes: [UInt8], from start: Int, whole: Bool, limits: JSONLimits
    ) throws(JSONFailure) -> [TapeEntry] {
        guard bytes.count <= min(limits.bytes, Int(Int32.max)) else { throw JSONFailure(.tooLong, at: limits.bytes) }
        let count = bytes.count - start
        let most = min(count / 2 + 1, limits.values, TapeEntry.greatestCount)
        let usual = count < 4096 ? most : min(most, count / 4)
        do throws(JSONFailure) {
            return try tape(of: bytes, from: start, whole, limits: limits, capacity: usual)
        } catch {
            guard error.reason == .tooManyValues, usual < most else { throw error }
            return try tape(of: bytes, from: start, whole, limits: limits, capacity: most)
        }
    }

    private static func tape(
        of bytes: [UInt8], from start: Int, _ whole: Bool, limits: JSONLimits, capacity: Int
    ) throws(JSONFailure) -> [TapeEntry] {
        // Appending is compiled for this type of entry; `Array(capacity:)` looks the type up each time.
        var entries: [TapeEntry] = []
        try entries.append(addingCapacity: capacity) { (tape: inout OutputSpan<TapeEntry>) throws(JSONFailure) in
            var reader = JSONReader(limits: limits)
            let end = try reader.read(bytes.span, from: start, &tape)
            guard whole else { return }
            let rest = reader.afterSpace(bytes.span, end)
            guard rest == bytes.count else { throw JSONFailure(.trailingBytes, at: rest) }
        }
        return entries
    }

    /// Gives the place after the value.
    private mutating func read(
        _ text: Span<UInt8>, from start: Int, _ tape: inout OutputSpan<TapeEntry>
    ) throws(JSONFailure) -> Int {
        if start == 0, text.count >= 3, text[0] == 0xef, text[1] == 0xbb, text[2] == 0xbf {
            throw JSONFailure(.byteOrderMark, at: 0)
        }
        var at = afterSpace(text, start)
        while true {
            at = try readValue(text, at, &tape)
            // A container was opened: its first element or value comes next.
            if at < 0 {
                at = ~at
                continue
            }
            at = try closeFinished(text, at, &tape)
            if at < 0 { return ~at }
        }
    }

    /// Reads what begins at `at`. Gives the place after it, or, when it opened a container that is not empty, the
    /// complement of the place where that container's first value begins.
    @inline(__always)
    private mutating func readValue(
        _ text: Span<UInt8>, _ at: Int, _ tape: inout OutputSpan<TapeEntry>
    ) throws(JSONFailure) -> Int {
        guard at < text.count else { throw JSONFailure(.unexpectedEnd, at: at) }
        guard tape.freeCapacity > 0 else { throw JSONFailure(.tooManyValues, at: at) }
        switch text[at] {
        case 0x22:
            return try readString(text, at &+ 1, &tape)
        case 0x7b:
            try open(.object, at, &tape)
            let first = inner(text, at &+ 1)
            guard first < text.count, text[first] == 0x7d else { return ~(try readName(text, first, &tape)) }
            close(end: first &+ 1, &tape)
            return first &+ 1
        case 0x5b:
            try open(.array, at, &tape)
            let first = inner(text, at &+ 1)
            guard first < text.count, text[first] == 0x5d else { return ~first }
            close(end: first &+ 1, &tape)
            return first &+ 1
        case 0x2d, 0x30...0x39:
            return try readNumber(text, at, &tape)
        case 0x74:
            return try readLiteral(text, at, [0x74, 0x72, 0x75, 0x65], .bool, .isTrue, &tape)
        case 0x66:
            return try readLiteral(text, at, [0x66, 0x61, 0x6c, 0x73, 0x65], .bool, [], &tape)
        case 0x6e:
            return try readLiteral(text, at, [0x6e, 0x75, 0x6c, 0x6c], .null, [], &tape)
        default:
            throw JSONFailure(.unexpectedByte, at: at)
        }
    }

    /// After a value: closes every container that ends here and goes on to where the next value begins; the complement
    /// of the place after the document when that is finished.
    @inline(__always)
    private mutating func closeFinished(
        _ text: Span<UInt8>, _ place: Int, _ tape: inout OutputSpan<TapeEntry>
    ) throws(JSONFailure) -> Int {
        var at = place
        while true {
            guard !frames.isEmpty else { return ~at }
            frame.count &+= 1
            at = inner(text, at)
            guard at < text.count else { throw JSONFailure(.unexpectedEnd, at: at) }
            let byte = text[at]
            if byte == 0x2c {
                at = inner(text, at &+ 1)
                return frame.isObject ? try readName(text, at, &tape) : at
            }
            guard byte == (frame.isObject ? 0x7d : 0x5d) else { throw JSONFailure(.unexpectedByte, at: at) }
            if frame.isObject, frame.count > Self.fewNames { try compareManyNames(text, &tape) }
            at &+= 1
            close(end: at, &tape)
        }
    }

    @inline(__always)
    private mutating func open(
        _ kind: JSONKind, _ at: Int, _ tape: inout OutputSpan<TapeEntry>
    ) throws(JSONFailure) {
        guard frames.count < limits.depth else { throw JSONFailure(.tooDeep, at: at) }
        frames.append(frame)
        frame = Frame(open: tape.count, isObject: kind == .object)
        tape.append(TapeEntry(kind, start: at, length: 0, next: 0))
    }

    @inline(__always)
    private mutating func close(end: Int, _ tape: inout OutputSpan<TapeEntry>) {
        tape[frame.open].close(end: end, next: tape.count, count: frame.count, loose: frame.loose)
        let loose = frame.loose
        guard let outer = frames.popLast() else { return }
        frame = outer
        frame.loose = frame.loose || loose
    }

    /// Goes over white space before the document or after it, which is no part of any value.
    @inline(__always)
    private func afterSpace(_ text: Span<UInt8>, _ place: Int) -> Int {
        var at = place
        while at < text.count, isSpace(text[at]) { at &+= 1 }
        return at
    }

    /// Goes over white space within a container and remembers that there was some.
    @inline(__always)
    private mutating func inner(_ text: Span<UInt8>, _ place: Int) -> Int {
        guard place < text.count, text[place] <= 0x20 else { return place }
        let at = afterSpace(text, place)
        if at != place { frame.loose = true }
        return at
    }

    @inline(__always)
    private func isSpace(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }
}

// MARK: Scalars

extension JSONReader {
    /// Reads a string whose first byte after the quote is at `start`.
    @inline(__always)
    private mutating func readString(
        _ text: Span<UInt8>, _ start: Int, _ tape: inout OutputSpan<TapeEntry>
    ) throws(JSONFailure) -> Int {
        var flags: TapeEntry.Flags = []
        let end = try endOfString(text, start, &flags)
        if flags.contains(.loose) { frame.loose = true }
        tape.append(
            TapeEntry(
                .string, flags, start: start, length: end &- start, next: UInt32(truncatingIfNeeded: tape.count &+ 1)))
        return end &+ 1
    }

    /// The place of the closing quote.
    @inline(__always)
    private func endOfString(
        _ text: Span<UInt8>, _ start: Int, _ flags: inout TapeEntry.Flags
    ) throws(JSONFailure) -> Int {
        var at = start
        while true {
            at = endOfPlainRun(text, from: at)
            guard at < text.count else { throw JSONFailure(.unexpectedEnd, at: at) }
            let byte = text[at]
            if byte == 0x22 { return at }
            at = try afterSpecial(text, at, byte, &flags)
        }
    }

    /// The place after an escape or a sequence of UTF-8.
    private func afterSpecial(
        _ text: Span<UInt8>, _ at: Int, _ byte: UInt8, _ flags: inout TapeEntry.Flags
    ) throws(JSONFailure) -> Int {
        if byte >= 0x80 {
            guard let length = lengthOfSequence(text, at) else { throw JSONFailure(.badUTF8, at: at) }
            return at &+ length
        }
        guard byte == 0x5c else { throw JSONFailure(.controlCharacter, at: at) }
        let escape = try Escape(text, at)
        flags.insert(.escaped)
        if !escape.isNeeded { flags.insert(.loose) }
        return at &+ escape.length
    }

    private mutating func readNumber(
        _ text: Span<UInt8>, _ start: Int, _ tape: inout OutputSpan<TapeEntry>
    ) throws(JSONFailure) -> Int {
        var at = start
        if text[at] == 0x2d { at &+= 1 }
        if at < text.count, text[at] == 0x30 { at &+= 1 } else { at = try afterDigits(text, at) }
        var flags: TapeEntry.Flags = .integer
        if at < text.count, text[at] == 0x2e {
            at = try afterDigits(text, at &+ 1)
            flags = []
        }
        if at < text.count, text[at] | 0x20 == 0x65 {
            at &+= 1
            if at < text.count, text[at] == 0x2b || text[at] == 0x2d { at &+= 1 }
            at = try afterDigits(text, at)
            flags = []
        }
        if at < text.count, text[at] &- 0x30 < 10 { throw JSONFailure(.badNumber, at: at) }
        guard at &- start <= limits.numberBytes else { throw JSONFailure(.numberTooLong, at: start) }
        tape.append(
            TapeEntry(
                .number, flags, start: start, length: at &- start, next: UInt32(truncatingIfNeeded: tape.count &+ 1)))
        return at
    }

    @inline(__always)
    private func afterDigits(_ text: Span<UInt8>, _ start: Int) throws(JSONFailure) -> Int {
        var at = start
        while at < text.count, text[at] &- 0x30 < 10 { at &+= 1 }
        guard at > start else { throw JSONFailure(at < text.count ? .badNumber : .unexpectedEnd, at: at) }
        return at
    }

    private mutating func readLiteral<let count: Int>(
        _ text: Span<UInt8>, _ start: Int, _ spelled: [count of UInt8], _ kind: JSONKind, _ flags: TapeEntry.Flags,
        _ tape: inout OutputSpan<TapeEntry>
    ) throws(JSONFailure) -> Int {
        guard start &+ count <= text.count else { throw JSONFailure(.badLiteral, at: start) }
        for index in 0..<count where text[start &+ index] != spelled[index] {
            throw JSONFailure(.badLiteral, at: start)
        }
        tape.append(
            TapeEntry(kind, flags, start: start, length: count, next: UInt32(truncatingIfNeeded: tape.count &+ 1)))
        return start &+ count
    }
}

// MARK: Names

extension JSONReader {
    /// Reads a member's name and the colon; gives the place where its value begins.
    @inline(__always)
    private mutating func readName(
        _ text: Span<UInt8>, _ at: Int, _ tape: inout OutputSpan<TapeEntry>
    ) throws(JSONFailure) -> Int {
        guard at < text.count else { throw JSONFailure(.unexpectedEnd, at: at) }
        guard text[at] == 0x22 else { throw JSONFailure(.unexpectedByte, at: at) }
        guard tape.freeCapacity > 0 else { throw JSONFailure(.tooManyValues, at: at) }
        let start = at &+ 1
        var flags: TapeEntry.Flags = .name
        let end = try endOfString(text, start, &flags)
        guard end &- start <= limits.nameBytes else { throw JSONFailure(.nameTooLong, at: at) }
        if flags.contains(.loose) { frame.loose = true }
        let print = flags.contains(.escaped) ? fingerprintOfEscaped(text, start, end) : fingerprint(text, start, end)
        let name = TapeEntry(.string, flags, start: start, length: end &- start, next: print)
        let bit: UInt64 = 1 << UInt64(print & 63)
        if frame.seen & bit != 0, frame.count <= Self.fewNames { try compareFewNames(text, name, &tape) }
        frame.seen |= bit
        tape.append(name)
        let colon = inner(text, end &+ 1)
        guard colon < text.count else { throw JSONFailure(.unexpectedEnd, at: colon) }
        guard text[colon] == 0x3a else { throw JSONFailure(.unexpectedByte, at: colon) }
        return inner(text, colon &+ 1)
    }

    /// Compares a new name with those of its object so far.
    private func compareFewNames(
        _ text: Span<UInt8>, _ name: TapeEntry, _ tape: inout OutputSpan<TapeEntry>
    ) throws(JSONFailure) {
        var place = frame.open &+ 1
        while place < tape.count {
            let other = tape[place]
            if other.next == name.next, sameName(text, name, other) {
                throw JSONFailure(.duplicateName, at: Int(name.start))
            }
            place = Int(tape[place &+ 1].next)
        }
    }

    /// Checks an object with many names once, at its end, with a table under a secret seed, so that nobody can choose
    /// names that make it slow. Fingerprints alone are not secret.
    private func compareManyNames(_ text: Span<UInt8>, _ tape: inout OutputSpan<TapeEntry>) throws(JSONFailure) {
        let mask = 1 << (Int.bitWidth - (Int(frame.count) * 2).leadingZeroBitCount) - 1
        var table = [UInt32](repeating: .max, count: mask + 1)
        var place = frame.open + 1
        while place < tape.count {
            let name = tape[place]
            var slot = seededHash(text, name) & mask
            while table[slot] != .max {
                let other = tape[Int(table[slot])]
                if other.next == name.next, sameName(text, name, other) {
                    throw JSONFailure(.duplicateName, at: Int(name.start))
                }
                slot = (slot + 1) & mask
            }
            table[slot] = UInt32(truncatingIfNeeded: place)
            place = Int(tape[place + 1].next)
        }
    }

    private func sameName(_ text: Span<UInt8>, _ one: TapeEntry, _ other: TapeEntry) -> Bool {
        if !one.has(.escaped), !other.has(.escaped) {
            return text.extracting(one.range).elementsEqual(text.extracting(other.range))
        }
        return decoded(text.extracting(one.range)) == decoded(text.extracting(other.range))
    }

    /// Swift's own hash: SipHash under a seed that each process chooses anew.
    private func seededHash(_ text: Span<UInt8>, _ name: TapeEntry) -> Int {
        var hasher = Hasher()
        if name.has(.escaped) {
            hasher.combine(decoded(text.extracting(name.range)))
            return hasher.finalize()
        }
        // As Array's own hash does it, so that a name hashes alike in both spellings.
        hasher.combine(name.range.count)
        for index in name.range { hasher.combine(text[index]) }
        return hasher.finalize()
    }
}

/// A quick hash of a name's bytes, for telling most names apart. Not secret, not strong.
@inline(__always)
func fingerprint(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> UInt32 {
    var hash = UInt64(truncatingIfNeeded: end &- start)
    var at = start
    while at &+ 8 <= end, let word = word(text, at) {
        hash = mixed(hash, word)
        at &+= 8
    }
    var rest: UInt64 = 0
    if let word = word(text, at) {
        // What follows the name in the same word is cut off.
        rest = word & ((1 << UInt64((end &- at) &* 8)) &- 1)
    } else {
        for place in 0..<(end &- at) { rest |= UInt64(text[at &+ place]) << UInt64(place &* 8) }
    }
    hash = mixed(hash, rest)
    return UInt32(truncatingIfNeeded: hash >> 32)
}

/// The same for a name with escapes, of its decoded bytes.
private func fingerprintOfEscaped(_ text: Span<UInt8>, _ start: Int, _ end: Int) -> UInt32 {
    let bytes = decoded(text.extracting(start..<end))
    return fingerprint(bytes.span, 0, bytes.count)
}

@inline(__always)
private func mixed(_ hash: UInt64, _ word: UInt64) -> UInt64 {
    let product = (hash ^ word) &* 0x9e37_79b9_7f4a_7c15
    return product ^ product >> 29
}

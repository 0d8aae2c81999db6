/// A string that is written with escapes: what it says, and where in the text each part of that is written. JSON within it
/// can then be written anew without escaping again what stays.
public final class EscapedText: Sendable {
    /// What the string says.
    public let bytes: [UInt8]
    /// The text that the string stands in.
    private let text: [UInt8]
    /// Where the string's own text begins in it.
    private let start: Int
    private let shifts: [Shift]

    /// A place after an escape: in what the string says, and in the string's text.
    struct Shift: Sendable {
        let decoded: Int
        let written: Int
    }

    /// Reads a string; nil when this is none, or is written otherwise than we would write it.
    public init?(_ node: JSONDocument.Node, of document: JSONDocument) {
        let entry = document.entry(node)
        guard entry.kind == .string, entry.has(.escaped), !entry.has(.loose) else { return nil }
        var shifts: [Shift] = []
        shifts.reserveCapacity(Int(entry.length) / 8)
        bytes = decoded(document.bytes.span.extracting(entry.range), noting: true, &shifts)
        self.shifts = shifts
        text = document.bytes
        start = entry.range.lowerBound
    }

    /// Appends part of the string as it is written. `passed` is the number of escapes before it; ranges come in order.
    func copy(_ range: Range<Int>, passing passed: inout Int, into out: inout [UInt8]) {
        let from = written(range.lowerBound, &passed)
        let to = written(range.upperBound, &passed)
        out.append(contentsOf: text[start + from..<start + to])
    }

    @inline(__always)
    private func written(_ place: Int, _ passed: inout Int) -> Int {
        var next = passed
        while next < shifts.count, shifts[next].decoded <= place { next &+= 1 }
        passed = next
        guard next > 0 else { return place }
        let last = shifts[next &- 1]
        return last.written &+ (place &- last.decoded)
    }
}

extension JSONDocument {
    /// Writes the document's value anew, with `edits` made, as the string that `text` is; nil when the value is not all
    /// that the string holds, or when it is written otherwise than we would write it. The document must have been read
    /// from `text.bytes`.
    public func encodedString(within text: EscapedText, editing edits: JSONEdits) -> [UInt8]? {
        let outer = entry(root)
        guard !outer.has(.loose), outer.outerRange == text.bytes.indices else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(text.bytes.count + text.bytes.count / 2 + edits.encodedCount)
        out.append(0x22)
        var splicer = Splicer(document: self, written: 0, within: text)
        splicer.write(root, editing: edits.sorted(), into: &out)
        out.append(0x22)
        return out
    }
}

/// The name of a segment: `<number of its first record, 20 digits>-<generation, 6 digits>.jsonl`.
///
/// Generations only grow, so sorting by them is the order in which segments were made, also when a segment that stayed empty
/// begins with the same record as its successor.
struct SegmentName: Hashable, Comparable, Sendable {
    let first: UInt64
    let generation: Int
    /// Relative to the trail's directory. Kept, because health tells it after each batch.
    let path: String

    init(first: UInt64, generation: Int) {
        self.first = first
        self.generation = generation
        path = "seg/\(SegmentName.stem(first, generation)).jsonl"
    }

    /// Reads a name of a file; nil for anything that no segment is called.
    init?(fileName: String) {
        let bytes = Array(fileName.utf8)
        let suffix = Array(".jsonl".utf8)
        guard bytes.count >= 33, bytes.count <= 40, bytes[20] == UInt8(ascii: "-"), bytes.suffix(6) == suffix[...],
            let first = SegmentName.number(bytes[..<20]), let generation = SegmentName.number(bytes[21...].dropLast(6)),
            let generation = Int(exactly: generation)
        else { return nil }
        self.init(first: first, generation: generation)
        guard self.fileName == fileName else { return nil }
    }

    var fileName: String { "\(stem).jsonl" }
    /// The file that says what the segment held when it was closed.
    var sealPath: String { "seg/\(stem).seal" }
    var sealFileName: String { "\(stem).seal" }

    private var stem: String { SegmentName.stem(first, generation) }

    private static func stem(_ first: UInt64, _ generation: Int) -> String {
        "\(padded(first, 20))-\(padded(UInt64(generation), 6))"
    }

    static func < (left: SegmentName, right: SegmentName) -> Bool {
        (left.generation, left.first) < (right.generation, right.first)
    }

    private static func padded(_ value: UInt64, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(width - digits.utf8.count, 0)) + digits
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        guard digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }
}

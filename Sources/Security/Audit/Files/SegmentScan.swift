import Bytes
import OpenSSL
import System

/// Reads a file line by line, a piece at a time: a segment never has to fit in memory.
struct LineReader: ~Copyable {
    private let file: any LogFile
    private let end: Int
    private var piece: [UInt8] = []
    private var position = 0
    private var fileOffset: Int
    /// Where the line begins that `next` gives next.
    private(set) var lineOffset: Int

    /// Lines between two offsets.
    init(_ file: any LogFile, from start: Int = 0, to end: Int) {
        self.file = file
        self.end = end
        fileOffset = start
        lineOffset = start
    }

    /// The next line without its end; nil at the end of the file. `isWhole` is false for bytes without an end: the file's last
    /// ones, or more than a line may have.
    mutating func next() throws(SystemFailure) -> (line: [UInt8], offset: Int, isWhole: Bool)? {
        while true {
            if let found = piece.span.firstIndex(of: 0x0A, from: position) {
                let line = Array(piece[position..<found])
                let offset = lineOffset
                position = found + 1
                lineOffset += line.count + 1
                return (line, offset, true)
            }
            if piece.count - position > AuditRecord.lineLimit || fileOffset >= end {
                guard position < piece.count else { return nil }
                let rest = Array(piece[position...])
                let offset = lineOffset
                position = piece.count
                lineOffset += rest.count
                return (rest, offset, false)
            }
            let more = try file.read(at: fileOffset, count: min(1 << 20, end - fileOffset))
            piece.removeFirst(position)
            position = 0
            piece += more
            // A file that became shorter meanwhile ends here.
            fileOffset = more.isEmpty ? end : fileOffset + more.count
        }
    }
}

/// What one segment holds, as far as it is what it should be.
struct SegmentScan: Sendable {
    /// Where the chain stands after the last good line.
    var chain: Chain
    /// The good lines.
    var count: UInt64 = 0
    /// Their bytes.
    var bytes = 0
    /// SHA-256 of those bytes.
    var digest: [UInt8] = []
    /// The last good line's kind.
    var lastKind: AuditKind?
    /// When they were made.
    var times: TimeSpan?
    /// What is wrong with what follows them.
    var problem: LineProblem?

    private static let lineEnd: [UInt8] = [0x0A]

    /// Reads `file` up to `end` and stops at the first line that does not belong.
    static func read(
        _ file: any LogFile, to end: Int, from chain: Chain,
        each: (TrailLine, _ leaf: [UInt8], _ offset: Int, _ length: Int) -> Void = { _, _, _, _ in }
    ) throws(SystemFailure) -> SegmentScan {
        var scan = SegmentScan(chain: chain)
        var hasher = LeafHasher()
        var digest = SHA256Stream()
        var reader = LineReader(file, to: end)
        while scan.problem == nil, let (bytes, offset, isWhole) = try reader.next() {
            do throws(LineProblem) {
                guard isWhole else { throw bytes.count > AuditRecord.lineLimit ? .tooLong : .unfinished }
                let line = try scan.chain.accept(bytes, &hasher)
                digest.update(bytes)
                digest.update(SegmentScan.lineEnd)
                scan.count += 1
                scan.bytes += bytes.count + 1
                scan.lastKind = line.kind
                scan.times = scan.times + TimeSpan(line.wall)
                each(line, scan.chain.lastLeaf, offset, bytes.count)
            } catch {
                scan.problem = error
            }
        }
        scan.digest = digest.finish()
        return scan
    }

    /// The seal that these lines deserve.
    func seal(_ name: SegmentName, before: Chain) -> Seal {
        Seal(
            name: name, count: count, bytes: bytes, digest: digest, times: times, before: before.lastLeaf, end: chain)
    }
}

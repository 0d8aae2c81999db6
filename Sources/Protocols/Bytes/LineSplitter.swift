/// Cuts a stream of bytes into lines, as MCP's stdio transport has them: one message a line, ended by LF.
///
/// Pieces may end anywhere. A CR before the LF belongs to the line's end. What follows the last LF is no line.
public struct LineSplitter: Sendable {
    /// What was found.
    public enum Line: Equatable, Sendable {
        /// A line without its end; it may be empty.
        case whole([UInt8])
        /// A line of more bytes than may be, told once, as soon as that is certain; the rest of it is dropped.
        case tooLong
    }

    private let limit: Int
    private var kept: [UInt8] = []
    private var isSkipping = false

    /// - Parameter limit: the longest line, in bytes without its end.
    public init(limit: Int) {
        self.limit = limit
    }

    /// Whether a line has begun that has not ended.
    public var isWithinLine: Bool { isSkipping || !kept.isEmpty }

    /// Takes the next piece and gives every line that it ended, in order.
    public mutating func feed(_ bytes: Span<UInt8>) -> [Line] {
        var lines: [Line] = []
        var start = 0
        for index in bytes.indices where bytes[index] == 0x0A {
            keep(bytes.extracting(start..<index), into: &lines)
            start = index + 1
            end(into: &lines)
        }
        keep(bytes.extracting(start..<bytes.count), into: &lines)
        return lines
    }

    private mutating func keep(_ part: Span<UInt8>, into lines: inout [Line]) {
        guard !isSkipping else { return }
        // One byte more: it may be the CR of the end.
        guard part.count <= limit + 1 - kept.count else {
            kept = []
            isSkipping = true
            lines.append(.tooLong)
            return
        }
        kept.append(copying: part)
    }

    private mutating func end(into lines: inout [Line]) {
        defer {
            kept = []
            isSkipping = false
        }
        guard !isSkipping else { return }
        if kept.last == 0x0D { kept.removeLast() }
        lines.append(kept.count <= limit ? .whole(kept) : .tooLong)
    }
}

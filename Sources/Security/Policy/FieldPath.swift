public import Bytes

/// Which values of a result a redaction step is about: `**.email`, `**.additionalEmails[*]`, `amount.value`,
/// `licenses.*.value`, `**.annualCost*`.
///
/// A path starts at the result's own value. Names are separated by dots; `*` within a name stands for any bytes of it;
/// `**` for any number of names and elements, none included; `[*]` for every element of a list. A name that holds a dot,
/// a bracket or a star stands in double quotes: `"a.b"`. Redaction reads names in either case of ASCII letters: what a
/// vendor spells otherwise one day must not pass.
public struct FieldPath: Hashable, Sendable {
    /// One step of the way.
    public enum Segment: Hashable, Sendable {
        /// Any number of names and elements, none included.
        case anyDepth
        /// One member, by its name.
        case name(ByteString)
        /// One member whose name matches, `*` standing for any bytes.
        case matching(NamePattern)
        /// Every element of a list.
        case elements
    }

    /// The path as written.
    public let text: ByteString
    /// The way; never empty, and its last segment is not `anyDepth`.
    public let segments: [Segment]

    /// How many segments a path may have.
    public static let segmentLimit = 32

    /// Reads a path; nil when it isn't one.
    public init?(_ text: ByteString) {
        var reader = PathReader(rest: text.bytes[...])
        guard let segments = reader.read(), !segments.isEmpty, segments.count <= Self.segmentLimit,
            segments.last != .anyDepth
        else { return nil }
        self.text = text
        self.segments = segments
    }
}

/// A member's name in which `*` stands for any bytes.
public struct NamePattern: Hashable, Sendable {
    /// The parts between the stars: the first begins the name, the last ends it.
    let parts: [[UInt8]]

    init(_ text: [UInt8]) {
        parts = text.split(separator: UInt8(ascii: "*"), omittingEmptySubsequences: false).map(Array.init)
    }

    /// The same for names in lower case.
    public var asciiLowercased: NamePattern { NamePattern(parts: parts.map { ByteString($0).asciiLowercased.bytes }) }

    private init(parts: [[UInt8]]) { self.parts = parts }

    /// Whether a name matches.
    public func matches(_ name: Span<UInt8>) -> Bool {
        guard let first = parts.first, let last = parts.last, name.count >= first.count + last.count,
            name.extracting(first: first.count).elementsEqual(first.span),
            name.extracting(last: last.count).elementsEqual(last.span)
        else { return false }
        var from = first.count
        let end = name.count - last.count
        for part in parts.dropFirst().dropLast() {
            guard let found = find(part, in: name, from: from, to: end) else { return false }
            from = found + part.count
        }
        return true
    }

    private func find(_ part: [UInt8], in name: Span<UInt8>, from: Int, to end: Int) -> Int? {
        guard from + part.count <= end else { return nil }
        for start in from...(end - part.count)
        where name.extracting(start..<(start + part.count)).elementsEqual(part.span) {
            return start
        }
        return nil
    }
}

private struct PathReader {
    var rest: ArraySlice<UInt8>

    mutating func read() -> [FieldPath.Segment]? {
        var segments: [FieldPath.Segment] = []
        var needsName = true
        while let byte = rest.first {
            if byte == UInt8(ascii: "[") {
                guard rest.starts(with: Array("[*]".utf8)) else { return nil }
                rest = rest.dropFirst(3)
                segments.append(.elements)
                needsName = false
                continue
            }
            if !needsName {
                guard byte == UInt8(ascii: ".") else { return nil }
                rest = rest.dropFirst()
            }
            guard let segment = name() else { return nil }
            if segment == .anyDepth, segments.last == .anyDepth { return nil }
            segments.append(segment)
            needsName = false
        }
        return needsName ? nil : segments
    }

    private mutating func name() -> FieldPath.Segment? {
        if rest.first == UInt8(ascii: "\"") { return quoted() }
        let name = Array(rest.prefix { $0 != UInt8(ascii: ".") && $0 != UInt8(ascii: "[") })
        rest = rest.dropFirst(name.count)
        guard !name.isEmpty, !name.contains(where: { $0 == UInt8(ascii: "]") || $0 == UInt8(ascii: "\"") || $0 < 0x21 })
        else { return nil }
        if name == Array("**".utf8) { return .anyDepth }
        guard name.contains(UInt8(ascii: "*")) else { return .name(ByteString(name)) }
        return zip(name, name.dropFirst()).contains { $0 == 0x2A && $1 == 0x2A } ? nil : .matching(NamePattern(name))
    }

    private mutating func quoted() -> FieldPath.Segment? {
        rest = rest.dropFirst()
        guard let end = rest.firstIndex(of: UInt8(ascii: "\"")), end > rest.startIndex else { return nil }
        let name = ByteString(rest[..<end])
        rest = rest[(end + 1)...]
        return .name(name)
    }
}

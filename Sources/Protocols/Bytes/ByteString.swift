/// A name or value from the wire, compared as bytes.
///
/// Swift's `String` compares by canonical equivalence: `é` in its two spellings is one key to Swift and two to a server.
/// Whatever decides or forwards (tool names, header names, members, tokens) is therefore held in this type.
public struct ByteString: Hashable, Comparable, Sendable {
    /// The bytes, exactly as they came or were written.
    public let bytes: [UInt8]

    /// Takes the bytes as they are; nothing is checked or repaired.
    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Copies part of an array.
    public init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = Array(bytes)
    }

    /// The UTF-8 bytes of `text`.
    public init(_ text: String) {
        self.bytes = Array(text.utf8)
    }

    /// Copies a span of somebody else's bytes.
    public init(_ span: Span<UInt8>) {
        var bytes: [UInt8] = []
        bytes.append(copying: span)
        self.bytes = bytes
    }

    /// How many bytes there are.
    public var count: Int { bytes.count }

    /// Whether there are none.
    public var isEmpty: Bool { bytes.isEmpty }

    /// The bytes as text for people: invalid UTF-8 is repaired, so two different values can read the same. Never compare it.
    public var text: String { String(decoding: bytes, as: UTF8.self) }

    /// Byte order, shorter first when one is the other's beginning.
    public static func < (left: ByteString, right: ByteString) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension ByteString: ExpressibleByStringLiteral {
    /// The UTF-8 bytes of a literal.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension ByteString: CustomStringConvertible {
    /// The same as `text`: for people only.
    public var description: String { text }
}

extension ByteString {
    /// Whether these bytes begin with `prefix`.
    public func hasPrefix(_ prefix: ByteString) -> Bool {
        bytes.starts(with: prefix.bytes)
    }

    /// Whether these bytes end with `suffix`.
    public func hasSuffix(_ suffix: ByteString) -> Bool {
        count >= suffix.count && bytes[(count - suffix.count)...].elementsEqual(suffix.bytes)
    }

    /// The same bytes with A-Z made a-z and nothing else changed (the case rule of HTTP, DNS and schemes).
    public var asciiLowercased: ByteString {
        ByteString(bytes.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 })
    }
}

extension Array where Element == UInt8 {
    /// Appends a copy of `span`.
    public mutating func append(copying span: Span<UInt8>) {
        append(addingCapacity: span.count) { out in
            for index in span.indices { out.append(span[index]) }
        }
    }
}

extension Span where Element == UInt8 {
    /// Whether these are the bytes of `other`, compared one by one and not in constant time.
    public func elementsEqual(_ other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        guard count >= 8 else {
            for index in indices where self[index] != other[index] { return false }
            return true
        }
        // Eight at a time, the last eight perhaps some of them again.
        var at = 0
        while at < count &- 8 {
            guard word(at: at) == other.word(at: at) else { return false }
            at &+= 8
        }
        return word(at: count &- 8) == other.word(at: count &- 8)
    }

    /// The same for long ones: blocks without a way out in between are compared many bytes at a time.
    public func isSame(as other: Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        var start = 0
        while start < count {
            let end = Swift.min(start + 256, count)
            let mine = extracting(start..<end)
            let others = other.extracting(start..<end)
            var difference: UInt8 = 0
            for index in 0..<(end - start) { difference |= mine[index] ^ others[index] }
            if difference != 0 { return false }
            start = end
        }
        return true
    }

    /// Where `byte` stands next, from `start` on; nil when it does not. Blocks without a way out in between are looked at many
    /// bytes at a time.
    public func firstIndex(of byte: UInt8, from start: Int) -> Int? {
        var index = start
        while index + 64 <= count {
            let block = extracting(index..<index + 64)
            var found: UInt8 = 0
            for place in 0..<64 { found |= block[place] == byte ? 1 : 0 }
            if found != 0 { break }
            index += 64
        }
        while index < count {
            if self[index] == byte { return index }
            index += 1
        }
        return nil
    }

    /// Eight bytes, the first in the lowest place; nil when fewer are left from there on. Known to be eight, they are read
    /// with one load.
    @inlinable public func word(at place: Int) -> UInt64? {
        let rest = extracting(droppingFirst: place)
        guard rest.count >= 8 else { return nil }
        return UInt64(rest[0]) | UInt64(rest[1]) << 8 | UInt64(rest[2]) << 16 | UInt64(rest[3]) << 24
            | UInt64(rest[4]) << 32 | UInt64(rest[5]) << 40 | UInt64(rest[6]) << 48 | UInt64(rest[7]) << 56
    }
}

/// Whether two secrets are equal, in time that depends on their lengths only.
///
/// The lengths are not hidden: compare digests or MACs, whose length is public.
@inline(never) public func equalInConstantTime(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
}

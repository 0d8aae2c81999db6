public import Bytes

/// One JSON document that has been read: the bytes, and a flat list of where each value lies in them.
///
/// Reading is strict, because what two parsers read differently is what attackers write: RFC 8259 and UTF-8 exactly, one
/// value, no byte order mark, no name twice in an object after unescaping, no lone surrogates, limits on everything. Order
/// and the text of numbers are kept. What is forwarded is written anew from this (`write`), never the bytes that came.
public struct JSONDocument: Sendable {
    @usableFromInline let bytes: [UInt8]
    @usableFromInline let tape: [TapeEntry]

    /// Reads `bytes` as exactly one value.
    public init(parsing bytes: [UInt8], limits: JSONLimits = .standard) throws(JSONFailure) {
        self.tape = try JSONReader.tape(of: bytes, from: 0, whole: true, limits: limits)
        self.bytes = bytes
    }

    /// Reads the one value that begins at `start`, such as JSON within a text; what follows it is not looked at.
    /// `end` tells where it ends.
    public init(
        parsingValueIn bytes: [UInt8], at start: Int, limits: JSONLimits = .standard
    ) throws(JSONFailure) {
        self.tape = try JSONReader.tape(of: bytes, from: start, whole: false, limits: limits)
        self.bytes = bytes
    }

    /// The place after the document's value in the bytes it was read from.
    public var end: Int { entry(root).outerRange.upperBound }

    /// One value of a document, or one member's name: a place in that document, meaningless in any other.
    public struct Node: Hashable, Comparable, Sendable {
        @usableFromInline let index: UInt32

        @inlinable
        init(_ index: Int) {
            self.index = UInt32(truncatingIfNeeded: index)
        }

        /// The order of the text: a container comes before what is in it.
        @inlinable public static func < (left: Node, right: Node) -> Bool { left.index < right.index }
    }

    /// The value that is the document.
    public var root: Node { Node(0) }

    /// What kind of value this is; names of members are strings.
    @inlinable public func kind(_ node: Node) -> JSONKind { entry(node).kind }

    /// How many members or elements there are; 0 for anything else.
    @inlinable public func count(of node: Node) -> Int { entry(node).count }

    /// How many bytes the value has as it was written, quotes and white space within it included.
    public func encodedCount(_ node: Node) -> Int { entry(node).outerRange.count }

    @inlinable
    func entry(_ node: Node) -> TapeEntry { tape[Int(node.index)] }

    /// The entry after a value and all within it.
    @inlinable
    func after(_ index: Int) -> Int { Int(tape[index].next) }
}

// MARK: Walking without closures

extension JSONDocument {
    /// The first element of an array, or the name of an object's first member. Only when `count` is not 0.
    @inlinable public func first(in container: Node) -> Node { Node(Int(container.index) + 1) }

    /// The value of the member with this name.
    @inlinable public func value(ofName name: Node) -> Node { Node(Int(name.index) + 1) }

    /// The element after this one, or the name of the member after the one with this value. Only when there is one more.
    @inlinable public func next(after value: Node) -> Node { Node(after(Int(value.index))) }

    /// A number that is the same for equal names, in all documents of this process. Not secret: names can be made to share
    /// one, so compare the names too.
    @inlinable public func fingerprint(ofName name: Node) -> UInt32 { entry(name).next }
}

// MARK: Objects and arrays

extension JSONDocument {
    /// The value of the member of that name, compared by bytes after unescaping; nil when there is none, or no object.
    public func member(_ name: ByteString, of object: Node) -> Node? {
        member(name.bytes.span, of: object)
    }

    /// The same for a name that is written in the source: nothing is allocated.
    public func member(_ name: String, of object: Node) -> Node? {
        let name = name.utf8
        return member(name.span, of: object)
    }

    /// The same for a name that is somebody else's bytes.
    public func member(_ name: Span<UInt8>, of object: Node) -> Node? {
        let entry = entry(object)
        guard entry.kind == .object else { return nil }
        var index = Int(object.index) + 1
        for _ in 0..<entry.count {
            if isText(index, equalTo: name) { return Node(index + 1) }
            index = after(index + 1)
        }
        return nil
    }

    /// Calls `body` with each member's name and value, in order; not at all when this is no object.
    public func forEachMember<Failure: Error>(
        of object: Node, _ body: (_ name: Node, _ value: Node) throws(Failure) -> Void
    ) throws(Failure) {
        let entry = entry(object)
        guard entry.kind == .object else { return }
        var index = Int(object.index) + 1
        for _ in 0..<entry.count {
            try body(Node(index), Node(index + 1))
            index = after(index + 1)
        }
    }

    /// Calls `body` with each element, in order; not at all when this is no array.
    public func forEachElement<Failure: Error>(
        of array: Node, _ body: (_ element: Node) throws(Failure) -> Void
    ) throws(Failure) {
        let entry = entry(array)
        guard entry.kind == .array else { return }
        var index = Int(array.index) + 1
        for _ in 0..<entry.count {
            try body(Node(index))
            index = after(index)
        }
    }

    /// The members of an object, in order; none when this is no object.
    public func members(of object: Node) -> [(name: Node, value: Node)] {
        var members: [(name: Node, value: Node)] = []
        members.reserveCapacity(count(of: object))
        forEachMember(of: object) { name, value in members.append((name, value)) }
        return members
    }

    /// The elements of an array, in order; none when this is no array.
    public func elements(of array: Node) -> [Node] {
        var elements: [Node] = []
        elements.reserveCapacity(count(of: array))
        forEachElement(of: array) { element in elements.append(element) }
        return elements
    }
}

// MARK: Scalars

extension JSONDocument {
    /// The truth value; nil when this is none.
    public func bool(_ node: Node) -> Bool? {
        let entry = entry(node)
        return entry.kind == .bool ? entry.has(.isTrue) : nil
    }

    /// The bytes of a string or name after unescaping; nil when this is none.
    public func string(_ node: Node) -> ByteString? {
        let entry = entry(node)
        guard entry.kind == .string else { return nil }
        return entry.has(.escaped)
            ? ByteString(decoded(bytes.span.extracting(entry.range))) : ByteString(bytes[entry.range])
    }

    /// Whether this is a string with exactly these bytes.
    public func isString(_ node: Node, equalTo text: Span<UInt8>) -> Bool {
        entry(node).kind == .string && isText(Int(node.index), equalTo: text)
    }

    /// Whether this is a string with exactly these bytes.
    public func isString(_ node: Node, equalTo text: ByteString) -> Bool {
        entry(node).kind == .string && isText(Int(node.index), equalTo: text.bytes.span)
    }

    /// The same for a text that is written in the source: nothing is allocated.
    public func isString(_ node: Node, equalTo text: String) -> Bool {
        let text = text.utf8
        return entry(node).kind == .string && isText(Int(node.index), equalTo: text.span)
    }

    /// Whether a string or name is written with escapes, so that `string` has to decode it.
    @inlinable public func stringContainsEscapes(_ node: Node) -> Bool {
        let entry = entry(node)
        return entry.kind == .string && entry.has(.escaped)
    }

    /// The bytes of a string, name, number or literal as they are written, without a copy. Of a string this is its value
    /// only when `stringContainsEscapes` says no.
    @_lifetime(borrow self)
    @inlinable public func writtenText(_ node: Node) -> Span<UInt8> {
        bytes.span.extracting(entry(node).range)
    }

    /// Lends the bytes of a string or name after unescaping, without a copy where there are no escapes; nil when this
    /// is none.
    @inlinable public func withStringBytes<Result, Failure: Error>(
        _ node: Node, _ body: (Span<UInt8>) throws(Failure) -> Result
    ) throws(Failure) -> Result? {
        let entry = entry(node)
        guard entry.kind == .string else { return nil }
        if entry.has(.escaped) {
            let decoded = decoded(bytes.span.extracting(entry.range))
            return try body(decoded.span)
        }
        return try body(bytes.span.extracting(entry.range))
    }

    /// A number exactly as it was written; nil when this is none.
    public func numberText(_ node: Node) -> ByteString? {
        let entry = entry(node)
        return entry.kind == .number ? ByteString(bytes[entry.range]) : nil
    }

    /// The number, when it is written as an integer and fits: `1.0`, `1e0` and 2^63 are nil.
    public func integer(_ node: Node) -> Int64? {
        let entry = entry(node)
        guard entry.kind == .number, entry.has(.integer) else { return nil }
        let isNegative = bytes[entry.range.lowerBound] == 0x2d
        var value: Int64 = 0
        for index in entry.range.dropFirst(isNegative ? 1 : 0) {
            let digit = Int64(bytes[index] - 0x30)
            // Counted downwards, because the least value has no positive counterpart.
            let (shifted, over) = value.multipliedReportingOverflow(by: 10)
            let (sum, under) = shifted.subtractingReportingOverflow(digit)
            guard !over, !under else { return nil }
            value = sum
        }
        guard !isNegative else { return value }
        return value == .min ? nil : -value
    }

    /// Whether the bytes of a string or name are exactly these. The index must be one of a string.
    @inline(__always)
    private func isText(_ index: Int, equalTo text: Span<UInt8>) -> Bool {
        let entry = tape[index]
        guard !entry.has(.escaped) else {
            let decoded = decoded(bytes.span.extracting(entry.range))
            return decoded.span.elementsEqual(text)
        }
        guard Int(entry.length) == text.count else { return false }
        return bytes.span.extracting(entry.range).elementsEqual(text)
    }
}

public import Bytes

/// The fields of a message head in the order they came (RFC 9110 section 5).
///
/// Names are lower-cased when a field is added, so looking one up is a comparison of bytes. All names and values share
/// one buffer: a head of twelve fields is two allocations.
///
/// Names are given as `String` so that a literal costs nothing; they are compared as UTF-8 bytes, never as `String`s.
public struct HeaderFields: Sendable {
    private var bytes: [UInt8] = []
    private var entries: [Entry] = []

    /// Where one field lies in `bytes`: the name, then directly the value.
    private struct Entry {
        var start: UInt32
        var nameCount: UInt32
        var valueCount: UInt32

        var name: Range<Int> { Int(start)..<Int(start + nameCount) }
        var value: Range<Int> { Int(start + nameCount)..<Int(start + nameCount + valueCount) }
    }

    /// No fields.
    public init() {}

    /// How many fields there are, each line of a repeated name counted.
    public var count: Int { entries.count }

    /// Whether there are none.
    public var isEmpty: Bool { entries.isEmpty }

    /// The value of a field that occurs exactly once. Nil when it is absent, and nil when it is repeated: whoever decides
    /// by one of two values decides differently from the next reader. `count(of:)` tells the two apart.
    public subscript(_ name: String) -> ByteString? {
        guard let index = onlyIndex(of: name) else { return nil }
        return ByteString(Array(bytes[entries[index].value]))
    }

    /// The same for a name that is not known when this is compiled. The name must be in lower case.
    public subscript(_ name: ByteString) -> ByteString? {
        var found: Int?
        for index in entries.indices where bytes[entries[index].name].elementsEqual(name.bytes) {
            guard found == nil else { return nil }
            found = index
        }
        return found.map { ByteString(Array(bytes[entries[$0].value])) }
    }

    /// Every value of a name, in order.
    public func all(_ name: String) -> [ByteString] {
        entries.indices.filter { isNamed(name, $0) }.map { ByteString(Array(bytes[entries[$0].value])) }
    }

    /// Whether a name occurs at all.
    public func contains(_ name: String) -> Bool {
        entries.indices.contains { isNamed(name, $0) }
    }

    /// Whether one of `names` occurs at all.
    public func containsAny(of names: [String]) -> Bool {
        for index in entries.indices {
            for name in names where isNamed(name, index) { return true }
        }
        return false
    }

    /// How often a name occurs.
    public func count(of name: String) -> Int {
        var count = 0
        for index in entries.indices where isNamed(name, index) { count += 1 }
        return count
    }

    /// One of `names` that occurs more than once; nil when none does. Allocates nothing unless a name is repeated.
    public func repeated(among names: [String]) -> String? {
        for later in entries.indices.dropFirst() {
            for earlier in 0..<later where isSameName(earlier, later) {
                if let name = names.first(where: { isNamed($0, later) }) { return name }
            }
        }
        return nil
    }

    /// Whether the content type, given once, says JSON in UTF-8.
    public var saysJSON: Bool {
        // The usual spelling needs no parsing.
        has("content-type", "application/json") || self["content-type"].flatMap(MediaType.init)?.isJSON == true
    }

    /// Whether the content type, given once, says event stream.
    public var saysEventStream: Bool {
        if has("content-type", "text/event-stream") { return true }
        return !has("content-type", "application/json")
            && self["content-type"].flatMap(MediaType.init)?.isEventStream == true
    }

    /// Whether a name occurs exactly once with this value, letter case of A-Z ignored. Allocates nothing.
    public func has(_ name: String, _ value: String) -> Bool {
        guard let index = onlyIndex(of: name) else { return false }
        return bytes.span.extracting(entries[index].value).equals(value, ignoringCase: true)
    }

    /// The members of a field that is a comma-separated list (RFC 9110 section 5.6.1), over all its lines, trimmed and
    /// without empty members. Commas in quoted strings are not understood: use it for lists of tokens.
    public func list(_ name: String) -> [ByteString] {
        var members: [ByteString] = []
        for index in entries.indices where isNamed(name, index) {
            for part in bytes[entries[index].value].split(separator: UInt8(ascii: ",")) {
                let member = part.trimmingOptionalWhitespace
                if !member.isEmpty { members.append(ByteString(Array(member))) }
            }
        }
        return members
    }

    /// Gives every field in order, names in lower case.
    public func forEach<Failure: Error>(
        _ body: (_ name: ByteString, _ value: ByteString) throws(Failure) -> Void
    ) throws(Failure) {
        for entry in entries {
            try body(ByteString(Array(bytes[entry.name])), ByteString(Array(bytes[entry.value])))
        }
    }

    /// Adds a field after those there are.
    ///
    /// A name that is not a token adds nothing and gives false. Control bytes in the value become spaces (RFC 9110
    /// section 5.5), so that no value, wherever it came from, ends its line.
    @discardableResult
    public mutating func add(name: ByteString, value: ByteString) -> Bool {
        add(name.bytes.span, value.bytes.span)
    }

    /// The same with texts.
    @discardableResult
    public mutating func add(name: String, value: String) -> Bool {
        add(name.utf8.span, value.utf8.span)
    }

    /// The same with a literal name.
    @discardableResult
    public mutating func add(name: String, value: ByteString) -> Bool {
        add(name.utf8.span, value.bytes.span)
    }

    /// Removes every field of a name.
    public mutating func remove(_ name: String) {
        entries = entries.indices.filter { !isNamed(name, $0) }.map { entries[$0] }
    }

    /// Writes each field as `name: value` and CRLF, without the empty line that ends a head.
    public func encode(into out: inout [UInt8]) {
        for entry in entries { encode(entry, into: &out) }
    }
}

extension HeaderFields {
    /// Writes the fields that are not about framing or the connection: those belong to whoever frames the message.
    func encodeEndToEnd(into out: inout [UInt8]) {
        for index in entries.indices where !isOfTheConnection(index) { encode(entries[index], into: &out) }
    }

    /// Lends the same fields without copying them.
    func forEachEndToEnd(_ body: (_ name: Span<UInt8>, _ value: Span<UInt8>) -> Void) {
        for index in entries.indices where !isOfTheConnection(index) {
            body(bytes.span.extracting(entries[index].name), bytes.span.extracting(entries[index].value))
        }
    }

    /// Makes room for a head of about `count` bytes at once.
    public mutating func reserve(bytes count: Int, fields: Int) {
        bytes.reserveCapacity(count)
        entries.reserveCapacity(fields)
    }

    /// Adds a field whose name is known to be a token and whose value holds no control bytes.
    mutating func addChecked(_ name: Span<UInt8>, _ value: Span<UInt8>) {
        let start = bytes.count
        bytes.append(addingCapacity: name.count + value.count) { out in
            for index in name.indices { out.append(name[index].asciiLowercased) }
            for index in value.indices { out.append(value[index]) }
        }
        append(start: start, nameCount: name.count, valueCount: value.count)
    }

    /// Reads the value of the field at `index` without copying it.
    func withValue<Result>(at index: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(entries[index].value))
    }

    private mutating func add(_ name: Span<UInt8>, _ value: Span<UInt8>) -> Bool {
        guard name.isToken else { return false }
        let start = bytes.count
        bytes.append(addingCapacity: name.count + value.count) { out in
            for index in name.indices { out.append(name[index].asciiLowercased) }
            for index in value.indices { out.append(value[index].isFieldValueByte ? value[index] : 0x20) }
        }
        append(start: start, nameCount: name.count, valueCount: value.count)
        return true
    }

    private mutating func append(start: Int, nameCount: Int, valueCount: Int) {
        entries.append(Entry(start: UInt32(start), nameCount: UInt32(nameCount), valueCount: UInt32(valueCount)))
    }

    private func isNamed(_ name: String, _ index: Int) -> Bool {
        // Most names differ in length: that is all that is looked at then.
        name.utf8.count == Int(entries[index].nameCount)
            && bytes.span.extracting(entries[index].name).equals(name, ignoringCase: false)
    }

    private func isSameName(_ one: Int, _ other: Int) -> Bool {
        entries[one].nameCount == entries[other].nameCount
            && bytes.span.extracting(entries[one].name).elementsEqual(bytes.span.extracting(entries[other].name))
    }

    private func onlyIndex(of name: String) -> Int? {
        var found: Int?
        for index in entries.indices where isNamed(name, index) {
            guard found == nil else { return nil }
            found = index
        }
        return found
    }

    private func isOfTheConnection(_ index: Int) -> Bool {
        isNamed("content-length", index) || isNamed("transfer-encoding", index) || isNamed("connection", index)
            || isNamed("keep-alive", index) || isNamed("trailer", index) || isNamed("upgrade", index)
            || isNamed("proxy-connection", index) || isNamed("te", index)
    }

    private func encode(_ entry: Entry, into out: inout [UInt8]) {
        // Slices are appended as one block, not byte by byte.
        out += bytes[entry.name]
        out.append(0x3a)
        out.append(0x20)
        out += bytes[entry.value]
        out.append(0x0d)
        out.append(0x0a)
    }
}

extension HeaderFields: Equatable {
    /// The same fields in the same order.
    public static func == (left: HeaderFields, right: HeaderFields) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left.entries, right.entries).allSatisfy { mine, other in
            left.bytes[mine.name] == right.bytes[other.name] && left.bytes[mine.value] == right.bytes[other.value]
        }
    }
}

public import Bytes

/// Writes JSON without white space, front to back. Commas are its business; that every object gets names and every begin
/// its end is the caller's.
public struct JSONWriter: Sendable {
    /// What has been written.
    public private(set) var bytes: [UInt8]
    /// Whether the next value or name follows another one.
    private var needsComma = false

    /// A writer that appends to `bytes`, whose memory it takes over.
    public init(appendingTo bytes: consuming [UInt8] = []) {
        self.bytes = bytes
    }

    /// Opens an object.
    public mutating func beginObject() { begin(0x7b) }

    /// Closes an object.
    public mutating func endObject() { end(0x7d) }

    /// Opens an array.
    public mutating func beginArray() { begin(0x5b) }

    /// Closes an array.
    public mutating func endArray() { end(0x5d) }

    /// A member's name.
    public mutating func key(_ name: ByteString) {
        separate()
        appendString(name.bytes, to: &bytes)
        bytes.append(0x3a)
        needsComma = false
    }

    /// A member's name that is written in the source.
    public mutating func key(_ name: String) {
        separate()
        appendText(name)
        bytes.append(0x3a)
        needsComma = false
    }

    /// A string; bytes that are not UTF-8 become U+FFFD.
    public mutating func string(_ text: ByteString) {
        separate()
        appendString(text.bytes, to: &bytes)
    }

    /// A string.
    public mutating func string(_ text: String) {
        separate()
        appendText(text)
    }

    /// A number.
    public mutating func int(_ value: Int) {
        separate()
        bytes += String(value).utf8
    }

    /// A truth value.
    public mutating func bool(_ value: Bool) {
        separate()
        bytes += (value ? "true" : "false").utf8
    }

    /// `null`.
    public mutating func null() {
        separate()
        bytes += "null".utf8
    }

    /// A value that is encoded already, and is one.
    public mutating func raw(_ encoded: [UInt8]) {
        separate()
        bytes += encoded
    }

    /// A value of a document, written anew with `edits` made.
    public mutating func copy(
        _ node: JSONDocument.Node, of document: JSONDocument, editing edits: JSONEdits = .none
    ) {
        separate()
        document.write(node, editing: edits, into: &bytes)
    }

    /// A value.
    public mutating func value(_ value: JSONValue) {
        switch value {
        case .null: null()
        case .bool(let value): bool(value)
        case .number(let text): raw(text.bytes)
        case .string(let text): string(text)
        case .array(let elements):
            beginArray()
            for element in elements { self.value(element) }
            endArray()
        case .object(let members):
            beginObject()
            for member in members {
                key(member.name)
                self.value(member.value)
            }
            endObject()
        }
    }

    /// Texts that are written in the source mostly need no escape, and then no copy.
    private mutating func appendText(_ text: String) {
        let span = text.utf8.span
        guard endOfPlainRun(span, from: 0) == span.count else { return appendString(Array(text.utf8), to: &bytes) }
        bytes.append(addingCapacity: span.count + 2) { out in
            out.append(0x22)
            for index in span.indices { out.append(span[index]) }
            out.append(0x22)
        }
    }

    private mutating func begin(_ bracket: UInt8) {
        separate()
        bytes.append(bracket)
        needsComma = false
    }

    private mutating func end(_ bracket: UInt8) {
        bytes.append(bracket)
        needsComma = true
    }

    private mutating func separate() {
        if needsComma { bytes.append(0x2c) }
        needsComma = true
    }
}

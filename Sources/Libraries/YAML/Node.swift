public import Bytes

/// A value of a file, with the place where it stood.
public struct Node: Hashable, Sendable {
    /// What a node may be.
    public enum Content: Hashable, Sendable {
        /// A word, a number, a text; which of them is the reader's question.
        case scalar(Scalar)
        /// A list.
        case sequence([Node])
        /// Keys and values, in the order of the file; the keys are distinct as bytes.
        case mapping([Entry])
    }

    /// The value itself.
    public let content: Content
    /// The file it stands in.
    public let file: String
    /// Counted from 1.
    public let line: Int
    /// Counted from 1, in Unicode scalars.
    public let column: Int

    /// The scalar, when it is one.
    public var scalar: Scalar? {
        guard case .scalar(let scalar) = content else { return nil }
        return scalar
    }

    /// The elements, when it is a sequence.
    public var elements: [Node]? {
        guard case .sequence(let elements) = content else { return nil }
        return elements
    }

    /// The entries, when it is a mapping.
    public var entries: [Entry]? {
        guard case .mapping(let entries) = content else { return nil }
        return entries
    }

    /// The value of a key of a mapping, compared as bytes; nil when there is none or it isn't a mapping.
    public func value(of key: String) -> Node? {
        entries?.first { $0.key.scalar?.isText(key) == true }?.value
    }

    /// The kind of value in a person's words, for messages.
    public var kindForPeople: String {
        switch content {
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .scalar(let scalar): scalar.isNull ? "nothing" : "`\(scalar.shortened)`"
        }
    }
}

/// One key with its value.
public struct Entry: Hashable, Sendable {
    /// Always a scalar.
    public let key: Node
    /// Anything.
    public let value: Node

    /// The key's text.
    public var name: String { key.scalar?.text ?? "" }
}

/// A scalar as written: its text, and whether quotes were around it.
public struct Scalar: Hashable, Sendable {
    /// The text: valid UTF-8 without control characters but tab and line breaks.
    public let bytes: ByteString
    /// Whether it stood without quotes and not as a block, so that it may be a number, a boolean or nothing.
    public let isPlain: Bool

    /// The text for people and for parsing further; names are compared by `bytes`.
    public var text: String { bytes.text }

    /// Whether it is the absence of a value: plain and empty, `~` or `null`.
    public var isNull: Bool { isPlain && (bytes.isEmpty || isText("~") || isText("null")) }

    /// Whether the text is exactly these bytes (`String`'s own equality is canonical equivalence).
    public func isText(_ other: String) -> Bool { bytes.bytes.elementsEqual(other.utf8) }

    /// The first characters, for messages.
    var shortened: String { text.unicodeScalars.count > 60 ? String(text.prefix(57)) + "…" : text }
}

public import Bytes

/// A JSON value that stands alone, for building and for small things. Large documents stay in `JSONDocument`.
public indirect enum JSONValue: Sendable, Hashable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number by its text, which must be a JSON number: it is written as it is.
    case number(ByteString)
    /// A string by its bytes, unescaped.
    case string(ByteString)
    /// An array.
    case array([JSONValue])
    /// An object, in order.
    case object([JSONMember])

    /// A number.
    public static func integer(_ value: Int) -> JSONValue { .number(ByteString(String(value))) }

    /// A string.
    public static func text(_ value: String) -> JSONValue { .string(ByteString(value)) }

    /// The first member of that name; nil when there is none, or no object.
    public subscript(_ name: ByteString) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.first { $0.name == name }?.value
    }

    /// The element at that place; nil when there is none, or no array.
    public subscript(_ index: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(index) else { return nil }
        return elements[index]
    }

    /// The bytes of a string; nil when this is none.
    public var stringValue: ByteString? {
        guard case .string(let bytes) = self else { return nil }
        return bytes
    }

    /// A string as JSON; bytes that are not UTF-8 become U+FFFD.
    public static func encodedString(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count + 2)
        appendString(bytes, to: &out)
        return out
    }

    /// The value written without white space.
    public func encoded() -> [UInt8] {
        var writer = JSONWriter()
        writer.value(self)
        return writer.bytes
    }
}

/// One member of an object.
public struct JSONMember: Sendable, Hashable {
    /// The name, unescaped.
    public var name: ByteString
    /// The value.
    public var value: JSONValue

    /// A member.
    public init(_ name: ByteString, _ value: JSONValue) {
        self.name = name
        self.value = value
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A string.
    public init(stringLiteral value: String) { self = .string(ByteString(value)) }

    /// A number.
    public init(integerLiteral value: Int) { self = .integer(value) }

    /// A truth value.
    public init(booleanLiteral value: Bool) { self = .bool(value) }

    /// An array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }

    /// An object in the order it is written.
    public init(dictionaryLiteral elements: (ByteString, JSONValue)...) {
        self = .object(elements.map { JSONMember($0, $1) })
    }
}

extension JSONDocument {
    /// A copy of a value that stands alone. It recurses no deeper than the depth limit the document was read with.
    public func value(_ node: Node) -> JSONValue {
        switch kind(node) {
        case .null: .null
        case .bool: .bool(bool(node) == true)
        case .number: .number(numberText(node) ?? "0")
        case .string: .string(string(node) ?? "")
        case .array: .array(elements(of: node).map(value))
        case .object: .object(members(of: node).map { JSONMember(string($0.name) ?? "", value($0.value)) })
        }
    }
}

import Bytes
import JSON

/// A row of the invented organisation: a JSON object whose members keep their order.
typealias Record = JSONValue

extension JSONValue {
    /// A string member as bytes; nil when it is absent or something else.
    func text(_ name: ByteString) -> ByteString? { self[name]?.stringValue }

    /// An integer, given as a number or (as agents often do) as a string of digits.
    var wholeNumber: Int? {
        switch self {
        case .number(let text), .string(let text): Int(text.text)
        default: nil
        }
    }

    /// An integer member, see `wholeNumber`.
    func number(_ name: ByteString) -> Int? { self[name]?.wholeNumber }

    /// The elements of an array; none when this is no array.
    var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    /// The members of an object; none when this is no object.
    var members: [JSONMember] {
        guard case .object(let members) = self else { return [] }
        return members
    }

    /// Replaces a member where it stands, or adds it at the end.
    mutating func set(_ name: ByteString, _ value: JSONValue) {
        var members = members
        if let place = members.firstIndex(where: { $0.name == name }) {
            members[place].value = value
        } else {
            members.append(JSONMember(name, value))
        }
        self = .object(members)
    }

    /// Only the members of that name, in this object's own order.
    func picking(_ names: [ByteString]) -> JSONValue {
        .object(members.filter { names.contains($0.name) })
    }

    /// Whether any string in this value contains `needle` (ASCII case does not matter): what `q` searches.
    func mentions(_ needle: ByteString) -> Bool {
        switch self {
        case .string(let text): text.contains(needle)
        case .array(let elements): elements.contains { $0.mentions(needle) }
        case .object(let members): members.contains { $0.value.mentions(needle) }
        default: false
        }
    }
}

extension ByteString {
    /// Whether `needle` occurs in these bytes, ASCII letters compared without case.
    func contains(_ needle: ByteString) -> Bool {
        let hay = asciiLowercased.bytes
        let needle = needle.asciiLowercased.bytes
        guard needle.count <= hay.count else { return false }
        return (0...(hay.count - needle.count)).contains { hay[$0..<($0 + needle.count)].elementsEqual(needle) }
    }

    /// The parts between commas, without the blanks around them.
    var commaSeparated: [ByteString] {
        bytes.split(separator: 0x2c).map { ByteString($0.filter { $0 != 0x20 }) }
    }
}

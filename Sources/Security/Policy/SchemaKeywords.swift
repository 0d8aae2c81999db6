import Bytes
import Catalog
import JSON
import Pattern

extension Constraint {
    var isAbsent: Bool { atoms.contains { if case .absent = $0 { true } else { false } } }

    /// Whether it demands nothing but to be there.
    var isPresent: Bool { atoms.allSatisfy { if case .present = $0 { true } else { false } } }

    /// The types that can meet it; nil for any.
    private var types: Set<ArgumentType>? {
        atoms.reduce(nil) { known, atom in
            let own: Set<ArgumentType>?
            switch atom {
            case .type(let types): own = types
            case .minimum, .maximum: own = [.number]
            case .pattern: own = [.string]
            case .length: own = [.string, .array]
            case .items: own = [.array]
            case .absent, .present, .oneOf: own = nil
            }
            guard let own else { return known }
            return known.map { intersection($0, own) } ?? own
        }
    }

    /// A property's schema with this demanded as well.
    func tightened(_ property: JSONValue) -> JSONValue {
        guard case .object = property else {
            // `true` admits anything; `false` nothing, which can't be tightened.
            return property == .bool(false) ? property : schemaToAllow
        }
        if property.isComposed {
            return .object([JSONMember("allOf", .array([property, schemaToAllow]))]).describedLike(property)
        }
        var narrower = property
        for member in schemaToAllow.members ?? [] { narrower.narrow(member.name, to: member.value) }
        narrower.removeLengthsOfOtherTypes()
        if let choices = narrower["enum"]?.elements {
            narrower.set("enum", .array(choices.filter { outcome(for: $0) == .holds }))
        }
        if let examples = narrower["examples"]?.elements, !examples.allSatisfy({ outcome(for: $0) == .holds }) {
            narrower.remove("examples")
        }
        return narrower
    }

    /// A schema that admits no more than what meets this, but for patterns that can't be said.
    private var schemaToAllow: JSONValue {
        var schema: JSONValue = .object([])
        if let types {
            let names = types.map(\.rawValue).sorted().map { JSONValue.text($0) }
            schema.set("type", names.count == 1 ? names[0] : .array(names))
        }
        for atom in atoms {
            for keyword in atom.keywords ?? [] { schema.narrow(keyword.name, to: keyword.value) }
        }
        if let choices = schema["enum"]?.elements {
            schema.set("enum", .array(choices.filter { outcome(for: $0) == .holds }))
        }
        schema.removeLengthsOfOtherTypes()
        return schema
    }

    /// A schema that admits whatever meets this or can't be judged by it, for excluding it; nil when it can't be said.
    var schema: JSONValue? {
        var schema: JSONValue = .object([])
        for atom in atoms {
            guard let keywords = atom.keywords else { return nil }
            for keyword in keywords { schema.narrow(keyword.name, to: keyword.value) }
        }
        return schema
    }
}

extension Constraint.Atom {
    /// The keywords that say it; nil when they can't.
    fileprivate var keywords: [JSONMember]? {
        switch self {
        case .absent, .present: return []
        case .type(let types):
            let names = types.map(\.rawValue).sorted().map { JSONValue.text($0) }
            return [JSONMember("type", names.count == 1 ? names[0] : .array(names))]
        case .oneOf(let choices): return [JSONMember("enum", .array(choices))]
        case .minimum(_, let text): return [JSONMember("minimum", .number(text))]
        case .maximum(_, let text): return [JSONMember("maximum", .number(text))]
        case .pattern(let pattern): return portable(pattern.text).map { [JSONMember("pattern", .text($0))] }
        case .length(let minimum, let maximum):
            let lower = minimum.map { [JSONMember("minLength", .integer($0)), JSONMember("minItems", .integer($0))] }
            let upper = maximum.map { [JSONMember("maxLength", .integer($0)), JSONMember("maxItems", .integer($0))] }
            return (lower ?? []) + (upper ?? [])
        case .items(let each): return each.schema.map { [JSONMember("items", $0)] }
        }
    }
}

extension JSONValue {
    mutating func set(_ name: ByteString, _ value: JSONValue) {
        guard case .object(var members) = self else { return }
        if let place = members.firstIndex(where: { $0.name == name }) {
            members[place].value = value
        } else {
            members.append(JSONMember(name, value))
        }
        self = .object(members)
    }

    mutating func remove(_ name: ByteString) {
        guard case .object(let members) = self else { return }
        self = .object(members.filter { $0.name != name })
    }

    /// A length is of texts or of lists; where only one of them is possible the other's keywords say nothing.
    fileprivate mutating func removeLengthsOfOtherTypes() {
        if self["type"] == "string" { ["minItems", "maxItems"].forEach { remove($0) } }
        if self["type"] == "array" { ["minLength", "maxLength"].forEach { remove($0) } }
    }

    /// Whether no value is left: no type or no choice.
    var admitsNothing: Bool {
        self == .bool(false) || self["type"] == .array([]) || self["enum"] == .array([])
            || (self["allOf"]?.elements ?? []).contains(where: \.admitsNothing)
    }

    /// The same schema, excluding what another admits.
    func forbidding(_ denied: JSONValue) -> JSONValue {
        guard case .object = self else { return self == .bool(true) ? ["not": denied] : self }
        var schema = self
        guard let others = schema["not"] else {
            schema.set("not", denied)
            return schema
        }
        if let list = others["anyOf"]?.elements, others.members?.count == 1 {
            schema.set("not", ["anyOf": .array(list + [denied])])
        } else {
            schema.set("not", ["anyOf": .array([others, denied])])
        }
        return schema
    }

    /// Whether keywords beside these can't simply be joined.
    fileprivate var isComposed: Bool {
        let composing: Set<ByteString> = [
            "$ref", "$dynamicRef", "allOf", "anyOf", "oneOf", "not", "if", "const", "prefixItems", "contains",
            "unevaluatedItems", "unevaluatedProperties",
        ]
        return !(members ?? []).allSatisfy { !composing.contains($0.name) }
    }

    /// With the description and title of another, which clients show from the outside only.
    fileprivate func describedLike(_ other: JSONValue) -> JSONValue {
        var described = self
        for name in ["title", "description"] as [ByteString] {
            if let text = other[name] { described.set(name, text) }
        }
        return described
    }

    /// Joins one keyword to those that are there: both must be met.
    fileprivate mutating func narrow(_ keyword: ByteString, to new: JSONValue) {
        guard let old = self[keyword] else { return set(keyword, new) }
        switch keyword {
        case "type": set("type", JSONValue(typesIn: old, new))
        case "enum":
            let (left, right) = (old.elements ?? [], new.elements ?? [])
            set("enum", .array(left.filter { value in right.contains { isEqual($0, value) } }))
        case "minimum", "minLength", "minItems": set(keyword, extreme(old, new) { $0 < $1 })
        case "maximum", "maxLength", "maxItems": set(keyword, extreme(old, new) { $0 > $1 })
        case "items":
            var items = old
            if case .object = old, !old.isComposed {
                for member in new.members ?? [] { items.narrow(member.name, to: member.value) }
                set("items", items)
            } else {
                set("items", old == .bool(true) ? new : ["allOf": .array([old, new])])
            }
        default:
            guard old != new else { return }
            let others = self["allOf"]?.elements ?? []
            set("allOf", .array(others + [.object([JSONMember(keyword, new)])]))
        }
    }

    /// `type` for values that both admit.
    private init(typesIn left: JSONValue, _ right: JSONValue) {
        let sets = [left, right].map { value in
            Set((value.elements ?? [value]).compactMap { $0.stringValue.flatMap { ArgumentType(rawValue: $0.text) } })
        }
        let names = intersection(sets[0], sets[1]).map(\.rawValue).sorted().map { JSONValue.text($0) }
        self = names.count == 1 ? names[0] : .array(names)
    }
}

/// Types that both sets admit; every integer is a number.
private func intersection(_ left: Set<ArgumentType>, _ right: Set<ArgumentType>) -> Set<ArgumentType> {
    var both = left.intersection(right)
    if left.contains(.integer) && right.contains(.number) || left.contains(.number) && right.contains(.integer) {
        both.insert(.integer)
    }
    return both
}

/// The one number for which no other is preferred.
private func extreme(_ old: JSONValue, _ new: JSONValue, _ isWeaker: (ExactNumber, ExactNumber) -> Bool) -> JSONValue {
    guard case .number(let left) = old, case .number(let right) = new, let first = ExactNumber(left),
        let second = ExactNumber(right)
    else { return new }
    return isWeaker(first, second) ? new : old
}

/// A pattern of PCRE2 that matches a whole text, as ECMAScript reads it; nil when the dialects may differ.
///
/// Literals of ASCII, classes of literals and ranges, `\d`, `\w`, groups, alternatives and plain quantifiers mean the same
/// everywhere. A dot matches line breaks here and not there.
func portable(_ pattern: String) -> String? {
    var reader = PatternReader(rest: Array(pattern.utf8)[...])
    return reader.translated().map { "^(?:\($0))$" }
}

private struct PatternReader {
    var rest: ArraySlice<UInt8>
    var out: [UInt8] = []

    mutating func translated() -> String? {
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "."): out += Array("[\\s\\S]".utf8)
            case UInt8(ascii: "\\"): guard escape() else { return nil }
            case UInt8(ascii: "["): guard characterClass() else { return nil }
            case UInt8(ascii: "("): guard group() else { return nil }
            case UInt8(ascii: "{"): guard repetition() else { return nil }
            case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"): guard quantifier(byte) else { return nil }
            case UInt8(ascii: "}"), UInt8(ascii: "]"), 0...0x1F, 0x7F...: return nil
            default: out.append(byte)
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// `\d`, `\w`, and punctuation taken literally.
    private mutating func escape() -> Bool {
        guard let byte = rest.popFirst() else { return false }
        let isPunctuation = Array("\\.+*?()[]{}^$|/".utf8).contains(byte)
        guard isPunctuation || byte == UInt8(ascii: "d") || byte == UInt8(ascii: "w") else { return false }
        out += [UInt8(ascii: "\\"), byte]
        return true
    }

    private mutating func characterClass() -> Bool {
        out.append(UInt8(ascii: "["))
        if rest.first == UInt8(ascii: "^") { out.append(rest.removeFirst()) }
        guard rest.first != UInt8(ascii: "]") else { return false }
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "]"):
                out.append(byte)
                return true
            case UInt8(ascii: "["), 0...0x1F, 0x7F...: return false
            case UInt8(ascii: "\\"):
                guard let next = rest.first, Array("\\]^-dw".utf8).contains(next), escapeInClass() else { return false }
            default: out.append(byte)
            }
        }
        return false
    }

    private mutating func escapeInClass() -> Bool {
        guard let byte = rest.popFirst() else { return false }
        out += [UInt8(ascii: "\\"), byte]
        return true
    }

    private mutating func group() -> Bool {
        out.append(UInt8(ascii: "("))
        guard rest.first == UInt8(ascii: "?") else { return rest.first != UInt8(ascii: "*") }
        guard rest.starts(with: Array("?:".utf8)) else { return false }
        rest = rest.dropFirst(2)
        out += Array("?:".utf8)
        return true
    }

    /// `{2}`, `{2,}`, `{2,5}`.
    private mutating func repetition() -> Bool {
        guard let end = rest.firstIndex(of: UInt8(ascii: "}")) else { return false }
        let parts = rest[..<end].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), let first = parts.first, !first.isEmpty,
            parts.allSatisfy({ $0.allSatisfy { (0x30...0x39).contains($0) } })
        else { return false }
        out.append(UInt8(ascii: "{"))
        out += rest[...end]
        rest = rest[(end + 1)...]
        return lazy()
    }

    private mutating func quantifier(_ byte: UInt8) -> Bool {
        out.append(byte)
        return lazy()
    }

    /// A `?` after a quantifier is the same everywhere; a `+` is not.
    private mutating func lazy() -> Bool {
        if rest.first == UInt8(ascii: "?") { out.append(rest.removeFirst()) }
        return rest.first != UInt8(ascii: "+") && rest.first != UInt8(ascii: "*")
    }
}

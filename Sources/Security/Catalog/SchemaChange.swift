import Bytes
import JSON
import YAML

/// Which part of a definition's schemas a sentence is about.
struct SchemaSubject {
    let isInput: Bool
    let path: [ByteString]

    /// `the arguments`, `argument `a.b``, `the result`, `result field `a``.
    var words: String {
        let name = printable(path.map(\.text).joined(separator: "."))
        if isInput { return path.isEmpty ? "the arguments" : "argument `\(name)`" }
        return path.isEmpty ? "the result" : "result field `\(name)`"
    }

    func child(_ name: ByteString) -> SchemaSubject { SchemaSubject(isInput: isInput, path: path + [name]) }

    /// What widens an argument is a danger; a result's schema only describes what is redacted anyway.
    func weight(_ widens: Bool) -> DefinitionChange.Weight { isInput && widens ? .widening : .neutral }
}

extension ChangeWriter {
    /// Compares two JSON schemas keyword by keyword. Keywords whose meaning isn't known here count as widening.
    mutating func schema(_ old: JSONValue?, _ new: JSONValue?, _ subject: SchemaSubject) {
        guard let old, let new, case .object = old, case .object = new else {
            return generic("the schema of \(subject.words)", old, new, subject.weight(true))
        }
        for keyword in old.memberNames.union(new.memberNames).sorted() {
            compare(keyword, old[keyword], new[keyword], subject)
        }
    }

    private mutating func compare(
        _ keyword: ByteString, _ old: JSONValue?, _ new: JSONValue?, _ subject: SchemaSubject
    ) {
        switch keyword {
        case "properties": properties(old, new, subject)
        case "required": required(old, new, subject)
        case "items": schema(old, new, subject.child("[]"))
        case "enum": listed(old, new, subject, "accepts", "no longer accepts")
        case "type": listed(old, new, subject, "may now be", "may no longer be")
        case "minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties":
            bound(keyword, old, new, subject, widensUpwards: false)
        case "maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties":
            bound(keyword, old, new, subject, widensUpwards: true)
        case "additionalProperties":
            let widens = new != .bool(false)
            guard old?.normalized != new?.normalized else { return }
            add(
                "\(subject.words): unknown names are \(widens ? "now accepted" : "no longer accepted")",
                subject.weight(widens))
        case "pattern", "format", "const", "multipleOf", "uniqueItems":
            generic("\(subject.words): `\(keyword.text)`", old, new, subject.weight(old != nil))
        case "description", "title", "examples", "default", "$comment":
            generic("\(subject.words): the \(keyword.text)", old, new, subject.isInput ? .text : .neutral)
        default: generic("\(subject.words): `\(printable(keyword.text))`", old, new, subject.weight(true))
        }
    }

    private mutating func properties(_ old: JSONValue?, _ new: JSONValue?, _ subject: SchemaSubject) {
        let names = (old?.memberNames ?? []).union(new?.memberNames ?? [])
        for name in names.sorted() {
            let child = subject.child(name)
            switch (old?[name], new?[name]) {
            case (nil, let added?): add("\(child.words) was added: \(added.shown)", subject.weight(true))
            case (.some, nil): add("\(child.words) was removed", subject.weight(false))
            case (let before?, let after?): schema(before, after, child)
            case (nil, nil): continue
            }
        }
    }

    private mutating func required(_ old: JSONValue?, _ new: JSONValue?, _ subject: SchemaSubject) {
        let (before, after) = (elements(old), elements(new))
        for value in after where !before.contains(value) {
            if let name = value.stringValue {
                add("\(subject.child(name).words) is now required", subject.weight(false))
            }
        }
        for value in before where !after.contains(value) {
            if let name = value.stringValue {
                add("\(subject.child(name).words) is no longer required", subject.weight(true))
            }
        }
        if Set(before) == Set(after) { generic("\(subject.words): `required`", old, new, subject.weight(false)) }
    }

    /// `enum` and `type`: absent accepts everything.
    private mutating func listed(
        _ old: JSONValue?, _ new: JSONValue?, _ subject: SchemaSubject, _ gained: String, _ lost: String
    ) {
        guard let old, let new else {
            return generic("\(subject.words): the list of values", old, new, subject.weight(new == nil))
        }
        let (before, after) = (elements(old), elements(new))
        for value in after where !before.contains(value) {
            add("\(subject.words) \(gained) \(value.shown)", subject.weight(true))
        }
        for value in before where !after.contains(value) {
            add("\(subject.words) \(lost) \(value.shown)", subject.weight(false))
        }
        if Set(before) == Set(after) { generic("\(subject.words): the list of values", old, new, .neutral) }
    }

    private mutating func bound(
        _ keyword: ByteString, _ old: JSONValue?, _ new: JSONValue?, _ subject: SchemaSubject, widensUpwards: Bool
    ) {
        var widens = new == nil
        if case .number(let before) = old, case .number(let after) = new,
            let left = ExactNumber(before), let right = ExactNumber(after)
        {
            widens = widensUpwards ? right > left : right < left
        }
        generic("\(subject.words): `\(keyword.text)`", old, new, subject.weight(widens))
    }

    /// A list's elements; a single value is a list of one (`type` may be either).
    private func elements(_ value: JSONValue?) -> [JSONValue] {
        switch value {
        case .array(let elements): elements
        case let value?: [value]
        case nil: []
        }
    }
}

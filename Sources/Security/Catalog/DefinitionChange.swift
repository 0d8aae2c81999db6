import Bytes
import JSON
import YAML

/// One difference between two definitions of a tool, in words for the person who decides.
public struct DefinitionChange: Hashable, Sendable, CustomStringConvertible {
    /// Whether the change lets through more than before.
    public enum Weight: Hashable, Sendable {
        /// It takes something away or only describes.
        case neutral
        /// The model reads it: a place for instructions to hide in.
        case text
        /// More arguments, wider values, weaker promises; or something whose meaning isn't known here.
        case widening
    }

    /// One sentence without its end; the vendor's own text is shortened and shown with escapes.
    public let description: String
    /// What it may mean.
    public let weight: Weight

    init(_ description: String, _ weight: Weight) {
        self.description = description
        self.weight = weight
    }
}

/// What changed from one definition of a tool to another, in words. Empty only when they have the same hash.
public func describeChange(from old: ToolDefinition, to new: ToolDefinition) -> [DefinitionChange] {
    let before = old.document.value(old.document.root)
    let after = new.document.value(new.document.root)
    var changes = ChangeWriter()
    for name in before.memberNames.union(after.memberNames).sorted() {
        let (left, right) = (before[name], after[name])
        switch name {
        case "inputSchema": changes.schema(left, right, SchemaSubject(isInput: true, path: []))
        case "outputSchema": changes.schema(left, right, SchemaSubject(isInput: false, path: []))
        case "annotations": changes.annotations(left, right)
        case "description", "title": changes.texts(name.text, left, right)
        default: changes.generic("`\(printable(name.text))`", left, right, .widening)
        }
    }
    // Duplicate-free objects that differ in nothing but order have the same hash; numbers that are written differently
    // do not, and are told by the comparisons above, which compare texts.
    return changes.changes
}

extension JSONValue {
    var memberNames: Set<ByteString> {
        guard case .object(let members) = self else { return [] }
        return Set(members.map(\.name))
    }

    /// The value for people: shortened, without anything that could rearrange a terminal.
    var shown: String {
        let text: String
        if case .string(let bytes) = self { text = bytes.text } else { text = ByteString(encoded()).text }
        let short = text.unicodeScalars.count > 160 ? String(text.prefix(157)) + "…" : text
        return "`\(printable(short))`"
    }

    /// The same with members sorted, so that order is no difference.
    var normalized: JSONValue {
        switch self {
        case .object(let members):
            .object(members.map { JSONMember($0.name, $0.value.normalized) }.sorted { $0.name < $1.name })
        case .array(let elements): .array(elements.map(\.normalized))
        default: self
        }
    }
}

/// Collects the sentences.
struct ChangeWriter {
    private(set) var changes: [DefinitionChange] = []

    mutating func add(_ sentence: String, _ weight: DefinitionChange.Weight) {
        changes.append(DefinitionChange(sentence, weight))
    }

    mutating func generic(_ what: String, _ old: JSONValue?, _ new: JSONValue?, _ weight: DefinitionChange.Weight) {
        guard old?.normalized != new?.normalized else { return }
        switch (old, new) {
        case (nil, let new?): add("\(what) was added: \(new.shown)", weight)
        case (let old?, nil): add("\(what) was removed; it was \(old.shown)", weight)
        case (let old?, let new?): add("\(what) changed from \(old.shown) to \(new.shown)", weight)
        case (nil, nil): return
        }
    }

    mutating func texts(_ what: String, _ old: JSONValue?, _ new: JSONValue?) {
        generic("the \(what)", old, new, .text)
    }

    mutating func annotations(_ old: JSONValue?, _ new: JSONValue?) {
        let names = (old?.memberNames ?? []).union(new?.memberNames ?? [])
        guard names.isEmpty else {
            for name in names.sorted() {
                generic("the annotation `\(printable(name.text))`", old?[name], new?[name], weight(name, new?[name]))
            }
            return
        }
        generic("`annotations`", old, new, .widening)
    }

    private func weight(_ annotation: ByteString, _ new: JSONValue?) -> DefinitionChange.Weight {
        switch (annotation, new) {
        case ("title", _): .text
        case ("readOnlyHint", .bool(true)), ("destructiveHint", .bool(false)): .neutral
        case ("idempotentHint", .bool(true)), ("openWorldHint", .bool(false)): .neutral
        default: .widening
        }
    }
}

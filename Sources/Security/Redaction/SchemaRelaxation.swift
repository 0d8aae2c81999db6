import Bytes
import JSON
import Policy

/// Relaxes an output schema so that every redacted result still fulfils what the client was shown.
///
/// The same schema and program always give the same edits: every page and every client sees the same. It relaxes what can
/// change and keeps the rest: types, properties and descriptions stay; what a field rule can remove is no longer required,
/// what it can make `null` may be anything, and limits on values that can change go away. Any text or number can
/// change, because a detector or a value removed elsewhere can hit any, so limits on those (`pattern`, `format`, lengths,
/// `minimum` and the like) go away everywhere.
/// Words of `enum` and `const` stay: redaction leaves a schema's own words alone.
struct SchemaRelaxation {
    private let document: JSONDocument
    private let root: JSONDocument.Node
    private let program: RedactionProgram
    private let scanner: TextScanner
    private let removes: Bool
    private var automaton: FieldAutomaton
    private var edits = JSONEdits()
    private var seen: Set<Visit> = []
    /// How many schemas stand around the one that is relaxed, references followed.
    private var depth = 0
    /// A chain of references deeper than this is cut: what stands there may be anything.
    private static let deepest = 200

    private struct Visit: Hashable {
        let node: JSONDocument.Node
        let state: Int
        /// Whether any value in it may change.
        let isFree: Bool
    }

    init(_ document: JSONDocument, _ root: JSONDocument.Node, _ program: RedactionProgram) {
        self.document = document
        self.root = root
        self.program = program
        scanner = TextScanner(kinds: program.kinds)
        removes = program.fieldRules.contains { $0.way == .remove }
        automaton = program.borrow().automaton
    }

    /// The edits for a tool's `outputSchema`, whose root is the result's `structuredContent`.
    mutating func make() -> JSONEdits {
        guard !program.isEmpty else { return .none }
        relax(root, automaton.stepToPlain(automaton.initial), isFree: false)
        return edits
    }

    // MARK: One schema

    private mutating func relax(_ schema: JSONDocument.Node, _ state: Int, isFree: Bool) {
        guard document.kind(schema) == .object, seen.insert(Visit(node: schema, state: state, isFree: isFree)).inserted
        else { return }
        guard depth < Self.deepest else { return edits.replace(schema, with: bytes("true")) }
        depth += 1
        defer { depth -= 1 }
        for member in document.members(of: schema) {
            let keyword = document.string(member.name) ?? ""
            switch keyword {
            case "properties": relaxProperties(member.value, of: schema, state, isFree: isFree)
            case "items" where document.kind(member.value) == .object:
                relaxElements(member.value, state, isFree: isFree)
            case "prefixItems", "items": relaxTuple(member.value, state, isFree: isFree)
            case "additionalProperties", "unevaluatedProperties", "additionalItems", "unevaluatedItems",
                "patternProperties":
                relaxOthers(keyword, member.value, schema, state, isFree: isFree)
            case "anyOf", "allOf":
                for branch in document.elements(of: member.value) { relax(branch, state, isFree: isFree) }
            case "oneOf":
                // Relaxed branches may both hold.
                widen(member, of: schema)
                for branch in document.elements(of: member.value) { relax(branch, state, isFree: isFree) }
            case "$ref": follow(member.value, schema, state, isFree: isFree)
            case "$dynamicRef", "$recursiveRef": edits.replace(schema, with: bytes("true"))
            default: if isDropped(keyword, member.value, isFree: isFree) { edits.remove(member.value) }
            }
        }
    }

    /// Limits that a redacted value might not keep.
    private func isDropped(_ keyword: ByteString, _ value: JSONDocument.Node, isFree: Bool) -> Bool {
        switch keyword {
        case "pattern", "format", "minLength", "maxLength", "contentEncoding", "contentMediaType", "contentSchema",
            "uniqueItems",
            "propertyNames", "not", "if", "then", "else", "dependentSchemas", "dependencies":
            return true
        // A number may be a removed text without its quotes.
        case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf": return true
        case "enum", "const": return isFree || holdsFinding(value)
        case "minItems", "contains", "minContains", "maxContains", "minProperties", "dependentRequired":
            return isFree || removes
        default: return false
        }
    }

    /// Whether detectors would take one of a schema's own words for somebody's data.
    private func holdsFinding(_ node: JSONDocument.Node) -> Bool {
        switch document.kind(node) {
        case .string: document.withStringBytes(node) { !scanner.findings(in: $0).isEmpty } ?? false
        case .array: document.elements(of: node).contains { holdsFinding($0) }
        case .object: document.members(of: node).contains { holdsFinding($0.name) || holdsFinding($0.value) }
        case .number: !scanner.findings(in: document.writtenText(node)).isEmpty
        case .null, .bool: false
        }
    }

    // MARK: What is in it

    private mutating func relaxProperties(
        _ properties: JSONDocument.Node, of schema: JSONDocument.Node, _ state: Int, isFree: Bool
    ) {
        for property in document.members(of: properties) {
            guard let name = document.string(property.name) else { continue }
            let inner = automaton.step(automaton.stepToPlain(state), automaton.symbol(of: name.bytes.span))
            if ways(at: inner).contains(.remove) { dropRequirement(of: name, from: schema) }
            relaxValue(property.value, inner, isFree: isFree)
        }
    }

    private mutating func relaxElements(_ element: JSONDocument.Node, _ state: Int, isFree: Bool) {
        relaxValue(element, automaton.stepToElement(state), isFree: isFree)
    }

    /// A value that rules may be about.
    private mutating func relaxValue(_ schema: JSONDocument.Node, _ state: Int, isFree: Bool) {
        let ways = ways(at: state)
        if ways.contains(.null) {
            edits.replace(schema, with: bytes("true"))
        } else if ways.contains(where: { $0 != .remove && $0 != .withhold }) {
            free(schema)
        } else {
            relax(schema, state, isFree: isFree)
        }
    }

    /// Elements by their places: a removed one would move those after it.
    private mutating func relaxTuple(_ tuple: JSONDocument.Node, _ state: Int, isFree: Bool) {
        if removes {
            edits.remove(tuple)
        } else {
            for element in document.elements(of: tuple) { relaxElements(element, state, isFree: isFree) }
        }
    }

    /// What holds for names that are not listed: any of them may be one that a path is about.
    private mutating func relaxOthers(
        _ keyword: ByteString, _ value: JSONDocument.Node, _ schema: JSONDocument.Node, _ state: Int, isFree: Bool
    ) {
        let inner =
            keyword.hasSuffix("Items")
            ? automaton.stepToElement(state) : automaton.step(automaton.stepToPlain(state), automaton.symbolOfAnyName())
        if keyword == "patternProperties" {
            // A name that was redacted fits no pattern: what stays forbidden would forbid it.
            edits.remove(value)
            if let others = document.member("additionalProperties", of: schema) { edits.remove(others) }
        } else if document.kind(value) == .object {
            if !ways(at: inner).isEmpty || isFree {
                edits.replace(value, with: bytes("true"))
            } else {
                relax(value, inner, isFree: false)
            }
        }
    }

    /// What rules do to a value in a state: one to arrays, perhaps another to anything else.
    private mutating func ways(at state: Int) -> Set<Way> {
        let plain = automaton.stepToPlain(state)
        return Set([automaton.rule(in: plain), automaton.rule(in: state)].compactMap { $0 }.map { program.ways[$0] })
    }

    /// Any value in it may change. What it refers to may be used elsewhere, so it is no longer referred to.
    private mutating func free(_ schema: JSONDocument.Node) {
        if refers(schema) {
            edits.replace(schema, with: bytes("true"))
        } else {
            relax(schema, automaton.dead, isFree: true)
        }
    }

    private func refers(_ node: JSONDocument.Node) -> Bool {
        if document.member("$ref", of: node) != nil || document.member("$dynamicRef", of: node) != nil { return true }
        return document.elements(of: node).contains { refers($0) }
            || document.members(of: node).contains { refers($0.value) }
    }

    private mutating func dropRequirement(of name: ByteString, from schema: JSONDocument.Node) {
        guard let required = document.member("required", of: schema) else { return }
        for element in document.elements(of: required) where document.isString(element, equalTo: name) {
            edits.remove(element)
        }
    }

    private mutating func widen(
        _ member: (name: JSONDocument.Node, value: JSONDocument.Node), of schema: JSONDocument.Node
    ) {
        if document.member("anyOf", of: schema) == nil {
            edits.replace(member.name, with: bytes("\"anyOf\""))
        } else {
            edits.remove(member.value)
        }
    }

    /// A reference within the document (RFC 6901 in a fragment); any other is no longer made.
    private mutating func follow(
        _ reference: JSONDocument.Node, _ schema: JSONDocument.Node, _ state: Int, isFree: Bool
    ) {
        guard let text = document.string(reference), text.hasPrefix("#"), !text.bytes.contains(0x25),
            let pointer = try? JSONPointer(ByteString(text.bytes[1...])),
            let target = document.pointer(pointer, from: root)
        else { return edits.replace(schema, with: bytes("true")) }
        relax(target, state, isFree: isFree)
    }
}

/// The words that a schema itself lists: no secret to anyone who was shown it.
func vocabulary(of schema: JSONDocument.Node, in document: JSONDocument) -> Set<ByteString> {
    var words: Set<ByteString> = []
    func collect(_ node: JSONDocument.Node, isListed: Bool) {
        if isListed, let word = document.string(node) { words.insert(word) }
        for element in document.elements(of: node) { collect(element, isListed: isListed) }
        for member in document.members(of: node) {
            let name = document.string(member.name)
            collect(member.value, isListed: isListed || name == "enum" || name == "const")
        }
    }
    collect(schema, isListed: false)
    return words
}

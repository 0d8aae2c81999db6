import Bytes
import JSON
import Policy

/// One message on its way through a redaction program.
///
/// First every value is visited once: field rules and detectors note what to change. Then everything that was removed is
/// looked for in all that remains. Only then is the message written. JSON within texts is a layer of its own, so that all
/// of this happens inside it too.
///
/// There is one of it for each message and it is large: that it can't be copied says that nobody does so in passing.
struct Pass: ~Copyable {
    let program: RedactionProgram
    let pseudonyms: Pseudonyms
    let scanner: TextScanner
    var automaton: FieldAutomaton
    var names: MessageNames
    private let sizeAtStart: Int
    var layers: [Layer] = []
    var removed: RemovedValues
    var place = RedactionPlace.other
    /// Tools that must not be told about: entries with their names are left out of lists.
    var hiddenTools: Set<ByteString> = [] {
        didSet { for name in hiddenTools { removed.add(name.bytes.span, Pseudonyms.mask) } }
    }
    /// What a result's own members are when it lists definitions: texts for people, not values that paths are about.
    var definitions: Set<ByteString> = []
    /// Whether a definition is being visited. Its texts may be patterns, which look like JSON that is broken.
    var isDefinition = false
    /// Objects in the longest array: what a result's rows are.
    var rows = 0
    /// Pseudonyms that were given, with what they stand for; only when they are to be put back some day.
    var given: [(pseudonym: [UInt8], original: [UInt8])] = []
    private let remembers: Bool
    private(set) var counts: [Int]
    private var namesReplaced = 0

    /// How deep JSON may stand in texts within JSON.
    static let deepestLayer = 5

    init(
        _ program: RedactionProgram, _ pseudonyms: Pseudonyms, vocabulary: Set<ByteString> = [], remembers: Bool = false
    ) {
        self.remembers = remembers
        self.program = program
        self.pseudonyms = pseudonyms
        scanner = TextScanner(kinds: program.kinds)
        let learnt = program.borrow()
        automaton = learnt.automaton
        names = MessageNames(learnt.names)
        sizeAtStart = learnt.automaton.size
        removed = RemovedValues(vocabulary: vocabulary)
        counts = [Int](repeating: 0, count: RedactionPlace.count * program.countsPerPlace)
    }

    /// One document: the message itself, or JSON in one of its texts.
    struct Layer {
        let document: JSONDocument
        /// What of it is to be redacted and written.
        let root: JSONDocument.Node
        /// How many texts it stands in.
        let depth: Int
        var edits = JSONEdits()
        /// Strings that were left alone, to be looked through again.
        var plain: [(node: JSONDocument.Node, place: RedactionPlace)] = []
        /// Strings in several parts, or changed in part.
        var composed: [ComposedText] = []
        /// Long numbers, which may be a removed text without its quotes.
        var numbers: [(node: JSONDocument.Node, place: RedactionPlace)] = []
        /// Strings that the protocol gives a meaning: they can't be changed, only be cause to withhold.
        var fixed: [JSONDocument.Node] = []

        init(document: JSONDocument, root: JSONDocument.Node, depth: Int) {
            self.document = document
            self.root = root
            self.depth = depth
        }
    }

    /// A string with JSON in it, or one of which parts were replaced.
    struct ComposedText {
        enum Part {
            case text([UInt8])
            /// JSON: its layer, and where it stood in the text.
            case layer(Int, Range<Int>)
        }

        let node: JSONDocument.Node
        let place: RedactionPlace
        /// The text, of which its JSON is kept as it is when nothing in that changes.
        var original: [UInt8] = []
        /// The text as it is written, when that may be copied.
        var written: EscapedText?
        var parts: [Part]
        var isChanged: Bool
        /// Whether the string is this text in base 64.
        var isBase64 = false
    }

    // MARK: Walking

    /// Visits a value that a path may lead to, and all in it.
    mutating func visit(
        _ node: JSONDocument.Node, _ document: JSONDocument, _ layer: Int, state: Int, name: Int?
    ) throws(Withheld) {
        let kind = document.kind(node)
        let state = kind == .array ? state : automaton.stepToPlain(state)
        if let rule = automaton.rule(in: state) {
            try apply(rule, to: node, document, layer)
            return
        }
        switch kind {
        case .array:
            let inner = automaton.stepToElement(state)
            var objects = 0
            var element = document.first(in: node)
            for index in 0..<document.count(of: node) {
                if index > 0 { element = document.next(after: element) }
                if document.kind(element) == .object { objects += 1 }
                if !hiddenTools.isEmpty, tellsOfHiddenTool(element, document) {
                    layers[layer].edits.remove(element)
                    noteResidue()
                    continue
                }
                try visit(element, document, layer, state: inner, name: name)
            }
            rows = max(rows, objects)
        case .object:
            var member = document.first(in: node)
            for index in 0..<document.count(of: node) {
                if index > 0 { member = document.next(after: document.value(ofName: member)) }
                let meaning = try meaning(of: member, document)
                if names.traits(meaning).contains(.replaced) { replaceName(member, meaning, layer) }
                let inner = automaton.step(state, names.symbol(meaning))
                try visit(document.value(ofName: member), document, layer, state: inner, name: meaning)
            }
        case .string:
            try visitText(node, document, layer, state: state, name: name)
        case .number:
            if document.encodedCount(node) >= RemovedValues.leastOfNumber {
                try visitNumber(node, document, layer, name: name)
            }
        case .null, .bool:
            break
        }
    }

    /// Whether an element is a hidden tool's name, or an object that is named so.
    private func tellsOfHiddenTool(_ element: JSONDocument.Node, _ document: JSONDocument) -> Bool {
        let named = [element] + ["name", "tool_name", "tool"].compactMap { document.member($0, of: element) }
        for node in named {
            if let name = document.string(node), hiddenTools.contains(name) { return true }
        }
        return false
    }

    /// What a member's name means, found or worked out.
    @inline(__always)
    mutating func meaning(of member: JSONDocument.Node, _ document: JSONDocument) throws(Withheld) -> Int {
        if let known = names.find(member, in: document) { return known }
        return try newMeaning(of: member, document)
    }

    private mutating func newMeaning(of member: JSONDocument.Node, _ document: JSONDocument) throws(Withheld) -> Int {
        let name = document.string(member)?.bytes ?? []
        let findings = scanner.findings(in: name.span)
        var replacement: [UInt8]?
        if !findings.isEmpty || name.span.first(Pseudonyms.mark, from: 0, before: name.count) != nil {
            replacement = JSONValue.encodedString(try replacedName(name, findings))
        }
        let meaning = NameMeaning(name, symbol: automaton.symbol(of: name.span), replacement: replacement)
        return names.add(meaning, fingerprint: document.fingerprint(ofName: member))
    }

    mutating func replaceName(_ member: JSONDocument.Node, _ meaning: Int, _ layer: Int) {
        if let replacement = names[meaning].replacement {
            layers[layer].edits.replace(member, with: replacement)
        }
    }

    /// Names must stay different from each other: masks are numbered.
    private mutating func replacedName(_ name: [UInt8], _ findings: [Finding]) throws(Withheld) -> [UInt8] {
        namesReplaced += 1
        var text = try replaced(name, findings)
        if text.isEmpty || text == name || text.span.first(Pseudonyms.mark, from: 0, before: text.count) != nil {
            text += bytes(" \(namesReplaced)")
        }
        return text
    }

    // MARK: Field rules

    private mutating func apply(
        _ index: Int, to node: JSONDocument.Node, _ document: JSONDocument, _ layer: Int
    ) throws(Withheld) {
        let way = program.ways[index]
        switch way {
        case .withhold:
            // Where there is nothing, nothing is withheld.
            guard document.kind(node) != .null else { return }
            throw Withheld(.rule, rule: program.fieldRules[index].group)
        case .remove:
            note(field: index)
            remember(node, document)
            layers[layer].edits.remove(node)
        case .null:
            guard document.kind(node) != .null else { return }
            note(field: index)
            remember(node, document)
            layers[layer].edits.replace(node, with: Self.null)
        case .mask, .zero, .hash, .partial, .pseudonym:
            try replaceLeaves(of: node, document, layer, index, way)
        }
        if removed.isExhausted { throw Withheld(.tooMuch) }
    }

    private static let null = bytes("null")
    private static let no = bytes("false")
    static let zero: [UInt8] = [0x30]

    /// Replaces each value in a value and keeps the form: what was an object with three members still is.
    private mutating func replaceLeaves(
        of node: JSONDocument.Node, _ document: JSONDocument, _ layer: Int, _ index: Int, _ way: Way
    ) throws(Withheld) {
        switch document.kind(node) {
        case .null:
            return
        case .bool:
            guard document.bool(node) == true else { return }
            layers[layer].edits.replace(node, with: Self.no)
        case .number:
            removed.add(document.writtenText(node), Pseudonyms.mask, isNumber: true)
            guard document.integer(node) != 0 else { return }
            layers[layer].edits.replace(node, with: Self.zero)
        case .string:
            guard !document.writtenText(node).isEmpty else { return }
            let replacement: [UInt8]
            if document.stringContainsEscapes(node) {
                let text = document.string(node)?.bytes ?? []
                replacement = replaceWhole(text.span, way)
            } else {
                replacement = replaceWhole(document.writtenText(node), way)
            }
            layers[layer].edits.replace(node, withText: replacement)
        case .array:
            for element in document.elements(of: node) { try replaceLeaves(of: element, document, layer, index, way) }
            return
        case .object:
            for member in document.members(of: node) {
                let meaning = try meaning(of: member.name, document)
                if names.traits(meaning).contains(.replaced) { replaceName(member.name, meaning, layer) }
                try replaceLeaves(of: member.value, document, layer, index, way)
            }
            return
        }
        note(field: index)
    }

    /// What stands in place of a text, which is remembered as removed.
    private mutating func replaceWhole(_ text: Span<UInt8>, _ way: Way) -> [UInt8] {
        let replacement = replacement(for: text, way, nil)
        removed.add(text, replacement.isEmpty ? Pseudonyms.mask : replacement)
        return replacement
    }

    /// Takes the texts of a value that goes away as a whole.
    private mutating func remember(_ node: JSONDocument.Node, _ document: JSONDocument) {
        switch document.kind(node) {
        case .string: if let text = document.string(node)?.bytes { removed.add(text.span, Pseudonyms.mask) }
        case .number: removed.add(document.writtenText(node), Pseudonyms.mask, isNumber: true)
        case .array: for element in document.elements(of: node) { remember(element, document) }
        case .object: for member in document.members(of: node) { remember(member.value, document) }
        case .null, .bool: break
        }
    }

    /// What stands in place of a text.
    mutating func replacement(for text: Span<UInt8>, _ way: Way, _ kind: DataKind?) -> [UInt8] {
        let replacement = pseudonyms.replacement(for: text, way, kind)
        if remembers, way == .pseudonym { given.append((replacement, ByteString(text).bytes)) }
        return replacement
    }

    // MARK: Notes

    /// Counts a change by a field rule.
    mutating func note(field rule: Int) { count(rule) }

    /// Counts a change by a detector.
    mutating func note(_ kind: DataKind) { count(program.fieldRules.count + kind.rawValue) }

    /// Counts a removed value that stood elsewhere too.
    mutating func noteResidue() { count(program.countsPerPlace - 1) }

    private mutating func count(_ what: Int) { counts[place.rawValue * program.countsPerPlace + what] += 1 }

    /// What was done, without any value.
    var facts: [RedactionFact] {
        var facts: [RedactionFact] = []
        for index in counts.indices where counts[index] > 0 { facts.append(program.fact(index, counts[index])) }
        return facts
    }

    /// The same as JSON; nil when nothing was done.
    var encodedFacts: [UInt8]? {
        for count in counts where count > 0 { return program.encodedFacts(counts) }
        return nil
    }

    /// Gives back to the program what was learnt.
    mutating func finish() {
        guard automaton.size > sizeAtStart || names.hasNew else { return }
        program.giveBack(Learnt(automaton: automaton, names: names.learnt()))
    }
}

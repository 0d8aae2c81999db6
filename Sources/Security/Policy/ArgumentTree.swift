import Bytes
import JSON

/// A rule's restrictions, arranged as the arguments are: names within names.
struct ArgumentTree: Sendable {
    /// One name, and what is below it.
    struct Branch: Sendable {
        let name: ByteString
        /// The index among the rule's restrictions, when this very place is restricted.
        var restriction: Int?
        var children: [Branch] = []
    }

    private(set) var branches: [Branch] = []
    private(set) var restrictions: [Restriction] = []

    /// One pointer with its demands.
    struct Restriction: Sendable {
        let pointer: JSONPointer
        let constraint: Constraint

        /// ``argument `/size` must be at most 200``.
        var words: String { "argument `\(pointer.text.text)` \(constraint.words)" }
    }

    init(_ restrictions: [Restriction]) {
        self.restrictions = restrictions
        for (index, restriction) in restrictions.enumerated() {
            Self.insert(restriction.pointer.tokens[...], index, into: &branches)
        }
    }

    var isEmpty: Bool { restrictions.isEmpty }

    private static func insert(_ tokens: ArraySlice<ByteString>, _ index: Int, into branches: inout [Branch]) {
        guard let name = tokens.first else { return }
        let place: Int
        if let known = branches.firstIndex(where: { $0.name == name }) {
            place = known
        } else {
            place = branches.count
            branches.append(Branch(name: name))
        }
        if tokens.count == 1 {
            branches[place].restriction = index
        } else {
            insert(tokens.dropFirst(), index, into: &branches[place].children)
        }
    }
}

/// What a rule's restrictions say about a call's arguments.
enum ArgumentsOutcome: Hashable, Sendable {
    case hold
    case fail(restriction: Int)
    case notEvaluable(restriction: Int)
}

extension ArgumentTree {
    /// Judges a call's arguments; nil stands for an empty object. One restriction that fails settles it; else one that
    /// can't be told does.
    func outcome(of arguments: JSONDocument.Node?, in document: JSONDocument, allowing: Bool) -> ArgumentsOutcome {
        var evaluation = Evaluation(restrictions: restrictions, allowing: allowing)
        evaluation.judge(branches, .node(arguments, document))
        return evaluation.outcome
    }

    /// The same for arguments that stand alone.
    func outcome(of arguments: JSONValue, allowing: Bool) -> ArgumentsOutcome {
        var evaluation = Evaluation(restrictions: restrictions, allowing: allowing)
        evaluation.judge(branches, .value(arguments))
        return evaluation.outcome
    }
}

/// Arguments as they came, or as they were made up to find out whether any would do.
private enum Place {
    case node(JSONDocument.Node?, JSONDocument)
    case value(JSONValue)

    var isObject: Bool {
        switch self {
        case .node(let node, let document): node.map { document.kind($0) == .object } ?? true
        case .value(.object): true
        case .value: false
        }
    }

    var isNull: Bool {
        switch self {
        case .node(let node, let document): node.map { document.kind($0) == .null } ?? false
        case .value(let value): value == .null
        }
    }

    var value: JSONValue {
        switch self {
        case .node(let node, let document): node.map(document.value) ?? .object([])
        case .value(let value): value
        }
    }

    func member(_ name: ByteString) -> Place? {
        switch self {
        case .node(let node, let document):
            node.flatMap { document.member(name, of: $0) }.map { .node($0, document) }
        case .value(let value): value[name].map { .value($0) }
        }
    }

    func forEachName(_ body: (Span<UInt8>) -> Void) {
        switch self {
        case .node(let node?, let document):
            document.forEachMember(of: node) { name, _ in
                document.withStringBytes(name) { body($0) }
            }
        case .node(nil, _): return
        case .value(.object(let members)): for member in members { body(member.name.bytes.span) }
        case .value: return
        }
    }
}

private struct Evaluation {
    let restrictions: [ArgumentTree.Restriction]
    let allowing: Bool
    var outcome = ArgumentsOutcome.hold
    /// Whether a name was found that may or may not be one that is restricted: nothing else matters then.
    var isAmbiguous = false

    init(restrictions: [ArgumentTree.Restriction], allowing: Bool) {
        self.restrictions = restrictions
        self.allowing = allowing
    }

    /// Judges the names of an object that restrictions speak of.
    mutating func judge(_ branches: [ArgumentTree.Branch], _ object: Place) {
        guard object.isObject else { return note(branches) }
        refuseVariants(branches, object)
        for branch in branches {
            if isSettled { return }
            if let place = object.member(branch.name) { judge(branch, place) } else { absent(branch) }
        }
    }

    private mutating func judge(_ branch: ArgumentTree.Branch, _ place: Place) {
        if let index = branch.restriction {
            note(restrictions[index].constraint.outcome(for: place.value), index)
        }
        guard !branch.children.isEmpty else { return }
        if place.isNull {
            branch.children.forEach { absent($0) }
        } else {
            judge(branch.children, place)
        }
    }

    private mutating func absent(_ branch: ArgumentTree.Branch) {
        if let index = branch.restriction {
            note(restrictions[index].constraint.outcomeWhenAbsent(allowing: allowing), index)
        }
        branch.children.forEach { absent($0) }
    }

    /// Where an object must be stands something else: what is below it can't be told.
    private mutating func note(_ branches: [ArgumentTree.Branch]) {
        for branch in branches {
            if let index = branch.restriction { note(.notEvaluable, index) }
            note(branch.children)
        }
    }

    private var isSettled: Bool {
        if case .fail = outcome { return true }
        return isAmbiguous
    }

    private mutating func note(_ result: Constraint.Outcome, _ index: Int) {
        guard !isAmbiguous else { return }
        switch (result, outcome) {
        case (.holds, _), (_, .fail), (.notEvaluable, .notEvaluable): return
        case (.fails, _): outcome = .fail(restriction: index)
        case (.notEvaluable, .hold): outcome = .notEvaluable(restriction: index)
        }
    }

    /// Some servers read `Size` as `size`. A name that differs from a restricted one by case only can't be judged.
    private mutating func refuseVariants(_ branches: [ArgumentTree.Branch], _ object: Place) {
        var variant: ArgumentTree.Branch?
        object.forEachName { name in
            guard variant == nil else { return }
            variant = branches.first { isCaseVariant(name, of: $0.name.bytes.span) }
        }
        guard let variant else { return }
        outcome = .notEvaluable(restriction: firstRestriction(of: variant))
        isAmbiguous = true
    }

    private func firstRestriction(of branch: ArgumentTree.Branch) -> Int {
        branch.restriction ?? branch.children.first.map(firstRestriction) ?? 0
    }
}

/// Whether two names differ, and differ by case only. Letters beyond ASCII that fold into it (U+017F, U+212A) count.
func isCaseVariant(_ name: Span<UInt8>, of known: Span<UInt8>) -> Bool {
    if name.count == known.count {
        var differs = false
        for index in name.indices where name[index] != known[index] {
            let folded = name[index] | 0x20
            guard folded == known[index] | 0x20, (0x61...0x7A).contains(folded) else { return false }
            differs = true
        }
        return differs
    }
    guard name.count > known.count, name.count <= 3 * known.count else { return false }
    return foldedASCII(name).span.elementsEqual(foldedASCII(known).span)
}

private func foldedASCII(_ name: Span<UInt8>) -> [UInt8] {
    var folded: [UInt8] = []
    var index = 0
    while index < name.count {
        let rest = name.count - index
        if rest >= 2, name[index] == 0xC5, name[index + 1] == 0xBF {
            folded.append(UInt8(ascii: "s"))
            index += 2
        } else if rest >= 3, name[index] == 0xE2, name[index + 1] == 0x84, name[index + 2] == 0xAA {
            folded.append(UInt8(ascii: "k"))
            index += 3
        } else {
            folded.append((0x41...0x5A).contains(name[index]) ? name[index] | 0x20 : name[index])
            index += 1
        }
    }
    return folded
}

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
        var evaluation = Evaluation(restrictions: restrictions, document: document, allowing: allowing)
        evaluation.judge(branches, arguments)
        return evaluation.outcome
    }
}

private struct Evaluation {
    let restrictions: [ArgumentTree.Restriction]
    let document: JSONDocument
    let allowing: Bool
    var outcome = ArgumentsOutcome.hold
    /// Whether a name was found that may or may not be one that is restricted: nothing else matters then.
    var isAmbiguous = false

    init(restrictions: [ArgumentTree.Restriction], document: JSONDocument, allowing: Bool) {
        self.restrictions = restrictions
        self.document = document
        self.allowing = allowing
    }

    /// Judges the names of an object that restrictions speak of.
    mutating func judge(_ branches: [ArgumentTree.Branch], _ object: JSONDocument.Node?) {
        if let object, document.kind(object) != .object { return note(branches) }
        refuseVariants(branches, object)
        for index in branches.indices {
            if isSettled { return }
            let value = object.flatMap { document.member(branches[index].name, of: $0) }
            if let value { judge(branches[index], value) } else { absent(branches[index]) }
        }
    }

    private mutating func judge(_ branch: ArgumentTree.Branch, _ value: JSONDocument.Node) {
        if let index = branch.restriction {
            note(restrictions[index].constraint.outcome(for: value, in: document), index)
        }
        guard !branch.children.isEmpty else { return }
        // Below null nothing is there.
        if document.kind(value) == .null {
            branch.children.forEach { absent($0) }
        } else {
            judge(branch.children, value)
        }
    }

    private mutating func absent(_ branch: ArgumentTree.Branch) {
        if let index = branch.restriction {
            note(restrictions[index].constraint.outcomeWhenAbsent(allowing: allowing), index)
        }
        for index in branch.children.indices { absent(branch.children[index]) }
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

    /// Some servers read `Size` as `size`. A name that differs from a restricted one by case only can't be judged, and
    /// neither can the rule, whatever else fails.
    private mutating func refuseVariants(_ branches: [ArgumentTree.Branch], _ object: JSONDocument.Node?) {
        guard let object else { return }
        var variant: Int?
        document.forEachMember(of: object) { name, _ in
            guard variant == nil else { return }
            document.withStringBytes(name) { bytes in
                for index in branches.indices {
                    let known = branches[index].name.bytes
                    if isCaseVariant(bytes, of: known.span) { variant = index }
                }
            }
        }
        guard let variant else { return }
        outcome = .notEvaluable(restriction: firstRestriction(of: branches[variant]))
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
    // Only letters of several bytes make a name longer and the same.
    guard name.count > known.count, name.count <= 3 * known.count, isBeyondASCII(name) else { return false }
    return foldedASCII(name).span.elementsEqual(foldedASCII(known).span)
}

private func isBeyondASCII(_ name: Span<UInt8>) -> Bool {
    for index in name.indices where name[index] >= 0x80 { return true }
    return false
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

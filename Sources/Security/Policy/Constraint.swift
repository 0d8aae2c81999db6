import Bytes
import Catalog
import JSON
import Pattern

/// What a rule demands of one argument: every atom of it.
struct Constraint: Sendable {
    /// One demand.
    enum Atom: Sendable {
        case absent
        case present
        case type(Set<ArgumentType>)
        /// `equals` and `enum`: scalars only.
        case oneOf([JSONValue])
        case minimum(ExactNumber, text: ByteString)
        case maximum(ExactNumber, text: ByteString)
        /// Of a text, matched whole.
        case pattern(Pattern)
        /// Of a text in code points (as JSON Schema counts), of a list in elements.
        case length(minimum: Int?, maximum: Int?)
        indirect case items(Constraint)
    }

    let atoms: [Atom]
    /// Whether `oneOf` lets the argument be left out of an allowed call.
    let isOptional: Bool

    /// What a constraint says about a value. `notEvaluable` is no `fails`: it is a no for allowing and denying rules alike.
    enum Outcome: Hashable, Sendable {
        case holds, fails, notEvaluable
    }

    /// What it says when the argument is there. One atom that fails settles it; else one that can't be told does.
    func outcome(for value: JSONValue) -> Outcome {
        var outcome = Outcome.holds
        for atom in atoms {
            switch atom.outcome(for: value) {
            case .holds: continue
            case .fails: return .fails
            case .notEvaluable: outcome = .notEvaluable
            }
        }
        return outcome
    }

    /// The same for a value of a message: most are settled without copying it.
    func outcome(for node: JSONDocument.Node, in document: JSONDocument) -> Outcome {
        var outcome = Outcome.holds
        var value: JSONValue?
        for atom in atoms {
            let own: Outcome
            if let quick = atom.quickOutcome(for: node, in: document) {
                own = quick
            } else {
                let copy = value ?? document.value(node)
                value = copy
                own = atom.outcome(for: copy)
            }
            switch own {
            case .holds: continue
            case .fails: return .fails
            case .notEvaluable: outcome = .notEvaluable
            }
        }
        return outcome
    }

    /// What it says when the argument isn't there. An allowing rule restricts what is sent, so bounds on something that
    /// isn't sent hold, but a choice of values must be made; a denying rule speaks of what is sent, so they don't.
    func outcomeWhenAbsent(allowing: Bool) -> Outcome {
        for atom in atoms {
            switch atom {
            case .absent: return .holds
            case .present: return .fails
            case .oneOf where !(allowing && isOptional): return .fails
            default: continue
            }
        }
        return allowing ? .holds : .fails
    }

    /// The atoms in words, such as `an integer, at most 200`.
    var words: String { atoms.map(\.words).joined(separator: ", ") }
}

/// The types that `type` knows, JSON Schema's.
enum ArgumentType: String, Hashable, Sendable, CaseIterable {
    case null, boolean, integer, number, string, array, object

    /// A whole number is an integer however it is written: `1.0`, `1e2`.
    func includes(_ value: JSONValue) -> Bool {
        switch (self, value) {
        case (.null, .null), (.boolean, .bool), (.number, .number), (.string, .string), (.array, .array),
            (.object, .object):
            true
        case (.integer, .number(let text)): ExactNumber(text)?.isWhole ?? false
        default: false
        }
    }
}

extension Constraint.Atom {
    func outcome(for value: JSONValue) -> Constraint.Outcome {
        switch self {
        case .absent: return .fails
        case .present: return .holds
        case .type(let types): return types.contains { $0.includes(value) } ? .holds : .fails
        case .oneOf(let choices): return choices.contains { isEqual($0, value) } ? .holds : .fails
        case .minimum(let bound, _): return compare(value) { $0 >= bound }
        case .maximum(let bound, _): return compare(value) { $0 <= bound }
        case .pattern(let pattern): return Self.outcome(of: pattern, value)
        case .length(let minimum, let maximum):
            guard let count = lengthForSchema(of: value) else { return .notEvaluable }
            return count >= minimum ?? 0 && count <= maximum ?? Int.max ? .holds : .fails
        case .items(let each):
            guard case .array(let elements) = value else { return .notEvaluable }
            return elements.reduce(.holds) { worst($0, each.outcome(for: $1)) }
        }
    }

    /// What can be said without copying the value; nil when that is needed.
    func quickOutcome(for node: JSONDocument.Node, in document: JSONDocument) -> Constraint.Outcome? {
        switch self {
        case .absent: return .fails
        case .present: return .holds
        case .type(let types):
            let type: ArgumentType
            switch document.kind(node) {
            case .null: type = .null
            case .bool: type = .boolean
            case .string: type = .string
            case .array: type = .array
            case .object: type = .object
            case .number:
                guard document.integer(node) != nil else { return nil }
                return types.contains(.integer) || types.contains(.number) ? .holds : .fails
            }
            return types.contains(type) ? .holds : .fails
        case .minimum(let bound, _):
            guard let value = document.integer(node), let least = bound.whole else { return nil }
            return value >= least ? .holds : .fails
        case .maximum(let bound, _):
            guard let value = document.integer(node), let most = bound.whole else { return nil }
            return value <= most ? .holds : .fails
        case .oneOf, .pattern, .length, .items: return nil
        }
    }

    /// A number that isn't one, or that can't be compared, is no answer.
    private func compare(_ value: JSONValue, _ isWithin: (ExactNumber) -> Bool) -> Constraint.Outcome {
        guard case .number(let text) = value, let number = ExactNumber(text) else { return .notEvaluable }
        return isWithin(number) ? .holds : .fails
    }

    private static func outcome(of pattern: Pattern, _ value: JSONValue) -> Constraint.Outcome {
        guard case .string(let text) = value else { return .notEvaluable }
        do throws(MatchFailure) {
            return try pattern.matches(text.bytes.span) ? .holds : .fails
        } catch {
            return .notEvaluable
        }
    }

    var words: String {
        switch self {
        case .absent: "must be left out"
        case .present: "must be given"
        case .type(let types): "must be of type " + types.map(\.rawValue).sorted().joined(separator: " or ")
        case .oneOf(let choices): "must be " + choices.map { ByteString($0.encoded()).text }.joined(separator: " or ")
        case .minimum(_, let text): "must be at least \(text.text)"
        case .maximum(_, let text): "must be at most \(text.text)"
        case .pattern(let pattern): "must match `\(pattern.text)`"
        case .length(let minimum, let maximum):
            switch (minimum, maximum) {
            case (let minimum?, nil): "must have at least \(minimum) elements or characters"
            case (nil, let maximum?): "must have at most \(maximum) elements or characters"
            default: "must have \(minimum ?? 0) to \(maximum ?? 0) elements or characters"
            }
        case .items(let each): "each element " + each.words
        }
    }
}

/// Of two outcomes the one that settles more: fails, then not evaluable.
private func worst(_ left: Constraint.Outcome, _ right: Constraint.Outcome) -> Constraint.Outcome {
    if left == .fails || right == .fails { return .fails }
    return left == .notEvaluable || right == .notEvaluable ? .notEvaluable : .holds
}

/// Scalars by value: numbers exactly, texts as bytes.
func isEqual(_ left: JSONValue, _ right: JSONValue) -> Bool {
    if case .number(let first) = left, case .number(let second) = right {
        guard let first = ExactNumber(first), let second = ExactNumber(second) else { return false }
        return first == second
    }
    return left == right
}

/// Code points of a text, elements of a list; nil for anything else.
func lengthForSchema(of value: JSONValue) -> Int? {
    switch value {
    // Every byte but a continuation byte begins a code point.
    case .string(let text): text.bytes.count { $0 & 0xC0 != 0x80 }
    case .array(let elements): elements.count
    default: nil
    }
}

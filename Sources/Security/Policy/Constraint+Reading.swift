import Bytes
import Catalog
import JSON
import Pattern
import YAML

extension Constraint {
    private static let keys = [
        "absent", "present", "optional", "type", "enum", "equals", "minimum", "maximum", "pattern", "length", "items",
    ]

    /// Reads the demands on one argument; mistakes go to `reading`.
    init?(_ node: Node, _ reading: Reading) {
        guard let fields = reading.fields(of: node, "an argument's restriction", Self.keys, nullable: ["equals"]) else {
            return nil
        }
        let mistakesBefore = reading.problems.count
        var atoms: [Atom] = []
        if let node = fields["absent"], reading.mustBeTrue(node) { atoms.append(.absent) }
        if let node = fields["present"], reading.mustBeTrue(node) { atoms.append(.present) }
        if let types = fields.optional("type", { Self.types($0, reading) }) { atoms.append(.type(types)) }
        if let choices = Self.choices(fields, reading) { atoms.append(.oneOf(choices)) }
        if let bound = fields.optional("minimum", { Self.bound($0, reading) }) {
            atoms.append(.minimum(bound.number, text: bound.text))
        }
        if let bound = fields.optional("maximum", { Self.bound($0, reading) }) {
            atoms.append(.maximum(bound.number, text: bound.text))
        }
        if let length = fields.optional("length", { Self.length($0, reading) }) { atoms.append(length) }
        if let items = fields.optional("items", { Constraint($0, reading) }) { atoms.append(.items(items)) }
        if let pattern = fields.optional("pattern", { Self.pattern($0, reading) }) { atoms.append(.pattern(pattern)) }
        isOptional = fields.optional("optional", default: false, reading.bool)
        self.atoms = atoms
        // What couldn't be read is told already; what follows from it isn't worth telling.
        guard reading.problems.count == mistakesBefore else { return nil }
        if atoms.isEmpty { reading.mistake(node, "the restriction demands nothing") }
        checkContradictions(fields, reading)
    }

    private static func types(_ node: Node, _ reading: Reading) -> Set<ArgumentType>? {
        let nodes = node.elements ?? [node]
        if nodes.isEmpty { reading.mistake(node, "`type` is empty") }
        let known = ArgumentType.allCases.map(\.rawValue)
        return Set(
            nodes.compactMap { node in
                guard let word = reading.text(node) else { return nil }
                if let type = ArgumentType(rawValue: word) { return type }
                reading.mistake(
                    node, "unknown type `\(word)`",
                    hint: suggestion(for: word, among: known) ?? "use \(listed(known, "or"))")
                return nil
            })
    }

    /// `enum` is a list, `equals` one value; texts need no quotes unless they look like something else.
    private static func choices(_ fields: Fields, _ reading: Reading) -> [JSONValue]? {
        let single = fields.node.value(of: "equals").map { [$0] }
        if single != nil, fields.has("enum") {
            reading.mistake(fields.node, "`equals` and `enum` together are one list too many")
        }
        guard let nodes = single ?? fields["enum"].flatMap(reading.list) else { return nil }
        if nodes.isEmpty, let list = fields["enum"] { reading.mistake(list, "`enum` is empty") }
        return nodes.compactMap { node in
            guard let scalar = node.scalar else {
                reading.mistake(node, "expected a text, a number, a boolean or null, found \(node.kindForPeople)")
                return nil
            }
            return JSONValue(scalar)
        }
    }

    private static func bound(_ node: Node, _ reading: Reading) -> (number: ExactNumber, text: ByteString)? {
        if let scalar = node.scalar, scalar.isPlain, let number = ExactNumber(scalar.bytes) {
            return (number, scalar.bytes)
        }
        reading.mistake(node, "expected a number, found \(node.kindForPeople)")
        return nil
    }

    private static func length(_ node: Node, _ reading: Reading) -> Atom? {
        guard let fields = reading.fields(of: node, "`length`", ["minimum", "maximum"]) else { return nil }
        let minimum = fields.optional("minimum") { reading.int($0, in: 0...(1 << 30)) }
        let maximum = fields.optional("maximum") { reading.int($0, in: 0...(1 << 30)) }
        if minimum == nil, maximum == nil { reading.mistake(node, "`length` needs `minimum` or `maximum`") }
        return .length(minimum: minimum, maximum: maximum)
    }

    private static func pattern(_ node: Node, _ reading: Reading) -> Pattern? {
        guard let text = reading.nonEmptyText(node) else { return nil }
        do throws(PatternFailure) {
            return try Pattern(text, matching: .whole)
        } catch {
            reading.mistake(node, "`\(text)` is not a regular expression: \(error)")
            return nil
        }
    }

    /// Demands that no value can meet, or that say nothing beside each other.
    private func checkContradictions(_ fields: Fields, _ reading: Reading) {
        let isAbsent = atoms.contains { if case .absent = $0 { true } else { false } }
        if isAbsent, atoms.count > 1 {
            reading.mistake(fields.node, "an argument that must be absent can't be restricted further")
        } else if !isAbsent, !atoms.isEmpty, !Witness.canHold(self) {
            reading.mistake(fields.node, "no value can meet all of this")
        }
        let hasChoices = fields.has("enum") || fields.node.value(of: "equals") != nil
        if fields.has("optional"), !hasChoices {
            reading.mistake(
                fields.node, "`optional` belongs to `enum` and `equals`",
                hint: "other restrictions hold when it is absent")
        }
        guard let types = fields["type"] else { return }
        for (key, fitting) in Self.fittingTypes where fields.has(key) {
            let named = Set(
                (types.elements ?? [types]).compactMap { $0.scalar.flatMap { ArgumentType(rawValue: $0.text) } })
            if named.isDisjoint(with: fitting) {
                reading.mistake(types, "`\(key)` says nothing about this type")
            }
        }
    }

    private static let fittingTypes: [(String, Set<ArgumentType>)] = [
        ("minimum", [.integer, .number]), ("maximum", [.integer, .number]), ("pattern", [.string]),
        ("length", [.string, .array]), ("items", [.array]),
    ]
}

extension Reading {
    fileprivate func mustBeTrue(_ node: Node) -> Bool {
        guard let value = bool(node) else { return false }
        if !value { mistake(node, "only `true` has a meaning here", hint: "leave it out") }
        return value
    }
}

extension JSONValue {
    /// A YAML scalar as JSON: quoted is a text; plain is what JSON would read, else a text.
    init(_ scalar: Scalar) {
        if !scalar.isPlain {
            self = .string(scalar.bytes)
        } else if scalar.isNull {
            self = .null
        } else if scalar.isText("true") || scalar.isText("false") {
            self = .bool(scalar.isText("true"))
        } else if ExactNumber(scalar.bytes) != nil {
            self = .number(scalar.bytes)
        } else {
            self = .string(scalar.bytes)
        }
    }
}

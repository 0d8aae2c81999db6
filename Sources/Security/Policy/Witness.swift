import Bytes
import Catalog
import JSON

/// Finds arguments that some rule allows and no rule denies, so that a tool is listed exactly when there are any.
///
/// Values are tried, not calculated: every number, length and choice that a demand names, and their neighbours, are judged
/// by the same code that judges calls. Where only a text that matches a pattern could do, one is assumed to exist.
enum Witness {
    /// What was found.
    struct Found: Sendable {
        /// Arguments that would be allowed, when they aren't assumed.
        let arguments: JSONValue
        /// Whether a text was assumed that matches a pattern, or the search was cut short.
        let isAssumed: Bool
    }

    /// How many ways to escape denying rules are tried before arguments are assumed to exist.
    static let attemptLimit = 4_096

    /// Whether any value at all meets a constraint.
    static func canHold(_ constraint: Constraint) -> Bool {
        WitnessTree.value(meeting: [.hold(constraint)]) != nil
    }

    /// Arguments that one rule allows, that none of the others denies, and that the vendor's schema takes as far as it is
    /// understood here.
    ///
    /// - Parameter names: The names that the rule accepts at all; nil for any.
    static func arguments(
        allowedBy allow: ArgumentTree, names: Set<ByteString>? = nil, deniedByNone denies: [ArgumentTree],
        schema: JSONValue?
    ) -> Found? {
        var tree = WitnessTree()
        if let schema { tree.demand(schema: schema, depth: 0) }
        tree.restrict(to: names)
        for restriction in allow.restrictions {
            tree.demand(.hold(restriction.constraint), at: restriction.pointer.tokens[...])
        }
        var attempts = 0
        return search(tree, denies[...], &attempts)
    }

    /// To escape a denying rule, one of its restrictions must fail: each is tried in turn.
    private static func search(
        _ tree: WitnessTree, _ denies: ArraySlice<ArgumentTree>, _ attempts: inout Int
    ) -> Found? {
        guard let deny = denies.first else {
            attempts += 1
            return tree.arguments()
        }
        for restriction in deny.restrictions {
            guard attempts < attemptLimit else { return Found(arguments: .object([]), isAssumed: true) }
            var narrower = tree
            narrower.demand(.fail(restriction.constraint), at: restriction.pointer.tokens[...])
            if let found = search(narrower, denies.dropFirst(), &attempts) { return found }
        }
        return nil
    }
}

/// What is demanded of each place in the arguments.
struct WitnessTree {
    enum Demand {
        /// An allowing rule's restriction must hold.
        case hold(Constraint)
        /// A denying rule's restriction must fail.
        case fail(Constraint)
        /// The vendor's schema must take it.
        case schema(Constraint, isRequired: Bool)

        var constraint: Constraint {
            switch self {
            case .hold(let constraint), .fail(let constraint), .schema(let constraint, _): constraint
            }
        }

        func isMet(by value: JSONValue) -> Bool {
            if case .fail(let constraint) = self { return constraint.outcome(for: value) == .fails }
            return constraint.outcome(for: value) == .holds
        }

        func isMetByNothing(inObject: Bool) -> Bool {
            switch self {
            case .hold(let constraint): constraint.outcomeWhenAbsent(allowing: true) == .holds
            case .fail(let constraint): constraint.outcomeWhenAbsent(allowing: false) == .fails
            case .schema(_, let isRequired): !(isRequired && inObject)
            }
        }
    }

    private struct Place {
        let name: ByteString
        var tree = WitnessTree()
    }

    private var demands: [Demand] = []
    private var places: [Place] = []
    /// The names that the vendor's schema knows here; nil when it takes others as well.
    private var declared: Set<ByteString>?

    mutating func demand(_ demand: Demand, at tokens: ArraySlice<ByteString>) {
        guard let name = tokens.first else {
            demands.append(demand)
            return
        }
        withPlace(name) { $0.demand(demand, at: tokens.dropFirst()) }
    }

    /// Leaves only these names at the top.
    mutating func restrict(to names: Set<ByteString>?) {
        guard let names else { return }
        declared = declared.map { $0.intersection(names) } ?? names
    }

    private mutating func withPlace(_ name: ByteString, _ body: (inout WitnessTree) -> Void) {
        if let known = places.firstIndex(where: { $0.name == name }) {
            body(&places[known].tree)
        } else {
            var place = Place(name: name)
            body(&place.tree)
            places.append(place)
        }
    }

    /// What the vendor's schema of an object demands of its members, as far as it is understood.
    mutating func demand(schema: JSONValue, depth: Int) {
        let required = (schema["required"]?.elements ?? []).compactMap(\.stringValue)
        let properties = schema["properties"]?.members ?? []
        declared = schema.acceptsOtherNames ? nil : schema.declaredNames
        for property in properties where depth < 4 {
            withPlace(property.name) { place in
                let constraint = Constraint(understoodOf: property.value)
                place.demand(.schema(constraint, isRequired: required.contains(property.name)), at: [])
                if property.value["type"]?.stringValue == "object" {
                    place.demand(schema: property.value, depth: depth + 1)
                }
            }
        }
        for name in required where !properties.contains(where: { $0.name == name }) {
            demand(.schema(Constraint(atoms: [], isOptional: false), isRequired: true), at: [name])
        }
    }

    /// An object that meets every demand.
    func arguments() -> Witness.Found? {
        objectMeetingDemands()
    }

    private func objectMeetingDemands() -> Witness.Found? {
        var members: [JSONMember] = []
        var isAssumed = false
        for place in places {
            if place.tree.isMetByNothing(inObject: true) { continue }
            // A rule that demands an argument which the tool doesn't know was not made for this tool.
            guard declared?.contains(place.name) != false, let found = place.tree.value() else { return nil }
            members.append(JSONMember(place.name, found.arguments))
            isAssumed = isAssumed || found.isAssumed
        }
        let object = JSONValue.object(members)
        return demands.allSatisfy { $0.isMet(by: object) } ? .init(arguments: object, isAssumed: isAssumed) : nil
    }

    private func isMetByNothing(inObject: Bool) -> Bool {
        demands.allSatisfy { $0.isMetByNothing(inObject: inObject) }
            && places.allSatisfy { $0.tree.isMetByNothing(inObject: false) }
    }

    private func value() -> Witness.Found? {
        guard !places.isEmpty else { return Self.value(meeting: demands) }
        // Below null nothing is there.
        if demands.allSatisfy({ $0.isMet(by: .null) }), places.allSatisfy({ $0.tree.isMetByNothing(inObject: false) }) {
            return .init(arguments: .null, isAssumed: false)
        }
        return objectMeetingDemands()
    }

    /// A value that meets every demand.
    static func value(meeting demands: [Demand]) -> Witness.Found? {
        let candidates = Candidates(demands.map(\.constraint)).values
        if let found = candidates.first(where: { value in demands.allSatisfy { $0.isMet(by: value) } }) {
            return .init(arguments: found, isAssumed: false)
        }
        // Where a choice must be made, every choice was tried.
        let mustChoose = demands.contains { demand in
            if case .fail = demand { return false }
            return demand.constraint.atoms.contains { if case .oneOf = $0 { true } else { false } }
        }
        guard !mustChoose, demands.contains(where: { $0.constraint.hasPattern }) else { return nil }
        let others = demands.compactMap(\.withoutPattern)
        let text = candidates.first { value in
            guard case .string = value else { return false }
            return others.allSatisfy { $0.isMet(by: value) }
        }
        return text.map { .init(arguments: $0, isAssumed: true) }
    }
}

extension WitnessTree.Demand {
    /// What is left when texts are assumed to match, or not to match, as needed. Choices are texts that were tried.
    fileprivate var withoutPattern: WitnessTree.Demand? {
        guard constraint.hasPattern else { return self }
        let rest = Constraint(
            atoms: constraint.atoms.filter { if case .pattern = $0 { false } else { true } },
            isOptional: constraint.isOptional)
        switch self {
        case .hold: return .hold(rest)
        case .schema(_, let isRequired): return .schema(rest, isRequired: isRequired)
        case .fail: return nil
        }
    }
}

/// Values worth trying for some constraints.
private struct Candidates {
    private(set) var values: [JSONValue] = [.null, .bool(true), .bool(false), .number("0"), .number("1"), .object([])]
    private var lengths: Set<Int> = [0, 1, 2]
    private var elements: [JSONValue] = []

    init(_ constraints: [Constraint]) {
        for atom in constraints.flatMap(\.atoms) { add(atom) }
        // Three letters, so that no two choices of one length can use them all up.
        for length in lengths.sorted() where length <= 100_000 {
            for letter in ["q", "z", "7"] { values.append(.text(String(repeating: letter, count: length))) }
        }
        for length in lengths.sorted() where length <= 10_000 {
            for element in elements + [.null] { values.append(.array(Array(repeating: element, count: length))) }
        }
    }

    private mutating func add(_ atom: Constraint.Atom) {
        switch atom {
        case .oneOf(let choices):
            for choice in choices {
                values.append(choice)
                if case .number(let text) = choice, let number = ExactNumber(text) { add(number) }
                if let length = lengthForSchema(of: choice) { lengths.formUnion([length, length + 1]) }
            }
        case .minimum(let number, let text), .maximum(let number, let text):
            values.append(.number(text))
            add(number)
        case .length(let minimum, let maximum):
            for bound in [minimum, maximum].compactMap({ $0 }) {
                lengths.formUnion([max(bound - 1, 0), bound, bound + 1])
            }
        case .items(let each):
            elements += [WitnessTree.value(meeting: [.hold(each)]), WitnessTree.value(meeting: [.fail(each)])]
                .compactMap {
                    $0?.arguments
                }
        case .absent, .present, .type, .pattern: return
        }
    }

    private mutating func add(_ number: ExactNumber) {
        values += number.neighbours.map { .number($0) }
    }
}

extension Constraint {
    var hasPattern: Bool { atoms.contains { if case .pattern = $0 { true } else { false } } }

    /// What a vendor's schema of one value demands, as far as it is understood: a value that fails this fails the schema.
    fileprivate init(understoodOf schema: JSONValue) {
        var atoms: [Atom] = []
        let types = (schema["type"]?.elements ?? schema["type"].map { [$0] } ?? [])
            .compactMap { $0.stringValue.flatMap { ArgumentType(rawValue: $0.text) } }
        if !types.isEmpty { atoms.append(.type(Set(types))) }
        let choices = schema["enum"]?.elements ?? schema["const"].map { [$0] }
        if let choices, choices.allSatisfy(\.isScalar) { atoms.append(.oneOf(choices)) }
        // Bounds say nothing about other types in JSON Schema; here they need their own.
        if Set(types).isSubset(of: [.integer, .number]), !types.isEmpty {
            if case .number(let text) = schema["minimum"], let number = ExactNumber(text) {
                atoms.append(.minimum(number, text: text))
            }
            if case .number(let text) = schema["maximum"], let number = ExactNumber(text) {
                atoms.append(.maximum(number, text: text))
            }
        }
        if types == [.string] || types == [.array] {
            let names: (ByteString, ByteString) =
                types == [.string] ? ("minLength", "maxLength") : ("minItems", "maxItems")
            let (minimum, maximum) = (schema[names.0]?.count, schema[names.1]?.count)
            if minimum != nil || maximum != nil { atoms.append(.length(minimum: minimum, maximum: maximum)) }
        }
        if types == [.array], let items = schema["items"], items.members != nil {
            atoms.append(.items(Constraint(understoodOf: items)))
        }
        self.init(atoms: atoms, isOptional: true)
    }
}

extension JSONValue {
    var elements: [JSONValue]? {
        guard case .array(let elements) = self else { return nil }
        return elements
    }

    var members: [JSONMember]? {
        guard case .object(let members) = self else { return nil }
        return members
    }

    var isScalar: Bool {
        switch self {
        case .array, .object: false
        default: true
        }
    }

    /// Whether a schema of an object takes names that it doesn't declare. JSON Schema's default is yes, but a tool that names
    /// its arguments ignores others, and what it ignores restricts nothing; only a schema that says so takes them.
    var acceptsOtherNames: Bool {
        if self["patternProperties"] != nil || self["$ref"] != nil { return true }
        for keyword in ["allOf", "anyOf", "oneOf"] as [ByteString] where self[keyword] != nil { return true }
        guard let others = self["additionalProperties"] else { return self["properties"] == nil }
        return others != .bool(false)
    }

    /// The names that a schema of an object takes for certain: those it declares, and those it demands without declaring
    /// them, unless it refuses what it doesn't declare and so contradicts itself.
    var declaredNames: Set<ByteString> {
        let declared = Set((self["properties"]?.members ?? []).map(\.name))
        guard self["additionalProperties"] != .bool(false) else { return declared }
        return declared.union((self["required"]?.elements ?? []).compactMap(\.stringValue))
    }

    /// A number of things: whole, not negative, small.
    var count: Int? {
        guard case .number(let text) = self, let count = Int(text.text), (0...(1 << 30)).contains(count) else {
            return nil
        }
        return count
    }
}

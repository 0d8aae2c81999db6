import Bytes
import Catalog
import JSON

/// Rewrites a tool's input schema so that what it admits is what would be allowed: choices and bounds are tightened,
/// arguments that must be absent are left out, denied values are excluded.
///
/// What JSON Schema can't say portably (patterns beyond what every dialect shares, restrictions below lists) is left wider;
/// such a call is still denied when it comes. When several rules allow a tool under different restrictions, the schema
/// shows those of the one that leaves most of the tool's arguments.
struct Narrowing {
    private let allow: ArgumentTree
    private let isClosed: Bool
    private let denies: [ArgumentTree]

    private let schema: JSONValue

    /// - Parameters:
    ///   - schema: The vendor's.
    ///   - allowing: Rules that allow some arguments; at least one.
    init(_ schema: JSONValue, allowing: [Rule], denying: [ArgumentTree]) {
        self.schema = schema
        let widest = allowing.filter { rule in !allowing.contains { $0.isWider(than: rule) } }
        let rule = widest.min { $0.cost(to: schema) < $1.cost(to: schema) } ?? allowing.first
        allow = rule?.arguments ?? ArgumentTree([])
        isClosed = rule?.grant?.allowsAdditional == false
        denies = denying
    }

    /// The schema to show; nil when it would admit nothing.
    func narrowed() -> JSONValue? {
        var object = SchemaObject(schema)
        object.restrict(allow.branches, allow.restrictions)
        if isClosed { object.close() }
        for deny in denies { object.exclude(deny) }
        return object.value.admitsNothing ? nil : object.value
    }
}

extension Rule {
    /// Whether this rule allows whatever the other does, and more. By what is written, not by what it means.
    fileprivate func isWider(than other: Rule) -> Bool {
        let (mine, others) = (Set(arguments.restrictions.map(\.words)), Set(other.arguments.restrictions.map(\.words)))
        let (isOpen, otherIsOpen) = (grant?.allowsAdditional == true, other.grant?.allowsAdditional == true)
        return mine.isSubset(of: others) && (isOpen || !otherIsOpen) && (mine != others || isOpen != otherIsOpen)
    }
}

extension Rule {
    /// What showing this rule's restrictions takes away: first arguments, then their freedom.
    fileprivate func cost(to schema: JSONValue) -> Int {
        arguments.restrictions.reduce(0) { cost, restriction in
            guard let name = restriction.pointer.tokens.first, schema["properties"]?[name] != nil else { return cost }
            return cost + (restriction.constraint.isAbsent ? 1_000 : 1)
        }
    }
}

/// A JSON schema of an object, being rewritten.
struct SchemaObject {
    private(set) var value: JSONValue
    /// Whether the vendor's schema takes names that it doesn't declare.
    private let isOpen: Bool

    init(_ value: JSONValue) {
        self.value = value
        isOpen = value.acceptsOtherNames
    }

    // MARK: What an allowing rule demands

    mutating func restrict(_ branches: [ArgumentTree.Branch], _ restrictions: [ArgumentTree.Restriction]) {
        for branch in branches {
            let constraint = branch.restriction.map { restrictions[$0].constraint }
            if constraint?.isAbsent == true {
                leaveOut(branch.name)
                continue
            }
            if !isDeclared(branch.name), !isOpen {
                // The tool doesn't know it; whoever sends it all the same is told no.
                close()
                continue
            }
            var property = value["properties"]?[branch.name] ?? .object([])
            var isRequired = branch.isRequired(restrictions)
            if let constraint {
                if let fallback = property["default"], constraint.outcome(for: fallback) != .holds {
                    // Leaving the argument out would choose a value that isn't allowed.
                    property.remove("default")
                    isRequired = true
                }
                property = constraint.tightened(property)
            }
            if !branch.children.isEmpty {
                var inner = SchemaObject(Constraint(atoms: [.type([.object])], isOptional: true).tightened(property))
                inner.restrict(branch.children, restrictions)
                property = inner.value
            }
            if property.admitsNothing {
                // The vendor takes no value that would be allowed. When the argument had to be given, the tool is hidden.
                leaveOut(branch.name)
                continue
            }
            setProperty(branch.name, property)
            if isRequired { require(branch.name) }
        }
    }

    /// Arguments beyond the named ones are refused.
    mutating func close() {
        for name in value.declaredNames where value["properties"]?[name] == nil { setProperty(name, .object([])) }
        value.set("additionalProperties", .bool(false))
        value.remove("patternProperties")
    }

    private mutating func leaveOut(_ name: ByteString) {
        if value["required"]?.elements?.contains(.string(name)) == true {
            // The vendor demands what may not be given: no object will do.
            value = .bool(false)
            return
        }
        if var properties = value["properties"] {
            properties.remove(name)
            value.set("properties", properties)
        }
        if isOpen {
            forbid(["required": .array([.string(name)])])
        } else {
            close()
        }
    }

    private func isDeclared(_ name: ByteString) -> Bool { value.declaredNames.contains(name) }

    private mutating func setProperty(_ name: ByteString, _ property: JSONValue) {
        var properties = value["properties"] ?? .object([])
        properties.set(name, property)
        value.set("properties", properties)
    }

    private mutating func require(_ name: ByteString) {
        let required = value["required"]?.elements ?? []
        if !required.contains(.string(name)) { value.set("required", .array(required + [.string(name)])) }
    }

    // MARK: What a denying rule excludes

    mutating func exclude(_ deny: ArgumentTree) {
        if deny.restrictions.count == 1, let only = deny.restrictions.first, only.pointer.tokens.count == 1 {
            return exclude(only.pointer.tokens[0], only.constraint)
        }
        guard let denied = Self.schema(of: deny.branches, deny.restrictions) else { return }
        forbid(denied)
    }

    private mutating func exclude(_ name: ByteString, _ constraint: Constraint) {
        if constraint.isAbsent { return require(name) }
        if constraint.isPresent { return leaveOut(name) }
        if !isDeclared(name), !isOpen { return close() }
        guard let denied = constraint.schema else { return }
        let property = value["properties"]?[name] ?? .object([])
        if let choices = property["enum"]?.elements {
            var narrower = property
            narrower.set("enum", .array(choices.filter { constraint.outcome(for: $0) == .fails }))
            return narrower.admitsNothing ? leaveOut(name) : setProperty(name, narrower)
        }
        setProperty(name, property.forbidding(denied))
    }

    private mutating func forbid(_ denied: JSONValue) {
        value = value.forbidding(denied)
    }

    /// A schema that admits what the restrictions are about: every named argument there, and as described. Nil when it
    /// can't be said; then nothing is excluded.
    private static func schema(
        of branches: [ArgumentTree.Branch], _ restrictions: [ArgumentTree.Restriction]
    ) -> JSONValue? {
        var required: [JSONValue] = []
        var properties: [JSONMember] = []
        var absent: [JSONValue] = []
        for branch in branches {
            let constraint = branch.restriction.map { restrictions[$0].constraint }
            if constraint?.isAbsent == true {
                // Where something stands that is no object, nothing can be told, which is a no as well.
                absent.append(["type": "object", "required": .array([.string(branch.name)])])
                continue
            }
            var parts: [JSONValue] = []
            if let constraint {
                guard let schema = constraint.schema else { return nil }
                parts.append(schema)
            }
            if !branch.children.isEmpty {
                guard let schema = schema(of: branch.children, restrictions) else { return nil }
                parts.append(schema)
            }
            if branch.isRequiredToBeDenied(restrictions) { required.append(.string(branch.name)) }
            properties.append(JSONMember(branch.name, parts.count == 1 ? parts[0] : ["allOf": .array(parts)]))
        }
        var schema: JSONValue = ["required": .array(required), "properties": .object(properties)]
        if !absent.isEmpty { schema.set("not", ["anyOf": .array(absent)]) }
        return schema
    }
}

extension ArgumentTree.Branch {
    /// Whether an allowed call must give this argument.
    fileprivate func isRequired(_ restrictions: [ArgumentTree.Restriction]) -> Bool {
        if let restriction, restrictions[restriction].constraint.outcomeWhenAbsent(allowing: true) == .fails {
            return true
        }
        return children.contains { $0.isRequired(restrictions) }
    }

    /// Whether a denied call must give it: all that is restricted to be absent may be missing with it.
    fileprivate func isRequiredToBeDenied(_ restrictions: [ArgumentTree.Restriction]) -> Bool {
        if restriction != nil { return true }
        return children.contains { child in
            child.restriction.map { !restrictions[$0].constraint.isAbsent } ?? child.isRequiredToBeDenied(restrictions)
        }
    }
}

import Bytes
import Catalog
import JSON
import MCP
import Pattern
import Testing

@testable import Policy

/// Made-up policies, schemas and arguments from a small world, the same for the same seed.
private struct World {
    var state: UInt64

    mutating func number(below bound: Int) -> Int {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((mixed ^ (mixed >> 31)) % UInt64(bound))
    }

    mutating func pick<Value>(_ values: [Value]) -> Value { values[number(below: values.count)] }

    mutating func chance(_ percent: Int) -> Bool { number(below: 100) < percent }

    // MARK: Policies

    static let pointers = ["/a", "/b", "/o", "/o/x", "/o/y"]

    mutating func constraint() -> String {
        switch number(below: 13) {
        case 0: return "{absent: true}"
        case 1: return "{present: true}"
        case 2:
            return "{type: \(pick(["integer", "number", "string", "boolean", "array", "object", "[string, integer]"]))}"
        case 3: return "{enum: [\(pick(["1, 2", "x, y", "true, 1", "x, 3, 5", "null, x"]))]}"
        case 4: return "{enum: [\(pick(["1, 2", "x, y", "y, 5"]))], optional: true}"
        case 5: return "{equals: \(pick(["1", "x", "true", "5", "null", "\"1\""]))}"
        case 6: return "{minimum: \(pick(["1", "2", "4.5", "-1"]))}"
        case 7: return "{maximum: \(pick(["1", "2", "4.5", "1e1"]))}"
        case 8: return "{type: integer, minimum: \(pick(["1", "2"])), maximum: \(pick(["3", "5"]))}"
        case 9: return "{length: {minimum: \(pick(["1", "2"]))}}"
        case 10: return "{length: {maximum: \(pick(["0", "1", "2"]))}}"
        case 11: return "{items: {enum: [x, y]}}"
        default: return "{pattern: \"\(pick(["[xy]+", ".", "x.*", "[a-z]{2}"]))\"}"
        }
    }

    mutating func arguments() -> String {
        var parts: [String] = []
        for pointer in Self.pointers where chance(30) { parts.append("\(pointer): \(constraint())") }
        return parts.isEmpty ? "" : ", arguments: {\(parts.joined(separator: ", "))}"
    }

    mutating func policy(allowing: Int) -> String {
        var rules: [String] = []
        for index in 0..<allowing {
            let closed = chance(15) ? ", additional: false" : ""
            rules.append("  - {id: allow-\(index), allow: {tools: [t]}\(arguments())\(closed)}")
        }
        for index in 0..<number(below: 3) { rules.append("  - {id: deny-\(index), deny: {tools: [t]}\(arguments())}") }
        return "komainu: 1\npolicy: p\nrules:\n\(rules.joined(separator: "\n"))\n"
    }

    // MARK: Schemas

    mutating func property() -> String {
        pick([
            "{}", "{}", #"{"type":"integer"}"#, #"{"type":"integer","minimum":2}"#, #"{"type":"string"}"#,
            #"{"type":"string","enum":["x","y","z"]}"#, #"{"type":["string","null"]}"#, #"{"enum":[1,2,3,"x"]}"#,
            #"{"type":"string","minLength":1,"maxLength":2}"#, #"{"type":"array","items":{"type":"string"}}"#,
            #"{"type":"number","maximum":4,"default":3}"#, #"{"type":"boolean"}"#,
            #"{"anyOf":[{"type":"string"},{"type":"integer"}]}"#,
        ])
    }

    mutating func schema() -> String {
        if chance(10) { return #"{"type":"object"}"# }
        var properties: [String] = []
        for name in ["a", "b"] where chance(75) { properties.append("\"\(name)\":\(property())") }
        if chance(70) {
            var inner: [String] = []
            for name in ["x", "y"] where chance(75) { inner.append("\"\(name)\":\(property())") }
            let required = chance(20) ? #","required":["x"]"# : ""
            properties.append("\"o\":{\"type\":\"object\",\"properties\":{\(inner.joined(separator: ","))}\(required)}")
        }
        let required = pick(["", "", #","required":["a"]"#, #","required":["o"]"#, #","required":["a","b"]"#])
        let additional = pick(["", "", "", #","additionalProperties":false"#, #","additionalProperties":true"#])
        return "{\"type\":\"object\",\"properties\":{\(properties.joined(separator: ","))}\(required)\(additional)}"
    }

    // MARK: Arguments

    static let values = [
        "null", "true", "false", "0", "1", "2", "3", "4.2", "5", "7", "1.0", "-2", "\"\"", "\"x\"", "\"y\"", "\"z\"",
        "\"xy\"",
        "\"abc\"", "\"1\"", "[]", "[\"x\"]", "[\"x\",\"q\"]", "[1]", "{}",
    ]

    mutating func call() -> String {
        var parts: [String] = []
        for name in ["a", "b"] where chance(60) { parts.append("\"\(name)\":\(pick(Self.values))") }
        if chance(60) {
            if chance(15) {
                parts.append("\"o\":\(pick(Self.values))")
            } else {
                var inner: [String] = []
                for name in ["x", "y"] where chance(60) { inner.append("\"\(name)\":\(pick(Self.values))") }
                parts.append("\"o\":{\(inner.joined(separator: ","))}")
            }
        }
        if chance(10) { parts.append("\"other\":1") }
        return "{\(parts.joined(separator: ","))}"
    }
}

/// As much of JSON Schema as the schemas here use, written without a look at what narrows them.
private func admits(_ schema: JSONValue, _ value: JSONValue) -> Bool {
    guard let keywords = schema.members else { return schema == .bool(true) }
    return keywords.allSatisfy { admits($0.name, $0.value, schema, value) }
}

private func admits(_ keyword: ByteString, _ demand: JSONValue, _ schema: JSONValue, _ value: JSONValue) -> Bool {
    switch keyword {
    case "type":
        return (demand.elements ?? [demand]).contains {
            ArgumentType(rawValue: $0.stringValue?.text ?? "")?.includes(value) ?? false
        }
    case "enum": return (demand.elements ?? []).contains { isEqual($0, value) }
    case "minimum": return number(value).map { $0 >= number(demand) ?? $0 } ?? true
    case "maximum": return number(value).map { $0 <= number(demand) ?? $0 } ?? true
    case "minLength": return value.stringValue.map { $0.text.unicodeScalars.count >= demand.count ?? 0 } ?? true
    case "maxLength": return value.stringValue.map { $0.text.unicodeScalars.count <= demand.count ?? 0 } ?? true
    case "minItems": return value.elements.map { $0.count >= demand.count ?? 0 } ?? true
    case "maxItems": return value.elements.map { $0.count <= demand.count ?? 0 } ?? true
    case "items": return value.elements?.allSatisfy { admits(demand, $0) } ?? true
    case "pattern":
        guard let text = value.stringValue,
            let pattern = try? Pattern(demand.stringValue?.text ?? "", matching: .anywhere)
        else { return true }
        return (try? pattern.matches(text.bytes.span)) ?? false
    case "required":
        guard value.members != nil else { return true }
        return (demand.elements ?? []).allSatisfy { value[$0.stringValue ?? ""] != nil }
    case "properties":
        return (demand.members ?? []).allSatisfy { property in
            value[property.name].map { admits(property.value, $0) } ?? true
        }
    case "additionalProperties":
        let known = (schema["properties"]?.members ?? []).map(\.name)
        return (value.members ?? []).allSatisfy { known.contains($0.name) || admits(demand, $0.value) }
    case "not": return !admits(demand, value)
    case "allOf": return (demand.elements ?? []).allSatisfy { admits($0, value) }
    case "anyOf": return (demand.elements ?? []).contains { admits($0, value) }
    case "default": return true
    default:
        Issue.record("the schema has a keyword that the test doesn't know: \(keyword)")
        return false
    }
}

private func number(_ value: JSONValue) -> ExactNumber? {
    guard case .number(let text) = value else { return nil }
    return ExactNumber(text)
}

private func parsed(_ text: String) throws -> JSONValue {
    let document = try JSONDocument(parsing: Array(text.utf8))
    return document.value(document.root)
}

@Suite struct `In a made-up world` {
    private struct Case {
        let rules: RuleSet
        let policy: String
        let schema: JSONValue
        let tools: Inventory
        let listing: Listing
        let text: String
    }

    private func makeCase(_ world: inout World, _ catalog: Catalog, allowing: Int) throws -> Case? {
        let policy = world.policy(allowing: allowing)
        let schema = world.schema()
        // Policies that contradict themselves are refused when they are read.
        guard let rules = readPolicy(policy, catalog).0 else { return nil }
        let tools = try inventory(catalog, ["{\"name\":\"t\",\"inputSchema\":\(schema)}"])
        let listing = rules.listing(of: "t", for: principal("ada"), tools: tools)
        return Case(
            rules: rules, policy: policy, schema: try parsed(schema), tools: tools, listing: listing,
            text: "\(policy)\(schema) \(shown(listing))")
    }

    private func shown(_ listing: Listing) -> String {
        guard case .listed(let schema) = listing else { return "\(listing)" }
        return schema.map { String(decoding: $0, as: UTF8.self) } ?? "unchanged"
    }

    private func isPermitted(_ arguments: String, _ world: Case) throws -> Bool {
        let message = try call("t", arguments)
        do {
            _ = try world.rules.permit(message, for: principal("ada"), tools: world.tools, now: noon)
            return true
        } catch {
            return false
        }
    }

    private static let catalog = "{komainu: 1, catalog: t, tools: {t: {method: list, effect: read}}}"

    @Test(arguments: 1...6) func `a tool is listed exactly when some arguments would be allowed`(_ seed: Int) throws {
        var world = World(state: UInt64(seed))
        let catalog = try readCatalog(Self.catalog)
        var (listed, hidden) = (0, 0)
        for _ in 0..<120 {
            guard let made = try makeCase(&world, catalog, allowing: 1 + world.number(below: 2)) else { continue }
            let denies = made.rules.rules.filter(\.isDenying).map(\.arguments)
            let witnesses = made.rules.rules.filter(\.isAllowing).compactMap {
                made.rules.witness($0, deniedByNone: denies, made.schema)
            }
            if case .listed = made.listing {
                listed += 1
                let witness = try #require(witnesses.first, "\(made.text)")
                if witness.isAssumed { continue }
                let arguments = String(decoding: witness.arguments.encoded(), as: UTF8.self)
                #expect(try isPermitted(arguments, made), "\(made.text) \(arguments)")
                // Of `anyOf` and the like nothing is understood.
                let fits = made.text.contains("anyOf") || admits(made.schema, witness.arguments)
                #expect(fits, "\(made.text) \(arguments)")
            } else {
                hidden += 1
                for _ in 0..<60 {
                    let arguments = world.call()
                    #expect(try !isPermitted(arguments, made), "\(made.text) \(arguments)")
                }
            }
        }
        // Neither half of the claim may be empty.
        #expect(listed > 20 && hidden > 10)
    }

    /// Rules judged one by one with the plain meaning of the language, to see that hidden tools are hidden for a reason.
    @Test(arguments: 11...14) func `arguments that every rule takes make a tool visible`(_ seed: Int) throws {
        var world = World(state: UInt64(seed))
        let catalog = try readCatalog(Self.catalog)
        var found = 0
        for _ in 0..<120 {
            guard let made = try makeCase(&world, catalog, allowing: 1) else { continue }
            let (allow, denies) = (made.rules.rules.filter(\.isAllowing), made.rules.rules.filter(\.isDenying))
            let declared = Set((made.schema["properties"]?.members ?? []).map(\.name))
            for _ in 0..<60 {
                let document = try JSONDocument(parsing: Array(world.call().utf8))
                let arguments = document.value(document.root)
                let isKnown =
                    made.schema.acceptsOtherNames || (arguments.members ?? []).allSatisfy { declared.contains($0.name) }
                let isInnerKnown = (arguments["o"]?.members ?? []).allSatisfy {
                    made.schema["properties"]?["o"]?["properties"]?[$0.name] != nil
                }
                guard isKnown, isInnerKnown, admits(made.schema, arguments),
                    allow.contains(where: {
                        $0.arguments.outcome(of: document.root, in: document, allowing: true) == .hold
                    }),
                    denies.allSatisfy({ deny in
                        if case .fail = deny.arguments.outcome(of: document.root, in: document, allowing: false) {
                            true
                        } else {
                            false
                        }
                    })
                else { continue }
                found += 1
                guard case .listed = made.listing else {
                    Issue.record("\(made.text) hides \(arguments)")
                    break
                }
            }
        }
        #expect(found > 200)
    }

    @Test(arguments: 21...26) func `what the narrowed schema admits is allowed`(_ seed: Int) throws {
        var world = World(state: UInt64(seed))
        let catalog = try readCatalog(Self.catalog)
        var (admitted, narrowed) = (0, 0)
        for _ in 0..<120 {
            guard let made = try makeCase(&world, catalog, allowing: 1 + world.number(below: 2)),
                case .listed(let schema) = made.listing
            else { continue }
            if schema != nil { narrowed += 1 }
            let shown = try schema.map { try parsed(String(decoding: $0, as: UTF8.self)) } ?? made.schema
            for _ in 0..<60 {
                let arguments = world.call()
                let value = try parsed(arguments)
                guard admits(shown, value) else { continue }
                admitted += 1
                #expect(try isPermitted(arguments, made), "\(made.text) \(arguments) \(ByteString(shown.encoded()))")
                let fits = admits(made.schema, value)
                #expect(fits, "\(made.text) \(arguments) \(ByteString(shown.encoded()))")
            }
        }
        #expect(admitted > 100 && narrowed > 20)
    }
}

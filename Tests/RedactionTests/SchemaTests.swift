import Bytes
import JSON
import Testing

@testable import Policy
@testable import Redaction

@Suite struct `Output schemas` {
    private func relaxed(_ schema: JSONValue, _ groups: [RedactionGroup]) throws -> JSONValue {
        let document = try JSONDocument(parsing: schema.encoded())
        var edits = JSONEdits()
        testRedactor.relax(document.root, of: document, by: groups, into: &edits)
        let written = document.encoded(document.root, editing: edits)
        let again = try JSONDocument(parsing: written)
        return again.value(again.root)
    }

    private func text(_ value: JSONValue) -> String { String(decoding: value.encoded(), as: UTF8.self) }

    private let schema: JSONValue = [
        "type": "object", "required": ["email", "name"], "additionalProperties": false,
        "properties": [
            "email": ["type": "string", "format": "email", "maxLength": 40, "description": "whose"],
            "name": ["type": "string", "enum": ["Ada", "Bob"]],
            "cost": ["type": "integer", "minimum": 1, "multipleOf": 5],
            "boss": ["$ref": "#/$defs/person"],
            "peers": ["type": "array", "minItems": 1, "items": ["$ref": "#/$defs/person"]],
        ],
        "$defs": [
            "person": [
                "type": "object",
                "properties": ["email": ["type": "string", "pattern": "^a"], "id": ["type": "integer"]],
                "required": ["email", "id"],
            ]
        ],
    ]

    @Test func `without redaction stay as they are`() throws {
        #expect(try relaxed(schema, []) == schema)
    }

    @Test func `keep types, names and descriptions, and lose limits that a mask would break`() throws {
        let result = try relaxed(schema, [.fields(["**.email", "cost"], as: .mask)])
        #expect(text(try #require(result["properties"]?["email"])) == #"{"type":"string","description":"whose"}"#)
        #expect(text(try #require(result["properties"]?["cost"])) == #"{"type":"integer"}"#)
        #expect(text(try #require(result["properties"]?["name"])) == #"{"type":"string","enum":["Ada","Bob"]}"#)
        #expect(text(try #require(result["$defs"]?["person"]?["properties"]?["email"])) == #"{"type":"string"}"#)
        #expect(result["required"] == ["email", "name"] && result["additionalProperties"] == false)
    }

    @Test func `no longer require what is removed, nor a number of elements`() throws {
        let result = try relaxed(schema, [.fields(["**.email", "peers[*]"], as: .remove)])
        #expect(result["required"] == ["name"])
        #expect(result["$defs"]?["person"]?["required"] == ["id"])
        #expect(result["properties"]?["peers"]?["minItems"] == nil)
    }

    @Test func `allow anything where null may stand`() throws {
        let result = try relaxed(schema, [.fields(["boss", "peers[*].id"], as: .null)])
        #expect(result["properties"]?["boss"] == true)
        #expect(result["$defs"]?["person"]?["properties"]?["id"] == true)
    }

    @Test func `are the same every time`() throws {
        let groups = [try RedactionGroup.fields(["**.email", "cost"], as: .mask), .detect(as: .mask)]
        #expect(try relaxed(schema, groups) == relaxed(schema, groups))
    }

    @Test func `turn oneOf into anyOf, and leave out what negates or branches`() throws {
        let result = try relaxed(
            [
                "oneOf": [["properties": ["email": ["const": "a"]]], ["type": "object"]], "not": ["required": ["x"]],
                "if": true, "then": true,
            ],
            [.fields(["email"], as: .mask)])
        #expect(text(result) == #"{"anyOf":[{"properties":{"email":{}}},{"type":"object"}]}"#)
    }

    @Test func `give up references that lead elsewhere`() throws {
        let result = try relaxed(["properties": ["x": ["$ref": "https://example.com/x.json"]]], [.detect(as: .mask)])
        #expect(result["properties"]?["x"] == true)
    }

    @Test func `may refer to themselves, and in chains without end`() throws {
        let circle: JSONValue = ["properties": ["next": ["$ref": "#"], "email": ["type": "string", "maxLength": 9]]]
        let expected: JSONValue = ["properties": ["next": ["$ref": "#"], "email": ["type": "string"]]]
        #expect(try relaxed(circle, [.fields(["**.email"], as: .mask)]) == expected)
        let links = (0..<5_000).map { JSONMember(ByteString("d\($0)"), ["$ref": .text("#/$defs/d\($0 + 1)")]) }
        let chain: JSONValue = [
            "$ref": "#/$defs/d0", "$defs": .object(links + [JSONMember("d5000", ["type": "string"])]),
        ]
        #expect(try relaxed(chain, [.detect(as: .mask)])["$defs"]?["d4999"] != nil)
    }

    /// Random schemas with values that fulfil them, under random rules.
    @Test func `are fulfilled by every redacted result`() throws {
        var random = Dice(state: 11)
        var changed = 0
        for round in 0..<600 {
            let made = object(depth: 3, &random)
            let before = SchemaChecker(root: made.schema).complaint(made.value)
            #expect(before == nil, "the generator: \(before ?? "")")
            let groups = try (0..<Int.random(in: 1...3, using: &random)).map { _ in try group(&random) }
            let words = vocabulary(
                of: try JSONDocument(parsing: made.schema.encoded()).root,
                in: try JSONDocument(parsing: made.schema.encoded()))
            let shown = try relaxed(made.schema, groups)
            let text = try structured(text(made.value), groups, words: words)
            let document = try JSONDocument(parsing: Array(text.utf8))
            let complaint = SchemaChecker(root: shown).complaint(document.value(document.root))
            #expect(
                complaint == nil,
                "\(round): \(complaint ?? "") \(groups) \(self.text(made.schema)) became \(self.text(shown)) for \(text)"
            )
            if document.value(document.root) != made.value { changed += 1 }
        }
        #expect(changed > 200)
    }

    // MARK: Making schemas and values together

    private typealias Made = (schema: JSONValue, value: JSONValue)
    private let names: [ByteString] = ["email", "name", "cost", "owner", "list", "note", "state"]
    private let texts: [ByteString] = [
        "ada@example.com", "Maren Okonjo", "plain words", "active", "+1 202 555 0143", "", "Okonjo",
    ]

    private func any(depth: Int, _ random: inout Dice) -> Made {
        switch Int.random(in: 0..<(depth > 0 ? 8 : 4), using: &random) {
        case 0, 1: return string(&random)
        case 2:
            let number = Int.random(in: 1...9, using: &random) * 5
            return (["type": "integer", "minimum": 1, "multipleOf": 5], .integer(number))
        case 3: return (["type": ["boolean", "null"]], Bool.random(using: &random) ? .bool(true) : .null)
        case 4, 5:
            let inner = any(depth: depth - 1, &random)
            var schema: JSONValue = ["type": "array", "items": inner.schema, "minItems": 1]
            let isUnique = Bool.random(using: &random)
            if isUnique, case .object(let members) = schema {
                schema = .object(members + [JSONMember("uniqueItems", true)])
            }
            return (schema, .array(Array(repeating: inner.value, count: isUnique ? 1 : 2)))
        case 6:
            let inner = object(depth: depth - 1, &random)
            return (["oneOf": [inner.schema, ["type": "null"]]], inner.value)
        default: return object(depth: depth - 1, &random)
        }
    }

    private func string(_ random: inout Dice) -> Made {
        let text = texts.randomElement(using: &random) ?? ""
        let value = JSONValue.string(text)
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return (["type": "string", "enum": [value, "other"]], value)
        case 1: return (["type": "string", "const": value], value)
        case 2: return (["type": "string", "maxLength": .integer(text.count)], value)
        case 3: return (["type": "string", "pattern": .string(ByteString([0x5e] + text.bytes.prefix(3)))], value)
        case 4 where text.bytes.contains(0x40): return (["type": "string", "format": "email"], value)
        default: return (["type": "string"], value)
        }
    }

    private func object(depth: Int, _ random: inout Dice) -> Made {
        var properties: [JSONMember] = []
        var members: [JSONMember] = []
        for name in names.shuffled(using: &random).prefix(Int.random(in: 1...4, using: &random)) {
            let inner = any(depth: depth, &random)
            properties.append(JSONMember(name, inner.schema))
            members.append(JSONMember(name, inner.value))
        }
        let required = JSONValue.array(members.map { .string($0.name) })
        return (
            ["type": "object", "properties": .object(properties), "required": required, "additionalProperties": false],
            .object(members)
        )
    }

    private func group(_ random: inout Dice) throws -> RedactionGroup {
        let ways = Way.allCases.filter { $0 != .withhold }
        let way = ways.randomElement(using: &random) ?? .mask
        if Int.random(in: 0..<4, using: &random) == 0 { return .detect(as: way) }
        let name = names.randomElement(using: &random)?.text ?? ""
        let path =
            [
                "**.\(name)", name, "\(name).*", "**.\(name)[*]", "**.\(name.prefix(2))*", "*.\(name)",
                "**.\(name)[*].*", "\(name)[*].email",
            ].randomElement(
                using: &random) ?? name
        return try .fields([path], as: way)
    }
}

/// A small random generator that gives the same numbers in every run.
struct Dice: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

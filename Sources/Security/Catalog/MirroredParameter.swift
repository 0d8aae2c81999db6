public import Bytes
import JSON

/// An argument that clients repeat in a field `Mcp-Param-NAME`, because the tool's input schema says so with `x-mcp-header`
/// (2026-07-28, `basic/transports/streamable-http`, "Custom Headers").
public struct MirroredParameter: Hashable, Sendable {
    /// What the argument is, and so how field and argument are compared.
    public enum Kind: String, Hashable, Sendable {
        /// Byte for byte.
        case string
        /// As numbers.
        case integer
        /// `true` or `false`.
        case boolean
    }

    /// The field's name after `Mcp-Param-`, in lower case.
    public let name: ByteString
    /// Where the argument stands: names of members, from the arguments inwards.
    public let path: [ByteString]
    /// What it is.
    public let kind: Kind

    /// Those of an input schema; none when any of its annotations is not as it must be: clients drop such a tool, and nobody
    /// can say which fields it wants.
    static func all(in schema: JSONDocument.Node, of document: JSONDocument) -> [MirroredParameter] {
        var walk = Walk(document: document)
        walk.visit(schema, [])
        return walk.isBroken ? [] : walk.found
    }

    private struct Walk {
        let document: JSONDocument
        var found: [MirroredParameter] = []
        var isBroken = false

        /// - Parameter path: nil beside or beneath anything but `properties`: there no annotation may stand.
        mutating func visit(_ schema: JSONDocument.Node, _ path: [ByteString]?) {
            guard !isBroken, document.kind(schema) == .object else { return }
            if let annotation = document.member("x-mcp-header", of: schema) { take(annotation, of: schema, path) }
            for (name, value) in document.members(of: schema) {
                guard let keyword = document.string(name) else { continue }
                switch Position(keyword) {
                case .properties:
                    for member in document.members(of: value) {
                        visit(member.value, path.map { $0 + [document.string(member.name) ?? ""] })
                    }
                case .schema: visit(value, nil)
                case .schemas:
                    for element in document.elements(of: value) { visit(element, nil) }
                    for member in document.members(of: value) { visit(member.value, nil) }
                case .data: break
                }
            }
        }

        private mutating func take(
            _ annotation: JSONDocument.Node, of schema: JSONDocument.Node, _ path: [ByteString]?
        ) {
            guard let path, !path.isEmpty, let name = document.string(annotation)?.asciiLowercased,
                !name.isEmpty, name.count <= 128, name.bytes.allSatisfy(isOfAToken),
                let type = document.member("type", of: schema).flatMap({ document.string($0) }),
                let kind = Kind(rawValue: type.text), !found.contains(where: { $0.name == name })
            else { return isBroken = true }
            found.append(MirroredParameter(name: name, path: path, kind: kind))
        }
    }

    /// What stands under a keyword of JSON Schema 2020-12.
    private enum Position {
        case properties, schema, schemas, data

        init(_ keyword: ByteString) {
            self =
                switch keyword.text {
                case "properties": .properties
                case "items", "contains", "unevaluatedItems", "additionalProperties", "propertyNames",
                    "unevaluatedProperties", "not", "if", "then", "else", "contentSchema":
                    .schema
                case "allOf", "anyOf", "oneOf", "prefixItems", "patternProperties", "dependentSchemas", "$defs",
                    "definitions":
                    .schemas
                default: .data
                }
        }
    }
}

/// RFC 9110 section 5.6.2.
private func isOfAToken(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"):
        true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}

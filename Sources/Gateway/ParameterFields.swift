import Bytes
import Catalog
import HTTP
import JSON
import MCP

/// The fields `Mcp-Param-…` of a `tools/call` (2026-07-28): each repeats one argument that the tool's definition names. Checked
/// against the arguments that came, and made anew from those that leave.
///
/// Which they are is read from the definition that was pinned. Fields that it does not name travel on (the revision demands it of
/// whoever does not know them): only as texts that can be read in one way.
struct ParameterFields {
    private static let prefix: ByteString = "mcp-param-"
    /// How many fields that no definition names are carried, and how long each may be.
    private static let mostForeign = 32
    private static let longestForeign = 1_024

    private let named: [MirroredParameter]
    private var foreign: [(name: ByteString, value: ByteString)] = []

    /// Checks the fields of a request.
    ///
    /// - Parameters:
    ///   - definition: the pinned definition of the tool that the client called.
    ///   - arguments: those of the call; nil for none.
    init(
        _ fields: HeaderFields, of definition: ToolDefinition?, _ arguments: JSONDocument.Node?,
        _ message: ClientMessage, _ id: RequestID
    ) throws(Refusal) {
        named = definition?.mirroredParameters ?? []
        var seen: [ByteString: ByteString] = [:]
        var repeated: ByteString?
        fields.forEach { name, value in
            guard name.hasPrefix(ParameterFields.prefix) else { return }
            let key = ByteString(Array(name.bytes.dropFirst(ParameterFields.prefix.count)))
            if seen.updateValue(value, forKey: key) != nil { repeated = name }
        }
        if let repeated { throw .duplicateField(repeated.text) }
        for parameter in named {
            let value = ParameterFields.value(parameter, of: arguments, in: message.document)
            guard parameter.matches(seen.removeValue(forKey: parameter.name), value) else {
                throw .mirroredField("mcp-param-\(parameter.name.text)", id)
            }
        }
        for (name, value) in seen.sorted(by: { $0.key < $1.key }) {
            guard foreign.count < ParameterFields.mostForeign, value.count <= ParameterFields.longestForeign,
                let text = MirroredText.decode(value)
            else { throw .mirroredField("mcp-param-\(name.text)", id) }
            foreign.append((name, text))
        }
    }

    /// Writes the fields for what is forwarded.
    ///
    /// - Parameter encoded: the message as it leaves.
    func add(to fields: inout HeaderFields, for encoded: [UInt8]) {
        for (name, text) in foreign { add(name, text, to: &fields) }
        guard !named.isEmpty, let document = try? JSONDocument(parsing: encoded) else { return }
        let arguments = document.pointer(ParameterFields.arguments, from: document.root)
        for parameter in named {
            guard let value = ParameterFields.value(parameter, of: arguments, in: document) else { continue }
            add(parameter.name, value.text, to: &fields)
        }
    }

    private func add(_ name: ByteString, _ text: ByteString, to fields: inout HeaderFields) {
        let name = ByteString(ParameterFields.prefix.bytes + name.bytes)
        _ = fields.add(name: name, value: MirroredText.encode(text))
    }

    private static let arguments = JSONPointer(tokens: ["params", "arguments"])

    private static func value(
        _ parameter: MirroredParameter, of arguments: JSONDocument.Node?, in document: JSONDocument
    ) -> Argument? {
        guard let arguments else { return nil }
        var node = arguments
        for name in parameter.path {
            guard let next = document.member(name, of: node) else { return nil }
            node = next
        }
        switch document.kind(node) {
        case .string: return document.string(node).map { Argument(text: $0, number: nil) }
        case .number: return document.numberText(node).map { Argument(text: $0, number: ExactNumber($0)) }
        case .bool: return document.bool(node).map { Argument(text: $0 ? "true" : "false", number: nil) }
        // What no field can carry is repeated in none.
        case .null, .array, .object: return nil
        }
    }
}

/// An argument as a field would carry it.
private struct Argument {
    let text: ByteString
    let number: ExactNumber?
}

extension MirroredParameter {
    /// Whether a field and an argument agree: both absent, or both there and equal; whole numbers as numbers.
    fileprivate func matches(_ field: ByteString?, _ argument: Argument?) -> Bool {
        guard let field, let argument else { return field == nil && argument == nil }
        guard let text = MirroredText.decode(field) else { return false }
        if kind == .integer, let number = argument.number, number.isWhole,
            !text.bytes.contains(where: { $0 | 0x20 == 0x65 }),
            let told = ExactNumber(text)
        {
            return told == number
        }
        return text == argument.text
    }
}

public import Bytes
public import JSON
import OpenSSL

/// Everything the vendor said about one tool, kept whole, with the hash it is pinned by. Handed about as one reference.
public final class ToolDefinition: Sendable {
    /// The tool's name; `isToolName` holds for it.
    public let name: ByteString
    /// The definition as a document of its own, members in the vendor's order.
    public let document: JSONDocument
    /// The same without white space: what a page is compared with.
    public let encoded: [UInt8]
    /// SHA-256 over the definition with members sorted: moving members about is no change, anything else is.
    public let hash: DefinitionHash
    /// The vendor's claims about its effect.
    public let annotations: ToolAnnotations
    /// The object that describes the arguments.
    public let inputSchema: JSONDocument.Node
    /// The object that describes `structuredContent`, when there is one.
    public let outputSchema: JSONDocument.Node?
    /// The arguments that clients repeat in header fields (2026-07-28).
    public let mirroredParameters: [MirroredParameter]

    /// Whether these bytes are the definition, written as `encoded` has it.
    public func isWritten(_ bytes: [UInt8]) -> Bool {
        let own = encoded
        return own.span.isSame(as: bytes.span)
    }

    /// How large one definition may be, in bytes.
    public static let byteLimit = 256 << 10

    /// Takes one element of a `tools/list` result.
    public convenience init(_ node: JSONDocument.Node, in list: JSONDocument) throws(DefinitionFailure) {
        try self.init(parsing: list.encoded(node))
    }

    /// Takes a definition that stands alone.
    public init(parsing bytes: [UInt8]) throws(DefinitionFailure) {
        guard bytes.count <= Self.byteLimit else { throw .tooLarge }
        guard let document = try? JSONDocument(parsing: bytes), document.kind(document.root) == .object else {
            throw .notAnObject
        }
        guard let name = document.member("name", of: document.root).flatMap(document.string), isToolName(name) else {
            throw .badName
        }
        guard let input = document.member("inputSchema", of: document.root), document.kind(input) == .object else {
            throw .noInputSchema
        }
        self.name = name
        self.document = document
        encoded = document.encoded(document.root)
        self.inputSchema = input
        outputSchema = document.member("outputSchema", of: document.root)
        annotations = ToolAnnotations(document)
        mirroredParameters = MirroredParameter.all(in: input, of: document)
        hash = DefinitionHash(of: document)
    }

}

/// Why something in a tool list can't be taken for a tool. Such a tool is hidden and can't be called.
public enum DefinitionFailure: String, Error, Hashable, Sendable {
    /// More than `ToolDefinition.byteLimit`.
    case tooLarge
    /// No JSON object.
    case notAnObject
    /// No name, or one that could be confused with another.
    case badName
    /// No object that describes the arguments.
    case noInputSchema
}

/// What a definition is pinned by: the 256 bits of a SHA-256.
public struct DefinitionHash: Hashable, Sendable, CustomStringConvertible {
    // Four words, so that it is compared and hashed without a detour to the heap.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// Reads 64 lower-case hexadecimal digits.
    public init?(_ text: ByteString) {
        guard let bytes = Hex.decode(text), bytes.count == SHA256.byteCount else { return nil }
        self.init(bytes)
    }

    init(of definition: JSONDocument) {
        var canonical: [UInt8] = []
        definition.appendSorted(definition.root, to: &canonical)
        self.init(SHA256.hash(canonical))
    }

    /// - Parameter bytes: 32 of them.
    private init(_ bytes: [UInt8]) {
        let words = stride(from: 0, to: 32, by: 8).map { start in
            bytes[start..<start + 8].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        }
        (first, second, third, fourth) = (words[0], words[1], words[2], words[3])
    }

    /// 32 bytes.
    public var bytes: ByteString {
        ByteString(
            [first, second, third, fourth].flatMap { word in
                stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: word >> UInt64($0)) }
            })
    }

    /// 64 lower-case hexadecimal digits.
    public var text: ByteString {
        var digits: [UInt8] = []
        digits.reserveCapacity(64)
        func append(_ word: UInt64) {
            for shift in stride(from: UInt64(60), through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: word >> shift & 15)
                digits.append(digit < 10 ? 0x30 + digit : 0x61 - 10 + digit)
            }
        }
        append(first)
        append(second)
        append(third)
        append(fourth)
        return ByteString(digits)
    }

    /// The same, for people.
    public var description: String { text.text }
}

extension ToolAnnotations {
    fileprivate init(_ definition: JSONDocument) {
        let hints = definition.member("annotations", of: definition.root)
        self.init(
            readOnly: hints.flatMap { definition.member("readOnlyHint", of: $0) }.flatMap(definition.bool),
            destructive: hints.flatMap { definition.member("destructiveHint", of: $0) }.flatMap(definition.bool))
    }
}

extension JSONDocument {
    /// Writes a value with the members of every object in byte order of their names. Depth is bounded by the reader's.
    public func appendSorted(_ node: Node, to out: inout [UInt8]) {
        switch kind(node) {
        case .object:
            let members = members(of: node).map { (string($0.name) ?? "", $0) }.sorted { $0.0 < $1.0 }
            out.append(UInt8(ascii: "{"))
            for (place, member) in members.enumerated() {
                if place > 0 { out.append(UInt8(ascii: ",")) }
                write(member.1.name, into: &out)
                out.append(UInt8(ascii: ":"))
                appendSorted(member.1.value, to: &out)
            }
            out.append(UInt8(ascii: "}"))
        case .array:
            out.append(UInt8(ascii: "["))
            for (place, element) in elements(of: node).enumerated() {
                if place > 0 { out.append(UInt8(ascii: ",")) }
                appendSorted(element, to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .null, .bool, .number, .string: write(node, into: &out)
        }
    }
}

import Bytes
import JSON

/// A value for the audit trail: redacted already, and cut down until it fits. What is left out is told by how many bytes it
/// had: `{"…":1234}` in place of a value, or as the last member or element of what was too long.
struct RecordedArguments {
    /// The most bytes of a record's arguments.
    static let most = 16 << 10

    /// How much of a value is kept, in three attempts.
    private struct Measure {
        let text: Int
        let children: Int
        let depth: Int
    }

    private static let measures = [
        Measure(text: 1024, children: 100, depth: 12), Measure(text: 256, children: 32, depth: 6),
        Measure(text: 64, children: 12, depth: 4),
    ]

    static func cut(_ encoded: [UInt8]) -> [UInt8] {
        guard encoded.count > most else { return encoded }
        var limits = JSONLimits()
        limits.bytes = max(limits.bytes, encoded.count)
        limits.values = max(limits.values, encoded.count)
        if let document = try? JSONDocument(parsing: encoded, limits: limits) {
            for measure in measures {
                var writer = JSONWriter()
                write(document.root, document, measure, depth: 0, &writer)
                if writer.bytes.count <= most { return writer.bytes }
            }
        }
        return omitted(encoded.count)
    }

    static func omitted(_ count: Int) -> [UInt8] { bytes("{\"…\":\(count)}") }

    private static func write(
        _ node: JSONDocument.Node, _ document: JSONDocument, _ measure: Measure, depth: Int, _ writer: inout JSONWriter
    ) {
        let size = document.encodedCount(node)
        switch document.kind(node) {
        case .array, .object:
            guard depth < measure.depth else { return writer.raw(omitted(size)) }
            writeContainer(node, document, measure, depth: depth, &writer)
        case .string where size > measure.text:
            writer.raw(omitted(size))
        default:
            writer.copy(node, of: document)
        }
    }

    private static func writeContainer(
        _ node: JSONDocument.Node, _ document: JSONDocument, _ measure: Measure, depth: Int, _ writer: inout JSONWriter
    ) {
        if document.kind(node) == .array {
            let elements = document.elements(of: node)
            writer.beginArray()
            for element in elements.prefix(measure.children) {
                write(element, document, measure, depth: depth + 1, &writer)
            }
            let left = elements.dropFirst(measure.children)
            if !left.isEmpty { writer.raw(omitted(left.reduce(0) { $0 + document.encodedCount($1) })) }
            writer.endArray()
        } else {
            let members = document.members(of: node)
            writer.beginObject()
            for member in members.prefix(measure.children) where document.encodedCount(member.name) <= measure.text {
                writer.key(document.string(member.name) ?? "")
                write(member.value, document, measure, depth: depth + 1, &writer)
            }
            let left = members.enumerated().filter {
                $0.offset >= measure.children || document.encodedCount($0.element.name) > measure.text
            }
            if !left.isEmpty {
                writer.key("…")
                writer.int(
                    left.reduce(0) {
                        $0 + document.encodedCount($1.element.name) + document.encodedCount($1.element.value)
                    })
            }
            writer.endObject()
        }
    }
}

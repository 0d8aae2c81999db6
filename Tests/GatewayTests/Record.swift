import Bytes
import JSON
import System
import Testing

/// One line of the trail, as a reader sees it.
struct Record: Sendable, CustomStringConvertible {
    let json: JSONValue

    /// Every line of a trail.
    static func all(in directory: String) throws -> [Record] {
        try Files.list("\(directory)/seg").filter { $0.hasSuffix(".jsonl") }.flatMap { name in
            let bytes = try #require(try Files.read("\(directory)/seg/\(name)", limit: 1 << 28))
            return try bytes.split(separator: 0x0A).map { line in
                let document = try JSONDocument(parsing: Array(line))
                return Record(json: document.value(document.root))
            }
        }
    }

    /// The text at a path of names, such as `dec.why`.
    subscript(_ path: String) -> String? {
        var value: JSONValue? = json
        for name in path.split(separator: ".") { value = value?[ByteString(String(name))] }
        switch value {
        case .string(let text)?: return text.text
        case nil: return nil
        case let other?: return String(decoding: other.encoded(), as: UTF8.self)
        }
    }

    var kind: String { self["kind"] ?? "?" }
    /// Why something was refused or denied.
    var word: String? { self["dec.why"] }
    var description: String { String(decoding: json.encoded(), as: UTF8.self) }
}

extension [Record] {
    func of(_ kind: String) -> [Record] { filter { $0.kind == kind } }
    /// The words of everything that was refused or denied, in order.
    var words: [String] { compactMap(\.word) }
    /// The outcomes' states, in order.
    var outcomes: [String] { of("call.outcome").compactMap { $0["out.st"] } }
    /// What the outcomes say beside their state.
    var codes: [String] { of("call.outcome").compactMap { $0["out.code"] } }
    /// The whole trail, to look for what must not be in it.
    var text: String { map(\.description).joined(separator: "\n") }
}

import Bytes
import JSON
import KomainuTesting
import OpenSSL

@testable import JOSE

/// The token corpus: `corpora/jwt` of the shared data.
struct Corpus {
    let document: JSONDocument

    init?() throws {
        guard let bytes = Shared.file("corpora/jwt/cases.json") else { return nil }
        document = try JSONDocument(parsing: bytes)
    }

    var context: JSONDocument.Node { document.member("context", of: document.root) ?? document.root }

    func list(_ name: String) -> [JSONDocument.Node] {
        document.member(name, of: document.root).map { document.elements(of: $0) } ?? []
    }

    func text(_ name: String, of node: JSONDocument.Node) -> ByteString {
        document.member(name, of: node).flatMap { document.string($0) } ?? ""
    }

    func encoded(_ node: JSONDocument.Node) -> [UInt8] {
        var out: [UInt8] = []
        document.write(node, into: &out)
        return out
    }
}

import Bytes
import JSON

/// What one side may learn of the other's capabilities in the stateless revision (2026-07-28): those that policy opens, and of
/// extensions the open ones.
struct Capabilities {
    private let open: Set<ByteString>
    private let extensions: Set<ByteString>

    init(opening open: Set<ByteString>, _ extensions: Set<ByteString>) {
        self.open = open
        self.extensions = extensions
    }

    /// Takes the others out of an object of capabilities.
    func cut(_ capabilities: JSONDocument.Node, of document: JSONDocument, into edits: inout JSONEdits) {
        document.forEachMember(of: capabilities) { name, value in
            guard document.isString(name, equalTo: "extensions"), document.kind(value) == .object else {
                if !open.contains(document.string(name) ?? "") { edits.remove(value) }
                return
            }
            var isEmpty = true
            document.forEachMember(of: value) { name, value in
                if extensions.contains(document.string(name) ?? "") { isEmpty = false } else { edits.remove(value) }
            }
            if isEmpty { edits.remove(value) }
        }
    }
}

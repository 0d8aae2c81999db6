public import Bytes
public import JSON
internal import System

/// Reads the members of one object of a request, each of the kind it must be; a mistake is told with its path.
public struct BodyReader {
    let document: JSONDocument
    let node: JSONDocument.Node
    let path: String

    /// A reader of the root.
    public init(_ document: JSONDocument) {
        self.init(document, document.root, path: "")
    }

    private init(_ document: JSONDocument, _ node: JSONDocument.Node, path: String) {
        self.document = document
        self.node = node
        self.path = path
    }

    /// Insists on an object whose members are all known.
    public func checkNames(_ known: [String]) throws(StateFailure) {
        guard document.kind(node) == .object else { throw wrong("", "must be an object") }
        for member in document.members(of: node)
        where !known.contains(where: { document.isString(member.name, equalTo: $0) }) {
            throw wrong("", "has a member that is not known; known are \(known.joined(separator: ", "))")
        }
    }

    /// A member that is an object; nothing when it is not mentioned.
    public func object(_ name: String) throws(StateFailure) -> BodyReader? {
        guard let member = document.member(name, of: node) else { return nil }
        guard document.kind(member) == .object else { throw wrong(name, "must be an object") }
        return BodyReader(document, member, path: path + name + ".")
    }

    /// A member that is a text; nothing when it is not mentioned.
    public func text(_ name: String) throws(StateFailure) -> ByteString? {
        guard let member = document.member(name, of: node) else { return nil }
        guard let text = document.string(member) else { throw wrong(name, "must be a text") }
        return text
    }

    /// A member that must be there and be a text.
    public func requiredText(_ name: String) throws(StateFailure) -> ByteString {
        guard let text = try text(name) else { throw StateFailure(.invalid, field: name, "\(name) is required") }
        return text
    }

    /// The failure that says what is wrong with a member.
    public func mistake(_ name: String, _ what: String) -> StateFailure { wrong(name, what) }

    func textOrNull(_ name: String) throws(StateFailure) -> FieldChange<ByteString?> {
        guard let member = document.member(name, of: node) else { return .keep }
        if document.kind(member) == .null { return .set(nil) }
        return .set(try text(name))
    }

    func bool(_ name: String) throws(StateFailure) -> FieldChange<Bool> {
        guard let member = document.member(name, of: node) else { return .keep }
        guard let value = document.bool(member) else { throw wrong(name, "must be true or false") }
        return .set(value)
    }

    /// A member that is a list of texts or null.
    public func texts(_ name: String) throws(StateFailure) -> FieldChange<[ByteString]?> {
        guard let member = document.member(name, of: node) else { return .keep }
        if document.kind(member) == .null { return .set(nil) }
        let texts = document.elements(of: member).map { document.string($0) }
        guard document.kind(member) == .array, !texts.contains(nil) else {
            throw wrong(name, "must be a list of texts")
        }
        return .set(texts.compactMap { $0 })
    }

    func time(_ name: String) throws(StateFailure) -> FieldChange<WallTime?> {
        guard let member = document.member(name, of: node) else { return .keep }
        if document.kind(member) == .null { return .set(nil) }
        guard let text = document.string(member), let time = WallTime(rfc3339: text.text) else {
            throw wrong(name, "must be a time such as 2027-01-31T12:00:00Z, or null")
        }
        return .set(time)
    }

    private func wrong(_ name: String, _ what: String) -> StateFailure {
        let field = name.isEmpty ? (path.isEmpty ? "the body" : String(path.dropLast())) : path + name
        return StateFailure(.invalid, field: field, "\(field) \(what)")
    }
}

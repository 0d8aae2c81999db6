import Bytes
import JSON

/// The outer object of a JSON-RPC message, read strictly and once (JSON-RPC 2.0; MCP `basic/index`).
///
/// Both directions have the same envelope; what may stand in it differs (`ClientMessage`, `ServerMessage`).
struct Envelope {
    enum Shape {
        case request(RequestID, method: ByteString)
        case notification(method: ByteString)
        case result(RequestID, JSONDocument.Node)
        case error(RequestID?, JSONDocument.Node)
    }

    let document: JSONDocument
    let shape: Shape
    let params: JSONDocument.Node?

    init(parsing bytes: [UInt8], limits: JSONLimits) throws(MessageFailure) {
        let document: JSONDocument
        do {
            document = try JSONDocument(parsing: bytes, limits: limits)
        } catch {
            throw MessageFailure(.json(error))
        }
        switch document.kind(document.root) {
        case .object: break
        case .array: throw MessageFailure(.batch)
        case .null, .bool, .number, .string: throw MessageFailure(.notAnObject)
        }
        try self.init(document)
    }

    private init(_ document: JSONDocument) throws(MessageFailure) {
        let root = document.root
        let idNode = document.member("id", of: root)
        let id = idNode.flatMap { RequestID($0, in: document) }
        guard let version = document.member("jsonrpc", of: root), document.isString(version, equalTo: "2.0") else {
            throw MessageFailure(.version, id: id)
        }
        let method = document.member("method", of: root)
        let params = document.member("params", of: root)
        let result = document.member("result", of: root)
        let error = document.member("error", of: root)
        let known = [version, idNode, method, params, result, error].lazy.filter { $0 != nil }.count
        guard document.count(of: root) == known else { throw MessageFailure(.unknownMember, id: id) }
        guard !Envelope.hasControlCharacterInNames(root, of: document) else {
            throw MessageFailure(.controlCharacter, id: id)
        }
        self.document = document
        self.params = params
        switch (method, result, error) {
        case (let method?, nil, nil):
            shape = try Envelope.asked(document, method: method, params: params, idNode: idNode, id: id)
        case (nil, let result?, nil):
            guard params == nil else { throw MessageFailure(.ambiguous, id: id) }
            guard let id else { throw MessageFailure(.id) }
            shape = .result(id, result)
        case (nil, nil, let error?):
            guard params == nil else { throw MessageFailure(.ambiguous, id: id) }
            shape = try Envelope.failed(document, error: error, idNode: idNode, id: id)
        default:
            throw MessageFailure(.ambiguous, id: id)
        }
    }

    private static func asked(
        _ document: JSONDocument, method: JSONDocument.Node, params: JSONDocument.Node?, idNode: JSONDocument.Node?,
        id: RequestID?
    ) throws(MessageFailure) -> Shape {
        guard let name = document.string(method), isMethodName(name) else { throw MessageFailure(.method, id: id) }
        if let params, document.kind(params) != .object { throw MessageFailure(.params, id: id) }
        guard idNode != nil else { return .notification(method: name) }
        guard let id else { throw MessageFailure(.id) }
        return .request(id, method: name)
    }

    /// An error may come without an id (the request could not be read) and some servers write `null` there.
    private static func failed(
        _ document: JSONDocument, error: JSONDocument.Node, idNode: JSONDocument.Node?, id: RequestID?
    ) throws(MessageFailure) -> Shape {
        guard document.kind(error) == .object,
            let code = document.member("code", of: error), document.integer(code) != nil,
            let message = document.member("message", of: error), document.kind(message) == .string
        else { throw MessageFailure(.error, id: id) }
        if let idNode, id == nil, document.kind(idNode) != .null { throw MessageFailure(.id) }
        return .error(id, error)
    }

    /// Words of letters, digits and `_ $ . -`, separated by single slashes: no spelling that some server would normalise.
    private static func isMethodName(_ name: ByteString) -> Bool {
        name.count <= 128
            && name.bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy(isWord)
    }

    private static func isWord(_ word: ArraySlice<UInt8>) -> Bool {
        guard let first = word.first, isLetterOrDigit(first) || first == UInt8(ascii: "$") else { return false }
        return word.dropFirst().allSatisfy { byte in
            isLetterOrDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "$")
        }
    }

    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
            true
        default:
            false
        }
    }

    /// Only an escape can bring a control character into a name: raw ones are no JSON (RFC 8259 section 7).
    private static func hasControlCharacterInNames(_ node: JSONDocument.Node, of document: JSONDocument) -> Bool {
        var found = false
        switch document.kind(node) {
        case .object:
            document.forEachMember(of: node) { key, value in
                guard !found else { return }
                if document.stringContainsEscapes(key), let name = document.string(key),
                    name.bytes.contains(where: { $0 < 0x20 })
                {
                    found = true
                } else {
                    found = hasControlCharacterInNames(value, of: document)
                }
            }
        case .array:
            document.forEachElement(of: node) { element in
                if !found { found = hasControlCharacterInNames(element, of: document) }
            }
        case .null, .bool, .number, .string:
            break
        }
        return found
    }
}

import Bytes
import JSON
import MCP

/// What a client answers to a request of the server's: of its method's shape, or it goes nowhere (2025-11-25, `client/*`).
struct ClientAnswer {
    private let document: JSONDocument

    init(_ message: ClientMessage) {
        document = message.document
    }

    /// Whether it is a refusal, or a result that its method has.
    func isShaped(for method: MCP.Method) -> Bool {
        guard let result = document.member("result", of: document.root) else { return true }
        guard document.kind(result) == .object else { return false }
        switch method {
        case .elicit: return isShapedElicitation(result)
        case .createMessage: return text("role", of: result) != nil && document.member("content", of: result) != nil
        case .rootsList: return isShapedRoots(result)
        default: return true
        }
    }

    /// An action of three; what was filled in is flat (`requestedSchema` allows nothing else) and stands only with a yes.
    private func isShapedElicitation(_ result: JSONDocument.Node) -> Bool {
        guard let action = text("action", of: result), ["accept", "decline", "cancel"].contains(action) else {
            return false
        }
        guard let content = document.member("content", of: result), document.kind(content) != .null else { return true }
        guard document.kind(content) == .object else { return false }
        guard action == "accept" else { return document.members(of: content).isEmpty }
        return document.members(of: content).allSatisfy { _, value in
            switch document.kind(value) {
            case .object: false
            case .array: document.elements(of: value).allSatisfy { document.kind($0) == .string }
            default: true
            }
        }
    }

    /// Folders, and nothing else that a URI may name.
    private func isShapedRoots(_ result: JSONDocument.Node) -> Bool {
        guard let roots = document.member("roots", of: result), document.kind(roots) == .array else { return false }
        return document.elements(of: roots).allSatisfy { text("uri", of: $0)?.hasPrefix("file://") == true }
    }

    private func text(_ name: String, of node: JSONDocument.Node) -> ByteString? {
        guard document.kind(node) == .object else { return nil }
        return document.member(name, of: node).flatMap { document.string($0) }
    }
}

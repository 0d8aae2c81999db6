internal import Bytes
internal import JSON
internal import MCP

/// A message on its way into a program. Every process counts its requests by itself, so that ids of several clients, or of a
/// client and of our own, never meet there; progress tokens are the same numbers.
struct PipedMessage: Sendable {
    let message: ClientMessage

    /// Reads a message that was made here: within limits, and well-formed.
    init?(_ encoded: [UInt8]) {
        var limits = JSONLimits()
        limits.bytes = .max
        limits.values = .max
        guard let message = try? ClientMessage(parsing: encoded, limits: limits) else { return nil }
        self.message = message
    }

    /// The token under which the client wants to hear of progress.
    var progressToken: RequestID? {
        tokenNode.flatMap { RequestID($0, in: message.document) }
    }

    /// The request that a cancellation means.
    var cancelled: RequestID? {
        message.parameter("requestId").flatMap { RequestID($0, in: message.document) }
    }

    /// The line for the program, the request (or the one that is cancelled) under its number there.
    func line(as number: Int?) -> [UInt8] {
        let document = message.document
        var edits = JSONEdits()
        if let number {
            let text = Array(String(number).utf8)
            if message.method == .cancelled {
                if let node = message.parameter("requestId") { edits.replace(node, with: text) }
            } else {
                if let node = document.member("id", of: document.root) { edits.replace(node, with: text) }
                if let tokenNode { edits.replace(tokenNode, with: text) }
            }
        }
        return document.encoded(document.root, editing: edits) + [0x0A]
    }

    private var tokenNode: JSONDocument.Node? {
        message.parameter("_meta").flatMap { message.document.member("progressToken", of: $0) }
    }

    /// The notice that a request is given up.
    static func cancellation(of number: Int) -> [UInt8] {
        Array(#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":\#(number)}}"#.utf8) + [0x0A]
    }
}

extension ServerMessage {
    /// The number of the request that this is about; nil when it names none of ours.
    var number: Int? {
        switch shape {
        case .result(let id, _), .error(.some(let id), _): Int(id.encoded.text)
        case .notification: about.flatMap { document.integer($0) }.map { Int($0) }
        case .error(nil, _), .request: nil
        }
    }

    /// The message as the client is to read it: with its own id in the place of the number.
    func restored(id: RequestID, token: RequestID?) -> [UInt8] {
        var edits = JSONEdits()
        switch shape {
        case .result, .error:
            if let node = document.member("id", of: document.root) { edits.replace(node, with: id.encoded.bytes) }
            if case .result(_, let result) = shape, let node = subscription(of: result) {
                edits.replace(node, with: id.encoded.bytes)
            }
        case .notification(let method):
            let own = method == .progress ? token : id
            if let about, let own { edits.replace(about, with: own.encoded.bytes) }
        case .request: break
        }
        return document.encoded(document.root, editing: edits)
    }

    /// Where a notice says what it belongs to: a token of progress, or a subscription.
    private var about: JSONDocument.Node? {
        guard case .notification(let method) = shape, let params else { return nil }
        return method == .progress ? document.member("progressToken", of: params) : subscription(of: params)
    }

    private func subscription(of object: JSONDocument.Node) -> JSONDocument.Node? {
        document.member("_meta", of: object).flatMap {
            document.member("io.modelcontextprotocol/subscriptionId", of: $0)
        }
    }
}

import Bytes
public import JSON

/// What a client sent: one JSON-RPC message, parsed once, forwarded only as a re-encoding of this value.
public struct ClientMessage: Sendable {
    /// What kind of message it is.
    public enum Shape: Hashable, Sendable {
        /// A question that is owed an answer with the same id.
        case request(RequestID)
        /// A notice without an answer.
        case notification
        /// The answer to a request that the server sent.
        case response(RequestID?)
    }

    /// The parsed body.
    public let document: JSONDocument
    /// Request, notification or response.
    public let shape: Shape
    /// The method; `nil` in a response.
    public let method: Method?
    /// The `params` object, where there is one.
    public let params: JSONDocument.Node?

    /// Reads a body.
    ///
    /// - Throws: `MessageFailure` for anything that is not exactly one message of the envelope: batches, unknown or
    ///   case-variant members, ids that are no string or integer, names with control characters.
    public init(parsing bytes: [UInt8], limits: JSONLimits = .clientMessage) throws(MessageFailure) {
        let envelope = try Envelope(parsing: bytes, limits: limits)
        document = envelope.document
        params = envelope.params
        switch envelope.shape {
        case .request(let id, let name):
            shape = .request(id)
            method = Method(name)
        case .notification(let name):
            shape = .notification
            method = Method(name)
        case .result(let id, _):
            shape = .response(id)
            method = nil
        case .error(let id, _):
            shape = .response(id)
            method = nil
        }
        try refuseVariants(id: id)
    }

    /// The request's id; `nil` for notifications and responses.
    public var id: RequestID? {
        guard case .request(let id) = shape else { return nil }
        return id
    }

    /// A member of `params`.
    public func parameter(_ name: String) -> JSONDocument.Node? {
        params.flatMap { document.member(name, of: $0) }
    }

    /// The names in `params` that decide something; a name that differs from one only by case is read as that one by
    /// some servers (CVE-2026-27896) and as nothing by others, so it is refused.
    private static let decidingNames: [ByteString] = [
        "name", "arguments", "_meta", "task", "uri", "cursor", "inputresponses", "requeststate", "protocolversion",
        "capabilities", "clientinfo", "requestid", "taskid", "notifications",
    ]
    private static let exactNames: Set<ByteString> = [
        "name", "arguments", "_meta", "task", "uri", "cursor", "inputResponses", "requestState", "protocolVersion",
        "capabilities", "clientInfo", "requestId", "taskId", "notifications",
    ]

    private func refuseVariants(id: RequestID?) throws(MessageFailure) {
        guard let params else { return }
        var variant = false
        document.forEachMember(of: params) { key, _ in
            // What nearly every message has is compared where it stands.
            if document.isString(key, equalTo: "name") || document.isString(key, equalTo: "arguments") { return }
            guard !variant, let name = document.string(key), !ClientMessage.exactNames.contains(name) else { return }
            variant = ClientMessage.decidingNames.contains(name.foldedForComparison)
        }
        if variant { throw MessageFailure(.unknownMember, id: id) }
    }
}

extension ByteString {
    /// ASCII lower case, with the two non-ASCII letters that Unicode folds into ASCII (U+017F long s, U+212A kelvin).
    fileprivate var foldedForComparison: ByteString {
        var folded: [UInt8] = []
        folded.reserveCapacity(count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == 0xc5, index + 1 < bytes.count, bytes[index + 1] == 0xbf {
                folded.append(UInt8(ascii: "s"))
                index += 2
            } else if byte == 0xe2, index + 2 < bytes.count, bytes[index + 1] == 0x84, bytes[index + 2] == 0xaa {
                folded.append(UInt8(ascii: "k"))
                index += 3
            } else {
                folded.append(byte >= 0x41 && byte <= 0x5a ? byte | 0x20 : byte)
                index += 1
            }
        }
        return ByteString(folded)
    }
}

extension JSONLimits {
    /// What we accept from clients: 100,000 values, names counted too. Judging, redacting and recording arguments takes up to a
    /// microsecond for each name, and meanwhile the loop serves nobody else.
    public static let clientMessage: JSONLimits = {
        var limits = JSONLimits.standard
        limits.values = 100_000
        return limits
    }()
}

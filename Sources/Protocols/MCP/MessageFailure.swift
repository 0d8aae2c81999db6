public import JSON

/// Why bytes are not a JSON-RPC message of MCP; from it comes the answer, with the id where one could be read.
public struct MessageFailure: Error, Sendable {
    /// What is wrong.
    public enum Reason: Equatable, Sendable {
        /// Not strict JSON: syntax, encoding, duplicate names, a limit.
        case json(JSONFailure)
        /// An array: batches are refused in every revision.
        case batch
        /// Neither an object nor an array.
        case notAnObject
        /// `jsonrpc` is absent or not "2.0".
        case version
        /// A member that the envelope does not have, a case variant of one included.
        case unknownMember
        /// `method` together with `result` or `error`, or none of them, or both `result` and `error`.
        case ambiguous
        /// `method` is no string, longer than 128 bytes, or not words separated by single slashes.
        case method
        /// `id` is not a string or a plain integer.
        case id
        /// `params` is not an object.
        case params
        /// A member name with a control character, anywhere in the message.
        case controlCharacter
        /// `error` is not an object with an integer `code` and a string `message`.
        case error
    }

    /// What is wrong.
    public let reason: Reason
    /// The id of the request, when it could still be read.
    public let id: RequestID?

    init(_ reason: Reason, id: RequestID? = nil) {
        self.reason = reason
        self.id = id
    }

    /// JSON-RPC 2.0 section 5.1: parse error, invalid request or invalid params.
    public var code: Int {
        switch reason {
        case .json: -32700
        case .params: -32602
        case .batch, .notAnObject, .version, .unknownMember, .ambiguous, .method, .id, .controlCharacter, .error:
            -32600
        }
    }

    /// A sentence for people; it repeats nothing of the message.
    public var explanation: String {
        switch reason {
        case .json(let failure): "The body is not strict JSON: \(failure.reason) at byte \(failure.offset)."
        case .batch: "Batches are not accepted: send one JSON-RPC message per request."
        case .notAnObject: "The body is not a JSON object."
        case .version: "\"jsonrpc\" must be \"2.0\"."
        case .unknownMember: "The message has a member other than jsonrpc, id, method and params (or result, error)."
        case .ambiguous: "The message must be exactly one of a request, a notification and a response."
        case .method:
            "\"method\" must be words of letters, digits, _ $ . and -, separated by slashes, at most 128 bytes."
        case .id: "\"id\" must be a string or an integer."
        case .params: "\"params\" must be an object."
        case .controlCharacter: "A member name holds a control character."
        case .error: "\"error\" must have an integer code and a string message."
        }
    }

    /// A stable word for the audit trail.
    public var word: String {
        switch reason {
        case .json: "json"
        case .batch: "batch"
        case .notAnObject: "not_an_object"
        case .version: "jsonrpc_version"
        case .unknownMember: "unknown_member"
        case .ambiguous: "ambiguous"
        case .method: "method"
        case .id: "id"
        case .params: "params"
        case .controlCharacter: "control_character"
        case .error: "error_shape"
        }
    }
}

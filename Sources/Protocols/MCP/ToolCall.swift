public import Bytes
public import JSON

/// A `tools/call` request: which tool, with which arguments.
public struct ToolCall: Sendable {
    /// The message that carries the call.
    public let message: ClientMessage
    /// The tool's name, exactly the bytes that were sent (after JSON unescaping).
    public let name: ByteString
    /// The `arguments` object; `nil` when the call has none.
    public let arguments: JSONDocument.Node?

    /// Why a `tools/call` cannot be read.
    public enum Failure: Error, Hashable, Sendable {
        /// `params.name` is missing, no string, empty, longer than 256 bytes or holds a control character.
        case name
        /// `params.arguments` is not an object.
        case arguments
    }

    /// Reads the parameters of a `tools/call`.
    public init(_ message: ClientMessage) throws(Failure) {
        guard let node = message.parameter("name"), let name = message.document.string(node), !name.isEmpty,
            name.count <= 256, !name.bytes.contains(where: { $0 < 0x20 || $0 == 0x7f })
        else { throw .name }
        let arguments = message.parameter("arguments")
        if let arguments, message.document.kind(arguments) != .object { throw .arguments }
        self.message = message
        self.name = name
        self.arguments = arguments
    }
}

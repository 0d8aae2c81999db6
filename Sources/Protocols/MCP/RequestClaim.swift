public import Bytes
public import JSON

/// What a request of the stateless revision says of itself in `params._meta` (2026-07-28, `basic/index`, "Per-request protocol
/// fields"). Claims: nothing is decided by who a client says it is.
public struct RequestClaim: Sendable {
    /// Names in `_meta` that the protocol gives a meaning.
    public enum Name {
        /// The revision: a string.
        public static let version = "io.modelcontextprotocol/protocolVersion"
        /// What the client can do: an object.
        public static let capabilities = "io.modelcontextprotocol/clientCapabilities"
        /// What the client says it is: an object.
        public static let client = "io.modelcontextprotocol/clientInfo"
        /// How much the server may log during this request: a string.
        public static let logLevel = "io.modelcontextprotocol/logLevel"
        /// Which `subscriptions/listen` a message belongs to.
        public static let subscription = "io.modelcontextprotocol/subscriptionId"
    }

    /// What is wrong with a claim.
    public enum Failure: Error, Hashable, Sendable {
        /// Absent, or of another type than it must have; by its name.
        case missing(String)
    }

    /// The revision, as it was written.
    public let version: ByteString
    /// The capabilities, an object.
    public let capabilities: JSONDocument.Node
    /// The log level, when one was asked for.
    public let logLevel: JSONDocument.Node?
    /// `clientInfo.name` and `clientInfo.version`.
    public let client: (name: ByteString?, version: ByteString?)

    /// Reads the claim of a request.
    public init(_ message: ClientMessage) throws(Failure) {
        let document = message.document
        guard let meta = message.parameter("_meta"), document.kind(meta) == .object else { throw .missing("_meta") }
        guard let version = document.member(Name.version, of: meta).flatMap({ document.string($0) }) else {
            throw .missing(Name.version)
        }
        guard let capabilities = document.member(Name.capabilities, of: meta), document.kind(capabilities) == .object
        else { throw .missing(Name.capabilities) }
        let info = document.member(Name.client, of: meta)
        if let info, document.kind(info) != .object { throw .missing(Name.client) }
        let level = document.member(Name.logLevel, of: meta)
        if let level, document.kind(level) != .string { throw .missing(Name.logLevel) }
        if let token = document.member("progressToken", of: meta), RequestID(token, in: document) == nil {
            throw .missing("progressToken")
        }
        self.version = version
        self.capabilities = capabilities
        logLevel = level
        func text(_ name: String) -> ByteString? {
            info.flatMap { document.member(name, of: $0) }.flatMap { document.string($0) }
        }
        client = (text("name"), text("version"))
    }

    /// The revision that a message claims, whatever else it lacks; empty for one that is no text, nil for none.
    public static func version(of message: ClientMessage) -> ByteString? {
        guard let meta = message.parameter("_meta"),
            let claim = message.document.member(Name.version, of: meta)
        else { return nil }
        return message.document.string(claim) ?? ""
    }

    /// Whether the client says that it knows an extension.
    public func declares(extension name: String, in document: JSONDocument) -> Bool {
        document.member("extensions", of: capabilities).flatMap { document.member(name, of: $0) } != nil
    }
}

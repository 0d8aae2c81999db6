public import Bytes
import JSON
import MCP
public import Policy
public import Redaction
public import Upstream

/// Everything that a reload replaces, as one value.
public struct Rules: Sendable {
    /// The most a client's message may have, in bytes. Default 4 MiB, as the SDK servers' own limit.
    public var bodyLimit = 4 << 20
    /// The most a server's message may have, in bytes. Default 16 MiB.
    public var resultLimit = 16 << 20
    /// How much may be in use at once.
    public var occupancy = OccupancyLimits()
    /// What OAuth clients are told.
    public var metadata = ResourceMetadata(publicURL: "", authorizationServers: [])
    /// For how long a call whose stream ended before its answer is left open. Default 300 s; clients come back within seconds.
    public var resumption = Duration.seconds(300)
    /// Counts the rules that have been in force.
    var generation = 0
    private let servers: [ByteString: ProtectedServer]

    /// The rules for these servers, by name.
    public init(_ servers: [ProtectedServer]) {
        self.servers = Dictionary(servers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The server of this name.
    public func server(_ name: ByteString) -> ProtectedServer? { servers[name] }
}

/// One server that the gateway stands before, with everything that judges what goes to it and comes from it.
public final class ProtectedServer: Sendable {
    /// Its name in the configuration, in URLs and in records.
    public let name: ByteString
    let standard: RuleSet
    let policies: [ByteString: RuleSet]
    let redactor: Redactor
    /// What is known of its tools.
    public let tools: ToolBook
    let transport: any ServerTransport
    let pages = ServedPages()
    let unknownTool: UnknownToolForm

    /// A server under policies of which the first judges whoever names none.
    public init?(
        name: ByteString, policies: [RuleSet], redactor: Redactor, tools: ToolBook, transport: any ServerTransport,
        unknownTool: UnknownToolForm = .standard
    ) {
        guard let standard = policies.first else { return nil }
        self.name = name
        self.standard = standard
        self.policies = Dictionary(policies.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.redactor = redactor
        self.tools = tools
        self.transport = transport
        self.unknownTool = unknownTool
    }

    /// The policy that an endpoint names, or the server's own. A name that no policy has judges nothing: everything is denied.
    func rules(named name: ByteString?) -> RuleSet? {
        guard let name else { return standard }
        return policies[name]
    }
}

/// How a tool that does not exist is answered, and so every tool that is hidden. It must be the server's own form, or the
/// difference tells which tools are hidden. `NAME` becomes the tool's name.
public enum UnknownToolForm: Hashable, Sendable {
    /// A JSON-RPC error.
    case error(code: Int, message: String)
    /// A result with `isError`.
    case result(text: String)

    /// MCP's form (`server/tools`, "Error Handling").
    public static let standard = UnknownToolForm.error(code: -32_602, message: "Unknown tool: NAME")

    func answer(to id: RequestID, naming tool: ByteString, isStateless: Bool = false) -> [UInt8] {
        switch self {
        case .error(let code, let message): Answer.error(id: id, code: code, message: named(message, tool))
        case .result(let text): Answer.toolError(id: id, text: named(text, tool), isStateless: isStateless)
        }
    }

    private func named(_ text: String, _ tool: ByteString) -> String {
        let parts = text.split(separator: "NAME", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.joined(separator: tool.text)
    }
}

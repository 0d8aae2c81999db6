public import Bytes
public import Catalog
public import System

/// What an endpoint leaves of its upstream, and what it asks of its callers. Truto's `config` object, with `tools` and
/// `policy` added.
public struct EndpointConfig: Hashable, Sendable {
    /// Methods, see ``Selection``; nothing for no restriction.
    public var methods: [ByteString]?
    /// Tags, see ``Selection``; nothing for no restriction.
    public var tags: [ByteString]?
    /// Tools, see ``Selection``; nothing for no restriction.
    public var tools: [ByteString]?
    /// The policy in place of the upstream's own.
    public var policy: ByteString?
    /// Whether the URL is not enough: an API token or a JWT is needed as well.
    public var requireAPITokenAuth: Bool

    /// A configuration; without arguments, everything for whoever has the URL.
    public init(
        methods: [ByteString]? = nil, tags: [ByteString]? = nil, tools: [ByteString]? = nil, policy: ByteString? = nil,
        requireAPITokenAuth: Bool = false
    ) {
        self.methods = methods
        self.tags = tags
        self.tools = tools
        self.policy = policy
        self.requireAPITokenAuth = requireAPITokenAuth
    }

    /// The methods, tags and tools as what the policy asks.
    public func selection() throws(SelectionFailure) -> Selection {
        try Selection(methods: methods, tags: tags, tools: tools)
    }
}

/// One URL of ours with a capability in it: what Truto calls an MCP server (design 1.4). Its token is in no record.
public struct Endpoint: Hashable, Sendable {
    /// What it is called in records and commands.
    public let id: EndpointID
    /// For people.
    public let name: ByteString
    /// The upstream behind it.
    public let upstream: ByteString
    /// What it leaves and asks.
    public let config: EndpointConfig
    /// The moment it ends; nothing for never.
    public let expiresAt: WallTime?
    /// When it was made.
    public let createdAt: WallTime
    /// When its record changed last.
    public let updatedAt: WallTime
    /// Who made it.
    public let createdBy: ByteString
}

/// What a new endpoint is to be.
public struct EndpointDraft: Hashable, Sendable {
    /// For people, 1 to 200 bytes.
    public var name: ByteString
    /// The upstream behind it. Whether there is one of that name is the caller's to know.
    public var upstream: ByteString
    /// What it leaves and asks. Whether that matches a tool is the caller's to ask the catalogue.
    public var config: EndpointConfig
    /// The moment it ends, at least 60 seconds ahead; nothing for never.
    public var expiresAt: WallTime?

    /// A draft.
    public init(
        name: ByteString, upstream: ByteString, config: EndpointConfig = EndpointConfig(), expiresAt: WallTime? = nil
    ) {
        self.name = name
        self.upstream = upstream
        self.config = config
        self.expiresAt = expiresAt
    }
}

/// A change to one field of a record: keep it, or set it to something, which may be nothing.
public enum FieldChange<Value: Hashable & Sendable>: Hashable, Sendable {
    case keep
    case set(Value)

    func applied(to old: Value) -> Value {
        switch self {
        case .keep: old
        case .set(let new): new
        }
    }
}

/// What is to change about an endpoint. The keys of `config` are changed one by one, as Truto's PATCH does: what is not
/// mentioned stays (reference/torii.md 1.1).
public struct EndpointChange: Hashable, Sendable {
    /// Another name.
    public var name: FieldChange<ByteString> = .keep
    /// Other methods; nothing for no restriction.
    public var methods: FieldChange<[ByteString]?> = .keep
    /// Other tags; nothing for no restriction.
    public var tags: FieldChange<[ByteString]?> = .keep
    /// Other tools; nothing for no restriction.
    public var tools: FieldChange<[ByteString]?> = .keep
    /// Another policy; nothing for the upstream's own.
    public var policy: FieldChange<ByteString?> = .keep
    /// Whether a second factor is needed.
    public var requireAPITokenAuth: FieldChange<Bool> = .keep
    /// Another end, at least 60 seconds ahead; nothing for never.
    public var expiresAt: FieldChange<WallTime?> = .keep

    /// No change yet.
    public init() {}

    /// Whether the tools that are offered may become others, so that the catalogue is to be asked again.
    public var changesConfig: Bool {
        methods != .keep || tags != .keep || tools != .keep || policy != .keep || requireAPITokenAuth != .keep
    }

    /// What `config` becomes by this change.
    public func applied(to config: EndpointConfig) -> EndpointConfig {
        EndpointConfig(
            methods: methods.applied(to: config.methods), tags: tags.applied(to: config.tags),
            tools: tools.applied(to: config.tools), policy: policy.applied(to: config.policy),
            requireAPITokenAuth: requireAPITokenAuth.applied(to: config.requireAPITokenAuth))
    }
}

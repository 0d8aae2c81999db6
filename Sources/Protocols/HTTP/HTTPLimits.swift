/// How much of a message a peer may make us hold or read. Bytes, unless it says otherwise.
public struct HTTPLimits: Sendable {
    /// Start line and fields together. 16 KiB: what nginx and node allow, and ten times what MCP clients send.
    public var headBytes = 16 << 10
    /// Fields in a head. 100, as most servers have it.
    public var fieldCount = 100
    /// One field, name and value. 8 KiB holds a long bearer token.
    public var fieldBytes = 8 << 10
    /// A request target. 8,000 is the least that RFC 9110 section 4.1 recommends to support.
    public var targetBytes = 8 << 10
    /// A decoded body. 4 MiB is the limit of the MCP SDKs' own servers.
    public var bodyBytes = 4 << 20
    /// The extensions of one chunk; they are checked and dropped. Nobody sends them, so little is enough.
    public var chunkExtensionBytes = 256
    /// All chunk extensions of a body together: otherwise a byte of body could be made to cost kilobytes.
    public var chunkExtensionBytesInAll = 16 << 10
    /// The trailer section; it is checked and dropped.
    public var trailerBytes = 4 << 10
    /// Fields in a trailer section.
    public var trailerCount = 32

    /// The limits above.
    public init() {}

    /// The limits above.
    public static let standard = HTTPLimits()
}

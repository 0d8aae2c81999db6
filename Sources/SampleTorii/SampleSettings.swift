public import Bytes

/// What kind of server the sample is.
public struct SampleSettings: Sendable {
    /// Where it answers MCP.
    public var path: ByteString = "/mcp"
    /// The credential that every request must carry, as a Torii API key would; nil asks for none.
    public var bearer: ByteString?
    /// How many tools a page of `tools/list` has; at least 1.
    public var pageSize = 20
    /// Whether clients get a session. Truto's servers give none.
    public var givesSessions = true
    /// Whether it speaks 2026-07-28 besides the revisions with a handshake.
    public var speaksStateless = true
    /// Seconds between two comments on a quiet stream.
    public var pingSeconds = 15.0
    /// Whether `/sample/control` exists, for tests: what was received, and what to do wrong next. Only from this machine.
    public var hasControl = false

    /// A server that asks for no credential and gives sessions.
    public init() {}
}

public import HTTP

/// What a bridge may hold, and how long it waits.
public struct BridgeSettings: Sendable {
    /// Fields that go with every request besides MCP's own.
    public var fields = HeaderFields()
    /// The longest message either way. 64 MiB: the servers' own limits are smaller and theirs to keep.
    public var messageBytes = 64 << 20
    /// Requests in flight; one more is answered with an error at once.
    public var requests = 256
    /// From a sent request to the head of its answer, and between two pieces of it. 15 min: tools may work for long, and clients
    /// have a patience of their own, which ends in a cancellation.
    public var patience = Duration.seconds(900)
    /// How often a broken stream is resumed without anything new having come.
    public var resumptions = 5
    /// The longest pause before a stream is opened again.
    public var longestPause = Duration.seconds(30)

    /// The settings above.
    public init() {}
}

/// Where a bridge puts what it has.
public protocol BridgeOutlet: Sendable {
    /// Writes a message for the client; returns when it is written, or when the client no longer reads.
    func say(_ message: [UInt8]) async

    /// Tells the person who runs the client a sentence.
    func tell(_ sentence: String)
}

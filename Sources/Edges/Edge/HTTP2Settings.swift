import System

/// What HTTP/2 adds to the limits of HTTP/1.1, which hold for it too.
public struct HTTP2Settings: Sendable {
    /// Requests under way at once on one connection, counted until the handler has ended: one whose stream was reset still
    /// costs us. 100, the least that RFC 9113 section 6.5.2 recommends. The connection's first takes the connection's place
    /// in `Admission`, each further one takes one of its own.
    public var requests = 100
    /// Bytes of one body that are held before the handler reads it. RFC 9113's default.
    public var streamWindow = 65_535
    /// Streams that a client may waste: given up before the answer began, made us reset them, or begun with a request that is
    /// none. Many clients reset a stream of events when they have heard their result; that is no waste. A client that gives
    /// up all its requests at once stays far below; a rapid reset does not.
    public var waste = Allowance(200, perSecond: 20)
    /// Frames that bring nothing: PING, SETTINGS, PRIORITY, WINDOW_UPDATE, RST_STREAM, CONTINUATION, trailers, little DATA,
    /// unknown ones. Each frame of real data, either way, earns its window updates, and each answer a reset.
    public var frames = Allowance(2_000, perSecond: 200)

    /// The settings above.
    public init() {}
}

/// How often something may happen: so many times at once, and again as time passes.
public struct Allowance: Sendable {
    private let capacity: Int
    private let perSecond: Int
    private var left: Int
    private var lastRefill = MonotonicTime.now

    /// - Parameters:
    ///   - capacity: how often at once.
    ///   - perSecond: how often for long.
    public init(_ capacity: Int, perSecond: Int) {
        self.capacity = capacity
        self.perSecond = max(1, perSecond)
        left = capacity
    }

    /// Gives back, up to the capacity.
    mutating func earn(_ count: Int) {
        left = min(capacity, left + count)
    }

    /// Spends; false when there was not enough.
    mutating func spend(_ count: Int, at now: MonotonicTime) -> Bool {
        let passed = (now.nanoseconds - lastRefill.nanoseconds) / 1_000_000
        let earned = Int(clamping: passed).multipliedReportingOverflow(by: perSecond)
        if earned.overflow || earned.partialValue >= 1_000 {
            lastRefill = now
            earn(earned.overflow ? capacity : earned.partialValue / 1_000)
        }
        left -= count
        return left >= 0
    }
}

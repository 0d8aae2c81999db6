/// What a peer did, in the order it did it; or what became of what we sent.
public enum HTTP2Event: Sendable {
    /// A request begins; `ends` when it has no body.
    case head(stream: Int32, FieldBlock, ends: Bool)
    /// Fields after the body. `ends` when the frame ended the stream, as it must.
    case trailers(stream: Int32, FieldBlock, ends: Bool)
    /// A piece of the body. It must be consumed some time, also when nobody wants it.
    case data(stream: Int32, [UInt8])
    /// The body is whole.
    case ended(stream: Int32)
    /// All that was given to the stream has become frames; with the end, if that was given.
    case drained(stream: Int32)
    /// The stream is no more; nothing can be sent on it. `code` is 0 when both sides had come to their ends.
    case closed(stream: Int32, code: UInt32)
    /// The peer answered our PING.
    case pong
}

/// The fields of one section as they came: in order, unchecked, in one buffer.
public struct FieldBlock: Sendable {
    /// Names and values, one after the other.
    public private(set) var bytes: [UInt8] = []
    /// Where each field lies in `bytes`.
    public private(set) var fields: [Field] = []
    /// There was more than `HTTP2Limits.fieldBytes`; the rest is not here.
    public private(set) var isTruncated = false
    /// Bytes of all names and values, kept or not.
    private(set) var decodedBytes = 0

    /// One field's place.
    public struct Field: Sendable {
        /// The name.
        public let name: Range<Int>
        /// The value.
        public let value: Range<Int>
    }

    /// An empty section.
    init() {}

    mutating func add(
        _ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, limits: HTTP2Limits
    ) {
        // A field costs something even when it is empty, as RFC 9113 section 6.5.2 counts.
        decodedBytes += name.count + value.count + 32
        guard !isTruncated, bytes.count + name.count + value.count <= limits.fieldBytes,
            fields.count < limits.fieldBytes / 4
        else { return isTruncated = true }
        let start = bytes.count
        unsafe bytes.append(contentsOf: name)
        let middle = bytes.count
        unsafe bytes.append(contentsOf: value)
        fields.append(Field(name: start..<middle, value: middle..<bytes.count))
    }
}

/// How many frames of each kind passed since this was last asked for.
public struct FrameCounts: Sendable, Equatable {
    /// RST_STREAM of the peer.
    public var resets = 0
    /// Frames for which nghttp2 reset a stream by itself, streams above the limit among them.
    public var invalid = 0
    /// Of these, requests above the limit of streams.
    public var refused = 0
    /// PING, SETTINGS, PRIORITY, GOAWAY, CONTINUATION, HEADERS that begin no stream, and frames of unknown kinds.
    public var control = 0
    /// WINDOW_UPDATE.
    public var windowUpdates = 0
    /// DATA of less than 256 bytes that does not end its stream.
    public var smallData = 0
    /// DATA of at least 256 bytes.
    public var data = 0
    /// DATA of at least 256 bytes that we sent.
    public var sentData = 0

    /// None.
    public init() {}
}

/// The codes of RST_STREAM and GOAWAY (RFC 9113 section 7) that we send.
public enum HTTP2Code: UInt32, Sendable {
    case none = 0x0
    case protocolError = 0x1
    case internalError = 0x2
    case refusedStream = 0x7
    case cancel = 0x8
    case enhanceYourCalm = 0xb
}

/// Why a connection cannot go on.
public enum HTTP2Failure: Error, Hashable, Sendable {
    /// The peer does not speak HTTP/2.
    case notHTTP2
    /// The peer begins a stream with a number that was passed over (RFC 9113 section 5.1.1).
    case reusedStream
    /// The peer sends what is cheap for it and dear for us.
    case flood
    /// nghttp2 gave up, which is its own mistake or ours; its code.
    case broken(Int32)
}

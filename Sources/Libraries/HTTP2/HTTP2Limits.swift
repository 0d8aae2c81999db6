/// How much an HTTP/2 peer may make us hold, and what it is told of that in our SETTINGS.
public struct HTTP2Limits: Sendable {
    /// Streams that a peer may have open at once.
    public var streams = 100
    /// Bytes of one stream's DATA that are taken before somebody consumes them. RFC 9113's own default.
    public var streamWindow = 65_535
    /// The same for all streams of a connection.
    public var connectionWindow = 65_535 * 100
    /// What a peer is told it may send as one field section, by RFC 9113's count: 32 bytes for each field besides its own.
    public var announcedFieldBytes = 16 << 10
    /// Bytes of names and values that are kept of one field section; what goes beyond is decoded and dropped, and the
    /// block says so.
    public var fieldBytes = 16 << 10
    /// Decoded bytes of one field section at which the connection ends: a few compressed bytes can stand for many.
    public var decodedBytes = 256 << 10
    /// CONTINUATION frames of one field section; nghttp2's own default since CVE-2024-28182.
    public var continuations = 8
    /// Entries of one SETTINGS frame.
    public var settings = 32
    /// Acknowledgements of PING and SETTINGS that wait to be sent.
    public var acknowledgements = 256

    /// The limits above.
    public init() {}
}

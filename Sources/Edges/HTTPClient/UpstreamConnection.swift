internal import HTTP
internal import Reactor
internal import System

/// One open connection to an upstream, used for one request at a time.
final class UpstreamConnection {
    let stream: ByteStream
    /// When it is used for the last time.
    let retires: MonotonicTime
    /// Bytes that were read and not yet understood, from `start` on.
    private var unread: [UInt8] = []
    private var start = 0
    /// How many requests it has carried.
    var requests = 0
    /// When it was last given back.
    var idleSince: MonotonicTime?

    init(_ stream: ByteStream, retires: MonotonicTime) {
        self.stream = stream
        self.retires = retires
    }

    /// Whether bytes are here that nobody has taken.
    var hasUnread: Bool { start < unread.count }

    /// Reads more, when asked and not before; false at the proper end of the connection.
    func fill(deadline: MonotonicTime) async throws(StreamFailure) -> Bool {
        // Idle, the connection holds no buffer: a thousand event streams are mostly waiting.
        if !hasUnread {
            unread = []
            start = 0
            try await stream.waitUntilReadable(deadline: deadline)
        }
        var buffer = unread
        unread = []
        if start > 0 {
            buffer.removeFirst(start)
            start = 0
        }
        defer { unread = buffer }
        return try await stream.read(into: &buffer, atMost: 16_384, deadline: deadline) > 0
    }

    /// Lets `body` read what is here; it answers how much of it is done with.
    func consume<Result, Failure: Error>(
        _ body: (Span<UInt8>) throws(Failure) -> (Result, consumed: Int)
    ) throws(Failure) -> Result {
        let bytes = unread
        let (result, consumed) = try body(bytes.span.extracting(start..<bytes.count))
        start += consumed
        if start == unread.count {
            unread = []
            start = 0
        }
        return result
    }

    /// Whether a request can be sent on it: nothing arrived unasked, nobody has closed.
    ///
    /// After a while of idleness the kernel is asked: the server may have closed just now, and a request sent into that would
    /// be one whose outcome nobody knows.
    func isFresh(_ now: MonotonicTime) -> Bool {
        guard !stream.isClosed, !stream.isPeerGone, !hasUnread, now < retires else { return false }
        guard let idleSince, now - idleSince > .milliseconds(500) else { return true }
        return stream.isSilent()
    }
}

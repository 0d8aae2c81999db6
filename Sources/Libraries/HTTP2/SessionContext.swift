internal import CNGHTTP2

/// What the callbacks of one session write into; the session reads it after each call.
final class SessionContext {
    let limits: HTTP2Limits
    var events: [HTTP2Event] = []
    var counts = FrameCounts()
    /// The field section that is being read: there is at most one on a connection.
    var block: FieldBlock?
    var outboxes: [Int32: Outbox] = [:]
    var isFlooded = false
    var isReused = false
    private var highestStream: Int32 = 0
    /// Streams that ended lately: trailers may still come for those that we broke off.
    private var endedStreams: [Int32] = []
    private var oldestEnded = 0
    var brokenBy: UInt32?

    init(_ limits: HTTP2Limits) {
        self.limits = limits
    }

    /// The context of a callback. Nobody is retained: the session outlives its callbacks.
    static func of(_ pointer: UnsafeMutableRawPointer?) -> SessionContext? {
        unsafe pointer.map { unsafe Unmanaged<SessionContext>.fromOpaque($0).takeUnretainedValue() }
    }

    func count(_ header: nghttp2_frame_hd) {
        let isEnd = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        switch UInt32(header.type) {
        case NGHTTP2_DATA.rawValue where header.length >= 256: counts.data += 1
        case NGHTTP2_DATA.rawValue: if !isEnd { counts.smallData += 1 }
        case NGHTTP2_HEADERS.rawValue: break
        case NGHTTP2_RST_STREAM.rawValue: counts.resets += 1
        case NGHTTP2_WINDOW_UPDATE.rawValue: counts.windowUpdates += 1
        default: counts.control += 1
        }
    }

    /// Whether the stream began before, or was passed over.
    func wasSeen(_ stream: Int32) -> Bool { stream <= highestStream }

    /// Whether a HEADERS frame on this stream, which is `open` or not, is one that can be: nghttp2 ignores those on streams
    /// that were passed over, RFC 9113 section 5.1.1 does not.
    func mayHaveHead(_ stream: Int32, isOpen: Bool) -> Bool {
        if stream > highestStream {
            highestStream = stream
            return true
        }
        return isOpen || stream <= 0 || endedStreams.contains(stream)
    }

    func remember(ended stream: Int32) {
        guard endedStreams.count == 128 else { return endedStreams.append(stream) }
        endedStreams[oldestEnded] = stream
        oldestEnded = (oldestEnded + 1) % 128
    }

    func received(_ frame: nghttp2_frame) {
        let header = unsafe frame.hd
        let ends = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue:
            guard let block else { return }
            self.block = nil
            if unsafe frame.headers.cat == NGHTTP2_HCAT_REQUEST {
                events.append(.head(stream: header.stream_id, block, ends: ends))
            } else {
                events.append(.trailers(stream: header.stream_id, block, ends: ends))
            }
        case NGHTTP2_DATA.rawValue:
            if ends { events.append(.ended(stream: header.stream_id)) }
        case NGHTTP2_PING.rawValue:
            if header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0 { events.append(.pong) }
        default: break
        }
    }

    func sent(_ frame: nghttp2_frame) {
        switch unsafe UInt32(frame.hd.type) {
        case NGHTTP2_DATA.rawValue: if unsafe frame.hd.length >= 256 { counts.sentData += 1 }
        case NGHTTP2_HEADERS.rawValue:
            // An answer without a body is done with its head.
            if unsafe frame.hd.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0 {
                events.append(.drained(stream: unsafe frame.hd.stream_id))
            }
        case NGHTTP2_GOAWAY.rawValue:
            let code = unsafe frame.goaway.error_code
            if code != HTTP2Code.none.rawValue { brokenBy = code }
        default: break
        }
    }

    /// Fills a DATA frame. Nil when there is nothing yet.
    func fill(_ buffer: UnsafeMutableBufferPointer<UInt8>, for stream: Int32) -> (count: Int, isEnd: Bool)? {
        guard var outbox = outboxes[stream] else { return (0, true) }
        // Not two owners of one buffer: taking from it would copy it.
        outboxes[stream] = nil
        let count = unsafe outbox.take(into: buffer)
        let isDrained = outbox.count == 0
        outboxes[stream] = outbox
        if count == 0, !outbox.isEnded { return nil }
        if isDrained { events.append(.drained(stream: stream)) }
        return (count, isDrained && outbox.isEnded)
    }

    func closed(_ stream: Int32, _ code: UInt32) {
        outboxes[stream] = nil
        remember(ended: stream)
        events.append(.closed(stream: stream, code: code))
    }
}

internal import CNGHTTP2

/// The one table of callbacks for all sessions; made once, never freed.
@safe struct SessionCallbacks: @unchecked Sendable {
    static let shared = SessionCallbacks()
    let raw: OpaquePointer?

    private init() {
        var made: OpaquePointer?
        // Without memory at the program's beginning there is none for a session either, which then says so.
        unsafe nghttp2_session_callbacks_new(&made)
        unsafe raw = made
        unsafe nghttp2_session_callbacks_set_on_begin_frame_callback(made, beginFrame)
        unsafe nghttp2_session_callbacks_set_on_begin_headers_callback(made, beginHeaders)
        unsafe nghttp2_session_callbacks_set_on_header_callback(made, takeField)
        unsafe nghttp2_session_callbacks_set_on_frame_recv_callback(made, takeFrame)
        unsafe nghttp2_session_callbacks_set_on_data_chunk_recv_callback(made, takeData)
        unsafe nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(made, takeInvalid)
        unsafe nghttp2_session_callbacks_set_on_stream_close_callback(made, streamClosed)
        unsafe nghttp2_session_callbacks_set_on_frame_send_callback(made, frameSent)
        unsafe nghttp2_session_callbacks_set_unpack_extension_callback(made, ignoreUnknown)
    }
}

private let stop = NGHTTP2_ERR_CALLBACK_FAILURE.rawValue

private func beginFrame(
    _ session: OpaquePointer?, _ header: UnsafePointer<nghttp2_frame_hd>?, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = unsafe SessionContext.of(context), let header = unsafe header else { return stop }
    unsafe context.count(header.pointee)
    guard unsafe UInt32(header.pointee.type) == NGHTTP2_HEADERS.rawValue else { return 0 }
    let stream = unsafe header.pointee.stream_id
    // A request's first HEADERS are counted as the request; trailers bring nothing.
    if context.wasSeen(stream) { context.counts.control += 1 }
    context.isReused = unsafe !context.mayHaveHead(stream, isOpen: nghttp2_session_find_stream(session, stream) != nil)
    return context.isReused ? stop : 0
}

private func beginHeaders(
    _: OpaquePointer?, _: UnsafePointer<nghttp2_frame>?, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = unsafe SessionContext.of(context) else { return stop }
    context.block = FieldBlock()
    return 0
}

private func takeField(
    _: OpaquePointer?, _: UnsafePointer<nghttp2_frame>?, _ name: UnsafePointer<UInt8>?, _ nameCount: Int,
    _ value: UnsafePointer<UInt8>?, _ valueCount: Int, _: UInt8, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = unsafe SessionContext.of(context) else { return stop }
    unsafe context.block?.add(
        UnsafeBufferPointer(start: name, count: nameCount), UnsafeBufferPointer(start: value, count: valueCount),
        limits: context.limits)
    guard let block = context.block, block.decodedBytes > context.limits.decodedBytes else { return 0 }
    context.isFlooded = true
    return stop
}

private func takeFrame(
    _: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = unsafe SessionContext.of(context), let frame = unsafe frame else { return stop }
    unsafe context.received(frame.pointee)
    return 0
}

private func takeData(
    _: OpaquePointer?, _: UInt8, _ stream: Int32, _ bytes: UnsafePointer<UInt8>?, _ count: Int,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = unsafe SessionContext.of(context) else { return stop }
    let piece = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
    if !piece.isEmpty { context.events.append(.data(stream: stream, piece)) }
    return 0
}

private func takeInvalid(
    _: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ code: Int32, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = unsafe SessionContext.of(context), let frame = unsafe frame else { return stop }
    context.counts.invalid += 1
    if code == NGHTTP2_ERR_REFUSED_STREAM.rawValue { context.counts.refused += 1 }
    unsafe context.remember(ended: frame.pointee.hd.stream_id)
    context.block = nil
    return 0
}

private func streamClosed(
    _: OpaquePointer?, _ stream: Int32, _ code: UInt32, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = unsafe SessionContext.of(context) else { return stop }
    context.closed(stream, code)
    return 0
}

private func frameSent(
    _: OpaquePointer?, _ frame: UnsafePointer<nghttp2_frame>?, _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let context = unsafe SessionContext.of(context), let frame = unsafe frame else { return stop }
    unsafe context.sent(frame.pointee)
    return 0
}

/// A frame of an unknown kind came to its end: it is ignored (RFC 9113 section 5.5).
private func ignoreUnknown(
    _: OpaquePointer?, _: UnsafeMutablePointer<UnsafeMutableRawPointer?>?, _: UnsafePointer<nghttp2_frame_hd>?,
    _: UnsafeMutableRawPointer?
) -> Int32 {
    NGHTTP2_ERR_CANCEL.rawValue
}

/// Gives nghttp2 a stream's next bytes.
func giveData(
    _: OpaquePointer?, _ stream: Int32, _ buffer: UnsafeMutablePointer<UInt8>?, _ length: Int,
    _ flags: UnsafeMutablePointer<UInt32>?, _: UnsafeMutablePointer<nghttp2_data_source>?,
    _ context: UnsafeMutableRawPointer?
) -> Int {
    guard let context = unsafe SessionContext.of(context) else { return Int(stop) }
    let space = unsafe UnsafeMutableBufferPointer(start: buffer, count: length)
    guard let (count, isEnd) = unsafe context.fill(space, for: stream) else {
        return Int(NGHTTP2_ERR_DEFERRED.rawValue)
    }
    if isEnd { unsafe flags?.pointee |= NGHTTP2_DATA_FLAG_EOF.rawValue }
    return count
}

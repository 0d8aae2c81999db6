internal import CNGHTTP2

/// The server's side of one HTTP/2 connection, without the connection: bytes go in, events come out; answers go in, bytes
/// come out.
///
/// nghttp2 does the framing, HPACK, the states of streams, and flow control, and answers what breaks them. The fields of
/// requests are not judged here: see `FieldSectionReader`. Belongs to one thread; nothing waits.
@safe public final class HTTP2Session {
    private let raw: OpaquePointer
    /// nghttp2 points to it and does not own it.
    private let context: SessionContext

    /// A session whose first bytes to be sent are our SETTINGS.
    public init(_ limits: HTTP2Limits) throws(HTTP2Failure) {
        let context = SessionContext(limits)
        unsafe raw = try Self.makeSession(context, limits)
        self.context = context
        var entries = [
            nghttp2_settings_entry(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams),
            nghttp2_settings_entry(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindow),
            nghttp2_settings_entry(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.announcedFieldBytes),
            // The tree of RFC 7540 costs much and nobody uses it (RFC 9113 section 5.3).
            nghttp2_settings_entry(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ]
        try check(unsafe nghttp2_submit_settings(raw, 0, &entries, entries.count))
        if limits.connectionWindow > 65_535 {
            try check(
                unsafe nghttp2_session_set_local_window_size(raw, 0, 0, Int32(clamping: limits.connectionWindow)))
        }
    }

    deinit {
        unsafe nghttp2_session_del(raw)
    }

    private static func makeSession(
        _ context: SessionContext, _ limits: HTTP2Limits
    ) throws(HTTP2Failure) -> OpaquePointer {
        var option: OpaquePointer?
        guard unsafe nghttp2_option_new(&option) == 0 else { throw .broken(NGHTTP2_ERR_NOMEM.rawValue) }
        defer { unsafe nghttp2_option_del(option) }
        unsafe nghttp2_option_set_no_auto_window_update(option, 1)
        // Fields are judged in one place for all versions of HTTP.
        unsafe nghttp2_option_set_no_http_messaging(option, 1)
        unsafe nghttp2_option_set_no_closed_streams(option, 1)
        unsafe nghttp2_option_set_max_continuations(option, limits.continuations)
        unsafe nghttp2_option_set_max_settings(option, limits.settings)
        unsafe nghttp2_option_set_max_outbound_ack(option, limits.acknowledgements)
        // Else frames of unknown kinds would be skipped without anybody counting them.
        for type in UInt8(0x0a)...0xff { unsafe nghttp2_option_set_user_recv_extension_type(option, type) }
        var session: OpaquePointer?
        let pointer = unsafe Unmanaged.passUnretained(context).toOpaque()
        let code = unsafe nghttp2_session_server_new2(&session, SessionCallbacks.shared.raw, pointer, option)
        guard code == 0, let session = unsafe session else { throw .broken(code) }
        return unsafe session
    }

    // MARK: What comes

    /// Takes bytes of the peer. What they meant is in `takeEvents`. After a failure nothing more is taken.
    public func receive(_ bytes: [UInt8]) throws(HTTP2Failure) {
        let count = unsafe bytes.withUnsafeBufferPointer { buffer in
            unsafe nghttp2_session_mem_recv(raw, buffer.baseAddress, buffer.count)
        }
        if count < 0 { throw failure(Int32(count)) }
    }

    /// What happened since this was last asked, in order.
    public func takeEvents() -> [HTTP2Event] {
        guard !context.events.isEmpty else { return [] }
        let events = context.events
        context.events = []
        return events
    }

    /// Which frames passed since this was last asked.
    public func takeCounts() -> FrameCounts {
        defer { context.counts = FrameCounts() }
        return context.counts
    }

    /// Whether a field section has begun and not come to its end.
    public var isWithinHead: Bool { context.block != nil }

    /// Whether there may be more to come. When nothing is to be sent either, the connection is over.
    public var wantsToReceive: Bool { unsafe nghttp2_session_want_read(raw) != 0 }

    /// The code of the GOAWAY that nghttp2 sent because the peer broke the protocol; nil when it did not.
    public var brokenBy: UInt32? { context.brokenBy }

    /// The highest stream that was given to us.
    public var lastStream: Int32 { unsafe nghttp2_session_get_last_proc_stream_id(raw) }

    /// Lets the peer send that many bytes more, of a stream and of the connection.
    public func consume(_ count: Int, of stream: Int32) {
        guard count > 0 else { return }
        // A stream that is no more has no window; the connection has.
        unsafe nghttp2_session_consume(raw, stream, count)
    }

    // MARK: What goes

    /// Whether there is something to be sent.
    public var wantsToSend: Bool { unsafe nghttp2_session_want_write(raw) != 0 }

    /// Appends whole frames that are due, until there are `limit` bytes or none is due.
    public func send(into out: inout [UInt8], atMost limit: Int) throws(HTTP2Failure) {
        while out.count < limit {
            var start: UnsafePointer<UInt8>?
            let count = unsafe nghttp2_session_mem_send(raw, &start)
            guard count >= 0 else { throw failure(Int32(count)) }
            guard count > 0, let start = unsafe start else { return }
            unsafe out.append(contentsOf: UnsafeBufferPointer(start: start, count: count))
        }
    }

    /// Answers a stream; with `ends` the answer is whole, otherwise `give` and `end` follow. False when there is no such
    /// stream any more. Names and values must be fit for the wire.
    public func respond(_ stream: Int32, _ answer: AnswerFields, ends: Bool) -> Bool {
        if !ends { context.outboxes[stream] = Outbox() }
        let code = unsafe answer.withPairs { pairs, count in
            var provider = unsafe nghttp2_data_provider()
            unsafe provider.read_callback = giveData
            if ends { return unsafe nghttp2_submit_response(raw, stream, pairs, count, nil) }
            return unsafe nghttp2_submit_response(raw, stream, pairs, count, &provider)
        }
        if code != 0 { context.outboxes[stream] = nil }
        return code == 0
    }

    /// Sends `100 Continue`.
    public func sendContinue(_ stream: Int32) {
        var answer = AnswerFields()
        answer.add(":status", "100")
        _ = unsafe answer.withPairs { pairs, count in
            unsafe nghttp2_submit_headers(raw, 0, stream, nil, pairs, count, nil)
        }
    }

    /// Gives a stream more to send. `.drained` follows when frames were made of all of it.
    public func give(_ bytes: [UInt8], to stream: Int32) {
        guard context.outboxes[stream] != nil else { return }
        context.outboxes[stream]?.put(bytes)
        unsafe nghttp2_session_resume_data(raw, stream)
    }

    /// Ends our side of a stream behind what was given.
    public func end(_ stream: Int32) {
        guard context.outboxes[stream] != nil else { return }
        context.outboxes[stream]?.isEnded = true
        unsafe nghttp2_session_resume_data(raw, stream)
    }

    /// Breaks a stream off. What was given to it and is not sent is dropped.
    public func reset(_ stream: Int32, _ code: HTTP2Code) {
        unsafe nghttp2_submit_rst_stream(raw, 0, stream, code.rawValue)
    }

    /// Serves equally urgent streams in turns, by frames: one large answer must not hold up the others.
    public func takeTurns(_ stream: Int32) {
        var priority = nghttp2_extpri(urgency: UInt32(NGHTTP2_EXTPRI_DEFAULT_URGENCY), inc: 1)
        unsafe nghttp2_session_change_extpri_stream_priority(raw, stream, &priority, 1)
    }

    // MARK: The end

    /// Says that the connection will end, while streams that the peer begins meanwhile are still served.
    public func announceEnd() {
        unsafe nghttp2_submit_shutdown_notice(raw)
    }

    /// Asks for a `pong`.
    public func ping() {
        unsafe nghttp2_submit_ping(raw, 0, nil)
    }

    /// Takes no more streams; those that are open come to their ends.
    public func goAway() {
        unsafe nghttp2_submit_goaway(raw, 0, lastStream, HTTP2Code.none.rawValue, nil, 0)
    }

    /// Ends everything, with a code.
    public func terminate(_ code: HTTP2Code) {
        unsafe nghttp2_session_terminate_session(raw, code.rawValue)
    }

    private func failure(_ code: Int32) -> HTTP2Failure {
        switch code {
        case NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue: .notHTTP2
        case NGHTTP2_ERR_FLOODED.rawValue, NGHTTP2_ERR_TOO_MANY_CONTINUATIONS.rawValue,
            NGHTTP2_ERR_TOO_MANY_SETTINGS.rawValue:
            .flood
        case NGHTTP2_ERR_CALLBACK_FAILURE.rawValue where context.isFlooded: .flood
        case NGHTTP2_ERR_CALLBACK_FAILURE.rawValue where context.isReused: .reusedStream
        default: .broken(code)
        }
    }

    private func check(_ code: Int32) throws(HTTP2Failure) {
        guard code == 0 else { throw .broken(code) }
    }
}

extension nghttp2_settings_entry {
    fileprivate init(_ name: nghttp2_settings_id, _ value: Int) {
        self.init(settings_id: Int32(name.rawValue), value: UInt32(clamping: value))
    }
}

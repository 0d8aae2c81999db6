public import OpenSSL
public import System

/// One TCP connection, with TLS or without, on one event loop.
///
/// At most one task reads and one writes at a time. Each wait ends at its deadline, by `interrupt`, by `close`, and when
/// the loop stops. Dropping the last reference closes it.
public final class ByteStream {
    /// The loop it lives on; every call must come from there.
    public let loop: EventLoop

    /// How many bytes the kernel has taken from `write`; with TLS, of records that it took whole.
    public private(set) var sentBytes = 0

    private var descriptor: Descriptor?
    private var channel: Channel
    private var watch = -1
    private var reader = Waiter()
    private var writer = Waiter()
    private var alarm: Timer?
    private var alarmTime = MonotonicTime.distantFuture
    private var failure: StreamFailure?
    private var peerIsGone = false
    private var gone: (() -> Void)?
    private var disturbed: (() -> Void)?
    /// Reads in a row that did not have to wait; a busy peer must not keep the loop from others.
    private var busyReads = 0
    private var isWoken = false

    /// What reads and writes go through, and what the kernel last said about the socket.
    private enum Channel {
        case plain(PlainChannel)
        case tls(TLSSession)
    }

    /// Who may wait: one task that reads (or shakes hands), one that writes.
    private enum Role { case reader, writer }

    /// Takes over a connected or connecting socket. `EventLoop.current` becomes its loop.
    private init(owning socket: consuming Descriptor) throws(StreamFailure) {
        loop = EventLoop.current
        channel = .plain(PlainChannel(socket: socket.number))
        let number = socket.number
        descriptor = consume socket
        do throws(SystemFailure) {
            watch = try loop.watch(number, self)
        } catch {
            throw .system(error)
        }
    }

    deinit {
        close()
    }

    // MARK: Beginning

    /// Connects to an address and, with `tls`, agrees on TLS with the server of that name, all before the deadline.
    ///
    /// - Parameter serverName: a DNS name or an IP address that the server's certificate must hold; not used without TLS.
    public static func connect(
        _ address: SocketAddress, tls: ClientContext?, serverName: String, deadline: MonotonicTime
    ) async throws(StreamFailure) -> ByteStream {
        let socket: Descriptor
        do throws(SystemFailure) {
            socket = try Sockets.connect(to: address)
        } catch {
            throw .system(error)
        }
        let stream = try ByteStream(owning: socket)
        try await stream.wait(.writer, for: .writable, deadline)
        let pending = Sockets.pendingFailure(of: stream.number, to: address)
        if let pending {
            stream.close()
            throw .system(pending)
        }
        if let tls { try await stream.startTLS(tls, serverName: serverName, deadline: deadline) }
        return stream
    }

    /// Takes over one end of a pair of sockets whose other end another process has.
    static func joined(_ socket: consuming Descriptor) throws(StreamFailure) -> ByteStream {
        try ByteStream(owning: socket)
    }

    /// Takes over a connection that a listener accepted and, with `tls`, serves the handshake before the deadline.
    public static func accepted(
        _ socket: consuming Descriptor, tls: ServerContext?, deadline: MonotonicTime
    ) async throws(StreamFailure) -> ByteStream {
        let stream = try ByteStream(owning: socket)
        guard let tls else { return stream }
        do throws(OpenSSLFailure) {
            stream.channel = .tls(try TLSSession(server: tls, socket: stream.number))
        } catch {
            stream.close()
            throw .tls(error)
        }
        try await stream.shakeHands(deadline)
        return stream
    }

    /// Agrees on TLS with the server of that name on a connection that was plain so far (after CONNECT to a proxy). Bytes
    /// that were read already must belong to the plain part.
    public func startTLS(
        _ context: ClientContext, serverName: String, deadline: MonotonicTime
    ) async throws(StreamFailure) {
        do throws(OpenSSLFailure) {
            let session = try TLSSession(client: context, socket: number, serverName: serverName)
            if peerIsGone { session.peerHasFinished() }
            channel = .tls(session)
        } catch {
            close()
            throw .tls(error)
        }
        try await shakeHands(deadline)
    }

    // MARK: Reading and writing

    /// Appends what has arrived, at most `limit` bytes, waiting until there is something.
    ///
    /// - Parameter buffer: a local variable of the caller; it stays in exclusive use while this waits.
    /// - Returns: how many bytes; 0 when the peer ended properly.
    public func read(
        into buffer: inout [UInt8], atMost limit: Int, deadline: MonotonicTime?
    ) async throws(StreamFailure) -> Int {
        if busyReads >= 32 {
            busyReads = 0
            await Task.yield()
        }
        while true {
            switch try readNow(into: &buffer, atMost: limit) {
            case .done(let count):
                busyReads += 1
                return count
            case .end: return 0
            case .needsReadable: try await wait(.reader, for: .readable, deadline)
            case .needsWritable: try await wait(.reader, for: .writable, deadline)
            }
        }
    }

    /// The same, and gives nil without having read when `wakeReader` was called: for whoever waits for a peer for long and
    /// may have to stop for another reason than the peer.
    public func readUntilWoken(into buffer: inout [UInt8], atMost limit: Int) async throws(StreamFailure) -> Int? {
        while true {
            if isWoken {
                isWoken = false
                return nil
            }
            if busyReads >= 32 {
                busyReads = 0
                await Task.yield()
            }
            switch try readNow(into: &buffer, atMost: limit) {
            case .done(let count):
                busyReads += 1
                return count
            case .end: return 0
            case .needsReadable: try await wait(.reader, for: .readable, nil)
            case .needsWritable: try await wait(.reader, for: .writable, nil)
            }
        }
    }

    /// Ends the present `readUntilWoken`, or the next one.
    public func wakeReader() {
        isWoken = true
        reader.resume()
    }

    /// Waits until a read would find something: bytes, the end or a failure. Without holding a buffer meanwhile, which is
    /// what an idle connection should do. It may return although only a TLS ticket has come: the read then waits.
    public func waitUntilReadable(deadline: MonotonicTime?) async throws(StreamFailure) {
        if let failure { throw failure }
        if !mayHaveBytes { try await wait(.reader, for: .readable, deadline) }
    }

    /// Sends all bytes, waiting while the peer does not read. Returns when the kernel has them.
    public func write(_ bytes: [UInt8], deadline: MonotonicTime?) async throws(StreamFailure) {
        var sent = 0
        while sent < bytes.count {
            switch try writeNow(bytes, from: sent) {
            case .done(let count):
                sent += count
                sentBytes += count
            case .needsWritable: try await wait(.writer, for: .writable, deadline)
            case .needsReadable: try await wait(.writer, for: .readable, deadline)
            case .end: throw .closed
            }
        }
    }

    // MARK: Ending

    /// Makes every pending and future wait on this stream throw `failure`. For whoever must stop a task that waits here.
    public func interrupt(_ failure: StreamFailure = .interrupted) {
        if self.failure == nil { self.failure = failure }
        resumeBoth()
    }

    /// Sets what is called, once, when the peer closes or breaks the connection while nobody reads; nil removes it. When
    /// that has happened already, it is called on the loop's next turn.
    public func whenGone(_ action: (() -> Void)?) {
        gone = action
        if action != nil, peerIsGone {
            loop.schedule(at: loop.now) { [weak self] in self?.tellGone() }
        }
    }

    /// Sets what is called when anything but a TLS ticket arrives while `expectsSilence`: bytes that nobody asked for, the
    /// end, a failure. For connections that wait in a pool.
    public func whenDisturbed(_ action: (() -> Void)?) {
        disturbed = action
    }

    /// Whether nothing should come now. A disturbance ends the expectation.
    public var expectsSilence = false {
        didSet { if expectsSilence { lookForDisturbance() } }
    }

    /// Asks the kernel, without waiting, whether the connection is still open and silent; what the loop has not been told yet
    /// counts too. For a connection about to be used again: bytes that are found here are lost with it.
    public func isSilent() -> Bool {
        note(readable: true, writable: false, finished: false)
        var byte: [UInt8] = []
        if case .needsReadable? = try? readNow(into: &byte, atMost: 1) { return true }
        return false
    }

    /// Says goodbye (TLS close_notify) if that needs no waiting, and closes. Pending waits throw `.closed`.
    public func close() {
        guard let open = descriptor.take() else { return }
        if case .tls(let session) = channel, failure == nil { session.close() }
        if failure == nil { failure = .closed }
        if watch >= 0 { loop.unwatch(open.number, watch) }
        alarm?.cancel()
        alarm = nil
        gone = nil
        disturbed = nil
        expectsSilence = false
        resumeBoth()
        // Closed when `open` dies here, after the loop has forgotten its number.
        _ = consume open
    }

    /// Breaks the connection off: the peer sees a reset, not an end.
    public func reset() {
        if descriptor != nil {
            Sockets.resetWhenClosed(number)
            if failure == nil { failure = .closed }
        }
        close()
    }

    /// Ends our side, then reads and drops what the peer still sends, at most 1 MiB and until the deadline, then closes.
    /// Closing at once while the peer sends would reset the connection and could take our last answer with it.
    public func closeLingering(deadline: MonotonicTime) async {
        if case .tls(let session) = channel, failure == nil { session.close() }
        if descriptor != nil { Sockets.finishSending(on: number) }
        channel = .plain(PlainChannel(socket: number))
        var dropped = 0
        while dropped < 1 << 20 {
            var scratch: [UInt8] = []
            guard let count = try? await read(into: &scratch, atMost: 16_384, deadline: deadline), count > 0
            else { break }
            dropped += count
        }
        close()
    }

    /// Whether it was closed.
    public var isClosed: Bool { descriptor == nil }

    /// Whether the peer has closed its side or broken the connection, as far as the kernel has told.
    public var isPeerGone: Bool { peerIsGone }

    /// What TLS agreed on; nil without TLS.
    public var tls: TLSSession? {
        if case .tls(let session) = channel { session } else { nil }
    }

    /// The socket, for tests; -1 when closed.
    var number: Int32 { descriptor?.number ?? -1 }
}

// MARK: - One step at a time

extension ByteStream {
    private func shakeHands(_ deadline: MonotonicTime) async throws(StreamFailure) {
        guard case .tls(let session) = channel else { return }
        while true {
            if let failure { throw failure }
            let progress: TLSProgress
            do throws(TLSFailure) {
                progress = try session.handshake()
            } catch {
                throw fail(StreamFailure(error))
            }
            switch progress {
            case .done: return
            case .end: throw fail(.truncated)
            case .needsReadable: try await wait(.reader, for: .readable, deadline)
            case .needsWritable: try await wait(.reader, for: .writable, deadline)
            }
        }
    }

    private func readNow(into buffer: inout [UInt8], atMost limit: Int) throws(StreamFailure) -> TLSProgress {
        if let failure { throw failure }
        guard mayHaveBytes else { return .needsReadable }
        if buffer.capacity - buffer.count >= limit { return try readDirectly(into: &buffer, atMost: limit) }
        // What the caller gets is as large as what came, not as what could have come.
        loop.scratch.removeAll(keepingCapacity: true)
        let progress = try readDirectly(into: &loop.scratch, atMost: min(limit, 1 << 16))
        buffer += loop.scratch
        return progress
    }

    private func readDirectly(into buffer: inout [UInt8], atMost limit: Int) throws(StreamFailure) -> TLSProgress {
        switch channel {
        case .plain(var plain):
            let transfer = plain.receive(into: &buffer, atMost: limit)
            channel = .plain(plain)
            switch transfer {
            case .bytes(let count): return .done(count)
            case .end: return .end
            case .wouldBlock: return .needsReadable
            case .failed(let errno): throw fail(StreamFailure(errno: errno, call: "recv"))
            }
        case .tls(let session):
            do throws(TLSFailure) {
                return try session.read(into: &buffer, atMost: limit)
            } catch {
                throw fail(StreamFailure(error))
            }
        }
    }

    private func writeNow(_ bytes: [UInt8], from start: Int) throws(StreamFailure) -> TLSProgress {
        if let failure { throw failure }
        switch channel {
        case .plain(var plain):
            let transfer = plain.send(bytes, from: start)
            channel = .plain(plain)
            switch transfer {
            case .bytes(let count): return .done(count)
            case .end, .wouldBlock: return .needsWritable
            case .failed(let errno): throw fail(StreamFailure(errno: errno, call: "send"))
            }
        case .tls(let session):
            do throws(TLSFailure) {
                return try session.write(bytes, from: start)
            } catch {
                throw fail(StreamFailure(error))
            }
        }
    }

    private var mayHaveBytes: Bool {
        switch channel {
        case .plain(let plain): plain.isReadable
        case .tls(let session): session.mayHaveBytes
        }
    }

    /// Remembers what ended the connection, so that nothing is tried on it again.
    private func fail(_ failure: StreamFailure) -> StreamFailure {
        if self.failure == nil { self.failure = failure }
        return failure
    }
}

// MARK: - Waiting

extension ByteStream {
    private func wait(
        _ role: Role, for direction: Waiter.Direction, _ deadline: MonotonicTime?
    ) async throws(StreamFailure) {
        if let failure { throw failure }
        busyReads = 0
        let deadline = deadline ?? .distantFuture
        if deadline < alarmTime { setAlarm(deadline) }
        unsafe await withUnsafeContinuation { continuation in
            switch role {
            case .reader: unsafe reader.begin(continuation, direction, deadline)
            case .writer: unsafe writer.begin(continuation, direction, deadline)
            }
        }
        let timedOut = role == .reader ? reader.takeTimedOut() : writer.takeTimedOut()
        if let failure { throw failure }
        if timedOut { throw .timedOut }
    }

    private func resumeBoth() {
        reader.resume()
        writer.resume()
    }

    /// One timer serves all deadlines: it is only ever moved forward, and looks when it rings.
    private func setAlarm(_ moment: MonotonicTime) {
        alarm?.cancel()
        alarmTime = moment
        alarm = loop.schedule(at: moment) { [weak self] in self?.ring() }
    }

    private func ring() {
        alarm = nil
        alarmTime = .distantFuture
        let now = loop.now
        reader.expire(now)
        writer.expire(now)
        let next = min(reader.pendingDeadline, writer.pendingDeadline)
        if next < .distantFuture { setAlarm(next) }
    }

    private func tellGone() {
        guard let action = gone else { return }
        gone = nil
        action()
    }

    private func lookForDisturbance() {
        guard expectsSilence, mayHaveBytes else { return }
        var byte: [UInt8] = []
        if case .needsReadable? = try? readNow(into: &byte, atMost: 1) { return }
        expectsSilence = false
        disturbed?()
    }
}

extension ByteStream: ReadinessTarget {
    func becameReady(_ readiness: Readiness) {
        let isBroken = !readiness.isDisjoint(with: [.failed, .hungUp])
        let isFinished = isBroken || readiness.contains(.peerFinished)
        let isReadable = isFinished || readiness.contains(.readable)
        let isWritable = isBroken || readiness.contains(.writable)
        note(readable: isReadable, writable: isWritable, finished: isFinished)
        let nobodyReads = !reader.isWaiting
        reader.resume(readable: isReadable, writable: isWritable)
        writer.resume(readable: isReadable, writable: isWritable)
        if isFinished {
            peerIsGone = true
            if nobodyReads { tellGone() }
        }
        if isReadable { lookForDisturbance() }
    }

    func loopStops() {
        interrupt(.closed)
    }

    private func note(readable: Bool, writable: Bool, finished: Bool) {
        switch channel {
        case .plain(var plain):
            if readable { plain.isReadable = true }
            if writable { plain.isWritable = true }
            if finished { plain.peerFinished = true }
            channel = .plain(plain)
        case .tls(let session):
            if readable { session.socketIsReadable() }
            if writable { session.socketIsWritable() }
            if finished { session.peerHasFinished() }
        }
    }
}

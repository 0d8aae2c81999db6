import Bytes
import HTTP
import HTTP2
import Reactor
import System

/// One client's HTTP/2 connection: one task reads it, each request is a task of its own, and one task sends while there is
/// something to send. Lives on one loop.
final class HTTP2Connection: ServedConnection {
    let stream: ByteStream
    let peer: PeerAddress
    let core: ListenerCore
    let settings: EdgeSettings
    let session: HTTP2Session
    /// Requests whose handlers have not ended, by stream; their streams may have ended before them.
    private(set) var exchanges: [Int32: HTTP2Exchange] = [:]
    /// What the connection's address is counted under.
    private let place: ByteString
    private var floods: FloodMeter
    private let sent = Pause()
    private let emptied = Pause()
    private var isSending = false
    /// What the client did wrong, where a timer noticed.
    private var fault: EdgeRefusal.Reason?
    /// Nothing comes or goes any more.
    private var isOver = false
    /// We have said that the connection will end.
    private var ending = Ending.no
    private var headTimer: Timer?
    private var idleTimer: Timer?
    private var idleSince: MonotonicTime

    private enum Ending { case no, announced, final }

    /// How long a client has between hearing that the connection will end and our taking no more requests of it, unless it
    /// says earlier that it has heard.
    private static let notice = Duration.seconds(1)
    /// How much is taken from the streams at once: a write that waits holds no more than this.
    private static let sentBytes = 32 << 10

    init(_ stream: ByteStream, peer: PeerAddress, place: ByteString, core: ListenerCore) throws(HTTP2Failure) {
        self.stream = stream
        self.peer = peer
        self.place = place
        self.core = core
        settings = core.settings
        session = try HTTP2Session(HTTP2Limits(settings))
        floods = FloodMeter(settings.http2)
        idleSince = stream.loop.now
    }

    /// Serves requests until either side ends the connection, and returns when no handler runs any more.
    func serve() async {
        watchIdleness(at: idleSince + settings.times.idle)
        send()
        let fault = await receive()
        idleTimer?.cancel()
        headTimer?.cancel()
        if let fault {
            core.refusals.note(fault, peer)
            session.terminate(fault == .flood ? .enhanceYourCalm : .protocolError)
            send()
        }
        await sayLastWord()
        isOver = true
        for exchange in exchanges.values { exchange.connectionEnded() }
        while !exchanges.isEmpty { _ = await emptied.wait(until: .distantFuture) }
    }

    // MARK: What comes

    /// Reads until nothing more is to come. Gives what the client did wrong, if that was the end.
    private func receive() async -> EdgeRefusal.Reason? {
        while session.wantsToReceive, !stream.isClosed {
            var bytes: [UInt8] = []
            do throws(StreamFailure) {
                guard let count = try await stream.readUntilWoken(into: &bytes, atMost: 16 << 10) else { continue }
                guard count > 0 else { return nil }
            } catch {
                return nil
            }
            do throws(HTTP2Failure) {
                try session.receive(bytes)
            } catch {
                return error == .flood ? .flood : .protocolBroken
            }
            handle(session.takeEvents())
            let counts = session.takeCounts()
            for _ in 0..<counts.refused { core.refusals.note(.tooManyRequests, peer) }
            guard floods.allows(counts, at: stream.loop.now) else { return .flood }
            watchHead()
            send()
        }
        return fault ?? (session.brokenBy == nil ? nil : .protocolBroken)
    }

    private func handle(_ events: [HTTP2Event]) {
        for event in events {
            switch event {
            case .head(let id, let block, let ends): begin(id, block, ends: ends)
            case .trailers(let id, let block, let ends): exchanges[id]?.trailersCame(block, end: ends)
            case .data(let id, let bytes):
                guard let exchange = exchanges[id] else {
                    session.consume(bytes.count, of: id)
                    continue
                }
                exchange.dataCame(bytes)
            case .ended(let id): exchanges[id]?.bodyEnded()
            case .drained(let id): exchanges[id]?.wasDrained()
            case .closed(let id, _): closed(id)
            case .pong: if ending == .announced { goAway() }
            }
        }
    }

    /// A request: it gets a task of its own, also when that will only refuse it.
    private func begin(_ id: Int32, _ block: FieldBlock, ends: Bool) {
        guard exchanges.count < settings.http2.requests else { return refuse(id, .tooManyRequests) }
        let hasPlace = !exchanges.isEmpty
        if hasPlace {
            switch settings.admission.admit(place) {
            case .admitted: break
            case .tooMany: return refuse(id, .tooManyConnections)
            case .tooManyFromAddress: return refuse(id, .tooManyFromAddress)
            }
        }
        let exchange: HTTP2Exchange
        do throws(HTTPFailure) {
            exchange = HTTP2Exchange(try block.head(settings.limits, ends: ends), id, self, ends: ends)
        } catch {
            floods.wasted()
            exchange = HTTP2Exchange(refusing: error, id, self, ends: ends)
        }
        session.takeTurns(id)
        exchanges[id] = exchange
        stream.loop.spawnHere { [self] in
            await exchange.run()
            if hasPlace { settings.admission.leave(place) }
            ended(id)
        }
    }

    private func closed(_ id: Int32) {
        if exchanges[id]?.isAnswered ?? true { floods.answered() } else { floods.wasted() }
        exchanges[id]?.streamClosed()
    }

    private func refuse(_ id: Int32, _ reason: EdgeRefusal.Reason) {
        floods.wasted()
        core.refusals.note(reason, peer)
        session.reset(id, .refusedStream)
    }

    private func ended(_ id: Int32) {
        exchanges[id] = nil
        send()
        guard exchanges.isEmpty else { return }
        idleSince = stream.loop.now
        emptied.end()
    }

    // MARK: What goes

    /// Sees to it that what is due is sent: on the loop's next turn, so that what comes up in this one goes with it.
    func send() {
        guard !isSending, !isOver, session.wantsToSend else { return }
        isSending = true
        stream.loop.spawnHere { [self] in
            await sendAll()
            isSending = false
            sent.end()
            // Whoever reads looks whether there is still something to wait for.
            if !session.wantsToReceive { stream.wakeReader() }
        }
    }

    private func sendAll() async {
        var bytes: [UInt8] = []
        var turns = 0
        while !isOver {
            bytes.removeAll(keepingCapacity: true)
            do {
                try session.send(into: &bytes, atMost: Self.sentBytes)
                handle(session.takeEvents())
                guard !bytes.isEmpty else { return }
                try await stream.write(bytes, deadline: stream.loop.now + settings.times.write)
            } catch {
                return stream.interrupt(.closed)
            }
            turns += 1
            if turns % 8 == 0 { await Task.yield() }
        }
    }

    // MARK: The end

    /// The listener drains: requests under way are answered, and those that the client sends before it hears of it.
    func drain() {
        guard ending == .no, !isOver else { return }
        ending = .announced
        session.announceEnd()
        session.ping()
        send()
        stream.loop.schedule(after: Self.notice) { [weak self] in self?.goAway() }
    }

    private func goAway() {
        guard ending == .announced, !isOver else { return }
        ending = .final
        session.goAway()
        send()
    }

    /// Has what is due sent, for as long as a client may take for its last answer, and closes.
    private func sayLastWord() async {
        let deadline = stream.loop.now + settings.times.linger
        while isSending, !stream.isClosed {
            guard await sent.wait(until: deadline) else { break }
        }
        // Not while something is sent: lingering takes TLS off.
        guard !isSending, !stream.isPeerGone else { return stream.close() }
        await stream.closeLingering(deadline: deadline)
    }

    /// A head that began must come to its end in time; the others on this connection wait for it.
    private func watchHead() {
        guard session.isWithinHead else {
            headTimer?.cancel()
            return headTimer = nil
        }
        guard headTimer == nil else { return }
        headTimer = stream.loop.schedule(after: settings.times.head) { [weak self] in
            guard let self, session.isWithinHead else { return }
            fault = .slowHead
            session.terminate(.enhanceYourCalm)
            send()
        }
    }

    /// One timer, that looks when it rings. Only requests count: PING keeps nothing open.
    private func watchIdleness(at moment: MonotonicTime) {
        idleTimer = stream.loop.schedule(at: moment) { [weak self] in
            guard let self, !isOver else { return }
            let now = stream.loop.now
            if exchanges.isEmpty, now >= idleSince + settings.times.idle { return drain() }
            watchIdleness(at: (exchanges.isEmpty ? idleSince : now) + settings.times.idle)
        }
    }
}

extension FieldBlock {
    /// The head of a request that these fields are.
    fileprivate func head(_ limits: HTTPLimits, ends: Bool) throws(HTTPFailure) -> RequestHead {
        var reader = FieldSectionReader(limits: limits)
        for field in fields {
            try reader.add(bytes.span.extracting(field.name), bytes.span.extracting(field.value))
        }
        guard !isTruncated else { throw HTTPFailure(.headTooLarge, at: limits.headBytes) }
        return try reader.head(ends: ends)
    }
}

extension HTTP2Limits {
    fileprivate init(_ settings: EdgeSettings) {
        self.init()
        streams = settings.http2.requests
        streamWindow = settings.http2.streamWindow
        // No body holds up another one: the streams' windows alone bound what is held.
        connectionWindow = min(streams * streamWindow, 1 << 30)
        // What goes beyond a limit of ours is kept, so that the right limit is named.
        fieldBytes = settings.limits.headBytes + settings.limits.targetBytes
        // What is within our limits is within what we announce, however it is counted.
        announcedFieldBytes = settings.limits.headBytes + 32 * settings.limits.fieldCount
        decodedBytes = max(decodedBytes, 8 * announcedFieldBytes)
    }
}

internal import Bytes
internal import HTTP
public import Reactor
internal import System
internal import Telemetry

/// Sends requests to one upstream from one event loop, and keeps connections there.
public final class UpstreamClient {
    /// What all loops share of this upstream.
    public let server: UpstreamServer
    /// The loop it lives on; every call must come from there.
    public let loop: EventLoop

    private var pool: ConnectionPool<UpstreamConnection>
    private var callers: [Int: Caller] = [:]
    private var nextCaller = 0
    private var sweep: Timer?
    /// How many connections are open, in use or not.
    public private(set) var openConnections = 0
    /// How many connections were ever opened.
    public private(set) var openedConnections = 0

    /// Somebody who waits for a connection; continued once, with what is in `result`.
    @safe private final class Caller {
        private var continuation: UnsafeContinuation<Void, Never>?
        var result: Result<UpstreamConnection, RequestFailure> = .failure(.aborted)

        func wait(_ begin: () -> Void) async {
            unsafe await withUnsafeContinuation { continuation in
                unsafe self.continuation = continuation
                begin()
            }
        }

        func resume(_ result: Result<UpstreamConnection, RequestFailure>) {
            self.result = result
            let waiting = unsafe continuation.take()
            unsafe waiting?.resume()
        }
    }

    /// A client on the current loop.
    public init(_ server: UpstreamServer) {
        self.server = server
        loop = .current
        pool = ConnectionPool(
            connectionLimit: server.settings.pool.connections, waitingLimit: server.settings.pool.waiting)
    }

    /// Sends a request and waits for the head of its answer. Nothing is sent twice: only when an idle connection turns out
    /// to be closed before it took a byte, another one is used.
    ///
    /// - Parameters:
    ///   - timing: instead of the upstream's own.
    ///   - abortion: to give up while this waits, and later.
    public func send(
        _ request: UpstreamRequest, timing: UpstreamTiming? = nil, abortion: UpstreamAbort? = nil
    ) async throws(RequestFailure) -> UpstreamAnswer {
        let timing = timing ?? server.settings.timing
        let totalDeadline = timing.total.map { loop.now + $0 }
        let message = request.encoded(
            for: server.settings.url, server.constant, credential: try credential())
        var attempt = 0
        while true {
            attempt += 1
            let connection = try await acquire(timing, totalDeadline, abortion)
            if let abortion {
                abortion.onAbort { connection.stream.interrupt() }
                if abortion.isAborted { connection.stream.interrupt() }
            }
            let sentBefore = connection.stream.sentBytes
            connection.requests += 1
            do throws(RequestFailure) {
                let head = try await exchange(message, request.method, on: connection, timing, totalDeadline)
                return UpstreamAnswer(
                    head, on: connection, of: self, timing: timing, totalDeadline: totalDeadline, abortion: abortion)
            } catch {
                abortion?.onAbort(nil)
                let nothingSent = connection.stream.sentBytes == sentBefore
                discard(connection)
                guard nothingSent, connection.requests > 1, error == .cutOff, attempt < 4 else { throw error }
            }
        }
    }

    /// Closes idle connections and refuses what comes; answers that are being read go on to their ends.
    public func close() {
        sweep?.cancel()
        sweep = nil
        perform(pool.close())
    }

    // MARK: For answers

    func giveBack(_ connection: UpstreamConnection, _ head: ResponseHead) {
        let now = loop.now
        guard connection.isFresh(now) else { return discard(connection) }
        var idle = server.settings.pool.idle
        if let announced = head.announcedIdleTime { idle = min(idle, announced - .seconds(1)) }
        let until = min(now + idle, connection.retires)
        guard until > now else { return discard(connection) }
        connection.idleSince = now
        perform(pool.giveBack(connection, until: until))
        watchIfIdle(connection)
    }

    func discard(_ connection: UpstreamConnection) {
        perform(pool.discard(connection))
    }
}

// MARK: - One exchange

extension UpstreamClient {
    private func exchange(
        _ message: [UInt8], _ method: HTTPMethod, on connection: UpstreamConnection, _ timing: UpstreamTiming,
        _ totalDeadline: MonotonicTime?
    ) async throws(RequestFailure) -> ResponseHead {
        do throws(StreamFailure) {
            let (deadline, _) = soonest(timing.writing, .writing, totalDeadline)
            try await connection.stream.write(message, deadline: deadline)
        } catch {
            throw RequestFailure(error, during: soonest(timing.writing, .writing, totalDeadline).1)
        }
        var parser = ResponseParser(limits: server.settings.limits, requestMethod: method)
        let (deadline, phase) = soonest(timing.head, .head, totalDeadline)
        let head = try await connection.head(&parser, deadline: deadline, phase: phase)
        guard !head.isCoded else { throw .codedBody }
        return head
    }

    /// The deadline of a wait, and whose it is.
    private func soonest(
        _ patience: Duration, _ phase: RequestFailure.Phase, _ total: MonotonicTime?
    ) -> (MonotonicTime, RequestFailure.Phase) {
        let deadline = loop.now + patience
        guard let total, total < deadline else { return (deadline, phase) }
        return (total, .total)
    }

    private func credential() throws(RequestFailure) -> Secret<[UInt8]>? {
        let credential = server.credential
        guard credential.isNeeded else { return nil }
        if credential.shouldLook(loop.now) { server.files.submit { credential.look() } }
        guard let token = credential.token else { throw .noCredential(credential.name) }
        return token
    }
}

// MARK: - Connections

extension UpstreamClient {
    private func acquire(
        _ timing: UpstreamTiming, _ totalDeadline: MonotonicTime?, _ abortion: UpstreamAbort?
    ) async throws(RequestFailure) -> UpstreamConnection {
        for _ in 0..<4 {
            if abortion?.isAborted == true { throw .aborted }
            let result = await wait(timing, totalDeadline, abortion)
            abortion?.onAbort(nil)
            let connection = try result.get()
            connection.stream.expectsSilence = false
            if connection.isFresh(loop.now) {
                connection.idleSince = nil
                return connection
            }
            discard(connection)
        }
        throw .cutOff
    }

    private func wait(
        _ timing: UpstreamTiming, _ totalDeadline: MonotonicTime?, _ abortion: UpstreamAbort?
    ) async -> Result<UpstreamConnection, RequestFailure> {
        let caller = nextCaller
        nextCaller += 1
        let steps = pool.ask(caller, now: loop.now)
        // The usual case: an idle connection, and nobody has to wait.
        if case .give(let connection, to: caller)? = steps.last {
            perform(steps.dropLast())
            return .success(connection)
        }
        let patience = pool.opening > 0 ? timing.turn + timing.connecting + timing.handshake : timing.turn
        let (deadline, phase) = soonest(patience, .turn, totalDeadline)
        let timer = loop.schedule(at: deadline) { [weak self] in self?.giveUp(caller, .timedOut(phase)) }
        abortion?.onAbort { [weak self] in self?.giveUp(caller, .aborted) }
        let waiting = Caller()
        callers[caller] = waiting
        await waiting.wait { perform(steps) }
        timer.cancel()
        return waiting.result
    }

    private func giveUp(_ caller: Int, _ failure: RequestFailure) {
        pool.withdraw(caller)
        callers.removeValue(forKey: caller)?.resume(.failure(failure))
    }

    private func perform(_ steps: some Sequence<ConnectionPool<UpstreamConnection>.Step>) {
        for step in steps {
            switch step {
            case .open: open()
            case .close(let connection):
                connection.stream.close()
                openConnections -= 1
            case .fail(let caller, let failure): callers.removeValue(forKey: caller)?.resume(.failure(failure))
            case .give(let connection, to: let caller):
                callers.removeValue(forKey: caller)?.resume(.success(connection))
            }
        }
    }

    private func open() {
        loop.spawnHere { [self] in
            do throws(RequestFailure) {
                let connection = try await Dialing(server: server).connect()
                openConnections += 1
                openedConnections += 1
                connection.stream.whenDisturbed { [weak self, weak connection] in
                    guard let self, let connection else { return }
                    self.perform(self.pool.lost(connection))
                }
                perform(pool.opened(connection, until: loop.now + server.settings.pool.idle))
                watchIfIdle(connection)
            } catch {
                perform(pool.couldNotOpen(error))
            }
        }
    }

    /// An idle connection that says anything, or ends, is of no more use.
    private func watchIfIdle(_ connection: UpstreamConnection) {
        guard pool.isIdle(connection) else { return }
        connection.stream.expectsSilence = true
        if sweep == nil { scheduleSweep() }
    }

    private func scheduleSweep() {
        guard let next = pool.nextExpiry else { return }
        sweep = loop.schedule(at: next) { [weak self] in
            guard let self else { return }
            self.sweep = nil
            self.perform(self.pool.expire(self.loop.now))
            self.scheduleSweep()
        }
    }
}

extension ResponseHead {
    /// Whether the body is compressed, or otherwise not what it seems.
    fileprivate var isCoded: Bool {
        fields.list("content-encoding").contains { $0.asciiLowercased != "identity" }
    }

    /// How long the server keeps an idle connection, when it says so: `Keep-Alive: timeout=5`.
    fileprivate var announcedIdleTime: Duration? {
        for parameter in fields.list("keep-alive") where parameter.asciiLowercased.hasPrefix("timeout=") {
            if let seconds = Int(parameter.text.dropFirst(8)), seconds >= 0 { return .seconds(min(seconds, 86_400)) }
        }
        return nil
    }
}

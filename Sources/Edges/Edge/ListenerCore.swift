import Bytes
import HTTP
import Reactor
import Synchronization
import System

/// What a listener is on its loop: the socket, the connections, and what they share.
final class ListenerCore {
    let handler: any ExchangeHandler
    private(set) var settings: EdgeSettings
    private(set) var rules: RequestRules
    private(set) var isDraining = false

    private let loop = EventLoop.current
    private let observer: any RefusalObserver
    private let meter: EdgeMeter
    private var acceptor: Acceptor?
    private var connections: [ObjectIdentifier: HTTPConnection] = [:]
    /// Accepted connections that did not finish TLS yet.
    private var handshakes = 0
    private var whenDrained: [() -> Void] = []
    private var cachedDate = (second: Int64.min, text: "")
    private var reportsUnderWay = 0
    private var turnedAway: [EdgeRefusal.Reason: (count: Int, peer: PeerAddress)] = [:]

    /// Refusals whose record is being written. Beyond it a refusal goes out unrecorded, and is counted.
    private static let reportLimit = 1_024

    init(
        _ settings: EdgeSettings, handler: any ExchangeHandler, observer: any RefusalObserver, meter: EdgeMeter
    ) {
        self.settings = settings
        self.handler = handler
        self.observer = observer
        self.meter = meter
        rules = RequestRules(settings, port: 0)
    }

    /// Begins to listen and gives the port.
    func listen(as bound: LoopBound<ListenerCore>) throws(SystemFailure) -> Int {
        let acceptor = try Acceptor(on: settings.listen, sharingPort: true) { socket, address in
            bound.value.take(socket, address, bound)
        }
        self.acceptor = acceptor
        rules = RequestRules(settings, port: Int(acceptor.address.port))
        return Int(acceptor.address.port)
    }

    /// For connections that come from now on.
    func update(_ settings: EdgeSettings) {
        self.settings = settings
        rules = RequestRules(settings, port: acceptor.map { Int($0.address.port) } ?? 0)
    }

    func stopAccepting() {
        acceptor?.stop()
        acceptor = nil
    }

    /// Stops accepting, ends idle connections, lets the others answer, and cuts what is left at the deadline.
    func drain(until deadline: MonotonicTime, _ whenDone: @escaping () -> Void) {
        stopAccepting()
        isDraining = true
        whenDrained.append(whenDone)
        for connection in connections.values { connection.drain() }
        loop.schedule(at: deadline) { [self] in
            for connection in connections.values { connection.stream.reset() }
            tellDrained(evenIfNot: true)
        }
        tellDrained()
    }

    /// The Date field, made once a second.
    var date: String {
        let now = WallTime.now
        if now.seconds != cachedDate.second { cachedDate = (now.seconds, now.httpDate) }
        return cachedDate.text
    }

    // MARK: Connections

    private func take(_ socket: consuming Descriptor, _ address: SocketAddress, _ bound: LoopBound<ListenerCore>) {
        let text = address.hostText
        let key = Admission.key(of: text)
        let peer = PeerAddress(address: ByteString(text), port: Int(address.port))
        switch settings.admission.admit(key) {
        case .admitted: break
        case .tooMany: return turnAway(.tooManyConnections, peer)
        case .tooManyFromAddress: return turnAway(.tooManyFromAddress, peer)
        }
        meter.accepted()
        let number = socket.release()
        let admission = settings.admission
        loop.spawn {
            await bound.value.serve(Descriptor(owning: number), peer)
            admission.leave(key)
            bound.value.meter.closed()
            bound.value.tellDrained()
        }
    }

    private func serve(_ socket: consuming Descriptor, _ peer: PeerAddress) async {
        handshakes += 1
        guard let stream = await accept(socket, peer) else { return handshakes -= 1 }
        handshakes -= 1
        guard !isDraining else { return stream.close() }
        let connection = HTTPConnection(stream, peer: peer, core: self)
        connections[ObjectIdentifier(connection)] = connection
        await connection.serve()
        stream.close()
        connections[ObjectIdentifier(connection)] = nil
    }

    private func accept(_ socket: consuming Descriptor, _ peer: PeerAddress) async -> ByteStream? {
        do throws(StreamFailure) {
            return try await ByteStream.accepted(
                socket, tls: settings.tls, deadline: loop.now + settings.times.handshake)
        } catch {
            let reason: EdgeRefusal.Reason
            switch error {
            case .timedOut: reason = .slowHandshake
            case .tls, .certificate: reason = .handshakeFailed
            // A client that went away was not refused.
            default: return nil
            }
            await report(EdgeRefusal(reason: reason, peer: peer, status: nil, time: .now, head: nil, count: 1))
            return nil
        }
    }

    private func tellDrained(evenIfNot force: Bool = false) {
        guard isDraining, force || (connections.isEmpty && handshakes == 0) else { return }
        let waiting = whenDrained
        whenDrained = []
        for action in waiting { action() }
    }

    // MARK: Refusals

    /// Has a refusal recorded, and waits for that no longer than the settings allow.
    func report(_ refusal: EdgeRefusal) async {
        meter.refused(refusal)
        guard reportsUnderWay < Self.reportLimit else { return meter.unrecorded() }
        reportsUnderWay += 1
        let latch = Latch()
        let observer = observer
        loop.spawn {
            await observer.refused(refusal)
            latch.open()
        }
        let timer = loop.schedule(after: settings.refusalRecordTime) { latch.open() }
        await latch.wait()
        timer.cancel()
        reportsUnderWay -= 1
    }

    /// A connection over a limit is closed at once. A flood of them is recorded once a second, with their number: a record
    /// for each would let a sender of empty connections fill the audit trail.
    private func turnAway(_ reason: EdgeRefusal.Reason, _ peer: PeerAddress) {
        if turnedAway.isEmpty {
            loop.schedule(after: .seconds(1)) { [self] in reportTurnedAway() }
        }
        turnedAway[reason] = ((turnedAway[reason]?.count ?? 0) + 1, peer)
    }

    private func reportTurnedAway() {
        let all = turnedAway
        turnedAway = [:]
        for (reason, (count, peer)) in all {
            let refusal = EdgeRefusal(
                reason: reason, peer: peer, status: nil, time: .now, head: nil, count: count)
            meter.refused(refusal)
            let observer = observer
            loop.spawn { await observer.refused(refusal) }
        }
    }
}

/// Opens once; whoever waits goes on then.
private final class Latch: Sendable {
    private let state = Mutex(State.closed)

    private enum State: Sendable {
        case closed
        case waiting(CheckedContinuation<Void, Never>)
        case open
    }

    func open() {
        let previous = state.withLock { state in
            defer { state = .open }
            return state
        }
        if case .waiting(let continuation) = previous { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if case .open = state { return true }
                state = .waiting(continuation)
                return false
            }
            if isOpen { continuation.resume() }
        }
    }
}

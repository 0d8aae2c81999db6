import Bytes
import HTTP
import OpenSSL
import Reactor
import System

/// What a listener is on its loop: the socket, the connections, and what they share.
final class ListenerCore {
    let handler: any ExchangeHandler
    private(set) var settings: EdgeSettings
    private(set) var rules: RequestRules
    private(set) var isDraining = false

    private let loop = EventLoop.current
    let refusals: RefusalDesk
    private let meter: EdgeMeter
    private var acceptor: Acceptor?
    private var connections: [ObjectIdentifier: any ServedConnection] = [:]
    /// Accepted connections that did not finish TLS yet.
    private var handshakes = 0
    private var whenDrained: [() -> Void] = []
    private var cachedDate = (second: Int64.min, text: "")

    init(
        _ settings: EdgeSettings, handler: any ExchangeHandler, observer: any RefusalObserver, meter: EdgeMeter
    ) {
        self.settings = settings
        self.handler = handler
        self.meter = meter
        refusals = RefusalDesk(observer, meter, patience: settings.refusalRecordTime)
        rules = RequestRules(settings, port: 0)
    }

    /// Begins to listen and gives the port. Until it stops, the acceptor keeps this alive, whoever forgets the listener.
    func listen() throws(SystemFailure) -> Int {
        let acceptor = try Acceptor(
            on: settings.listen, sharingPort: true,
            onConnection: { [self] socket, address in take(socket, address) })
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

    private func take(_ socket: consuming Descriptor, _ address: SocketAddress) {
        let text = address.hostText
        let key = Admission.key(of: text)
        let peer = PeerAddress(address: ByteString(text), port: Int(address.port))
        switch settings.admission.admit(key) {
        case .admitted: break
        case .tooMany: return refusals.note(.tooManyConnections, peer)
        case .tooManyFromAddress: return refusals.note(.tooManyFromAddress, peer)
        }
        meter.accepted()
        let number = socket.release()
        let admission = settings.admission
        loop.spawnHere { [self] in
            await serve(Descriptor(owning: number), peer, key)
            admission.leave(key)
            meter.closed()
            tellDrained()
        }
    }

    @inline(never) private func serve(_ socket: consuming Descriptor, _ peer: PeerAddress, _ place: ByteString) async {
        handshakes += 1
        guard let stream = await accept(socket, peer) else { return handshakes -= 1 }
        handshakes -= 1
        guard !isDraining else { return stream.close() }
        guard let connection = connection(stream, peer, place) else { return stream.close() }
        connections[ObjectIdentifier(connection)] = connection
        await connection.serve()
        stream.close()
        connections[ObjectIdentifier(connection)] = nil
    }

    /// Which HTTP is spoken was agreed on in TLS, and without TLS it is HTTP/1.1: bytes decide nothing.
    private func connection(
        _ stream: ByteStream, _ peer: PeerAddress, _ place: ByteString
    ) -> (any ServedConnection)? {
        guard stream.tls?.speaksHTTP2 == true else { return HTTPConnection(stream, peer: peer, core: self) }
        // Fails only without memory.
        return try? HTTP2Connection(stream, peer: peer, place: place, core: self)
    }

    @inline(never) private func accept(_ socket: consuming Descriptor, _ peer: PeerAddress) async -> ByteStream? {
        do throws(StreamFailure) {
            return try await ByteStream.accepted(
                socket, tls: settings.tls, deadline: loop.now + settings.times.handshake)
        } catch {
            switch error {
            case .timedOut: refusals.note(.slowHandshake, peer)
            case .tls, .certificate: refusals.note(.handshakeFailed, peer)
            // A client that went away was not refused.
            default: break
            }
            return nil
        }
    }

    private func tellDrained(evenIfNot force: Bool = false) {
        guard isDraining, force || (connections.isEmpty && handshakes == 0) else { return }
        let waiting = whenDrained
        whenDrained = []
        for action in waiting { action() }
    }
}

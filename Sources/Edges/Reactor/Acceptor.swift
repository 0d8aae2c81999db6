public import System

/// A listening socket on one event loop. With `sharingPort`, each loop has its own for the same port and the kernel spreads
/// the connections over them.
public final class Acceptor {
    /// Where it listens; the port is the real one also when 0 was asked for.
    public let address: SocketAddress

    private let loop: EventLoop
    private let onConnection: (consuming Descriptor, SocketAddress) -> Void
    private let onPause: (SystemFailure) -> Void
    private var socket: Descriptor?
    private var watch = -1

    /// Begins to listen on the current loop.
    ///
    /// - Parameters:
    ///   - onConnection: gets each connection's nonblocking socket and peer; on the loop, must not wait.
    ///   - onPause: is told when the machine has no descriptors or memory for another connection; accepting goes on a
    ///     tenth of a second later.
    public init(
        on address: SocketAddress, sharingPort: Bool,
        onConnection: @escaping (consuming Descriptor, SocketAddress) -> Void,
        onPause: @escaping (SystemFailure) -> Void = { _ in }
    ) throws(SystemFailure) {
        loop = .current
        self.onConnection = onConnection
        self.onPause = onPause
        let socket = try Sockets.listen(on: address, sharingPort: sharingPort)
        self.address = try Sockets.localAddress(of: socket.number)
        self.socket = consume socket
        try resume()
    }

    deinit {
        stop()
    }

    /// Stops listening; connections that wait in the kernel are refused. Twice does nothing.
    public func stop() {
        guard let open = socket.take() else { return }
        if watch >= 0 { loop.unwatch(open.number, watch) }
        watch = -1
        _ = consume open
    }

    private var number: Int32 { socket?.number ?? -1 }

    private func resume() throws(SystemFailure) {
        guard socket != nil, watch < 0 else { return }
        watch = try loop.watchListener(number, self)
    }

    private func pause(_ failure: SystemFailure) {
        onPause(failure)
        guard socket != nil, watch >= 0 else { return }
        loop.unwatch(number, watch)
        watch = -1
        loop.schedule(after: .milliseconds(100)) { [weak self] in try? self?.resume() }
    }
}

extension Acceptor: ReadinessTarget {
    func becameReady(_: Readiness) {
        // A bounded number per turn, so that a flood of connections leaves time for those that are here.
        for _ in 0..<64 where socket != nil {
            do throws(SystemFailure) {
                guard let accepted = try Sockets.accept(from: number) else { return }
                let peer = accepted.peer
                onConnection(accepted.releaseSocket(), peer)
            } catch {
                return pause(error)
            }
        }
    }

    func loopStops() {
        stop()
    }
}

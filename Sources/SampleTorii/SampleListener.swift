public import Edge
public import OpenSSL
public import Reactor
public import System

extension SampleServer: ExchangeHandler {}

/// The sample server on a socket, with the proxy's own edge before it: the wire is not what the sample is for.
public final class SampleListener: Sendable {
    private let listener: Listener

    /// A server that does not listen yet. Port 0 takes a free one.
    public init(_ settings: SampleSettings = SampleSettings(), listen: SocketAddress, tls: ServerContext) {
        var edge = EdgeSettings(listen: listen, tls: tls, allowedHosts: [])
        // The proxy names the upstream as it likes: by name, by address, through a tunnel.
        edge.acceptsAnyHostUnchecked = true
        listener = Listener(edge, handler: SampleServer(settings: settings), observer: Nobody())
    }

    /// Begins to listen on a loop that runs; returns when it listens.
    public func start(on loop: EventLoop) throws(SystemFailure) {
        try listener.start(on: loop)
    }

    /// Where it listens; 0 before it does.
    public var port: Int { listener.port }

    /// The sample keeps no trail.
    private struct Nobody: RefusalObserver {
        func refused(_ refusal: EdgeRefusal) async {}
    }
}

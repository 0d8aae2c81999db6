public import Reactor
public import System
public import Telemetry

/// Listens on one event loop and has every request answered by a handler. To use several loops, give each a listener of its
/// own with the same settings: the kernel spreads the connections over them.
public final class Listener: Sendable {
    private let handler: any ExchangeHandler
    private let observer: any RefusalObserver
    private let meter: EdgeMeter
    private let state: Guarded<State>

    private struct State: Sendable {
        var settings: EdgeSettings
        var running: Running?
        var outcome: Result<Void, SystemFailure>?
    }

    private struct Running: Sendable {
        let core: LoopBound<ListenerCore>
        let loop: EventLoop
        let port: Int
    }

    /// A listener that does not listen yet.
    public init(
        _ settings: EdgeSettings, handler: any ExchangeHandler, observer: any RefusalObserver,
        metrics: Metrics = .shared
    ) {
        self.handler = handler
        self.observer = observer
        meter = EdgeMeter(metrics)
        state = Guarded(State(settings: settings))
    }

    /// Begins to listen on a loop that runs. Returns when it listens, from whatever thread this is called.
    public func start(on loop: EventLoop) throws(SystemFailure) {
        let settings = state.withLock { $0.settings }
        if loop.isCurrent { return try begin(settings, on: loop).get() }
        let bell = Bell()
        loop.execute {
            let outcome = self.begin(settings, on: loop)
            self.state.withLock { $0.outcome = outcome }
            bell.ring()
        }
        bell.wait(until: .now + .seconds(10))
        guard let outcome = state.withLock({ $0.outcome }) else {
            throw SystemFailure(call: "listen (the loop does not run)", errno: 110)
        }
        return try outcome.get()
    }

    /// The port it listens on; 0 before it does.
    public var port: Int { running?.port ?? 0 }

    /// For connections that come from now on: other certificates, limits, hosts. Where it listens stays.
    public func update(_ settings: EdgeSettings) {
        let running = state.withLock { state in
            state.settings = settings
            return state.running
        }
        running?.loop.execute { running?.core.value.update(settings) }
    }

    /// Stops listening. Connections go on.
    public func stopAccepting() {
        guard let running else { return }
        running.loop.execute { running.core.value.stopAccepting() }
    }

    /// Stops listening, ends idle connections at once and others after their answers, and cuts what is left at `deadline`.
    /// Returns when no connection is left.
    public func drain(until deadline: MonotonicTime) async {
        guard let running else { return }
        await withCheckedContinuation { continuation in
            running.loop.execute {
                running.core.value.drain(until: deadline) { continuation.resume() }
            }
        }
    }

    private var running: Running? { state.withLock { $0.running } }

    private func begin(_ settings: EdgeSettings, on loop: EventLoop) -> Result<Void, SystemFailure> {
        Result { () throws(SystemFailure) in
            let core = LoopBound(ListenerCore(settings, handler: handler, observer: observer, meter: meter))
            let port = try core.value.listen()
            state.withLock { $0.running = Running(core: core, loop: loop, port: port) }
        }
    }
}

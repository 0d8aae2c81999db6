import Bridge
import HTTPClient
import Reactor
import Synchronization
import System

/// Standard input and output on one side of a bridge, and what ends it: the end of input, a signal, a client that no longer
/// reads.
final class Joint: Sendable {
    let loop: EventLoop
    let resolver: Resolver
    let files: ThreadPool
    private let ending = Mutex<Ending?>(nil)
    private let bell = Bell()

    /// The most urgent one counts.
    private enum Ending: Int {
        case inputOver
        case stopped
        case finished
    }

    /// What is in flight when input ends, or when we are told to go, gets this long. Clients wait two seconds before they send
    /// SIGTERM, and two more before they kill.
    private static let grace = Duration.seconds(5)
    private static let shortGrace = Duration.seconds(1)

    /// Starts the threads. Signals are blocked first: threads inherit that.
    init() throws(SystemFailure) {
        loop = try EventLoop(name: "bridge")
        Signals.ignoreBrokenPipe()
        let told = Told()
        try Signals.listen(for: [.terminate, .interrupt, .hangup]) { _ in told.tell() }
        try loop.start()
        resolver = try Resolver()
        files = try ThreadPool(name: "files", threads: 1)
        told.hear { [weak self] in self?.end(.stopped) }
    }

    /// Joins the two until one of them ends.
    func run(_ server: UpstreamServer, _ settings: BridgeSettings) throws(SystemFailure) {
        let outlet = try StandardOutlet { [self] in end(.stopped) }
        let bridge = onLoop { LoopBound(Bridge(server, settings, outlet)) }
        _ = try Thread.start("stdin") { [self] in read(for: bridge) }
        var isFinishing = false
        while true {
            bell.wait(until: .now + .seconds(3600))
            guard let ending = ending.withLock({ $0 }) else { continue }
            if ending == .finished { return outlet.flush() }
            if isFinishing, ending != .stopped { continue }
            isFinishing = true
            let grace = ending == .stopped ? Joint.shortGrace : Joint.grace
            loop.spawn { [self] in
                // A second call only hurries the first, which returns when all is done.
                if await bridge.value.finish(within: grace) { end(.finished) }
            }
        }
    }

    private func end(_ ending: Ending) {
        self.ending.withLock { now in
            if now.map({ $0.rawValue < ending.rawValue }) ?? true { now = ending }
        }
        bell.ring()
    }

    /// Reads until the input's end; more is read only when the bridge has taken what came.
    private func read(for bridge: LoopBound<Bridge>) {
        while let bytes = try? Output.readSomeStandardInput(limit: 1 << 16), !bytes.isEmpty {
            let taken = Bell()
            loop.spawn {
                await bridge.value.take(bytes)
                taken.ring()
            }
            while !taken.wait(until: .now + .seconds(3600)) {}
        }
        end(.inputOver)
    }

    private func onLoop<Value: Sendable>(_ body: @escaping @Sendable () -> Value) -> Value {
        let made = Mutex<Value?>(nil)
        let done = Bell()
        loop.execute {
            let value = body()
            made.withLock { $0 = value }
            done.ring()
        }
        while true {
            done.wait(until: .now + .seconds(3600))
            if let value = made.withLock({ $0 }) { return value }
        }
    }
}

/// Signals that may come before anybody can act on them.
private final class Told: Sendable {
    private let state = Mutex<(isTold: Bool, action: (@Sendable () -> Void)?)>((false, nil))

    func tell() {
        let action = state.withLock { state in
            state.isTold = true
            return state.action
        }
        action?()
    }

    func hear(_ action: @escaping @Sendable () -> Void) {
        let isTold = state.withLock { state in
            state.action = action
            return state.isTold
        }
        if isTold { action() }
    }
}

/// Standard output for messages, standard error for people. A thread of its own waits for whoever reads.
private final class StandardOutlet: BridgeOutlet {
    private let writer: ThreadPool
    private let whenClosed: @Sendable () -> Void

    init(whenClosed: @escaping @Sendable () -> Void) throws(SystemFailure) {
        writer = try ThreadPool(name: "stdout", threads: 1)
        self.whenClosed = whenClosed
    }

    func say(_ message: [UInt8]) async {
        let whenClosed = whenClosed
        await writer.run {
            do throws(SystemFailure) {
                try Output.standardOutput(message + [0x0A])
            } catch {
                whenClosed()
            }
        }
    }

    /// Waits until all is written, but not long: perhaps nobody reads any more.
    func flush() {
        let done = Bell()
        writer.submit { done.ring() }
        done.wait(until: .now + .milliseconds(500))
    }

    func tell(_ sentence: String) {
        let writer = writer
        // On the same thread: whoever does not read our errors must not stop the loop.
        writer.submit { Console.complain(sentence) }
    }
}

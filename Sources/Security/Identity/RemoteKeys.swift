internal import Bytes
internal import JOSE
internal import Synchronization
internal import System
internal import Telemetry

/// The keys that an issuer publishes, as they were last fetched. A thread of its own looks at the set: at once, then each
/// `refresh`, and sooner, at a bounded rate, when a token names a key that is not in it.
final class RemoteKeys: Sendable {
    private let state: State
    private let keep: Duration

    /// After an unknown key, the set is looked at again no sooner than this after the last look: what strangers send must not
    /// become our requests to the issuer.
    static let pauseAfterLook = Duration.seconds(30)
    /// After a failure.
    static let pauseAfterFailure = Duration.seconds(10)
    /// How many callers may wait for one look; more are told to come again.
    static let waiterLimit = 1_024

    /// A verifier, and which set of keys it is made of.
    struct Current: Sendable {
        let verifier: TokenVerifier
        let generation: Int
    }

    /// Begins to fetch.
    ///
    /// - Parameters:
    ///   - clock: what ages are told by.
    ///   - look: fetches the set and makes a verifier of it. Blocks; called from the thread alone.
    init(
        issuer: ByteString, refresh: Duration, keep: Duration,
        clock: @escaping @Sendable () -> MonotonicTime = { MonotonicTime.now },
        look: @escaping @Sendable () throws(KeyLookFailure) -> KeyLook
    ) throws(JOSEFailure) {
        let state = State(issuer: issuer, refresh: refresh, clock: clock, look: look)
        do throws(SystemFailure) {
            _ = try Thread.start("keys") { state.run() }
        } catch {
            throw JOSEFailure(.internalFailure, detail: "no thread for the keys of an issuer")
        }
        self.state = state
        self.keep = keep
    }

    deinit {
        state.stop()
    }

    /// What to verify with; nil when nothing was fetched yet, or too long ago.
    func current(at now: MonotonicTime) -> Current? {
        guard let held = state.held, now - held.at < keep else { return nil }
        return Current(verifier: held.verifier, generation: held.generation)
    }

    /// Has the set looked at again, if that is due.
    ///
    /// - Returns: whether a look is under way, whose end is worth waiting for.
    func lookAgain(at now: MonotonicTime) -> Bool { state.lookAgain(at: now) }

    /// Whether a look is under way.
    var isLooking: Bool { state.isLooking }

    /// Waits for the end of the look that is under way.
    ///
    /// - Returns: false when too many wait already.
    func looked() async -> Bool { await state.looked() }
}

/// What a look at a key set brought.
struct KeyLook: Sendable {
    let verifier: TokenVerifier
    /// A hash of the document: other bytes are another generation.
    let fingerprint: [UInt8]
}

/// Why a look brought nothing.
struct KeyLookFailure: Error {
    let reason: String
}

extension RemoteKeys {
    struct Held {
        let verifier: TokenVerifier
        let fingerprint: [UInt8]
        let generation: Int
        let at: MonotonicTime
    }

    /// What the thread and its askers share; the thread ends when its owner is gone.
    private final class State: Sendable {
        private let issuer: ByteString
        private let refresh: Duration
        private let clock: @Sendable () -> MonotonicTime
        private let look: @Sendable () throws(KeyLookFailure) -> KeyLook
        private let bell = Bell()
        private let shared = Mutex(Shared())

        private struct Shared {
            var held: Held?
            var isLooking = true
            var lastLook: MonotonicTime?
            var hasFailed = false
            var isStopped = false
            var waiters: [CheckedContinuation<Void, Never>] = []
        }

        init(
            issuer: ByteString, refresh: Duration, clock: @escaping @Sendable () -> MonotonicTime,
            look: @escaping @Sendable () throws(KeyLookFailure) -> KeyLook
        ) {
            self.issuer = issuer
            self.refresh = refresh
            self.clock = clock
            self.look = look
        }

        var held: Held? { shared.withLock { $0.held } }
        var isLooking: Bool { shared.withLock { $0.isLooking } }

        func stop() {
            shared.withLock { $0.isStopped = true }
            bell.ring()
        }

        func lookAgain(at now: MonotonicTime) -> Bool {
            let starts = shared.withLock { shared -> Bool? in
                if shared.isLooking { return false }
                let pause = shared.hasFailed ? RemoteKeys.pauseAfterFailure : RemoteKeys.pauseAfterLook
                if let last = shared.lastLook, now - last < pause { return nil }
                shared.isLooking = true
                return true
            }
            if starts == true { bell.ring() }
            return starts != nil
        }

        func looked() async -> Bool {
            guard shared.withLock({ $0.waiters.count < RemoteKeys.waiterLimit }) else { return false }
            await withCheckedContinuation { waiter in
                let waits = shared.withLock { shared in
                    if shared.isLooking { shared.waiters.append(waiter) }
                    return shared.isLooking
                }
                if !waits { waiter.resume() }
            }
            return true
        }

        func run() {
            while true {
                lookOnce()
                // An ask between the look and here has rung the bell already.
                let hasFailed = shared.withLock { $0.hasFailed }
                bell.wait(until: MonotonicTime.now + (hasFailed ? min(refresh, .seconds(60)) : refresh))
                let ends = shared.withLock { shared in
                    shared.isLooking = true
                    return shared.isStopped
                }
                if ends { return release() }
            }
        }

        private func lookOnce() {
            do throws(KeyLookFailure) {
                let found = try look()
                let generation = shared.withLock { shared in
                    let last = shared.held
                    let isSame = last?.fingerprint == found.fingerprint
                    let generation = (last?.generation ?? 0) + (isSame ? 0 : 1)
                    shared.held = Held(
                        verifier: found.verifier, fingerprint: found.fingerprint, generation: generation, at: clock())
                    shared.hasFailed = false
                    return isSame ? nil : generation
                }
                if let generation {
                    Log.info("issuer.keys_fetched", ["issuer": .text(issuer), "generation": .int(generation)])
                }
            } catch {
                shared.withLock { $0.hasFailed = true }
                Log.warning("issuer.keys_unavailable", ["issuer": .text(issuer), "reason": .text(error.reason)])
            }
            release()
        }

        /// The look is over: whoever waited for it goes on.
        private func release() {
            let waiters = shared.withLock { shared in
                shared.isLooking = false
                shared.lastLook = clock()
                defer { shared.waiters = [] }
                return shared.waiters
            }
            for waiter in waiters { waiter.resume() }
        }
    }
}

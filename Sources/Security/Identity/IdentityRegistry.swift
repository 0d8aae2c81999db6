public import Bytes
public import HTTP
internal import JOSE
internal import Synchronization
public import System

/// Where a caller knocked (design 1.4).
public enum EndpointRoute: Hashable, Sendable {
    /// `/mcp/<endpoint token>`: the segment as it came.
    case capability(ByteString)
    /// `/u/<upstream>/mcp`: a name that is configured.
    case upstream(ByteString)
}

/// What the registry runs on.
public struct IdentitySettings: Sendable {
    /// The records.
    public var state: StateSettings
    /// Who else's JWTs are believed.
    public var issuers: [TokenIssuer]
    /// Between two looks at the records. 50 ms: what a command revokes is dead before its user has read the answer.
    public var pollInterval = Duration.milliseconds(50)
    /// When the records could not be read for so long, nobody is recognised: a revocation may have been missed. 10 s.
    public var staleAfter = Duration.seconds(10)
    /// How many verified JWTs are remembered, each until it expires. 10,000: some 3 MiB.
    public var rememberedTokens = 10_000

    /// Settings with the defaults that are told beside each.
    public init(state: StateSettings, issuers: [TokenIssuer] = []) {
        self.state = state
        self.issuers = issuers
    }
}

/// How the registry does.
public struct IdentityHealth: Hashable, Sendable {
    /// The last change of the records that it has applied.
    public let appliedChange: Int64
    /// How many endpoints it knows.
    public let endpoints: Int
    /// How many API tokens it knows.
    public let apiTokens: Int
    /// How many streams wait to be told of an end.
    public let leases: Int
    /// Whether the records were unreadable for so long that nobody is recognised.
    public let isStale: Bool
}

/// Recognises callers. All it needs is in memory: no database and no other process is asked on the path of a call, and no
/// lock is held for longer than it takes to copy two references.
public final class IdentityRegistry: Sendable {
    private let settings: IdentitySettings
    private let hasher: SecretHasher
    private let minter: TokenMinter?
    private let state: RegistryState
    private let watcher: StateWatcher
    private let thread: Thread
    private let isStopped = Atomic<Bool>(false)

    /// Reads the records and begins to watch them.
    public init(_ settings: IdentitySettings) throws(StateFailure) {
        let store = try StateStore(settings.state)
        let name = try store.enrolWatcher()
        let snapshot = try store.read { (database) throws(StateFailure) in try StateSnapshot(reading: database) }
        self.settings = settings
        self.hasher = store.hasher
        self.minter = store.minter
        self.state = RegistryState(snapshot, try IdentityRegistry.table(settings, settings.issuers, store.minter))
        self.watcher = StateWatcher(
            path: settings.state.database, name: name, state: state, interval: settings.pollInterval)
        do throws(SystemFailure) {
            self.thread = try Thread.start("identity") { [watcher] in watcher.run() }
        } catch {
            throw StateFailure(error)
        }
    }

    deinit {
        watcher.stop()
    }

    /// Ends the watching and waits until it has. Once; after it, nobody is told of anything.
    public func stop() {
        guard !isStopped.exchange(true, ordering: .acquiringAndReleasing) else { return }
        watcher.stop()
        thread.join()
    }

    /// Who asks.
    ///
    /// - Parameters:
    ///   - route: where they knocked.
    ///   - head: what they sent; only `Authorization` is looked at.
    ///   - now: the time, to which all expiry is compared.
    public func authenticate(
        _ route: EndpointRoute, head: RequestHead, now: WallTime
    ) throws(IdentityFailure) -> Principal {
        try requireFreshRecords()
        let current = state.current
        let recognition = Recognition(snapshot: current.snapshot, issuers: current.issuers, hasher: hasher, now: now)
        return switch route {
        case .capability(let secret): try recognition.byCapability(secret, head.fields)
        case .upstream(let name): try recognition.atUpstream(name, head.fields)
        }
    }

    /// Waits for an issuer's keys that are being fetched, if that is what the failure is about.
    ///
    /// - Returns: whether it makes sense to ask again. A few seconds at most; 1,024 callers may wait.
    public func hasNewKeys(after failure: IdentityFailure) async -> Bool {
        guard failure.reason == .keysAwaited else { return false }
        for keys in state.current.issuers.keysUnderWay where await !keys.looked() { return false }
        return true
    }

    /// The records and the hash they are found by, for the other kind of caller.
    func currentRecords() throws(IdentityFailure) -> (StateSnapshot, SecretHasher) {
        try requireFreshRecords()
        return (state.current.snapshot, hasher)
    }

    private func requireFreshRecords() throws(IdentityFailure) {
        guard MonotonicTime.now - state.lastSeen < settings.staleAfter else {
            throw IdentityFailure(.stateUnavailable, answer: .unavailable)
        }
    }

    /// Has `onEnd` called once when the principal ends before its time: its endpoint or token was changed, rotated,
    /// revoked or deleted, or its issuer's definition was. At once, from the watcher's thread: it must not block, and has
    /// been called when the change is acknowledged. When the principal has ended already, it is called before this
    /// returns. Its time (`expiresAt`) is the caller's to watch.
    public func watch(_ principal: Principal, onEnd: @escaping @Sendable () -> Void) -> Lease {
        let number = state.add(principal, onEnd)
        if number == nil { onEnd() }
        return Lease(state, number)
    }

    /// Whether a principal is still what it was made from, and its time not over.
    public func isCurrent(_ principal: Principal, at now: WallTime) -> Bool {
        principal.isValid(at: now) && state.admits(principal)
    }

    /// Believes other issuers from now on. What the old ones vouched for ends, unless their definition is the same.
    public func replaceIssuers(_ issuers: [TokenIssuer]) throws(StateFailure) {
        state.apply(try IdentityRegistry.table(settings, issuers, minter, after: state.current.issuers))
    }

    /// How it does.
    public var health: IdentityHealth {
        let snapshot = state.current.snapshot
        return IdentityHealth(
            appliedChange: snapshot.change, endpoints: snapshot.endpoints.count, apiTokens: snapshot.tokens.count,
            leases: state.leaseCount, isStale: MonotonicTime.now - state.lastSeen >= settings.staleAfter)
    }

    private static func table(
        _ settings: IdentitySettings, _ issuers: [TokenIssuer], _ minter: TokenMinter?, after last: IssuerTable? = nil
    ) throws(StateFailure) -> IssuerTable {
        do throws(JOSEFailure) {
            return try IssuerTable(
                publicURL: settings.state.publicURL, minter: minter, issuers: issuers,
                cacheLimit: settings.rememberedTokens, after: last)
        } catch {
            throw StateFailure(.keyMalformed, "the issuers cannot be used: \(error)")
        }
    }
}

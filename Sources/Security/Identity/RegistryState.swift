internal import Bytes
internal import Synchronization
internal import System

/// What the registry, its watcher and its leases share. Locks are held for a few lines and never while calling out.
final class RegistryState: Sendable {
    private let shared: Mutex<Shared>
    /// When the watcher last saw the database as it is, in nanoseconds of the monotonic clock.
    private let seen: Atomic<Int64>

    fileprivate struct Shared {
        var snapshot: StateSnapshot
        var issuers: IssuerTable
        var leases: [Int: Held] = [:]
        var nextLease = 0
    }

    fileprivate struct Held {
        let principal: Principal
        let onEnd: @Sendable () -> Void
    }

    init(_ snapshot: StateSnapshot, _ issuers: IssuerTable) {
        shared = Mutex(Shared(snapshot: snapshot, issuers: issuers))
        seen = Atomic(MonotonicTime.now.nanoseconds)
    }

    /// What to recognise callers by.
    var current: (snapshot: StateSnapshot, issuers: IssuerTable) {
        shared.withLock { ($0.snapshot, $0.issuers) }
    }

    var leaseCount: Int { shared.withLock { $0.leases.count } }

    var lastSeen: MonotonicTime { MonotonicTime(nanoseconds: seen.load(ordering: .relaxed)) }

    func markSeen(_ now: MonotonicTime) {
        seen.store(now.nanoseconds, ordering: .relaxed)
    }

    /// Takes a newer snapshot and ends what it no longer admits, before this returns.
    func apply(_ snapshot: StateSnapshot) {
        end { $0.snapshot = snapshot }
    }

    /// Takes other issuers and ends what the old ones vouched for, unless they are the same.
    func apply(_ issuers: IssuerTable) {
        end { $0.issuers = issuers }
    }

    private func end(_ change: (inout Shared) -> Void) {
        let ended = shared.withLock { shared in
            change(&shared)
            let ended = shared.leases.filter { !shared.admits($0.value.principal) }
            for number in ended.keys { shared.leases[number] = nil }
            return ended.values.map(\.onEnd)
        }
        for onEnd in ended { onEnd() }
    }

    /// Remembers a lease; nothing when the principal has ended already, between its verification and now.
    func add(_ principal: Principal, _ onEnd: @escaping @Sendable () -> Void) -> Int? {
        shared.withLock { shared in
            guard shared.admits(principal) else { return nil }
            shared.nextLease += 1
            shared.leases[shared.nextLease] = Held(principal: principal, onEnd: onEnd)
            return shared.nextLease
        }
    }

    func remove(lease number: Int) {
        // The closure is let go outside of the lock: what it holds may come back here when it dies.
        _ = shared.withLock { $0.leases.removeValue(forKey: number) }
    }

    func admits(_ principal: Principal) -> Bool { shared.withLock { $0.admits(principal) } }
}

extension RegistryState.Shared {
    fileprivate func admits(_ principal: Principal) -> Bool {
        snapshot.admits(principal) && issuers.admits(principal)
    }
}

/// A promise to tell when a principal ends before its time: revoked, rotated, deleted or changed. Dropped, it is silent.
public final class Lease: Sendable {
    private let state: RegistryState
    private let number: Int?

    init(_ state: RegistryState, _ number: Int?) {
        self.state = state
        self.number = number
    }

    deinit {
        cancel()
    }

    /// Lets it be silent from now on. A call that is under way on another thread may still come.
    public func cancel() {
        if let number { state.remove(lease: number) }
    }
}

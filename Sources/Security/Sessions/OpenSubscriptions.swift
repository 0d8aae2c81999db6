import Synchronization

/// The `subscriptions/listen` streams that are open (2026-07-28), so that they end properly when the program stops.
public final class OpenSubscriptions: Sendable {
    private struct State {
        var ends: [Int: @Sendable () -> Void] = [:]
        var next = 0
        var isClosed = false
    }
    private let state = Mutex(State())

    /// None is open.
    public init() {}

    /// Calls `end` when all of them are to end; at once when that has been said already.
    ///
    /// - Returns: a number for `remove`.
    public func add(_ end: @escaping @Sendable () -> Void) -> Int {
        let number: Int? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.next += 1
            state.ends[state.next] = end
            return state.next
        }
        if number == nil { end() }
        return number ?? 0
    }

    /// One has ended.
    public func remove(_ number: Int) {
        state.withLock { _ = $0.ends.removeValue(forKey: number) }
    }

    /// Ends all, and from now on each that is added.
    public func endAll() {
        let ends = state.withLock { state in
            state.isClosed = true
            defer { state.ends = [:] }
            return Array(state.ends.values)
        }
        for end in ends { end() }
    }

    /// How many are open.
    public var count: Int { state.withLock { $0.ends.count } }
}

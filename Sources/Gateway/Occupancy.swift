import Sessions
import Synchronization

/// How much of the gateway may be in use at once.
public struct OccupancyLimits: Hashable, Sendable {
    /// Calls under way. Default 4,096: each holds its body and its result in memory.
    public var calls = 4_096
    /// Open event streams. Default 5,000.
    public var streams = 5_000
    /// Open event streams of one principal. Default 64.
    public var streamsPerPrincipal = 64

    /// The defaults.
    public init() {}
}

/// What is in use right now. A place is taken before the upstream is asked, and given back when its holder dies, however the
/// visit ends.
final class Occupancy: Sendable {
    private struct State {
        var limits: OccupancyLimits
        var calls = 0
        var streams = 0
        var byOwner: [SessionOwner: Int] = [:]
    }
    private let state: Mutex<State>

    init(_ limits: OccupancyLimits) {
        state = Mutex(State(limits: limits))
    }

    /// What a place was taken for.
    enum Kind {
        case call
        case stream(SessionOwner)
    }

    /// A place; giving it back is dying.
    final class Place {
        private let occupancy: Occupancy
        private let kind: Kind

        fileprivate init(_ occupancy: Occupancy, _ kind: Kind) {
            self.occupancy = occupancy
            self.kind = kind
        }

        deinit { occupancy.giveBack(kind) }
    }

    /// A place, or nil when all are taken.
    func take(_ kind: Kind) -> Place? {
        let isFree = state.withLock { state in
            switch kind {
            case .call:
                guard state.calls < state.limits.calls else { return false }
                state.calls += 1
            case .stream(let owner):
                let own = state.byOwner[owner] ?? 0
                guard state.streams < state.limits.streams, own < state.limits.streamsPerPrincipal else { return false }
                state.streams += 1
                state.byOwner[owner] = own + 1
            }
            return true
        }
        return isFree ? Place(self, kind) : nil
    }

    /// Other limits, from the next place on.
    func limit(to limits: OccupancyLimits) {
        state.withLock { $0.limits = limits }
    }

    /// Streams open now.
    var streams: Int { state.withLock { $0.streams } }

    private func giveBack(_ kind: Kind) {
        state.withLock { state in
            switch kind {
            case .call: state.calls -= 1
            case .stream(let owner):
                state.streams -= 1
                let own = (state.byOwner[owner] ?? 1) - 1
                state.byOwner[owner] = own == 0 ? nil : own
            }
        }
    }
}

import HTTP
import Identity
import Reactor
import Sessions
import System

/// What may end a stream besides its server: the client, the token's end or revocation, and for a session's own stream the
/// session. Tokens and sessions end on other threads; their news is brought to the relay's loop.
final class RelayWatch {
    private let exchange: any Exchange
    private let session: Session
    private let sessionWatch: Int?
    private let lease: Lease
    private let timer: Timer?

    init(_ relay: Relay, _ visit: Visit, _ caller: Caller, _ session: Session, isOwnStream: Bool) {
        let loop = EventLoop.current
        let bound = LoopBound(relay)
        exchange = visit.exchange
        self.session = session
        lease = visit.gateway.identities.watch(caller.principal) {
            loop.execute { bound.value.cut(.lease) }
        }
        // To the second: the timer fires when the wall clock reaches the expiry, and a clock that was set is asked again.
        timer = caller.principal.expiresAt.map { expiry in
            loop.schedule(after: .nanoseconds(max(0, expiry.nanoseconds - WallTime.now.nanoseconds))) {
                relay.cut(.lease)
            }
        }
        sessionWatch =
            isOwnStream ? session.whenEnded(isStream: true) { loop.execute { bound.value.sessionEnded() } } : nil
        exchange.whenGone { relay.clientLeft() }
    }

    func stop() {
        exchange.whenGone(nil)
        timer?.cancel()
        lease.cancel()
        if let sessionWatch { session.unwatch(sessionWatch) }
    }
}

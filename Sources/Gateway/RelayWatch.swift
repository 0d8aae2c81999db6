import HTTP
import Identity
import Reactor
import Sessions

/// What may end a stream besides its server: the client, the token's end or revocation, and for a stream that owes no outcome
/// the session. Tokens and sessions end on other threads; their news is brought to the relay's loop.
final class RelayWatch {
    private let exchange: any Exchange
    private let session: Session
    private let sessionWatch: Int?
    private let lease: Lease
    private let timer: Timer?

    init(_ relay: Relay, _ visit: Visit, _ caller: Caller, _ session: Session, endsWithSession: Bool) {
        let loop = EventLoop.current
        let bound = LoopBound(relay)
        exchange = visit.exchange
        self.session = session
        lease = visit.gateway.identities.watch(caller.principal) {
            loop.execute { bound.value.cut(.lease) }
        }
        timer = loop.schedule(atExpiryOf: caller.principal) { relay.cut(.lease) }
        sessionWatch =
            endsWithSession ? session.whenEnded(isStream: true) { loop.execute { bound.value.sessionEnded() } } : nil
        exchange.whenGone { relay.clientLeft() }
    }

    func stop() {
        exchange.whenGone(nil)
        timer?.cancel()
        lease.cancel()
        if let sessionWatch { session.unwatch(sessionWatch) }
    }
}

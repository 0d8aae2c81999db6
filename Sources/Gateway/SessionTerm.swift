import HTTP
import Identity
import Reactor
import Sessions
import System
import Upstream

/// How long a session lives: no longer than what proved whose it is. When the token expires or is revoked, and when the session ends
/// in any other way but the client's own DELETE, the server is told as well, so that nothing of it stays open there.
enum SessionTerm {
    static func begin(_ session: Session, of caller: Caller, _ gateway: Gateway) {
        let loop = EventLoop.current
        let transport = caller.server.transport
        let lease = gateway.identities.watch(caller.principal) { [weak gateway] in gateway?.sessions.end(session) }
        let timer = loop.schedule(atExpiryOf: caller.principal) { [weak gateway] in gateway?.sessions.end(session) }
            .map { LoopBound($0) }
        _ = session.whenEnded {
            lease.cancel()
            loop.execute {
                timer?.value.cancel()
                guard session.claimClosing() else { return }
                loop.spawnHere { _ = await transport.endSession(fields: Fields.of(session)) }
            }
        }
    }
}

extension EventLoop {
    /// Does something when what proved who somebody is ends by itself; nil when it never does. By the wall clock of now: one that
    /// is set later moves the moment, and requests are judged by the clock of their own time anyway.
    func schedule(atExpiryOf principal: Principal, _ action: @escaping () -> Void) -> Timer? {
        principal.expiresAt.map { expiry in
            schedule(after: .nanoseconds(max(0, expiry.nanoseconds - WallTime.now.nanoseconds)), action)
        }
    }
}

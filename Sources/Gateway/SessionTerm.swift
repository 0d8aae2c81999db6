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
        let timer = caller.principal.expiresAt.map { expiry in
            LoopBound(
                loop.schedule(after: .nanoseconds(max(0, expiry.nanoseconds - WallTime.now.nanoseconds))) {
                    [weak gateway] in
                    gateway?.sessions.end(session)
                })
        }
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

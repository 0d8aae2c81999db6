public import Bytes
public import Identity
public import MCP
import OpenSSL
import Synchronization

/// How many conversations there may be, and how long an unused one is kept.
public struct SessionLimits: Hashable, Sendable {
    /// All sessions together. Default 20,000.
    public var total = 20_000
    /// Sessions of one owner; the longest unused is ended for a new one. Default 1,000 (ChatGPT opens one per call).
    public var perOwner = 1_000
    /// Seconds without a request, in-flight answer or stream after which a session ends. Default 1,800.
    public var idleSeconds = 1_800

    /// The defaults.
    public init() {}
}

/// Which principal owns which `Mcp-Session-Id`, and which session of the server stands behind it.
///
/// Lives in memory only: after a restart every id is unknown (404) and clients initialize anew, as the revision asks.
public final class SessionStore: Sendable {
    /// Why there is no session.
    public enum Failure: Error, Hashable, Sendable {
        /// Never was, has ended, or is somebody else's: one answer for all three.
        case unknown
        /// The store is full.
        case full
        /// No randomness for an id.
        case noRandomness
    }

    private struct State {
        var sessions: [ByteString: Session] = [:]
        var byOwner: [SessionOwner: [ByteString]] = [:]
    }
    private let limits: SessionLimits
    private let now: @Sendable () -> UInt64
    private let state = Mutex(State())

    /// An empty store.
    ///
    /// - Parameter now: monotonic nanoseconds, for idle times; tests inject their own.
    public init(limits: SessionLimits, now: @escaping @Sendable () -> UInt64) {
        self.limits = limits
        self.now = now
    }

    /// Sessions alive.
    public var count: Int { state.withLock { $0.sessions.count } }

    /// Opens a session for the principal whose `initialize` the server has answered.
    public func open(
        for principal: Principal, upstreamID: ByteString?, version: ProtocolVersion, client: ClaimedClient
    ) throws(Failure) -> Session {
        let random: [UInt8]
        do {
            random = try Random.bytes(32)
        } catch {
            throw .noRandomness
        }
        let session = Session(
            id: ByteString(Base64URL.encode(random)), owner: SessionOwner(principal), upstreamID: upstreamID,
            version: version, client: client, now: now())
        if count >= limits.total { sweep() }
        let outcome: Result<Session?, Failure> = state.withLock { state in
            guard state.sessions.count < limits.total else { return .failure(.full) }
            var displaced: Session?
            var own = state.byOwner[session.owner] ?? []
            if own.count >= limits.perOwner { displaced = state.sessions.removeValue(forKey: own.removeFirst()) }
            own.append(session.id)
            state.byOwner[session.owner] = own
            state.sessions[session.id] = session
            return .success(displaced)
        }
        try outcome.get()?.end()
        return session
    }

    /// The session with this id, when it is this principal's.
    public func session(_ id: ByteString, of principal: Principal) throws(Failure) -> Session {
        guard let session = state.withLock({ $0.sessions[id] }), session.owner == SessionOwner(principal) else {
            throw .unknown
        }
        session.touch(now())
        return session
    }

    /// Ends a session: its id is unknown from now on, its streams end.
    public func end(_ session: Session) {
        state.withLock { state in
            guard state.sessions.removeValue(forKey: session.id) != nil else { return }
            state.byOwner[session.owner]?.removeAll { $0 == session.id }
            if state.byOwner[session.owner]?.isEmpty == true { state.byOwner[session.owner] = nil }
        }
        session.end()
    }

    /// Ends the sessions' own streams: the program stops. What is being answered in a session goes on.
    public func endStreams() {
        for session in state.withLock({ Array($0.sessions.values) }) { session.endStream() }
    }

    /// Ends what nobody has used for `idleSeconds`; called now and then by the program, and when the store is full.
    ///
    /// - Returns: the sessions that ended.
    @discardableResult
    public func sweep() -> [Session] {
        let limit = UInt64(limits.idleSeconds) * 1_000_000_000
        let moment = now()
        guard moment > limit else { return [] }
        let idle = state.withLock { state in state.sessions.values.filter { $0.isIdle(since: moment - limit) } }
        for session in idle { end(session) }
        return idle
    }
}

public import Bytes
public import Identity
public import MCP
import Synchronization

/// Whose a conversation is: the parts of a principal that stay the same from one request to the next.
///
/// A session id is never authentication (2025-11-25 security best practices, "Session Hijacking"): it is looked up only
/// together with the owner, and another's id is answered like one that never was.
public struct SessionOwner: Hashable, Sendable {
    let subject: ByteString
    let issuer: ByteString?
    let endpoint: EndpointID?
    let apiToken: TokenID?
    let upstream: ByteString

    /// The owner that a principal is.
    public init(_ principal: Principal) {
        subject = principal.subject
        issuer = principal.issuer
        endpoint = principal.endpoint
        apiToken = principal.apiToken
        upstream = principal.upstream
    }
}

/// One conversation of a revision with a handshake: our id towards the client, the server's own towards the server.
public final class Session: Sendable {
    /// What a second request with an id that is still unanswered is refused with.
    public enum Failure: Error, Hashable, Sendable {
        /// A request with this id is still being answered on this session.
        case duplicateRequest
        /// More requests are in flight than a session may have.
        case tooManyRequests
        /// The session ended meanwhile.
        case ended
    }

    /// Requests in flight on one session; more are refused.
    public static let requestLimit = 256

    /// The id that the client was given: 256 random bits.
    public let id: ByteString
    /// Whose it is.
    public let owner: SessionOwner
    /// The server's own session id, which the client never sees; `nil` for servers without sessions.
    public let upstreamID: ByteString?
    /// The revision that `initialize` settled.
    public let version: ProtocolVersion
    /// What the client said it is; a claim.
    public let client: ClaimedClient

    private struct Watch {
        let isStream: Bool
        let action: @Sendable () -> Void
    }

    private struct State {
        var inFlight: Set<RequestID> = []
        var expected: [RequestID: Method] = [:]
        var hasStream = false
        var isEnded = false
        var isClosedAtServer = false
        var lastUsed: UInt64
        var nextWatch = 0
        var watches: [Int: Watch] = [:]
        var trailName: ByteString?
    }
    private let state: Mutex<State>

    init(
        id: ByteString, owner: SessionOwner, upstreamID: ByteString?, version: ProtocolVersion, client: ClaimedClient,
        now: UInt64
    ) {
        self.id = id
        self.owner = owner
        self.upstreamID = upstreamID
        self.version = version
        self.client = client
        state = Mutex(State(lastUsed: now))
    }

    /// What the audit trail calls this session, made when first asked for: a keyed hash of its id, always the same.
    public func trailName(_ make: (ByteString) -> ByteString) -> ByteString {
        if let known = state.withLock({ $0.trailName }) { return known }
        let made = make(id)
        state.withLock { $0.trailName = made }
        return made
    }

    /// Claims a request id for as long as its answer is owed.
    public func begin(_ request: RequestID) throws(Failure) {
        let failure: Failure? = state.withLock { state in
            if state.isEnded { return .ended }
            if state.inFlight.count >= Session.requestLimit { return .tooManyRequests }
            return state.inFlight.insert(request).inserted ? nil : .duplicateRequest
        }
        if let failure { throw failure }
    }

    /// Gives a request id back: its answer has been sent, or never will be.
    public func finish(_ request: RequestID) {
        state.withLock { _ = $0.inFlight.remove(request) }
    }

    /// Whether a request with this id is unanswered; only such a one may be cancelled.
    public func isInFlight(_ request: RequestID) -> Bool {
        state.withLock { $0.inFlight.contains(request) }
    }

    /// Remembers a request of the server's that the client was shown, so that its answer may come.
    ///
    /// - Returns: false when too many are unanswered, or one of this id is.
    public func expect(_ request: RequestID, answering method: Method) -> Bool {
        state.withLock { state in
            guard state.expected.count < Session.requestLimit, state.expected[request] == nil else { return false }
            state.expected[request] = method
            return true
        }
    }

    /// The method of a request that the client answers now; once.
    public func takeExpected(_ request: RequestID) -> Method? {
        state.withLock { $0.expected.removeValue(forKey: request) }
    }

    /// Whether the server is still to be told that the session ended; true once, for whoever asks first.
    public func claimClosing() -> Bool {
        state.withLock { state in
            defer { state.isClosedAtServer = true }
            return upstreamID != nil && !state.isClosedAtServer
        }
    }

    /// Claims the session's one stream for server messages; a second one is a conflict (409).
    public func claimStream() -> Bool {
        state.withLock { state in
            guard !state.hasStream, !state.isEnded else { return false }
            state.hasStream = true
            return true
        }
    }

    /// Gives the stream back.
    public func releaseStream() {
        state.withLock { $0.hasStream = false }
    }

    /// Calls `action` when the session ends; at once when it has ended.
    ///
    /// - Parameter isStream: also when the program stops and the session's stream ends before the session.
    /// - Returns: a number for `unwatch`.
    public func whenEnded(isStream: Bool = false, _ action: @escaping @Sendable () -> Void) -> Int {
        let number: Int? = state.withLock { state in
            guard !state.isEnded else { return nil }
            state.nextWatch += 1
            state.watches[state.nextWatch] = Watch(isStream: isStream, action: action)
            return state.nextWatch
        }
        if number == nil { action() }
        return number ?? 0
    }

    /// Forgets an action.
    public func unwatch(_ number: Int) {
        state.withLock { _ = $0.watches.removeValue(forKey: number) }
    }

    func end() {
        let watches = state.withLock { state in
            state.isEnded = true
            defer { state.watches = [:] }
            return Array(state.watches.values)
        }
        for watch in watches { watch.action() }
    }

    func endStream() {
        let watches = state.withLock { state in
            let streams = state.watches.filter { $0.value.isStream }
            for number in streams.keys { state.watches[number] = nil }
            return Array(streams.values)
        }
        for watch in watches { watch.action() }
    }

    func touch(_ now: UInt64) {
        state.withLock { $0.lastUsed = max($0.lastUsed, now) }
    }

    /// Nobody has used it since `moment`, nothing is in flight and no stream is open.
    func isIdle(since moment: UInt64) -> Bool {
        state.withLock { $0.lastUsed < moment && $0.inFlight.isEmpty && !$0.hasStream }
    }
}

/// `clientInfo` of `initialize`: what the client says of itself, recorded as a claim and used for nothing else.
public struct ClaimedClient: Hashable, Sendable {
    /// `clientInfo.name`, at most 128 bytes.
    public let name: ByteString?
    /// `clientInfo.version`, at most 64 bytes.
    public let version: ByteString?

    /// Takes the claims, cut to their limits.
    public init(name: ByteString?, version: ByteString?) {
        self.name = name.map { ByteString(Array($0.bytes.prefix(128))) }
        self.version = version.map { ByteString(Array($0.bytes.prefix(64))) }
    }
}

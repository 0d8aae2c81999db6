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
        var expected: [RequestID: ServerRequest] = [:]
        /// The newest ids that the client has answered: a replay brings their requests once more.
        var answered: [RequestID] = []
        var hasStream = false
        var isEnded = false
        var isClosedAtServer = false
        var lastUsed: UInt64
        var nextWatch = 0
        var watches: [Int: Watch] = [:]
        var trailName: ByteString?
        var memory: (any SessionMemory)?
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

    /// Whether any request of the client's is unanswered: what a server asks on the session's own stream belongs to one.
    public var hasInFlight: Bool { state.withLock { !$0.inFlight.isEmpty } }

    /// Remembers a request of the server's that the client is shown, so that its answer may come. Shown once more, by a replay,
    /// it stays one request.
    public func expect(_ request: RequestID, answering asked: ServerRequest) -> Expectation {
        state.withLock { state in
            if let known = state.expected[request] { return known == asked ? .open : .refused }
            if state.answered.contains(request) { return .answered }
            guard state.expected.count < Session.requestLimit else { return .refused }
            state.expected[request] = asked
            return .open
        }
    }

    /// What becomes of a request of the server's.
    public enum Expectation: Hashable, Sendable {
        /// The client may be shown it.
        case open
        /// The client has answered it already.
        case answered
        /// Too many are unanswered, or another of this id is.
        case refused
    }

    /// The request that the client answers now; once.
    public func takeExpected(_ request: RequestID) -> ServerRequest? {
        state.withLock { state in
            guard let asked = state.expected.removeValue(forKey: request) else { return nil }
            if state.answered.count >= Session.requestLimit { state.answered.removeFirst() }
            state.answered.append(request)
            return asked
        }
    }

    /// Whether the server waits for the answer to a request of its own of this id: only such a one may it cancel.
    public func isExpected(_ request: RequestID) -> Bool {
        state.withLock { $0.expected[request] != nil }
    }

    /// Whether an unanswered request of the server's asked to be told of progress under this token.
    public func isExpected(progress token: RequestID) -> Bool {
        state.withLock { $0.expected.values.contains { $0.progressToken == token } }
    }

    /// What another room remembers of this conversation, made when first asked for; gone with the session.
    public func memory<Memory: SessionMemory>(_ make: () -> Memory) -> Memory {
        state.withLock { state in
            if let known = state.memory as? Memory { return known }
            let made = make()
            state.memory = made
            return made
        }
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

/// What another room remembers of a conversation, for as long as it lasts.
public protocol SessionMemory: AnyObject, Sendable {}

/// A request of the server's that the client was shown.
public struct ServerRequest: Hashable, Sendable {
    /// What it asks for.
    public let method: Method
    /// The token under which the server wants to hear of progress.
    public let progressToken: RequestID?

    /// A request for this.
    public init(_ method: Method, progressToken: RequestID? = nil) {
        self.method = method
        self.progressToken = progressToken
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

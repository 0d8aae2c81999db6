public import HTTP
internal import MCP
public import Reactor
public import Redaction
internal import Synchronization
public import System

/// An MCP server that is a program of this machine. Its pipes live on a loop of their own; whoever asks waits on theirs.
public final class ProgramTransport: ServerTransport {
    /// How the program is started.
    public let settings: ProgramSettings
    private let loop: EventLoop
    private let host: LoopBound<ProgramHost>

    /// Nothing is started before it is needed. Not on an event loop: this waits for the loop of the pipes.
    public init(_ settings: ProgramSettings, on loop: EventLoop) {
        self.settings = settings
        self.loop = loop
        host = ProgramTransport.made(on: loop) { LoopBound(ProgramHost(settings)) }
    }

    /// Ends every process, in good order. Returns at once.
    public func close() {
        let host = host
        loop.execute { host.value.close() }
    }

    /// Waits until no process is left. Not on an event loop.
    ///
    /// - Returns: whether none is.
    public func waitUntilEmpty(until deadline: MonotonicTime) -> Bool {
        let host = host
        while !ProgramTransport.made(on: loop, { host.value.isEmpty }) {
            guard MonotonicTime.now < deadline else { return false }
            Bell().wait(until: .now + .milliseconds(20))
        }
        return true
    }

    private static func made<Value: Sendable>(on loop: EventLoop, _ body: @escaping @Sendable () -> Value) -> Value {
        let made = Mutex<Value?>(nil)
        let done = Bell()
        loop.execute {
            let value = body()
            made.withLock { $0 = value }
            done.ring()
        }
        while true {
            done.wait(until: .now + .seconds(60))
            if let value = made.withLock({ $0 }) { return value }
        }
    }

    // MARK: ServerTransport

    /// What the settings allow between two messages of an answer.
    public var patience: Duration { settings.patience }

    /// Spends the call.
    public func post(
        _ call: consuming RedactedCall, fields: HeaderFields
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        try await post(call.encoded, fields, until: nil)
    }

    /// Spends the call; the program is told when it is given up.
    public func post(
        _ call: consuming RedactedCall, fields: HeaderFields, until cancellation: Cancellation
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        try await post(call.encoded, fields, until: cancellation)
    }

    /// Posts a message of our own.
    public func post(
        _ message: GatewayMessage, fields: HeaderFields
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        try await post(message.body, fields, until: nil)
    }

    /// The session's own stream: what the program says that belongs to no request.
    public func openStream(fields: HeaderFields) async throws(UpstreamFailure) -> any ServerAnswer {
        let answer = self.answer()
        let (host, session) = (host, fields["mcp-session-id"])
        loop.execute { host.value.listen(in: session, answer) }
        try await answer.awaitHead()
        return answer
    }

    /// Ends the session's process.
    public func endSession(fields: HeaderFields) async -> Int? {
        let answer = self.answer()
        let (host, session) = (host, fields["mcp-session-id"])
        loop.execute { answer.answer(status: host.value.end(session) ? 200 : 404) }
        guard (try? await answer.awaitHead()) != nil else { return nil }
        return answer.head.status
    }

    private func post(
        _ message: [UInt8], _ fields: HeaderFields, until cancellation: Cancellation?
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        guard let piped = PipedMessage(message) else { throw .notStarted("a message can't be read") }
        let answer = self.answer()
        cancellation?.onCancel { answer.abort() }
        let (host, session) = (host, fields["mcp-session-id"])
        let version = fields["mcp-protocol-version"].flatMap { ProtocolVersion($0) }
        let isStateless = version.map { !$0.hasHandshake } ?? false
        loop.execute { host.value.post(piped, session: session, isStateless: isStateless, answer) }
        try await answer.awaitHead()
        return answer
    }

    private func answer() -> PipedAnswer {
        let (loop, host) = (loop, host)
        return PipedAnswer(limit: settings.messageBytes, patience: settings.patience) { answer in
            loop.execute { host.value.abandon(answer) }
        }
    }
}

public import HTTP
public import HTTPClient
import Reactor
public import Redaction
import Synchronization

/// An MCP server over HTTP(S). Each loop has connections of its own; streams that stay open have a pool of theirs, so that a
/// thousand idle ones do not keep calls waiting.
public final class UpstreamTransport: ServerTransport {
    private let calls: UpstreamServer
    private let streams: UpstreamServer
    private let clients = Mutex<[ObjectIdentifier: LoopBound<Clients>]>([:])

    /// A session's own stream may be silent for as long as it likes; ends come from elsewhere.
    private static let streamSilence = Duration.seconds(30 * 86_400)

    /// An answer over HTTP, in the words of this room.
    private final class Received: ServerAnswer {
        private let answer: UpstreamAnswer
        var head: ResponseHead { answer.head }

        init(_ answer: UpstreamAnswer) {
            self.answer = answer
        }

        func next(quietAfter patience: Duration) async throws(UpstreamFailure) -> UpstreamPiece {
            do throws(RequestFailure) {
                return switch try await answer.next(quietAfter: patience) {
                case .bytes(let bytes): .bytes(bytes)
                case .quiet: .quiet
                case .end: .end
                }
            } catch {
                throw UpstreamFailure(error)
            }
        }

        func whole(limit: Int) async throws(UpstreamFailure) -> [UInt8] {
            do throws(RequestFailure) {
                return try await answer.whole(limit: limit)
            } catch {
                throw UpstreamFailure(error)
            }
        }

        func abort() { answer.abort() }
    }

    private final class Clients {
        let calls: UpstreamClient
        let streams: UpstreamClient

        init(_ calls: UpstreamServer, _ streams: UpstreamServer) {
            self.calls = UpstreamClient(calls)
            self.streams = UpstreamClient(streams)
        }
    }

    /// Reaches one server.
    ///
    /// - Parameters:
    ///   - calls: for messages.
    ///   - streams: the same server, with room for as many connections as there may be open streams.
    public init(calls: UpstreamServer, streams: UpstreamServer) {
        self.calls = calls
        self.streams = streams
    }

    /// What the upstream's settings allow between two pieces of an answer.
    public var patience: Duration { calls.settings.timing.body }

    /// Spends the call.
    public func post(
        _ call: consuming RedactedCall, fields: HeaderFields
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        try await send(here.calls, UpstreamRequest(method: .post, fields: fields, body: call.encoded))
    }

    /// Spends the call; its connection is closed when it is given up.
    public func post(
        _ call: consuming RedactedCall, fields: HeaderFields, until cancellation: Cancellation
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        try await send(
            here.calls, UpstreamRequest(method: .post, fields: fields, body: call.encoded), until: cancellation)
    }

    /// Spends the call, on a connection beside those of calls.
    public func listen(
        _ call: consuming RedactedCall, fields: HeaderFields, until cancellation: Cancellation
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        try await send(
            here.streams, UpstreamRequest(method: .post, fields: fields, body: call.encoded), silent,
            until: cancellation)
    }

    /// Posts a message of our own.
    public func post(
        _ message: GatewayMessage, fields: HeaderFields
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        try await send(here.calls, UpstreamRequest(method: .post, fields: fields, body: message.body))
    }

    /// Opens a session's own stream, on a connection beside those of calls.
    public func openStream(fields: HeaderFields) async throws(UpstreamFailure) -> any ServerAnswer {
        try await send(here.streams, UpstreamRequest(method: .get, fields: fields), silent)
    }

    private var silent: UpstreamTiming {
        var timing = streams.settings.timing
        timing.body = UpstreamTransport.streamSilence
        timing.total = nil
        return timing
    }

    /// Ends a session at the server.
    public func endSession(fields: HeaderFields) async -> Int? {
        guard let answer = try? await here.calls.send(UpstreamRequest(method: .delete, fields: fields)) else {
            return nil
        }
        _ = try? await answer.whole(limit: 64 << 10)
        return answer.head.status
    }

    /// A 401 may mean that the credential's file has a newer one.
    public func refreshCredential() { calls.refreshCredential() }

    private func send(
        _ client: UpstreamClient, _ request: UpstreamRequest, _ timing: UpstreamTiming? = nil,
        until cancellation: Cancellation? = nil
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        let abortion = cancellation.map { cancellation in
            let abortion = UpstreamAbort()
            cancellation.onCancel { abortion.abort() }
            return abortion
        }
        do throws(RequestFailure) {
            return Received(try await client.send(request, timing: timing, abortion: abortion))
        } catch {
            throw UpstreamFailure(error)
        }
    }

    private var here: Clients {
        let loop = ObjectIdentifier(EventLoop.current)
        return clients.withLock { clients in
            if let known = clients[loop] { return known }
            let made = LoopBound(Clients(calls, streams))
            clients[loop] = made
            return made
        }.value
    }
}

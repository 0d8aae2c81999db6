public import HTTP
internal import Reactor
internal import System

/// What came next of a body, or that nothing came.
public enum BodyPiece: Sendable {
    /// Bytes, never none.
    case bytes([UInt8])
    /// Nothing for as long as the caller wanted to wait.
    case quiet
    /// The proper end.
    case end
}

/// An answer whose head has come. The body is read piece by piece, when asked for. Lives on one event loop.
///
/// Read to its end, it gives its connection back; dropped or aborted before, it closes it.
public final class UpstreamAnswer {
    /// Status and fields. 401 and redirects are answers like others: nobody here acts on them.
    public let head: ResponseHead

    private let connection: UpstreamConnection
    private let client: UpstreamClient
    private let abortion: UpstreamAbort?
    private var decoder: BodyDecoder
    private let patience: Duration
    private let totalDeadline: MonotonicTime?
    private var state = State.open
    private var isReading = false

    private enum State {
        case open
        case ended
        case failed(RequestFailure)
    }

    init(
        _ head: ResponseHead, on connection: UpstreamConnection, of client: UpstreamClient, timing: UpstreamTiming,
        totalDeadline: MonotonicTime?, abortion: UpstreamAbort?
    ) {
        self.head = head
        self.connection = connection
        self.client = client
        self.abortion = abortion
        decoder = BodyDecoder(framing: head.framing, limits: client.server.settings.limits)
        patience = timing.body
        self.totalDeadline = totalDeadline
        abortion?.onAbort { [weak self] in self?.abort() }
    }

    deinit {
        if case .open = state {
            abortion?.onAbort(nil)
            client.discard(connection)
        }
    }

    /// The next piece of the body, never empty; nil at its proper end.
    ///
    /// A body without a length that ends with the connection is whole only when TLS says goodbye properly; without TLS its
    /// end cannot be told from a broken connection, and it counts as cut off.
    public func next() async throws(RequestFailure) -> [UInt8]? {
        var piece: [UInt8] = []
        while true {
            switch state {
            case .ended: return nil
            case .failed(let failure): throw failure
            case .open: break
            }
            do throws(HTTPFailure) {
                try connection.consume { (bytes) throws(HTTPFailure) -> (Void, consumed: Int) in
                    ((), try decoder.decode(bytes, into: &piece))
                }
            } catch {
                throw fail(.malformed(error))
            }
            if decoder.isComplete { end(reusing: head.keepsAlive && !connection.hasUnread) }
            if !piece.isEmpty { return piece }
            if case .open = state { try await readMore() }
        }
    }

    /// As `next`, but tells after `patience` that nothing has come, without giving up: for streams that may be silent.
    public func next(quietAfter patience: Duration) async throws(RequestFailure) -> BodyPiece {
        if case .open = state, !connection.hasUnread, try await !isReadable(within: patience) { return .quiet }
        guard let bytes = try await next() else { return .end }
        return .bytes(bytes)
    }

    /// The whole body.
    ///
    /// - Parameter limit: a larger one fails with `.tooLarge`, at once when its length was announced.
    public func whole(limit: Int) async throws(RequestFailure) -> [UInt8] {
        if case .length(let announced) = head.framing, announced > limit { throw fail(.tooLarge) }
        var body: [UInt8] = []
        while let piece = try await next() {
            guard piece.count <= limit - body.count else { throw fail(.tooLarge) }
            if body.isEmpty { body = piece } else { body += piece }
        }
        return body
    }

    /// Gives up the rest: closes the connection; a pending `next` throws `.aborted`.
    public func abort() {
        guard case .open = state else { return }
        connection.stream.interrupt()
        // A pending read is ended by the interrupt and cleans up itself, so that it does not lose its connection under it.
        if isReading { state = .failed(.aborted) } else { _ = fail(.aborted) }
    }

    private func isReadable(within patience: Duration) async throws(RequestFailure) -> Bool {
        isReading = true
        defer { isReading = false }
        do throws(StreamFailure) {
            try await connection.stream.waitUntilReadable(deadline: MonotonicTime.now + patience)
            return true
        } catch {
            if error == .timedOut { return false }
            throw fail(RequestFailure(error, during: .body))
        }
    }

    private func readMore() async throws(RequestFailure) {
        var deadline = client.loop.now + patience
        var phase = RequestFailure.Phase.body
        if let totalDeadline, totalDeadline < deadline { (deadline, phase) = (totalDeadline, .total) }
        isReading = true
        defer { isReading = false }
        do throws(StreamFailure) {
            if try await connection.fill(deadline: deadline) { return }
        } catch {
            throw fail(RequestFailure(error, during: phase))
        }
        // The connection has ended properly; whether the body has is another question.
        guard head.framing == .untilClose, client.server.settings.url.isSecure else { throw fail(.cutOff) }
        end(reusing: false)
    }

    private func end(reusing: Bool) {
        state = .ended
        abortion?.onAbort(nil)
        if reusing { client.giveBack(connection, head) } else { client.discard(connection) }
    }

    /// Records why the body is not to be had; the first reason stays. Lets go of the connection, once.
    private func fail(_ failure: RequestFailure) -> RequestFailure {
        switch state {
        case .ended:
            state = .failed(failure)
            return failure
        case .failed(let earlier):
            // Only `abort` leaves the connection to the read that it interrupts.
            if isReading { client.discard(connection) }
            return earlier
        case .open:
            state = .failed(failure)
            abortion?.onAbort(nil)
            client.discard(connection)
            return failure
        }
    }
}

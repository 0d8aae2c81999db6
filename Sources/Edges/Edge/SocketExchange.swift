import HTTP
import OpenSSL
import Reactor
import System

/// One request on a connection, and the state of its answer.
final class SocketExchange: Exchange {
    let head: RequestHead
    private let connection: HTTPConnection
    private var bodyState = BodyState.unread
    private var answer = Answer.owed
    /// Whether the connection may serve another request after this one.
    private var keepsAlive: Bool

    private enum BodyState { case unread, read, broken }

    private enum Answer: Equatable {
        case owed
        /// A stream that was begun, in this framing; `.none` for an answer to HEAD, of which nothing is sent.
        case streaming(BodyFraming)
        case finished
        /// The connection failed or was cut.
        case broken
    }

    /// What is read and dropped of a body that nobody wanted, to keep the connection.
    private static let discardedBytes = 256 << 10
    /// How much of an answer is sent within one deadline.
    private static let writeBytes = 64 << 10

    init(_ head: RequestHead, _ connection: HTTPConnection) {
        self.head = head
        self.connection = connection
        keepsAlive = head.keepsAlive
        if head.framing == .none || head.framing == .length(0) { bodyState = .read }
    }

    var peer: PeerAddress { connection.peer }

    var clientCertificate: [UInt8]? { connection.stream.tls?.peerCertificate }

    // MARK: The body

    func readBody(limit: Int) async throws(ExchangeFailure) -> [UInt8] {
        if bodyState == .read, head.framing == .none || head.framing == .length(0) { return [] }
        guard bodyState == .unread, answer == .owed else { throw answer == .broken ? .gone : .answered }
        bodyState = .broken
        if case .length(let length) = head.framing, length > limit {
            bodyState = .unread
            throw .tooLarge
        }
        if head.expectsContinue, connection.unread.isEmpty {
            try await send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        }
        var limits = connection.settings.limits
        limits.bodyBytes = min(limits.bodyBytes, limit)
        let body = try await decodeBody(limits, keeping: true)
        bodyState = .read
        return body
    }

    private func decodeBody(_ limits: HTTPLimits, keeping: Bool) async throws(ExchangeFailure) -> [UInt8] {
        var decoder = BodyDecoder(framing: head.framing, limits: limits)
        var body: [UInt8] = []
        var bytes = connection.unread
        connection.unread = []
        let start = connection.stream.loop.now + connection.settings.times.body
        var received = 0
        while true {
            do throws(HTTPFailure) {
                let consumed = try decoder.decode(bytes.span, into: &body)
                if decoder.isComplete {
                    connection.keep(bytes, from: consumed)
                    return body
                }
            } catch {
                keepsAlive = false
                throw error.reason == .bodyTooLarge ? .tooLarge : .malformed(error)
            }
            if !keeping { body.removeAll(keepingCapacity: true) }
            bytes.removeAll(keepingCapacity: true)
            let earned = Duration.seconds(received / connection.settings.times.bodyBytesPerSecond)
            received += try await read(&bytes, start + earned)
        }
    }

    private func read(_ bytes: inout [UInt8], _ deadline: MonotonicTime) async throws(ExchangeFailure) -> Int {
        do throws(StreamFailure) {
            let count = try await connection.stream.read(into: &bytes, atMost: 16 << 10, deadline: deadline)
            if count > 0 { return count }
        } catch {
            keepsAlive = false
            guard error == .timedOut else {
                answer = .broken
                throw .gone
            }
            throw .slow
        }
        keepsAlive = false
        throw .gone
    }

    /// Reads what is left of a body that the handler did not want. False when that would be too much.
    private func discardBody() async -> Bool {
        guard bodyState == .unread, !head.expectsContinue || !connection.unread.isEmpty else {
            return bodyState == .read
        }
        var limits = connection.settings.limits
        limits.bodyBytes = Self.discardedBytes
        return (try? await decodeBody(limits, keeping: false)) != nil
    }

    private var bodyIsTooMuchToDiscard: Bool {
        guard bodyState == .unread else { return bodyState == .broken }
        if head.expectsContinue, connection.unread.isEmpty { return true }
        if case .length(let length) = head.framing { return length > Self.discardedBytes }
        return false
    }

    // MARK: The answer

    func respond(_ response: Response) async throws(ExchangeFailure) {
        let hasBody = response.status != 204 && response.status != 304
        var bytes = try begin(
            response.status, response.fields, hasBody ? .length(response.body.count) : .none)
        let sendsBody = hasBody && head.method != .head
        if sendsBody, response.body.count <= Self.writeBytes {
            bytes += response.body
            try await send(bytes)
        } else {
            try await send(bytes)
            if sendsBody { try await send(response.body) }
        }
        answer = .finished
    }

    func beginStream(_ head: ResponseHead) async throws(ExchangeFailure) {
        // HTTP/1.0 knows no chunks: the stream ends with the connection (RFC 9112 section 6.3).
        let framing: BodyFraming = self.head.minorVersion == 1 ? .chunked : .untilClose
        if framing == .untilClose { keepsAlive = false }
        let bytes = try begin(head.status, head.fields, framing)
        answer = .streaming(self.head.method == .head ? .none : framing)
        try await send(bytes)
    }

    func write(_ bytes: [UInt8]) async throws(ExchangeFailure) {
        guard case .streaming(let framing) = answer else { throw answer == .broken ? .gone : .answered }
        guard !bytes.isEmpty, framing != .none else { return }
        guard framing == .chunked else { return try await send(bytes) }
        var chunk: [UInt8] = []
        chunk.reserveCapacity(bytes.count + 12)
        chunk += String(bytes.count, radix: 16).utf8
        chunk += [0x0d, 0x0a]
        chunk += bytes
        chunk += [0x0d, 0x0a]
        try await send(chunk)
    }

    func endStream() async throws(ExchangeFailure) {
        guard case .streaming(let framing) = answer else { throw answer == .broken ? .gone : .answered }
        if framing == .chunked { try await send(Array("0\r\n\r\n".utf8)) }
        answer = .finished
    }

    /// The head of an answer, which from here on is no more owed.
    private func begin(
        _ status: Int, _ fields: HeaderFields, _ framing: BodyFraming
    ) throws(ExchangeFailure) -> [UInt8] {
        guard answer == .owed else { throw answer == .broken ? .gone : .answered }
        guard (200..<600).contains(status) else { throw .answered }
        keepsAlive = keepsAlive && !connection.core.isDraining && !bodyIsTooMuchToDiscard
        answer = .streaming(.none)
        var fields = fields
        if !fields.contains("date") { fields.add(name: "date", value: connection.core.date) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(512)
        ResponseHead(status: status, fields: fields, framing: framing, keepsAlive: keepsAlive).encode(into: &bytes)
        return bytes
    }

    /// Sends in pieces that each have a deadline of their own, so that a slow client may take long over a long answer.
    private func send(_ bytes: [UInt8]) async throws(ExchangeFailure) {
        guard answer != .broken else { throw .gone }
        do throws(StreamFailure) {
            guard bytes.count > Self.writeBytes else {
                return try await connection.stream.write(bytes, deadline: writeDeadline)
            }
            var start = 0
            while start < bytes.count {
                let end = min(start + Self.writeBytes, bytes.count)
                try await connection.stream.write(Array(bytes[start..<end]), deadline: writeDeadline)
                start = end
            }
        } catch {
            answer = .broken
            throw error == .timedOut ? .slow : .gone
        }
    }

    private var writeDeadline: MonotonicTime { connection.stream.loop.now + connection.settings.times.write }

    func whenGone(_ action: (() -> Void)?) {
        connection.stream.whenGone(action)
    }

    func cut() {
        answer = .broken
        connection.stream.reset()
    }

    // MARK: Afterwards

    /// Makes an end of whatever state the handler left. True when the connection may serve another request.
    func finish() async -> Bool {
        connection.stream.whenGone(nil)
        switch answer {
        case .owed:
            await connection.refuse(.unanswered, status: 500, self)
            return false
        case .streaming, .broken:
            // The client must be able to tell that this was not the end.
            connection.stream.reset()
            return false
        case .finished:
            guard keepsAlive, await discardBody() else {
                await connection.lingerAndClose()
                return false
            }
            return true
        }
    }
}

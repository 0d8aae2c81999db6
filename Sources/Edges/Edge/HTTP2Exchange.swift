import Bytes
import HTTP
import HTTP2
import OpenSSL
import Reactor
import System

/// One request on a stream of an HTTP/2 connection, and the state of its answer. What ends here is the stream; the
/// connection and its other streams go on.
final class HTTP2Exchange: Exchange {
    let head: RequestHead
    let id: Int32
    let connection: HTTP2Connection
    /// Why it is refused before anybody handles it.
    private let failure: HTTPFailure?

    private let body: HTTP2Body
    private var wasRead = false

    // The answer.
    private var answer = Answer.owed
    /// Whether an answer has begun.
    private(set) var isAnswered = false
    private var isDrained = false
    /// The end of the answer was given, so that being drained is being done.
    private var hasEnd = false
    private let departure = Pause()
    private var gone: (() -> Void)?
    /// The stream is no more.
    private var isClosed = false

    private enum Answer: Equatable {
        case owed
        /// A stream that was begun; with `mute`, nothing of it is sent, as for HEAD.
        case streaming(mute: Bool)
        case finished
        /// The stream failed or was cut.
        case broken
    }

    /// How much of an answer is sent within one deadline.
    private static let writeBytes = 64 << 10

    init(_ head: RequestHead, _ id: Int32, _ connection: HTTP2Connection, ends: Bool, failure: HTTPFailure? = nil) {
        self.head = head
        self.id = id
        self.connection = connection
        self.failure = failure
        body = HTTP2Body(head.framing, of: id, connection, ends: ends)
    }

    /// A request that is none.
    convenience init(refusing failure: HTTPFailure, _ id: Int32, _ connection: HTTP2Connection, ends: Bool) {
        self.init(RequestHead(method: .get, path: "/"), id, connection, ends: ends, failure: failure)
    }

    var peer: PeerAddress { connection.peer }

    var clientCertificate: [UInt8]? { connection.stream.tls?.peerCertificate }

    private var session: HTTP2Session { connection.session }
    private var times: EdgeTimes { connection.settings.times }
    private var now: MonotonicTime { connection.stream.loop.now }

    /// Has the request answered, and makes an end of whatever state that leaves.
    func run() async {
        if let failure {
            await refuse(.malformed(failure.reason), status: failure.status)
        } else if let (reason, status) = connection.core.rules.refusal(of: head) {
            await refuse(reason, status: status)
        } else {
            await connection.core.handler.handle(self)
        }
        gone = nil
        if answer == .owed, !isClosed { await refuse(.unanswered, status: 500) }
        await finish()
    }

    /// Tells the observer, and answers.
    private func refuse(_ reason: EdgeRefusal.Reason, status: Int) async {
        let refusal = EdgeRefusal(
            reason: reason, peer: peer, status: status, time: .now, head: failure == nil ? head : nil, count: 1)
        await connection.core.refusals.report(refusal)
        try? await respond(Response(refusal, status: status, connection.settings))
    }

    private func finish() async {
        switch answer {
        case .finished: await finishBody()
        // The client must be able to tell that this was not the end.
        case .owed, .streaming: reset(.internalError)
        case .broken: reset(.cancel)
        }
        body.drop()
        connection.send()
    }

    private func reset(_ code: HTTP2Code) {
        guard !isClosed else { return }
        session.reset(id, code)
        connection.send()
    }

    // MARK: The body

    func readBody(limit: Int) async throws(ExchangeFailure) -> [UInt8] {
        if !wasRead, body.isEmpty { return [] }
        guard !wasRead, answer == .owed else { throw answer == .broken ? .gone : .answered }
        if case .length(let length) = head.framing, length > limit { throw .tooLarge }
        wasRead = true
        if head.expectsContinue, body.received == 0, body.state == .coming, !isClosed {
            session.sendContinue(id)
            connection.send()
        }
        return try await body.read(limit: min(limit, connection.settings.limits.bodyBytes))
    }

    /// Makes an end of a body that nobody read to its end.
    private func finishBody() async {
        if failure == nil { await body.discard(waitsToBeAsked: head.expectsContinue) }
        guard body.state != .whole else { return }
        // Breaking the stream off takes back what of the answer was not sent.
        try? await departed()
        // RFC 9113 section 8.1: no error where there is only no need of the rest.
        reset(failure == nil && body.state == .coming ? .none : .protocolError)
    }

    func dataCame(_ bytes: [UInt8]) {
        body.take(bytes)
        bodyMayBeBroken()
    }

    func trailersCame(_ block: FieldBlock, end: Bool) {
        body.take(trailers: block, end: end)
        bodyMayBeBroken()
    }

    func bodyEnded() {
        body.end()
        bodyMayBeBroken()
    }

    /// Whoever reads a broken body says so in the answer; an answer that was begun cannot.
    private func bodyMayBeBroken() {
        if case .broken = body.state, case .streaming = answer { abort(.protocolError) }
    }

    // MARK: The answer

    func respond(_ response: Response) async throws(ExchangeFailure) {
        let hasBody = response.status != 204 && response.status != 304
        let sends = hasBody && head.method != .head && !response.body.isEmpty
        try begin(
            ResponseHead(
                status: response.status, fields: response.fields,
                framing: hasBody ? .length(response.body.count) : .none), ends: !sends)
        if sends { try await deliver(response.body, ends: true) }
        answer = .finished
    }

    func beginStream(_ head: ResponseHead) async throws(ExchangeFailure) {
        let isMute = self.head.method == .head
        var head = head
        head.framing = .none
        try begin(head, ends: isMute)
        answer = .streaming(mute: isMute)
    }

    func write(_ bytes: [UInt8]) async throws(ExchangeFailure) {
        guard case .streaming(let isMute) = answer else { throw answer == .broken ? .gone : .answered }
        guard !bytes.isEmpty, !isMute else { return }
        try await deliver(bytes, ends: false)
    }

    func endStream() async throws(ExchangeFailure) {
        guard case .streaming(let isMute) = answer else { throw answer == .broken ? .gone : .answered }
        if !isMute { try await deliver([], ends: true) }
        answer = .finished
    }

    /// Sends the head of an answer, which from here on is no more owed.
    private func begin(_ head: ResponseHead, ends: Bool) throws(ExchangeFailure) {
        guard answer == .owed else { throw answer == .broken ? .gone : .answered }
        guard (200..<600).contains(head.status) else { throw .answered }
        var head = head
        if !head.fields.contains("date") { head.fields.add(name: "date", value: connection.core.date) }
        guard !isClosed, session.respond(id, AnswerFields(head), ends: ends) else {
            answer = .broken
            throw .gone
        }
        answer = .streaming(mute: ends)
        isAnswered = true
        hasEnd = ends
        connection.send()
    }

    /// Sends in pieces that each have a deadline of their own, as over HTTP/1.1; a piece has gone when it was put into
    /// frames, which happens as the client and its connection take them.
    private func deliver(_ bytes: [UInt8], ends: Bool) async throws(ExchangeFailure) {
        var start = 0
        repeat {
            let end = min(start + Self.writeBytes, bytes.count)
            isDrained = false
            if start < end {
                session.give(start == 0 && end == bytes.count ? bytes : Array(bytes[start..<end]), to: id)
            }
            if ends, end == bytes.count {
                hasEnd = true
                session.end(id)
            }
            connection.send()
            try await departed()
            start = end
        } while start < bytes.count
    }

    private func departed() async throws(ExchangeFailure) {
        let deadline = now + times.write
        while !isDrained {
            guard !isClosed, answer != .broken else {
                answer = .broken
                throw .gone
            }
            guard await departure.wait(until: deadline) else {
                abort(.cancel)
                throw .slow
            }
        }
    }

    func wasDrained() {
        isDrained = true
        departure.end()
    }

    // MARK: The end

    /// Breaks the stream off.
    private func abort(_ code: HTTP2Code) {
        answer = .broken
        reset(code)
        departure.end()
        body.close()
    }

    func cut() { abort(.cancel) }

    func whenGone(_ action: (() -> Void)?) {
        gone = action
        guard action != nil, isClosed else { return }
        connection.stream.loop.schedule(at: now) { [self] in tellGone() }
    }

    /// Both sides are done with the stream, or one of them broke it off.
    func streamClosed() {
        guard !isClosed else { return }
        isClosed = true
        departure.end()
        body.close()
        if !hasEnd || !isDrained { tellGone() }
    }

    func connectionEnded() {
        streamClosed()
    }

    private func tellGone() {
        guard answer != .finished, let action = gone else { return }
        gone = nil
        action()
    }
}

extension AnswerFields {
    /// What HTTP/2 sends of a head. Only what is known to hold no secret is compressed against earlier answers.
    fileprivate init(_ head: ResponseHead) {
        self.init()
        add(":status", String(head.status))
        var fields = self
        head.forEachFieldOfSection { name, value in
            fields.add(name, value, isSecret: !harmless.contains(ByteString(name)))
        }
        self = fields
    }
}

private let harmless: Set<ByteString> = [
    "cache-control", "content-length", "content-type", "date", "vary", "x-accel-buffering",
]

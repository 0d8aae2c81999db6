public import Bytes
public import HTTP

/// An exchange without a socket: gives a head and a body, keeps the answer, and can play a client that goes away or that
/// stops reading. Like every exchange it must stay with one task or loop.
public final class MemoryExchange: Exchange {
    /// The head that the code under test sees.
    public let head: RequestHead
    /// 192.0.2.1 (a documentation address) unless set.
    public let peer: PeerAddress
    /// None unless set.
    public var clientCertificate: [UInt8]?
    /// Thrown by `readBody` instead of giving the body.
    public var bodyFailure: ExchangeFailure?
    /// While true, `write` and `respond` wait, as for a client that does not read, until `resumeReading`, `leave` or `cut`.
    public var stopsReading = false

    /// The status of the answer, nil before there is one.
    public private(set) var status: Int?
    /// The fields of the answer.
    public private(set) var fields = HeaderFields()
    /// What was sent, piece by piece; a complete answer is one piece.
    public private(set) var pieces: [[UInt8]] = []
    /// Whether the answer is a stream.
    public private(set) var isStream = false
    /// Whether the answer came to its proper end.
    public private(set) var isFinished = false
    /// Whether the code under test cut the connection.
    public private(set) var wasCut = false
    /// How often the body was read.
    public private(set) var bodyReads = 0

    private let sentBody: [UInt8]
    private var isGone = false
    private var goneAction: (() -> Void)?
    private var waiting: [CheckedContinuation<Void, Never>] = []

    /// An exchange with this head and body.
    public init(
        head: RequestHead, body: [UInt8] = [],
        peer: PeerAddress = PeerAddress(address: "192.0.2.1", port: 50_000)
    ) {
        self.head = head
        self.sentBody = body
        self.peer = peer
    }

    /// A POST of JSON, as MCP clients send it, with more fields after the usual ones.
    public convenience init(
        posting body: String, to path: ByteString, host: ByteString = "localhost", fields more: [(String, String)] = []
    ) {
        var fields = HeaderFields()
        fields.add(name: "host", value: host)
        fields.add(name: "content-type", value: "application/json")
        fields.add(name: "accept", value: "application/json, text/event-stream")
        for (name, value) in more { fields.add(name: name, value: value) }
        let bytes = Array(body.utf8)
        self.init(
            head: RequestHead(method: .post, path: path, fields: fields, framing: .length(bytes.count), host: host),
            body: bytes)
    }

    /// Everything that was sent after the head.
    public var body: [UInt8] { pieces.flatMap { $0 } }

    /// The same as text.
    public var text: String { String(decoding: body, as: UTF8.self) }

    /// The events of a stream so far; fails when the stream is not one.
    public func events() throws(EventStreamFailure) -> [ServerSentEvent] {
        var parser = EventStreamParser()
        return try parser.feed(body.span)
    }

    /// The client closes its connection: `whenGone` runs, and whatever waits fails with `.gone`.
    public func leave() {
        guard !isGone else { return }
        isGone = true
        let action = goneAction
        goneAction = nil
        if !isFinished { action?() }
        resumeWaiting()
    }

    /// A client that had stopped reading goes on.
    public func resumeReading() {
        stopsReading = false
        resumeWaiting()
    }

    // MARK: Exchange

    /// Gives the body, or `bodyFailure`, or `.tooLarge`.
    public func readBody(limit: Int) async throws(ExchangeFailure) -> [UInt8] {
        bodyReads += 1
        guard !isGone else { throw .gone }
        if let bodyFailure { throw bodyFailure }
        guard sentBody.count <= limit else { throw .tooLarge }
        return bodyReads == 1 ? sentBody : []
    }

    /// Keeps a complete answer.
    public func respond(_ response: Response) async throws(ExchangeFailure) {
        try begin(response.status, response.fields)
        try await waitForReader()
        pieces = [response.body]
        isFinished = true
    }

    /// Keeps the head of a stream.
    public func beginStream(_ head: ResponseHead) async throws(ExchangeFailure) {
        try begin(head.status, head.fields)
        isStream = true
    }

    /// Keeps a piece of the stream.
    public func write(_ bytes: [UInt8]) async throws(ExchangeFailure) {
        guard isStream, !isFinished else { throw .answered }
        try await waitForReader()
        pieces.append(bytes)
    }

    /// Notes the stream's proper end.
    public func endStream() async throws(ExchangeFailure) {
        guard isStream, !isFinished else { throw .answered }
        guard !isGone else { throw .gone }
        isFinished = true
        goneAction = nil
    }

    /// Sets what `leave` calls.
    public func whenGone(_ action: (() -> Void)?) {
        goneAction = action
    }

    /// Notes that the connection was dropped.
    public func cut() {
        wasCut = true
        isGone = true
        goneAction = nil
        resumeWaiting()
    }

    private func begin(_ status: Int, _ fields: HeaderFields) throws(ExchangeFailure) {
        guard self.status == nil else { throw .answered }
        guard !isGone else { throw .gone }
        self.status = status
        self.fields = fields
    }

    private func waitForReader() async throws(ExchangeFailure) {
        if stopsReading, !isGone {
            await withCheckedContinuation { waiting.append($0) }
        }
        guard !isGone else { throw .gone }
    }

    private func resumeWaiting() {
        let waiting = self.waiting
        self.waiting = []
        for continuation in waiting { continuation.resume() }
    }
}

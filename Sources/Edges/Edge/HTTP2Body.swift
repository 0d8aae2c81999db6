import HTTP
import HTTP2
import Reactor
import System

/// The body of a request on a stream: what came of it, and the window that follows from what was read.
final class HTTP2Body {
    /// How far it came.
    enum State: Equatable { case coming, whole, broken(HTTPFailure) }

    private(set) var state: State
    /// Bytes that came, read or not.
    private(set) var received = 0

    private let stream: Int32
    private let connection: HTTP2Connection
    private let announced: Int?
    /// What came and was not read. At most the stream's window: what is not read is not made room for.
    private var inbox: [UInt8] = []
    private let arrival = Pause()
    /// Nothing more can come.
    private var isClosed = false

    /// What is read and dropped of a body that nobody wanted, before its stream is broken off.
    private static let discardedBytes = 256 << 10

    init(_ framing: BodyFraming, of stream: Int32, _ connection: HTTP2Connection, ends: Bool) {
        self.stream = stream
        self.connection = connection
        if case .length(let length) = framing { announced = length } else { announced = nil }
        state = ends ? .whole : .coming
    }

    /// Whether it came whole and empty.
    var isEmpty: Bool { state == .whole && received == 0 }

    // MARK: What comes

    func take(_ bytes: [UInt8]) {
        received += bytes.count
        inbox += bytes
        if let announced, received > announced { fail(.lengthMismatch) }
        arrival.end()
    }

    /// The stream ended.
    func end() {
        guard state == .coming else { return }
        if let announced, received != announced { return fail(.lengthMismatch) }
        state = .whole
        arrival.end()
    }

    /// Trailers are checked and dropped: merged into the head they could overrule what was judged.
    func take(trailers block: FieldBlock, end isEnd: Bool) {
        let limits = connection.settings.limits
        guard isEnd else { return fail(.badTrailer) }
        guard !block.isTruncated, block.bytes.count <= limits.trailerBytes else { return fail(.trailerTooLarge) }
        do throws(HTTPFailure) {
            for (index, field) in block.fields.enumerated() {
                try FieldSectionReader.checkTrailer(
                    block.bytes.span.extracting(field.name), block.bytes.span.extracting(field.value), index: index,
                    limits: limits)
            }
            end()
        } catch {
            fail(error.reason)
        }
    }

    func close() {
        isClosed = true
        arrival.end()
    }

    private func fail(_ reason: HTTPFailure.Reason) {
        guard state == .coming else { return }
        state = .broken(HTTPFailure(reason, at: received))
        arrival.end()
    }

    // MARK: What is wanted of it

    /// Reads all of it. The client may take as long as over HTTP/1.1.
    func read(limit: Int) async throws(ExchangeFailure) -> [UInt8] {
        if let announced, announced > limit { throw .tooLarge }
        let times = connection.settings.times
        let start = connection.stream.loop.now + times.body
        var bytes: [UInt8] = []
        while true {
            guard bytes.count + inbox.count <= limit else { throw .tooLarge }
            bytes += inbox
            drop()
            switch state {
            case .whole: return bytes
            case .broken(let failure): throw .malformed(failure)
            case .coming: break
            }
            guard !isClosed else { throw .gone }
            connection.send()
            let earned = Duration.seconds(received / times.bodyBytesPerSecond)
            guard await arrival.wait(until: start + earned) else { throw .slow }
        }
    }

    /// Reads and drops what is left of it, unless that is too much or takes too long.
    func discard(waitsToBeAsked: Bool) async {
        let deadline = connection.stream.loop.now + connection.settings.times.linger
        let allowed = received + Self.discardedBytes
        guard announced ?? 0 <= Self.discardedBytes, !waitsToBeAsked || received > 0 else { return }
        while !isClosed, state == .coming, received <= allowed {
            drop()
            connection.send()
            guard await arrival.wait(until: deadline) else { return }
        }
    }

    /// Makes room for as much as lies here, and lets go of it.
    func drop() {
        connection.session.consume(inbox.count, of: stream)
        inbox = []
    }
}

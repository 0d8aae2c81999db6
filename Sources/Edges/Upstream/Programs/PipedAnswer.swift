internal import HTTP
internal import Reactor
internal import System

/// An answer on its way from the loop of a program's pipes to the loop of whoever asked. It looks like one over HTTP: JSON when
/// the answer is all there is, else an event stream.
///
/// Filled on one thread and read on another; nothing waits while the lock is held.
@safe final class PipedAnswer: ServerAnswer, Sendable {
    private let box = Guarded(Box())
    private let limit: Int
    private let patience: Duration
    private let whenAborted: @Sendable (PipedAnswer) -> Void

    @safe private struct Box {
        var head: ResponseHead?
        /// What the session is called that this answer opens.
        var session: String?
        var pieces: [[UInt8]] = []
        var held = 0
        var isOver = false
        var failure: UpstreamFailure?
        var reader: UnsafeContinuation<Void, Never>?

        var hasNews: Bool { !pieces.isEmpty || isOver || failure != nil }

        func head(of type: String) -> ResponseHead {
            var fields = HeaderFields()
            fields.add(name: "content-type", value: type)
            if let session { fields.add(name: "mcp-session-id", value: session) }
            return ResponseHead(status: 200, fields: fields)
        }

        mutating func takeReader() -> UnsafeContinuation<Void, Never>? { unsafe reader.take() }
    }

    /// Answers that take longer become event streams, so that whoever waits is kept company: servers over HTTP do the same.
    private static let streamAfter = Duration.seconds(5)

    /// - Parameters:
    ///   - limit: how many bytes may wait to be read; an answer beyond it has failed.
    ///   - whenAborted: told when the reader gives it up before its end, on the reader's thread.
    init(limit: Int, patience: Duration, whenAborted: @escaping @Sendable (PipedAnswer) -> Void) {
        self.limit = limit
        self.patience = patience
        self.whenAborted = whenAborted
    }

    // MARK: Filling it, on any thread

    /// What the session is called that this answer opens; before anything else.
    func open(session: String) {
        box.withLock { $0.session = session }
    }

    /// An answer without a body.
    func answer(status: Int) {
        change { box in
            guard !box.isOver, box.failure == nil else { return }
            box.head = ResponseHead(status: status)
            box.isOver = true
        }
    }

    /// A stream without an end of its own begins.
    func beginStream() {
        change { if $0.head == nil { $0.head = $0.head(of: "text/event-stream") } }
    }

    /// A message; the last one is the answer.
    ///
    /// - Returns: whether more may come.
    @discardableResult func put(_ message: [UInt8], isLast: Bool) -> Bool {
        change { box in
            guard !box.isOver, box.failure == nil else { return false }
            if box.head == nil, isLast {
                box.head = box.head(of: "application/json")
                box.pieces.append(message)
            } else {
                if box.head == nil { box.head = box.head(of: "text/event-stream") }
                var bytes: [UInt8] = []
                ServerSentEvent(data: message).encode(into: &bytes)
                box.pieces.append(bytes)
            }
            box.held += message.count
            box.isOver = isLast
            // The last one has its own limit, where it was read.
            if !isLast, box.held > limit { box.failure = .tooLarge }
            return !isLast && box.failure == nil
        }
    }

    /// There will be no answer, or no whole one.
    func fail(_ failure: UpstreamFailure) {
        change { box in if !box.isOver, box.failure == nil { box.failure = failure } }
    }

    /// The proper end of a stream that owed nothing.
    func finish() {
        change { $0.isOver = true }
    }

    private func change<Result>(_ body: (inout Box) -> Result) -> Result {
        let (result, reader) = unsafe box.withLock { box in
            let result = body(&box)
            return unsafe (result, box.hasNews || box.head != nil ? box.takeReader() : nil)
        }
        unsafe reader?.resume()
        return result
    }

    // MARK: Reading it, on the reader's loop

    var head: ResponseHead { box.withLock { $0.head } ?? ResponseHead(status: 502) }

    /// Waits until it is known what this will be.
    func awaitHead() async throws(UpstreamFailure) {
        await wait(for: PipedAnswer.streamAfter) { $0.head != nil || $0.failure != nil }
        let failure = box.withLock { box in
            if box.head == nil { box.head = box.head(of: "text/event-stream") }
            return box.failure
        }
        if let failure { throw failure }
    }

    func next(quietAfter patience: Duration) async throws(UpstreamFailure) -> UpstreamPiece {
        await wait(for: patience) { $0.hasNews }
        let (piece, failure, isOver) = box.withLock { box in
            var piece: [UInt8] = []
            // What came before a failure is still worth reading.
            if !box.pieces.isEmpty {
                piece = box.pieces.removeFirst()
                box.held = box.pieces.reduce(0) { $0 + $1.count }
            }
            return (piece, box.failure, box.isOver)
        }
        if !piece.isEmpty { return .bytes(piece) }
        if let failure { throw failure }
        return isOver ? .end : .quiet
    }

    func whole(limit: Int) async throws(UpstreamFailure) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            switch try await next(quietAfter: patience) {
            case .bytes(let bytes):
                guard bytes.count <= limit - body.count else { throw .tooLarge }
                body += bytes
            case .quiet:
                abort()
                throw .timedOut(.body)
            case .end: return body
            }
        }
    }

    func abort() {
        let wasOpen = change { box in
            defer { if !box.isOver, box.failure == nil { box.failure = .aborted } }
            return !box.isOver && box.failure == nil
        }
        if wasOpen { whenAborted(self) }
    }

    private func wait(for patience: Duration, until isSo: @escaping (Box) -> Bool) async {
        let loop = EventLoop.current
        let deadline = MonotonicTime.now + patience
        while !box.withLock({ isSo($0) }), MonotonicTime.now < deadline {
            let timer = loop.schedule(at: deadline) { [weak self] in self?.wake() }
            unsafe await withUnsafeContinuation { continuation in
                let isReady = box.withLock { box in
                    if isSo(box) { return true }
                    unsafe box.reader = continuation
                    return false
                }
                if isReady { unsafe continuation.resume() }
            }
            timer.cancel()
        }
    }

    private func wake() {
        let reader = unsafe box.withLock { box in unsafe box.takeReader() }
        unsafe reader?.resume()
    }
}

internal import Bytes
internal import JSON
internal import MCP
internal import Reactor
internal import System
internal import Telemetry

/// One running program: its requests that wait, what it says, and its end. Lives on the loop of the pipes.
final class PipedServer {
    /// What its session is called; never used for another one as long as we run.
    let key: String
    /// When it was used last.
    private(set) var lastUse = MonotonicTime.now
    /// Whether it ever wrote a message.
    private(set) var hasSpoken = false

    private let isShared: Bool
    private let settings: ProgramSettings
    private let child: ChildProcess
    private let complaints: ProgramComplaints
    private let whenOver: (PipedServer) -> Void
    private let loop = EventLoop.current
    private var waiting: [Int: Waiting] = [:]
    private var nextNumber = 1
    private var ownStream: PipedAnswer?
    /// Messages of its own before anybody listens.
    private var early: [[UInt8]] = []
    private var outbox: [[UInt8]] = []
    private var outboxBytes = 0
    private var isWriting = false
    /// Why those that wait get no answer.
    private var verdict = UpstreamFailure.ended
    private var isEnding = false
    private var isOver = false

    private struct Waiting {
        let id: RequestID
        let token: RequestID?
        let answer: PipedAnswer
        let timer: Timer
        let isOpening: Bool
    }

    /// What may wait to be read by the program. Beyond it does not read, and is as good as gone.
    private static let outboxLimit = 64 << 20
    private static let earlyLimit = 100
    private static let writing = Duration.seconds(30)

    /// Starts the program.
    ///
    /// - Parameters:
    ///   - isShared: whether it serves several clients; what cannot be told whose it is then goes to nobody.
    ///   - whenOver: told once, when nothing of it is left.
    init(
        _ key: String, _ settings: ProgramSettings, isShared: Bool, whenOver: @escaping (PipedServer) -> Void
    ) throws(UpstreamFailure) {
        self.key = key
        self.settings = settings
        self.isShared = isShared
        self.whenOver = whenOver
        do throws(StreamFailure) {
            child = try ChildProcess(settings.program)
        } catch {
            if case .system(let failure) = error { throw .notStarted(failure.description) }
            throw .notStarted("its streams can't be watched")
        }
        complaints = ProgramComplaints(settings, process: child.identifier)
        Log.info("upstream.process", ["upstream": .text(settings.name), "process": .int(child.identifier)])
        loop.spawnHere { [self] in await read() }
        loop.spawnHere { [child, complaints] in await complaints.read(child.errors) }
        child.whenEnded { [weak self] status in self?.ended(status) }
    }

    /// Whether it ends, or has ended: it takes nothing more.
    var isGoing: Bool { isEnding || isOver || child.status != nil }

    /// Whether nothing uses it.
    var isIdle: Bool { waiting.isEmpty && ownStream == nil }

    // MARK: What it is asked

    func send(_ piped: PipedMessage, _ answer: PipedAnswer) {
        lastUse = .now
        guard !isGoing else { return answer.fail(verdict) }
        let message = piped.message
        guard let id = message.id else {
            let number = piped.cancelled.flatMap { id in waiting.first { $0.value.id == id }?.key }
            // A cancellation of what is answered already is no news to anybody.
            if message.method != .cancelled || number != nil {
                guard write(piped.line(as: number)) else { return answer.fail(.busy) }
            }
            return answer.answer(status: 202)
        }
        let number = nextNumber
        nextNumber += 1
        guard write(piped.line(as: number)) else { return answer.fail(.busy) }
        let timer = loop.schedule(after: settings.total) { [weak self] in self?.giveUp(number, .timedOut(.total)) }
        let isOpening = message.method == .initialize
        if isOpening { answer.open(session: key) }
        waiting[number] = Waiting(
            id: id, token: piped.progressToken, answer: answer, timer: timer, isOpening: isOpening)
    }

    /// Whoever asked wants the answer no more: the program is told, as it is in every revision over these streams.
    func abandon(_ answer: PipedAnswer) {
        if ownStream === answer { ownStream = nil }
        guard let number = waiting.first(where: { $0.value.answer === answer })?.key else { return }
        giveUp(number, .aborted)
    }

    /// The session's own stream.
    func listen(_ answer: PipedAnswer) {
        lastUse = .now
        guard !isGoing else { return answer.fail(verdict) }
        ownStream?.finish()
        ownStream = answer
        answer.beginStream()
        for message in early { answer.put(message, isLast: false) }
        early = []
    }

    private func giveUp(_ number: Int, _ failure: UpstreamFailure) {
        guard let given = waiting.removeValue(forKey: number) else { return }
        given.timer.cancel()
        given.answer.fail(failure)
        if !given.isOpening { _ = write(PipedMessage.cancellation(of: number)) }
    }

    private func write(_ line: [UInt8]) -> Bool {
        guard outboxBytes + line.count <= PipedServer.outboxLimit else { return false }
        outbox.append(line)
        outboxBytes += line.count
        if !isWriting {
            isWriting = true
            loop.spawnHere { [self] in await writeAll() }
        }
        return true
    }

    private func writeAll() async {
        defer { isWriting = false }
        while !outbox.isEmpty {
            let line = outbox.removeFirst()
            outboxBytes -= line.count
            do throws(StreamFailure) {
                try await child.input.write(line, deadline: .now + PipedServer.writing)
            } catch {
                outbox = []
                outboxBytes = 0
                // Closed by us, or by its end, which is told elsewhere: else it does not read.
                if error == .timedOut { condemn(.timedOut(.writing), "it doesn't read") }
                return
            }
        }
    }

    // MARK: What it says

    private func read() async {
        var splitter = LineSplitter(limit: settings.messageBytes)
        while true {
            var bytes: [UInt8] = []
            guard let count = try? await child.output.read(into: &bytes, atMost: 1 << 16, deadline: nil), count > 0
            else { break }
            for line in splitter.feed(bytes.span) where !isOver {
                guard case .whole(let text) = line else { return condemn(.garbled, "a message is too large") }
                if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
                guard let message = try? ServerMessage(parsing: text, limits: limits) else {
                    return condemn(.garbled, "what it writes is no message")
                }
                hasSpoken = true
                take(message)
            }
        }
        if child.status != nil { return finish() }
        // It can't answer any more. Usually its end comes next; a program that only closed its output is ended.
        loop.schedule(after: .milliseconds(500)) { [weak self] in self?.end() }
    }

    private func take(_ message: ServerMessage) {
        lastUse = .now
        if let number = message.number, let asked = waiting[number] {
            let bytes = message.restored(id: asked.id, token: asked.token)
            switch message.shape {
            case .result, .error:
                waiting[number] = nil
                asked.timer.cancel()
                asked.answer.put(bytes, isLast: true)
                // There is no session: nobody will ask it anything.
                if asked.isOpening, case .error = message.shape { end() }
            case .notification, .request:
                if !asked.answer.put(bytes, isLast: false) { giveUp(number, .tooLarge) }
            }
            return
        }
        switch message.shape {
        // Late, after a cancellation, or to a question that nobody asked.
        case .result, .error: return
        case .notification(let method) where method == .progress: return
        case .notification, .request: takeOwn(message)
        }
    }

    /// A message that belongs to no request: one under way carries it, if there is but one, else the session's own stream.
    private func takeOwn(_ message: ServerMessage) {
        let bytes = message.document.encoded(message.document.root)
        guard !isShared else {
            if case .request(let id, _) = message.shape {
                _ = write(GatewayMessage.methodNotFound(to: id).body + [0x0A])
            }
            return
        }
        let newest = waiting.filter { !$0.value.isOpening }.max { $0.key < $1.key }?.value.answer
        if let ownStream, waiting.count != 1 || newest == nil {
            if !ownStream.put(bytes, isLast: false) { self.ownStream = nil }
        } else if let newest {
            newest.put(bytes, isLast: false)
        } else if early.count < PipedServer.earlyLimit, bytes.count <= 1 << 16 {
            early.append(bytes)
        }
    }

    private var limits: JSONLimits {
        var limits = JSONLimits()
        limits.bytes = settings.messageBytes
        return limits
    }

    // MARK: Its end

    /// The session is over: its input ends, and what does not end by itself is ended.
    func end() {
        guard !isEnding, !isOver else { return }
        isEnding = true
        child.input.close()
        loop.schedule(after: settings.grace) { [weak self] in
            guard let self, !isOver else { return }
            child.terminate()
            loop.schedule(after: settings.grace) { [weak self] in self?.child.kill() }
        }
    }

    /// It does what it must not do: nothing more is heard of it.
    private func condemn(_ failure: UpstreamFailure, _ reason: StaticString) {
        guard !isOver else { return }
        verdict = failure
        isEnding = true
        Log.warning(
            "upstream.process_condemned",
            ["upstream": .text(settings.name), "process": .int(child.identifier), "reason": .code(reason)])
        child.kill()
        failAll()
    }

    private func ended(_ status: ProcessEnd) {
        if !isEnding {
            let (how, number): (StaticString, Int32) =
                switch status {
                case .exited(let code): ("exited", code)
                case .killed(let signal): ("killed", signal)
                }
            Log.warning(
                "upstream.process_ended",
                [
                    "upstream": .text(settings.name), "process": .int(child.identifier), "how": .code(how),
                    "with": .int(number),
                ])
        }
        // What it wrote last is still read.
        loop.schedule(after: .milliseconds(200)) { [weak self] in self?.finish() }
    }

    private func finish() {
        guard !isOver, child.status != nil else { return }
        isOver = true
        failAll()
        child.input.close()
        child.output.close()
        // What it complained of last is still read, for a moment.
        let errors = child.errors
        loop.schedule(after: .seconds(1)) { errors.close() }
        whenOver(self)
    }

    private func failAll() {
        let unanswered = waiting
        waiting = [:]
        for asked in unanswered.values {
            asked.timer.cancel()
            asked.answer.fail(verdict)
        }
        ownStream?.finish()
        ownStream = nil
    }
}

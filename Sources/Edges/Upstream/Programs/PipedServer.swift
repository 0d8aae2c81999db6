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
    var lastUse = MonotonicTime.now
    /// Whether it ever wrote a message.
    var hasSpoken = false

    let isShared: Bool
    let settings: ProgramSettings
    let child: ChildProcess
    private let complaints: ProgramComplaints
    private let whenOver: (PipedServer) -> Void
    let loop = EventLoop.current
    var waiting: [Int: Waiting] = [:]
    private var nextNumber = 1
    var ownStream: PipedAnswer?
    /// Messages of its own before anybody listens.
    var early: [[UInt8]] = []
    private var outbox: [[UInt8]] = []
    private var outboxBytes = 0
    private var isWriting = false
    /// Why those that wait get no answer.
    private var verdict = UpstreamFailure.ended
    private var isEnding = false
    var isOver = false

    /// A request that is owed an answer.
    struct Waiting {
        let id: RequestID
        let token: RequestID?
        let answer: PipedAnswer
        let timer: Timer?
        let isOpening: Bool
    }

    /// What may wait to be read by the program. Beyond it does not read, and is as good as gone.
    private static let outboxLimit = 64 << 20
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
        // A subscription lasts as long as its client likes.
        let timer =
            message.method == .subscriptionsListen
            ? nil : loop.schedule(after: settings.total) { [weak self] in self?.giveUp(number, .timedOut(.total)) }
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

    func giveUp(_ number: Int, _ failure: UpstreamFailure) {
        guard let given = waiting.removeValue(forKey: number) else { return }
        given.timer?.cancel()
        given.answer.fail(failure)
        if !given.isOpening { _ = write(PipedMessage.cancellation(of: number)) }
    }

    func write(_ line: [UInt8]) -> Bool {
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
    func condemn(_ failure: UpstreamFailure, _ reason: StaticString) {
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

    func finish() {
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
            asked.timer?.cancel()
            asked.answer.fail(verdict)
        }
        ownStream?.finish()
        ownStream = nil
    }
}

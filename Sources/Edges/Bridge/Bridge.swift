internal import Bytes
internal import HTTP
public import HTTPClient
internal import JSON
internal import MCP
internal import Reactor
internal import System

/// Joins a client that speaks MCP's stdio transport to a server that speaks Streamable HTTP, in every revision that the two
/// agree on: it settles nothing itself, and says nothing that one side did not say, but for errors in the server's place.
///
/// Lives on one event loop. The client's messages are read strictly and written anew, as everywhere in this program.
public final class Bridge {
    let client: UpstreamClient
    let settings: BridgeSettings
    let outlet: any BridgeOutlet
    /// The conversation of a revision with a handshake; nil before it, and in revisions without one.
    var session: ServerSession?
    /// Requests that are owed an answer.
    var errands: [RequestID: Errand] = [:]
    var mirrored = MirroredArguments()
    /// Notices and answers of the client's that are on their way.
    private var deliveries = 0
    private var splitter: LineSplitter
    private var deadline = MonotonicTime.distantFuture
    private(set) var isEnding = false

    /// A request of the client's on its way.
    final class Errand {
        let isModern: Bool
        /// Whether it stays open for as long as the client likes.
        let isStanding: Bool
        let abort = UpstreamAbort()
        var isCancelled = false

        init(isModern: Bool, isStanding: Bool) {
            self.isModern = isModern
            self.isStanding = isStanding
        }
    }

    /// A bridge on the current loop.
    public init(_ server: UpstreamServer, _ settings: BridgeSettings, _ outlet: any BridgeOutlet) {
        client = UpstreamClient(server)
        self.settings = settings
        self.outlet = outlet
        splitter = LineSplitter(limit: settings.messageBytes)
    }

    /// Takes what the client wrote. Returns when more may come; answers come later.
    public func take(_ bytes: [UInt8]) async {
        for line in splitter.feed(bytes.span) {
            switch line {
            case .whole(let line):
                if line.contains(where: { $0 != 0x20 && $0 != 0x09 }) { await hear(line) }
            case .tooLong:
                outlet.tell("a message of more than \(settings.messageBytes) bytes was dropped")
                await outlet.say(Answer.error(id: nil, code: -32_600, message: "The message is too large."))
            }
        }
    }

    /// Ends: what is in flight gets this long, then the session is ended at the server. Called again, it only hurries the
    /// first call.
    ///
    /// - Returns: whether all is done; false to a second caller.
    public func finish(within patience: Duration) async -> Bool {
        deadline = min(deadline, MonotonicTime.now + patience)
        guard !isEnding else { return false }
        isEnding = true
        if splitter.isWithinLine { outlet.tell("the last message was cut off, and dropped") }
        while isBusy, MonotonicTime.now < deadline { await client.loop.sleep(for: .milliseconds(10)) }
        for errand in errands.values {
            errand.isCancelled = true
            errand.abort.abort()
        }
        await endSession()
        client.close()
        return true
    }

    private var isBusy: Bool { deliveries > 0 || errands.values.contains { !$0.isStanding } }

    // MARK: What the client says

    private func hear(_ line: [UInt8]) async {
        let message: ClientMessage
        do throws(MessageFailure) {
            message = try ClientMessage(parsing: line, limits: limits)
        } catch {
            outlet.tell("a message was not sent: \(error.explanation)")
            return await outlet.say(Answer.error(id: error.id, code: error.code, message: error.explanation))
        }
        switch message.shape {
        case .request(let id): await begin(message, id)
        case .notification where message.method == .cancelled: cancel(message)
        case .notification where message.method == .initialized:
            // What comes next may count on it, so it comes later.
            await deliver(message)
            listen()
        case .notification, .response: spawn { await self.deliver(message) }
        }
    }

    private func begin(_ message: ClientMessage, _ id: RequestID) async {
        if errands[id] != nil {
            return await outlet.say(
                Answer.error(id: id, code: -32_600, message: "A request with this id is not answered yet."))
        }
        guard errands.count < settings.requests else {
            return await outlet.say(Answer.error(id: id, code: 53_100, message: "Too many requests are in flight."))
        }
        let errand = Errand(
            isModern: MirroredHeaders.claim(of: message) != nil, isStanding: message.method == .subscriptionsListen)
        errands[id] = errand
        spawn {
            await self.ask(message, id, errand)
            self.errands[id] = nil
        }
    }

    /// In 2026-07-28 closing the request's own POST is the cancellation; before, the notice is.
    private func cancel(_ message: ClientMessage) {
        let id = message.parameter("requestId").flatMap { RequestID($0, in: message.document) }
        let errand = id.flatMap { errands[$0] }
        errand?.isCancelled = true
        if let errand, errand.isModern { return errand.abort.abort() }
        guard session != nil else { return }
        spawn {
            await self.deliver(message)
            errand?.abort.abort()
        }
    }

    /// Sends what is owed no answer.
    private func deliver(_ message: ClientMessage) async {
        deliveries += 1
        defer { deliveries -= 1 }
        do throws(RequestFailure) {
            var timing = client.server.settings.timing
            timing.total = .seconds(30)
            let answer = try await client.send(post(message), timing: timing)
            let status = answer.head.status
            _ = try await answer.whole(limit: 1 << 20)
            if !(200...299).contains(status) {
                outlet.tell(BridgeFailure.status(status, inSession: session != nil).sentence)
            }
        } catch {
            outlet.tell(BridgeFailure.request(error).sentence)
        }
    }

    // MARK: What goes to the server

    /// The message as a request: written anew, with the fields that its revision wants.
    func post(_ message: ClientMessage) -> UpstreamRequest {
        var fields = settings.fields
        if let version = MirroredHeaders.claim(of: message) {
            MirroredHeaders.add(for: message, claiming: version, to: &fields)
            mirrored.add(for: message, to: &fields)
        } else if message.method != .initialize {
            session?.add(to: &fields)
        }
        fields.add(name: "content-type", value: "application/json")
        fields.add(name: "accept", value: "application/json, text/event-stream")
        let document = message.document
        return UpstreamRequest(method: .post, fields: fields, body: document.encoded(document.root))
    }

    func spawn(_ body: @escaping () async -> Void) {
        client.loop.spawnHere(body)
    }

    /// How strictly messages are read; only their size is the bridge's own matter.
    var limits: JSONLimits {
        var limits = JSONLimits.standard
        limits.bytes = settings.messageBytes
        limits.values = 10_000_000
        return limits
    }
}

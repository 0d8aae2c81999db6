import HTTP
import Reactor
import System

/// A connection as its listener knows it.
protocol ServedConnection: AnyObject {
    var stream: ByteStream { get }

    /// Serves until either side ends the connection.
    func serve() async

    /// The listener drains: the connection ends as soon as nothing is under way on it.
    func drain()
}

/// One client's HTTP/1.1 connection: reads head after head, has each answered, and ends in a way that lets the client read our last
/// word. Lives on one loop.
final class HTTPConnection: ServedConnection {
    let stream: ByteStream
    let peer: PeerAddress
    let core: ListenerCore
    let settings: EdgeSettings
    /// What was read and not used yet: the rest of a body, or the next requests. Empty, and without memory, when idle.
    var unread: [UInt8] = []
    /// Whether the client owes us nothing and we owe it nothing: then it may be closed at any time.
    private(set) var isIdle = true

    /// What a wait for the next request came to.
    private enum Next {
        case exchange(SocketExchange)
        case refused(EdgeRefusal.Reason, status: Int)
        case ended
    }

    init(_ stream: ByteStream, peer: PeerAddress, core: ListenerCore) {
        self.stream = stream
        self.peer = peer
        self.core = core
        settings = core.settings
    }

    // The steps are functions of their own, never inlined: what one of them needs is not held while another one waits,
    // and connections spend their lives waiting.

    /// Serves requests until either side ends the connection.
    @inline(never) func serve() async {
        while true {
            guard !core.isDraining else { return await lingerAndClose() }
            guard await waitForBytes() else { return stream.close() }
            switch await nextExchange() {
            case .exchange(let exchange):
                guard await serve(exchange) else { return }
            case .refused(let reason, let status):
                return await refuse(reason, status: status, nil)
            case .ended:
                return stream.close()
            }
            // Requests that came together are answered one by one, and other connections between them.
            if !unread.isEmpty { await Task.yield() }
        }
    }

    /// Has one request answered. False when the connection is over.
    @inline(never) private func serve(_ exchange: SocketExchange) async -> Bool {
        if let (reason, status) = core.rules.refusal(of: exchange.head) {
            await refuse(reason, status: status, exchange)
            return false
        }
        await core.handler.handle(exchange)
        return await exchange.finish()
    }

    // MARK: Heads

    /// Waits for a request without holding memory for it. False when none comes.
    private func waitForBytes() async -> Bool {
        guard unread.isEmpty else { return true }
        isIdle = true
        return (try? await stream.waitUntilReadable(deadline: stream.loop.now + settings.times.idle)) != nil
    }

    @inline(never) private func nextExchange() async -> Next {
        var bytes = unread
        unread = []
        do throws(StreamFailure) {
            return try await readHead(&bytes)
        } catch {
            guard error == .timedOut, bytes.contains(where: { $0 != 0x0d && $0 != 0x0a }) else { return .ended }
            return .refused(.slowHead, status: 408)
        }
    }

    private func readHead(_ bytes: inout [UInt8]) async throws(StreamFailure) -> Next {
        var parser = RequestParser(limits: settings.limits)
        var deadline: MonotonicTime?
        // The wait before may have ended for a TLS message that was not meant for us.
        let patience = stream.loop.now + settings.times.idle
        while true {
            if !bytes.isEmpty {
                isIdle = false
                do throws(HTTPFailure) {
                    if let (head, consumed) = try parser.parse(bytes.span) {
                        keep(bytes, from: consumed)
                        return .exchange(SocketExchange(head, self))
                    }
                } catch {
                    return .refused(.malformed(error.reason), status: error.status)
                }
                if deadline == nil { deadline = stream.loop.now + settings.times.head }
            }
            let count = try await stream.read(into: &bytes, atMost: 8 << 10, deadline: deadline ?? patience)
            if count == 0 { return bytes.isEmpty ? .ended : .refused(.malformed(.truncated), status: 400) }
        }
    }

    /// Keeps what follows the first `count` bytes, and no memory when nothing does.
    func keep(_ bytes: [UInt8], from count: Int) {
        unread = count < bytes.count ? Array(bytes[count...]) : []
    }

    // MARK: Ending

    /// Tells the observer, answers, and closes.
    @inline(never) func refuse(_ reason: EdgeRefusal.Reason, status: Int, _ exchange: SocketExchange?) async {
        let refusal = EdgeRefusal(
            reason: reason, peer: peer, status: status, time: .now, head: exchange?.head, count: 1)
        await core.refusals.report(refusal)
        var answer = Response(refusal, status: status, settings)
        answer.fields.add(name: "date", value: core.date)
        var bytes: [UInt8] = []
        ResponseHead(
            status: status, fields: answer.fields, framing: .length(answer.body.count), keepsAlive: false
        ).encode(into: &bytes)
        if exchange?.head.method != .head { bytes += answer.body }
        try? await stream.write(bytes, deadline: stream.loop.now + settings.times.write)
        await lingerAndClose()
    }

    /// Ends our side and lets the client read what we said before the connection is gone: closing while it still sends
    /// would reset the connection and could take our last answer with it.
    func lingerAndClose() async {
        guard !stream.isClosed else { return }
        unread = []
        await stream.closeLingering(deadline: stream.loop.now + settings.times.linger)
    }

    /// The listener drains: an idle connection ends now, another one after its answer.
    func drain() {
        if isIdle { stream.close() }
    }
}

extension Response {
    /// What the edge answers to what it refuses by itself.
    init(_ refusal: EdgeRefusal, status: Int, _ settings: EdgeSettings) {
        self.init(status: status, type: "application/json", body: settings.refusalBody(status, refusal.code))
        fields.add(name: "cache-control", value: "no-store")
    }
}

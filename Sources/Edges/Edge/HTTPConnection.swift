import HTTP
import Reactor
import System

/// One client's connection: reads head after head, has each answered, and ends in a way that lets the client read our last
/// word. Lives on one loop.
final class HTTPConnection {
    let stream: ByteStream
    let peer: PeerAddress
    let core: ListenerCore
    let settings: EdgeSettings
    /// What was read and not used yet: the rest of a body, or the next requests. Empty, and without memory, when idle.
    var unread: [UInt8] = []
    /// Whether the client owes us nothing and we owe it nothing: then it may be closed at any time.
    private(set) var isIdle = true

    /// What a wait for the next request came to.
    private enum NextHead {
        case head(RequestHead)
        case refused(EdgeRefusal.Reason, status: Int)
        case ended
    }

    init(_ stream: ByteStream, peer: PeerAddress, core: ListenerCore) {
        self.stream = stream
        self.peer = peer
        self.core = core
        settings = core.settings
    }

    /// Serves requests until either side ends the connection.
    func serve() async {
        while true {
            switch await nextHead() {
            case .head(let head):
                guard await serve(head) else { return }
            case .refused(let reason, let status):
                return await refuse(reason, status: status, head: nil)
            case .ended:
                return stream.close()
            }
            // Requests that came together are answered one by one, and other connections between them.
            if !unread.isEmpty { await Task.yield() }
        }
    }

    /// Has one request answered. False when the connection is over.
    private func serve(_ head: RequestHead) async -> Bool {
        if let (reason, status) = core.rules.refusal(of: head) {
            await refuse(reason, status: status, head: head)
            return false
        }
        let exchange = SocketExchange(head, self)
        await core.handler.handle(exchange)
        return await exchange.finish()
    }

    // MARK: Heads

    private func nextHead() async -> NextHead {
        guard !core.isDraining else {
            await lingerAndClose()
            return .ended
        }
        var bytes = unread
        unread = []
        do throws(StreamFailure) {
            return try await readHead(&bytes)
        } catch {
            guard error == .timedOut, bytes.contains(where: { $0 != 0x0d && $0 != 0x0a }) else { return .ended }
            return .refused(.slowHead, status: 408)
        }
    }

    private func readHead(_ bytes: inout [UInt8]) async throws(StreamFailure) -> NextHead {
        var parser = RequestParser(limits: settings.limits)
        var deadline: MonotonicTime?
        let patience = stream.loop.now + settings.times.idle
        if bytes.isEmpty {
            isIdle = true
            // Waits without a buffer: most connections are idle most of the time.
            try await stream.waitUntilReadable(deadline: patience)
        }
        while true {
            if !bytes.isEmpty {
                isIdle = false
                do throws(HTTPFailure) {
                    if let (head, consumed) = try parser.parse(bytes.span) {
                        keep(bytes, from: consumed)
                        return .head(head)
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
    func refuse(_ reason: EdgeRefusal.Reason, status: Int, head: RequestHead?) async {
        let refusal = EdgeRefusal(reason: reason, peer: peer, status: status, time: .now, head: head, count: 1)
        await core.report(refusal)
        var answer = Response(
            status: status, type: "application/json", body: Array("{\"error\":\"\(refusal.code)\"}".utf8))
        answer.fields.add(name: "cache-control", value: "no-store")
        answer.fields.add(name: "date", value: core.date)
        var bytes: [UInt8] = []
        ResponseHead(
            status: status, fields: answer.fields, framing: .length(answer.body.count), keepsAlive: false
        ).encode(into: &bytes)
        if head?.method != .head { bytes += answer.body }
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

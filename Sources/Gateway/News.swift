import Bytes
import MCP
import Reactor
import Synchronization

/// Whoever wants to hear that something changed. Told on the thread of the change, outside every lock.
final class News: Sendable {
    private struct State {
        var readers: [Int: @Sendable () -> Void] = [:]
        var last = 0
    }
    private let state = Mutex(State())

    func subscribe(_ reader: @escaping @Sendable () -> Void) -> Int {
        state.withLock { state in
            state.last += 1
            state.readers[state.last] = reader
            return state.last
        }
    }

    func unsubscribe(_ number: Int) {
        state.withLock { _ = $0.readers.removeValue(forKey: number) }
    }

    func tell() {
        for reader in state.withLock({ Array($0.readers.values) }) { reader() }
    }
}

/// A stream whose client hears of changes: a session's own (`Relay`), or a subscription (`StatelessRelay`).
protocol NewsStream: AnyObject {
    var caller: Caller { get }
    /// Other rules are in force.
    func rejudge()
    /// Tells the client that its tools are not what they were.
    func announceTools() async
}

extension Relay: NewsStream {}
extension StatelessRelay: NewsStream {}

/// What changes while such a stream is open: policies and catalogues at a reload, pins and the vendor's list at any time.
/// The client is told, in MCP's own words, that its tools changed; who has no stream open loses nothing, for the next list is right.
final class StreamNews {
    private let relay: any NewsStream
    private let gateway: Gateway
    private var book: ToolBook
    private var reloads = 0
    private var changes = 0
    /// Several changes in a row are one piece of news.
    private var isWaiting = false
    private var isOver = false

    /// `notifications/tools/list_changed`.
    static let toolsChanged = Array(#"{"jsonrpc":"2.0","method":"\#(Method.toolsChanged.name.text)"}"#.utf8)

    init(_ relay: any NewsStream, _ gateway: Gateway) {
        self.relay = relay
        self.gateway = gateway
        book = relay.caller.server.tools
        let loop = EventLoop.current
        let bound = LoopBound(self)
        reloads = gateway.news.subscribe { loop.execute { bound.value.rulesChanged() } }
        read()
    }

    func stop() {
        isOver = true
        gateway.news.unsubscribe(reloads)
        book.news.unsubscribe(changes)
    }

    private func read() {
        let loop = EventLoop.current
        let bound = LoopBound(self)
        changes = book.news.subscribe { loop.execute { bound.value.announce() } }
    }

    /// A reload may bring another book.
    private func rulesChanged() {
        guard !isOver else { return }
        relay.rejudge()
        book.news.unsubscribe(changes)
        book = relay.caller.server.tools
        read()
        announce()
    }

    private func announce() {
        guard !isOver, !isWaiting else { return }
        isWaiting = true
        EventLoop.current.spawnHere { [self] in
            isWaiting = false
            await relay.announceTools()
        }
    }
}

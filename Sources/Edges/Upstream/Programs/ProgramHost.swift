internal import Bytes
internal import MCP
internal import Reactor
internal import Synchronization
internal import System

/// Which processes of one program there are: one for each session, and one for everything without a session, so that no session
/// meets another's state. Lives on the loop of the pipes.
///
/// Requests of 2026-07-28 share a process: they say all that they need, a server must not rely on earlier ones, and starting a
/// program takes a thousand times as long as asking it.
final class ProgramHost {
    private let settings: ProgramSettings
    private let loop = EventLoop.current
    private var sessions: [String: PipedServer] = [:]
    private var shared: PipedServer?
    /// All that are not yet gone, those whose session is over included.
    private var running: [ObjectIdentifier: PipedServer] = [:]
    private var isClosed = false
    /// Ourselves while processes run: whoever lets go of us last may do so on another thread, and they must not die there.
    private var keeper: ProgramHost?
    /// Processes in a row that ended before they said anything.
    private var failures = 0
    private var notBefore = MonotonicTime(nanoseconds: 0)
    private var sweep: Timer?

    /// Never counted back: a name means one process for as long as this program runs, whatever is reloaded.
    private static let names = Atomic<Int>(0)

    init(_ settings: ProgramSettings) {
        self.settings = settings
    }

    var isEmpty: Bool { running.isEmpty }

    /// - Parameters:
    ///   - session: what the session is called; nil without one.
    ///   - isStateless: whether the message claims a revision without sessions.
    func post(_ message: PipedMessage, session: ByteString?, isStateless: Bool, _ answer: PipedAnswer) {
        if let session {
            guard let server = sessions[session.text], !server.isGoing else { return answer.answer(status: 404) }
            return server.send(message, answer)
        }
        do throws(UpstreamFailure) {
            if message.message.method == .initialize {
                let server = try start(isShared: false)
                sessions[server.key] = server
                return server.send(message, answer)
            }
            guard isStateless else { return answer.answer(status: 400) }
            if shared?.isGoing ?? true { shared = try start(isShared: true) }
            shared?.send(message, answer)
        } catch {
            answer.fail(error)
        }
    }

    func listen(in session: ByteString?, _ answer: PipedAnswer) {
        guard let session, let server = sessions[session.text], !server.isGoing else {
            return answer.answer(status: 404)
        }
        server.listen(answer)
    }

    func abandon(_ answer: PipedAnswer) {
        for server in running.values { server.abandon(answer) }
    }

    /// - Returns: whether there was such a session.
    func end(_ session: ByteString?) -> Bool {
        guard let session, let server = sessions.removeValue(forKey: session.text) else { return false }
        server.end()
        return true
    }

    /// Ends all of them, and starts none any more.
    func close() {
        isClosed = true
        sweep?.cancel()
        for server in running.values { server.end() }
    }

    private func start(isShared: Bool) throws(UpstreamFailure) -> PipedServer {
        guard !isClosed else { throw .aborted }
        guard running.count < settings.processes else { throw .busy }
        guard MonotonicTime.now >= notBefore else { throw .notStarted("it ended at its start and is tried again soon") }
        let name = "process-\(ProgramHost.names.add(1, ordering: .relaxed).newValue)"
        let server: PipedServer
        do throws(UpstreamFailure) {
            server = try PipedServer(name, settings, isShared: isShared) { [weak self] in self?.isOver($0) }
        } catch {
            noteFailure()
            throw error
        }
        running[ObjectIdentifier(server)] = server
        keeper = self
        if sweep == nil { scheduleSweep() }
        return server
    }

    private func isOver(_ server: PipedServer) {
        running[ObjectIdentifier(server)] = nil
        if sessions[server.key] === server { sessions[server.key] = nil }
        if shared === server { shared = nil }
        if server.hasSpoken { failures = 0 } else { noteFailure() }
        guard running.isEmpty else { return }
        sweep?.cancel()
        sweep = nil
        keeper = nil
    }

    /// A program that cannot even begin is tried less and less often: at once, after a second, two, four, up to thirty.
    private func noteFailure() {
        failures += 1
        guard failures > 1 else { return }
        notBefore = .now + min(.seconds(1 << min(failures - 2, 5)), .seconds(30))
    }

    private func scheduleSweep() {
        sweep = loop.schedule(after: min(settings.idle, .seconds(60))) { [weak self] in
            guard let self else { return }
            let now = MonotonicTime.now
            for server in running.values where server.isIdle && now - server.lastUse >= settings.idle { server.end() }
            sweep = nil
            if !running.isEmpty { scheduleSweep() }
        }
    }
}

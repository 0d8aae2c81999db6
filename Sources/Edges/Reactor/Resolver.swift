public import System

/// Turns names into addresses on threads of its own and remembers the answers: a slow name server delays the callers who
/// asked for that name, and nobody's loop.
///
/// Kept: at most 256 names; an answer for 30 seconds, a failure for 3. When asking again fails for the moment, an answer
/// of up to an hour ago is still given. Callers of one name share one question.
public final class Resolver: Sendable {
    private let pool: ThreadPool
    private let look: @Sendable (String) throws(ResolutionFailure) -> [SocketAddress]
    private let state = Guarded(State())

    private struct State {
        var known: [String: Known] = [:]
        var waiting: [String: [Int: Asker]] = [:]
        var nextAsker = 0
    }

    private struct Known {
        var answer: Result<[SocketAddress], ResolutionFailure>
        var asked: MonotonicTime
    }

    @safe private struct Asker: @unchecked Sendable {
        let continuation: UnsafeContinuation<Result<[SocketAddress], ResolutionFailure>, Never>
    }

    /// - Parameter look: how a name is looked up; blocks. The machine's resolver when not given.
    public init(
        threads: Int = 2,
        look: @escaping @Sendable (String) throws(ResolutionFailure) -> [SocketAddress] = {
            (host) throws(ResolutionFailure) in try Resolution.addresses(of: host, port: 0)
        }
    ) throws(SystemFailure) {
        pool = try ThreadPool(name: "resolver", threads: threads)
        self.look = look
    }

    /// The addresses of a host, in the order to try them; a literal address is its own answer. To be called on a loop.
    public func addresses(
        of host: String, port: UInt16, deadline: MonotonicTime
    ) async throws(ResolutionFailure) -> [SocketAddress] {
        if let literal = SocketAddress(host: host, port: port) { return [literal] }
        if let answer = fresh(host) { return try answer.get().map { $0.with(port: port) } }
        let answer = await ask(host, deadline)
        return try answer.get().map { $0.with(port: port) }
    }

    /// Ends the threads, when no question is open.
    public func stop() {
        pool.stop()
    }

    private func fresh(_ host: String) -> Result<[SocketAddress], ResolutionFailure>? {
        state.withLock { state in
            guard let known = state.known[host] else { return nil }
            let age = MonotonicTime.now - known.asked
            switch known.answer {
            case .success: return age < .seconds(30) ? known.answer : nil
            case .failure: return age < .seconds(3) ? known.answer : nil
            }
        }
    }

    private func ask(
        _ host: String, _ deadline: MonotonicTime
    ) async -> Result<[SocketAddress], ResolutionFailure> {
        let loop = EventLoop.current
        let number = state.withLock { state in
            state.nextAsker += 1
            return state.nextAsker
        }
        let timer = loop.schedule(at: deadline) { [self] in
            let late = ResolutionFailure(host: host, reason: "no answer in time", isTemporary: true)
            let asker = state.withLock { $0.waiting[host]?.removeValue(forKey: number) }
            unsafe asker?.continuation.resume(returning: .failure(late))
        }
        let answer: Result<[SocketAddress], ResolutionFailure> = unsafe await withUnsafeContinuation { continuation in
            let asker = unsafe Asker(continuation: continuation)
            let isFirst = state.withLock { state in
                defer { state.waiting[host, default: [:]][number] = asker }
                return state.waiting[host] == nil
            }
            if isFirst { pool.submit { [self] in findOut(host) } }
        }
        timer.cancel()
        return answer
    }

    /// On a thread of the pool: asks, remembers, and continues everybody who waits for this name.
    private func findOut(_ host: String) {
        let answer: Result<[SocketAddress], ResolutionFailure>
        do throws(ResolutionFailure) {
            answer = .success(try look(host))
        } catch {
            answer = .failure(error)
        }
        let (given, askers) = state.withLock { state in
            let given = remember(answer, for: host, in: &state)
            return (given, state.waiting.removeValue(forKey: host) ?? [:])
        }
        for asker in askers.values { unsafe asker.continuation.resume(returning: given) }
    }

    private func remember(
        _ answer: Result<[SocketAddress], ResolutionFailure>, for host: String, in state: inout State
    ) -> Result<[SocketAddress], ResolutionFailure> {
        let now = MonotonicTime.now
        if case .failure(let failure) = answer, failure.isTemporary, let known = state.known[host],
            case .success = known.answer, now - known.asked < .seconds(3_600)
        {
            return known.answer
        }
        if state.known[host] == nil, state.known.count >= 256 { state.known.removeAll() }
        state.known[host] = Known(answer: answer, asked: now)
        return answer
    }
}

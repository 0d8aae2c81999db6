public import Bytes
public import Identity
import Synchronization

/// How many tasks are remembered, and for how long at most.
public struct TaskLimits: Hashable, Sendable {
    /// All tasks together. Default 50,000.
    public var total = 50_000
    /// Tasks of one owner. Default 1,000.
    public var perOwner = 1_000
    /// Seconds after which a task is forgotten, whatever its server promised. Default 86,400.
    public var seconds = 86_400

    /// The defaults.
    public init() {}
}

/// What is remembered of a task that a server made for a caller.
public struct RememberedTask<Ticket: Sendable>: Sendable {
    /// The tool whose call became the task.
    public let tool: ByteString
    /// The rule that allowed the call.
    public let rule: ByteString
    /// What everything that the task brings must be redacted by.
    public let ticket: Ticket

    /// A task of this tool, allowed by this rule.
    public init(tool: ByteString, rule: ByteString, ticket: Ticket) {
        self.tool = tool
        self.rule = rule
        self.ticket = ticket
    }
}

/// Which task is whose, and from which tool it came: shared by the tasks of 2025-11-25 and the extension of 2026-07-28.
///
/// Behind a gateway with one credential the server takes every caller for the same, so that a task's id would be enough to read
/// another's result (mcp-protocol section 5.1, "State-handle hijack"). Here an id belongs to one principal; another's is answered
/// like one that never was. Bounded, in memory: after a restart no task is known.
public final class TaskBook<Ticket: Sendable>: Sendable {
    private struct Key: Hashable {
        let upstream: ByteString
        let id: ByteString
    }
    private struct Line {
        let owner: SessionOwner
        let task: RememberedTask<Ticket>
        let ends: UInt64
        var asked: Set<ByteString> = []
    }
    private struct State {
        var lines: [Key: Line] = [:]
        var counts: [SessionOwner: Int] = [:]
    }
    private let limits: TaskLimits
    private let now: @Sendable () -> UInt64
    private let state = Mutex(State())

    /// An empty book.
    ///
    /// - Parameter now: monotonic nanoseconds; tests inject their own.
    public init(limits: TaskLimits = TaskLimits(), now: @escaping @Sendable () -> UInt64) {
        self.limits = limits
        self.now = now
    }

    /// Tasks remembered.
    public var count: Int { state.withLock { $0.lines.count } }

    /// Enters a task.
    ///
    /// - Parameters:
    ///   - id: the server's own id, 1 to 256 bytes.
    ///   - seconds: how long the task and what proved its owner last; cut to the limit.
    /// - Throws: `TaskBookFailure`. A task that is not entered must not be shown: nobody could ask for it.
    public func enter(
        _ id: ByteString, of principal: Principal, _ task: RememberedTask<Ticket>, seconds: Int
    ) throws(TaskBookFailure) {
        guard (1...256).contains(id.count) else { throw .malformed }
        let moment = now()
        let ends = moment + UInt64(max(0, min(seconds, limits.seconds))) * 1_000_000_000
        let owner = SessionOwner(principal)
        let key = Key(upstream: principal.upstream, id: id)
        let failure: TaskBookFailure? = state.withLock { state in
            if state.lines.count >= limits.total || state.counts[owner] ?? 0 >= limits.perOwner {
                Self.sweep(&state, at: moment)
            }
            if let known = state.lines[key] {
                // The same id once more: two callers, or two tools, would share what only one of them may see.
                guard known.ends <= moment else { return .taken }
                Self.remove(key, known, from: &state)
            }
            guard state.lines.count < limits.total, state.counts[owner] ?? 0 < limits.perOwner else { return .full }
            state.lines[key] = Line(owner: owner, task: task, ends: ends)
            state.counts[owner, default: 0] += 1
            return nil
        }
        if let failure { throw failure }
    }

    /// The task of this id, when it is this principal's; nil alike for one that never was, has ended, or is somebody else's.
    public func task(_ id: ByteString, of principal: Principal) -> RememberedTask<Ticket>? {
        let moment = now()
        let line = state.withLock { $0.lines[Key(upstream: principal.upstream, id: id)] }
        guard let line, line.ends > moment, line.owner == SessionOwner(principal) else { return nil }
        return line.task
    }

    /// Remembers what the client was shown that the server asks within a task: only that may be answered.
    public func ask(_ keys: Set<ByteString>, of id: ByteString, for principal: Principal) {
        let owner = SessionOwner(principal)
        let key = Key(upstream: principal.upstream, id: id)
        state.withLock { state in
            if state.lines[key]?.owner == owner { state.lines[key]?.asked = keys }
        }
    }

    /// What may be answered within a task; nothing in one that is not this principal's.
    public func asked(of id: ByteString, for principal: Principal) -> Set<ByteString> {
        let line = state.withLock { $0.lines[Key(upstream: principal.upstream, id: id)] }
        return line?.owner == SessionOwner(principal) ? line?.asked ?? [] : []
    }

    /// Forgets what is over; called now and then by the program, and when the book is full.
    public func sweep() {
        let moment = now()
        state.withLock { Self.sweep(&$0, at: moment) }
    }

    private static func sweep(_ state: inout State, at moment: UInt64) {
        for (key, line) in state.lines where line.ends <= moment { remove(key, line, from: &state) }
    }

    private static func remove(_ key: Key, _ line: Line, from state: inout State) {
        state.lines[key] = nil
        let left = (state.counts[line.owner] ?? 1) - 1
        state.counts[line.owner] = left == 0 ? nil : left
    }
}

/// Why a task was not entered.
public enum TaskBookFailure: Error, Hashable, Sendable {
    /// The id is empty or too long.
    case malformed
    /// The server gave this id before, and that task is not over.
    case taken
    /// No room, in all or for this owner.
    case full
}

internal import System

/// Who gets which connection to a server? A state machine without I/O: it is told what happened and answers what to do.
///
/// Connections are given to whoever waits longest; a caller that finds none starts one more, while there may be more.
/// Idle ones are used last in, first out, so that those not needed grow old and are closed.
struct ConnectionPool<Connection: AnyObject> {
    /// What is to be done.
    enum Step {
        /// This caller gets this connection.
        case give(Connection, to: Int)
        /// One more connection is to be opened; then `opened` or `couldNotOpen`.
        case open
        /// This connection is to be closed.
        case close(Connection)
        /// This caller gets none.
        case fail(Int, RequestFailure)
    }

    private struct Idle {
        let connection: Connection
        let until: MonotonicTime
    }

    let connectionLimit: Int
    let waitingLimit: Int
    private var idle: [Idle] = []
    private var waiting: [Int] = []
    private(set) var busy = 0
    private(set) var opening = 0
    private var isClosed = false

    init(connectionLimit: Int, waitingLimit: Int) {
        self.connectionLimit = max(1, connectionLimit)
        self.waitingLimit = max(0, waitingLimit)
    }

    var idleCount: Int { idle.count }
    var waitingCount: Int { waiting.count }
    /// When the first idle connection grows too old.
    var nextExpiry: MonotonicTime? { idle.map(\.until).min() }

    /// A caller wants a connection.
    mutating func ask(_ caller: Int, now: MonotonicTime) -> [Step] {
        guard !isClosed else { return [.fail(caller, .aborted)] }
        var steps: [Step] = []
        while let last = idle.popLast() {
            if last.until > now {
                busy += 1
                steps.append(.give(last.connection, to: caller))
                return steps
            }
            steps.append(.close(last.connection))
        }
        // Those for whom a connection is being opened do not count as waiting for their turn.
        guard waiting.count - opening < waitingLimit || hasRoom else {
            steps.append(.fail(caller, .busy))
            return steps
        }
        waiting.append(caller)
        return steps + openForWaiting()
    }

    /// A caller wants no connection any more.
    mutating func withdraw(_ caller: Int) {
        waiting.removeAll { $0 == caller }
    }

    /// A connection was opened.
    mutating func opened(_ connection: Connection, until: MonotonicTime) -> [Step] {
        opening -= 1
        busy += 1
        return giveBack(connection, until: until)
    }

    /// A connection could not be opened: whoever waits longest hears why.
    mutating func couldNotOpen(_ failure: RequestFailure) -> [Step] {
        opening -= 1
        guard !waiting.isEmpty else { return [] }
        return [.fail(waiting.removeFirst(), failure)] + openForWaiting()
    }

    /// A caller needs its connection no more, and it may be used again until then.
    mutating func giveBack(_ connection: Connection, until: MonotonicTime) -> [Step] {
        guard !isClosed else {
            busy -= 1
            return [.close(connection)]
        }
        if !waiting.isEmpty { return [.give(connection, to: waiting.removeFirst())] }
        busy -= 1
        idle.append(Idle(connection: connection, until: until))
        return []
    }

    /// A caller's connection is of no more use.
    mutating func discard(_ connection: Connection) -> [Step] {
        busy -= 1
        return [.close(connection)] + openForWaiting()
    }

    /// An idle connection is of no more use; nothing when it is not idle.
    mutating func lost(_ connection: Connection) -> [Step] {
        guard let index = idle.firstIndex(where: { $0.connection === connection }) else { return [] }
        idle.remove(at: index)
        return [.close(connection)]
    }

    /// Whether a connection waits for a caller.
    func isIdle(_ connection: Connection) -> Bool { idle.lastIndex { $0.connection === connection } != nil }

    /// Idle connections that are too old now.
    mutating func expire(_ now: MonotonicTime) -> [Step] {
        guard idle.contains(where: { $0.until <= now }) else { return [] }
        let old = idle.filter { $0.until <= now }
        idle.removeAll { $0.until <= now }
        return old.map { .close($0.connection) }
    }

    /// The end: nobody gets anything any more; connections in use are closed when they come back.
    mutating func close() -> [Step] {
        isClosed = true
        defer {
            idle = []
            waiting = []
        }
        return idle.map { .close($0.connection) } + waiting.map { .fail($0, .aborted) }
    }

    private var hasRoom: Bool { busy + opening + idle.count < connectionLimit }

    private mutating func openForWaiting() -> [Step] {
        var steps: [Step] = []
        while waiting.count > opening, hasRoom, !isClosed {
            opening += 1
            steps.append(.open)
        }
        return steps
    }
}

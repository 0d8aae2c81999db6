import Synchronization
public import System

/// Structured lines for operators: one JSON object a line, to standard error.
///
/// This is not the audit trail: it may be cut, filtered or lost, and nobody decides anything by it. Never give it a
/// token, a key, an argument or a result.
///
///     Log.warning("upstream.unreachable", ["upstream": .text(name), "after_ms": .int(30_000)])
public enum Log {
    private static let threshold = Atomic<UInt8>(LogLevel.info.rawValue)
    private static let sink = Mutex<@Sendable ([UInt8]) -> Void>(StandardError.write)

    /// The quietest level that is written. Default `info`: enough to see what the proxy does, nothing per message.
    public static var level: LogLevel {
        get { LogLevel(rawValue: threshold.load(ordering: .relaxed)) ?? .info }
        set { threshold.store(newValue.rawValue, ordering: .relaxed) }
    }

    /// Sends every later line somewhere else, one whole line a call. For the program at start and for tests.
    public static func direct(to destination: @escaping @Sendable ([UInt8]) -> Void) {
        sink.withLock { $0 = destination }
    }

    private static let queue = Mutex<LogQueue?>(nil)

    /// Has lines written by a thread of their own from now on, so that nobody who logs waits for whoever reads the log. For
    /// the proxy, early in `main`; commands that end soon write by themselves.
    public static func writeOnOwnThread() throws(SystemFailure) {
        let made = try LogQueue(to: StandardError.write)
        queue.withLock { $0 = made }
        direct(to: made.add)
    }

    /// Waits until the lines so far are written, at most so long. Before the process ends.
    public static func flush(within longest: Duration) {
        let current = queue.withLock { $0 }
        current?.flush(until: MonotonicTime.now + longest)
    }

    /// What happens inside, for whoever looks for a mistake; may come once per message.
    public static func debug(
        _ event: StaticString, _ fields: @autoclosure () -> KeyValuePairs<StaticString, LogValue> = [:]
    ) {
        write(.debug, event, fields)
    }

    /// What the proxy did, at most a few times per connection.
    public static func info(
        _ event: StaticString, _ fields: @autoclosure () -> KeyValuePairs<StaticString, LogValue> = [:]
    ) {
        write(.info, event, fields)
    }

    /// What an operator wants to find again: started, reloaded, draining.
    public static func notice(
        _ event: StaticString, _ fields: @autoclosure () -> KeyValuePairs<StaticString, LogValue> = [:]
    ) {
        write(.notice, event, fields)
    }

    /// Something is not as it should be, and the proxy goes on.
    public static func warning(
        _ event: StaticString, _ fields: @autoclosure () -> KeyValuePairs<StaticString, LogValue> = [:]
    ) {
        write(.warning, event, fields)
    }

    /// Something does not work, and somebody must look.
    public static func error(
        _ event: StaticString, _ fields: @autoclosure () -> KeyValuePairs<StaticString, LogValue> = [:]
    ) {
        write(.error, event, fields)
    }

    private static func write(
        _ level: LogLevel, _ event: StaticString, _ fields: () -> KeyValuePairs<StaticString, LogValue>
    ) {
        guard level.rawValue >= threshold.load(ordering: .relaxed) else { return }
        // Taken out first: the lock is not held while the line is written.
        let destination = sink.withLock { $0 }
        destination(line(level, event, fields()))
    }

    static func line(
        _ level: LogLevel, _ event: StaticString, _ fields: KeyValuePairs<StaticString, LogValue>
    ) -> [UInt8] {
        LogLine(timestamp: StandardError.timestamp(), level: level, event: event, fields: fields).bytes
    }
}

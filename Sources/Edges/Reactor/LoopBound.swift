/// A value that lives on one event loop, in a form that can be handed to tasks and actions of that loop.
///
/// The compiler cannot see that all tasks of a loop share one thread; this checks it at each use instead.
@safe public final class LoopBound<Value>: @unchecked Sendable {
    // Sendable by hand: `stored` is reached on the loop's thread only. The last reference must be dropped there as well,
    // unless the value may die anywhere.
    private let loop: EventLoop
    private let stored: Value

    /// Binds a value to the loop that runs the calling code.
    public init(_ value: Value) {
        loop = .current
        stored = value
    }

    /// The value. Asking for it elsewhere is a programming error and stops the program.
    public var value: Value {
        precondition(loop.isCurrent, "reached from another thread than its loop's")
        return stored
    }
}

/// With this a caller gives up a call wherever it stands: what waits for the server throws `.aborted`, and the server learns of
/// it as its transport can tell (2026-07-28: the closed connection is the cancellation). Lives on one event loop.
public final class Cancellation {
    private var action: (() -> Void)?
    /// Whether the call was given up.
    public private(set) var isCancelled = false

    /// For one call.
    public init() {}

    /// Gives the call up. Twice does nothing.
    public func cancel() {
        guard !isCancelled else { return }
        isCancelled = true
        let action = action.take()
        action?()
    }

    /// What giving up does; at once when that has happened.
    public func onCancel(_ action: @escaping () -> Void) {
        if isCancelled { action() } else { self.action = action }
    }
}

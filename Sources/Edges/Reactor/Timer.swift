/// One scheduled action of an event loop. Forgetting it does not cancel it.
public struct Timer {
    let loop: EventLoop
    let id: TimerWheel<() -> Void>.ID

    /// Takes back the action, if it has not begun; on the loop's thread only. Cancelling twice does nothing.
    public func cancel() {
        loop.cancel(self)
    }
}

internal import CLinux
internal import Glibc

/// A thread of our own, for work that blocks and for event loops: never Swift's shared pool, which has as many threads as
/// the machine has cores.
public final class Thread: Sendable {
    private let handle: pthread_t

    private init(handle: pthread_t) {
        self.handle = handle
    }

    /// Starts a thread. Signals are blocked in it, so that they reach whoever waits for them (`SignalWait`).
    ///
    /// - Parameters:
    ///   - name: what `top` and the debugger show; at most 15 bytes are kept.
    ///   - stackBytes: the size of its stack; the pages are only used when touched.
    /// - Returns: a handle to `join()` exactly once, or to be dropped never joined (its memory then stays until exit).
    public static func start(
        _ name: String, stackBytes: Int = 1 << 20, _ body: sending @escaping () -> Void
    ) throws(SystemFailure) -> Thread {
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        defer { unsafe pthread_attr_destroy(&attributes) }
        unsafe pthread_attr_setstacksize(&attributes, stackBytes)
        let start = unsafe Unmanaged.passRetained(Start(name: name, body: body))
        var handle = pthread_t()
        let before = Signals.blockAll()
        let result = unsafe pthread_create(&handle, &attributes, runThread, start.toOpaque())
        Signals.restore(before)
        guard result == 0 else {
            unsafe start.release()
            throw SystemFailure(call: "pthread_create", errno: result, path: name)
        }
        return Thread(handle: handle)
    }

    /// Waits until the thread's body has returned. To be called once, and not from the thread itself.
    public func join() {
        pthread_join(handle, nil)
    }

    /// A number that differs between threads that live at the same time.
    public static var currentNumber: UInt { UInt(pthread_self()) }
}

/// What a new thread needs; handed over with one retain, taken back by the thread.
private final class Start {
    let name: String
    let body: () -> Void

    init(name: String, body: @escaping () -> Void) {
        self.name = name
        self.body = body
    }
}

private func runThread(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument = unsafe argument else { return nil }
    let start = unsafe Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
    unsafe komainu_name_thread(start.name)
    start.body()
    return nil
}

internal import CLinux
internal import Glibc

/// The signals that a daemon answers.
public enum Signal: Int32, Sendable, CaseIterable {
    /// Reload (kill -HUP).
    case hangup = 1
    /// Ctrl-C.
    case interrupt = 2
    /// Ctrl-\.
    case quit = 3
    /// For what the operator wants, such as reopening files.
    case user1 = 10
    /// Stop in good order.
    case terminate = 15
}

/// How this process treats signals. Blocking must come before the first thread starts: threads inherit it.
public enum Signals {
    /// Writing to a closed connection answers EPIPE instead of ending the process.
    public static func ignoreBrokenPipe() {
        signal(SIGPIPE, SIG_IGN)
    }

    /// Blocks the signals in this thread and in those it starts, and waits for them on a thread of its own, which calls
    /// `action` for each. To be called once, early in `main`.
    public static func listen(
        for signals: [Signal], _ action: @escaping @Sendable (Signal) -> Void
    ) throws(SystemFailure) {
        var mask = sigset_t()
        unsafe sigemptyset(&mask)
        for signal in signals { unsafe sigaddset(&mask, signal.rawValue) }
        let result = unsafe pthread_sigmask(SIG_BLOCK, &mask, nil)
        guard result == 0 else { throw SystemFailure(call: "pthread_sigmask", errno: result) }
        let number = try checked("signalfd") { unsafe komainu_signalfd(&mask) }
        _ = try Thread.start("signals") {
            let source = Descriptor(owning: number)
            while let signal = next(from: source) {
                if let known = Signal(rawValue: signal) { action(known) }
            }
        }
    }

    /// Blocks until one of the source's signals arrives; nil when the source fails.
    private static func next(from source: borrowing Descriptor) -> Int32? {
        // struct signalfd_siginfo is 128 bytes and starts with the signal's number (signalfd(2)).
        unsafe withUnsafeTemporaryAllocation(byteCount: 128, alignment: 8) { buffer in
            while true {
                let count = unsafe read(source.number, buffer.baseAddress, 128)
                if count == 128 { return Int32(bitPattern: unsafe buffer.load(as: UInt32.self)) }
                guard count < 0, errno == EINTR else { return nil }
            }
        }
    }

    /// Blocks the signals that come from outside in the calling thread and answers what was blocked before. Those that
    /// the thread's own mistakes raise stay, so that a crash is still reported.
    static func blockAll() -> sigset_t {
        var all = sigset_t()
        var before = sigset_t()
        unsafe sigfillset(&all)
        for own in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS] { unsafe sigdelset(&all, own) }
        unsafe pthread_sigmask(SIG_SETMASK, &all, &before)
        return before
    }

    static func restore(_ mask: sigset_t) {
        var mask = mask
        unsafe pthread_sigmask(SIG_SETMASK, &mask, nil)
    }
}

/// The process itself.
public enum CurrentProcess {
    /// Ends at once with a status, without running `atexit` handlers of libraries whose threads still work.
    public static func exit(_ status: Int32) -> Never {
        Glibc._exit(status)
    }

    /// Its number.
    public static var identifier: Int32 { getpid() }

    /// The absolute path of the program that runs; nil where /proc is hidden.
    public static var executable: String? {
        unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX)) { buffer in
            guard let start = buffer.baseAddress else { return nil }
            let count = unsafe readlink("/proc/self/exe", start, Int(PATH_MAX))
            guard count > 0, count < Int(PATH_MAX) else { return nil }
            return unsafe String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// A variable of the environment; nil when it is not set.
    public static func environment(_ name: String) -> String? {
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}

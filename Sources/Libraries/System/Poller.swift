internal import CLinux
internal import Glibc

/// What a descriptor is ready for.
public struct Readiness: OptionSet, Sendable {
    /// The kernel's epoll bits.
    public let rawValue: UInt32

    /// Readiness from the kernel's epoll bits.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Bytes, a connection or an end has arrived (EPOLLIN).
    public static let readable = Readiness(rawValue: 0x1)
    /// There is room to send, or a connection attempt is decided (EPOLLOUT).
    public static let writable = Readiness(rawValue: 0x4)
    /// The socket is in error (EPOLLERR).
    public static let failed = Readiness(rawValue: 0x8)
    /// Both directions are over (EPOLLHUP).
    public static let hungUp = Readiness(rawValue: 0x10)
    /// The peer will send no more (EPOLLRDHUP).
    public static let peerFinished = Readiness(rawValue: 0x2000)
}

/// One epoll set: who is ready? Belongs to one thread; only `WakeUp` may be used from others.
@safe public struct Poller: ~Copyable {
    private let descriptor: Descriptor
    private let events: UnsafeMutablePointer<epoll_event>
    private let capacity: Int32

    /// An empty set. `capacity` is how many are reported per wait; the rest wait for the next.
    public init(capacity: Int32 = 256) throws(SystemFailure) {
        let number = try checked("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        descriptor = Descriptor(owning: number)
        self.capacity = capacity
        unsafe events = .allocate(capacity: Int(capacity))
        unsafe events.initialize(repeating: epoll_event(), count: Int(capacity))
    }

    deinit {
        unsafe events.deallocate()
    }

    /// Watches a connection for everything, reporting each change once (edge-triggered): after a report, read or write
    /// until the kernel says it would block, or no further report comes.
    public func add(_ number: Int32, token: UInt64) throws(SystemFailure) {
        let edge = UInt32(1) << 31
        try add(number, token: token, Readiness([.readable, .writable, .peerFinished]).rawValue | edge)
    }

    /// Watches for something to read, reported as long as it lasts (level-triggered): listeners and wake-ups.
    public func addReading(_ number: Int32, token: UInt64) throws(SystemFailure) {
        try add(number, token: token, Readiness.readable.rawValue)
    }

    /// Stops watching. Reports that were already fetched may still be handed out in the same `wait`.
    public func remove(_ number: Int32) {
        epoll_ctl(descriptor.number, EPOLL_CTL_DEL, number, nil)
    }

    /// Waits until something is ready or the time is over, and hands out each report.
    ///
    /// - Parameter milliseconds: how long at most; 0 only looks, negative waits without end.
    public func wait(milliseconds: Int32, _ each: (_ token: UInt64, Readiness) -> Void) throws(SystemFailure) {
        let count = unsafe epoll_wait(descriptor.number, events, capacity, milliseconds)
        if count < 0 {
            guard errno == EINTR else { throw SystemFailure(call: "epoll_wait", errno: errno) }
            return
        }
        for index in 0..<Int(count) {
            let event = unsafe events[index]
            unsafe each(event.data.u64, Readiness(rawValue: event.events))
        }
    }

    private func add(_ number: Int32, token: UInt64, _ bits: UInt32) throws(SystemFailure) {
        var event = unsafe epoll_event()
        unsafe event.events = bits
        unsafe event.data.u64 = token
        _ = try checked("epoll_ctl") { unsafe epoll_ctl(descriptor.number, EPOLL_CTL_ADD, number, &event) }
    }
}

/// Wakes a thread that waits in a `Poller` from any other thread (eventfd).
public struct WakeUp: ~Copyable, Sendable {
    private let descriptor: Descriptor

    /// Nobody is woken yet. Add `number` to the poller with `addReading`.
    public init() throws(SystemFailure) {
        descriptor = Descriptor(owning: try checked("eventfd") { komainu_eventfd() })
    }

    /// For the poller.
    public var number: Int32 { descriptor.number }

    /// Makes the descriptor readable. Safe from every thread.
    public func signal() {
        var one: UInt64 = 1
        // Fails only when 2^64 - 2 signals are pending, and then it is readable anyway.
        _ = unsafe write(descriptor.number, &one, 8)
    }

    /// Makes it unreadable again; to be called by the thread that was woken, before it looks at what it was woken for.
    public func reset() {
        var count: UInt64 = 0
        _ = unsafe read(descriptor.number, &count, 8)
    }
}

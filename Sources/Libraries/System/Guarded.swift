internal import Glibc

/// A value that threads share, reachable only while the lock is held. The lock is a POSIX mutex, which the thread sanitizer
/// understands (it takes every use of `Synchronization.Mutex` for a race, and so hides the real ones among them).
///
/// Hold it for a few lines and never across a wait.
@safe public struct Guarded<Value>: ~Copyable, @unchecked Sendable {
    // Both live at a fixed address, as pthread_mutex_t must. `value` is touched under `mutex` only.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let value: UnsafeMutablePointer<Value>

    /// Begins with a value that nobody else has.
    public init(_ initial: sending Value) {
        unsafe mutex = .allocate(capacity: 1)
        unsafe mutex.initialize(to: pthread_mutex_t())
        unsafe pthread_mutex_init(mutex, nil)
        unsafe value = .allocate(capacity: 1)
        unsafe value.initialize(to: initial)
    }

    deinit {
        unsafe pthread_mutex_destroy(mutex)
        unsafe mutex.deallocate()
        unsafe value.deinitialize(count: 1)
        unsafe value.deallocate()
    }

    /// Waits for the lock, and lends the value.
    public borrowing func withLock<Result, Failure: Error>(
        _ body: (inout sending Value) throws(Failure) -> sending Result
    ) throws(Failure) -> sending Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return unsafe try body(&value.pointee)
    }
}

internal import Synchronization
public import System

/// One thread that waits for sockets, timers and other threads, and runs what becomes possible.
///
/// It is a task executor: an async function spawned here runs here, and after each `await` continues here, so that what
/// lives on one loop needs no lock. Nothing on it may block: files, names and other slow work go to a `ThreadPool`.
///
/// Sockets are watched edge-triggered and registered once. Timers are rounded up to a millisecond.
@safe public final class EventLoop: TaskExecutor, @unchecked Sendable {
    // Sendable by hand: `inbox`, `live` and what is immutable may be touched from any thread, all else from the loop's only.

    /// What the thread is called.
    public let name: String

    private let poller: Poller
    private let wakeUp: WakeUp
    private let inbox = Guarded(Inbox())
    private let live = Atomic<Int>(0)
    private let thread = Guarded<Thread?>(nil)

    private let origin = MonotonicTime.now
    private var clock = MonotonicTime.now
    private var timers = TimerWheel<() -> Void>()
    private var due: [() -> Void] = []
    private var ready: [UnownedJob] = []
    private var running: [UnownedJob] = []
    private var actions: [() -> Void] = []
    private var watched: [Watch] = []
    private var freeWatch = -1
    private var sleepers: [Int: Sleeper] = [:]
    private var nextSleeper = 0
    private var stopDeadline: MonotonicTime?
    /// Where streams put what they read, before its size is known: one warm buffer instead of one for each stream.
    var scratch: [UInt8] = []

    /// What other threads have for this loop.
    private struct Inbox {
        var jobs: [UnownedJob] = []
        var actions: [@Sendable () -> Void] = []
        var isSignalled = false
        var isClosed = false
    }

    /// One task that sleeps here; woken once, by its timer or by the end.
    @safe private struct Sleeper {
        let continuation: UnsafeContinuation<Void, Never>
        func wake() { unsafe continuation.resume() }
    }

    /// One registered descriptor. The target is not retained: it leaves before it dies.
    private struct Watch {
        weak var target: (any ReadinessTarget)?
        var generation: UInt32 = 0
        var nextFree = -1
    }

    /// A loop that does not run yet; what is given to it waits.
    public init(name: String) throws(SystemFailure) {
        self.name = name
        poller = try Poller()
        wakeUp = try WakeUp()
        try poller.addReading(wakeUp.number, token: .max)
    }

    // MARK: From any thread

    /// Starts the thread. To be called once.
    public func start() throws(SystemFailure) {
        let started = try Thread.start(name) { self.run() }
        thread.withLock { $0 = started }
    }

    /// Ends the loop and waits for its thread: streams and sleeps are interrupted, tasks get up to five seconds to come to
    /// their ends. What is still waiting after that is never continued. Not from the loop's own thread.
    public func stop() {
        precondition(!isCurrent, "a loop cannot wait for itself")
        execute { EventLoop.current.beginStopping() }
        let thread = thread.withLock { $0.take() }
        thread?.join()
    }

    /// Runs an async function on this loop, from its beginning to its end.
    public func spawn(_ body: sending @escaping () async -> Void) {
        live.add(1, ordering: .relaxed)
        Task(executorPreference: self) {
            await body()
            self.live.subtract(1, ordering: .relaxed)
        }
    }

    /// Runs an async function on this loop that may use what lives on it: to be called on the loop's thread.
    public func spawnHere(_ body: @escaping () async -> Void) {
        assertCurrent()
        // Not sent anywhere: the task begins and stays on the thread that makes it.
        nonisolated(unsafe) let body = body
        spawn { unsafe await body() }
    }

    /// Runs an action on the loop's thread, soon; never within this call.
    public func execute(_ action: @escaping @Sendable () -> Void) {
        if isCurrent {
            actions.append(action)
        } else {
            deliver { $0.actions.append(action) }
        }
    }

    /// How many spawned functions have not ended.
    public var liveTasks: Int { live.load(ordering: .relaxed) }

    /// Whether the calling thread is the loop's.
    public var isCurrent: Bool { ThreadAttachment.isAttached(self) }

    /// Part of being an executor: takes a job from any thread.
    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            ready.append(job)
        } else {
            deliver { $0.jobs.append(job) }
        }
    }

    private func deliver(_ put: (inout sending Inbox) -> Void) {
        let mustSignal = inbox.withLock { inbox in
            if inbox.isClosed { return false }
            put(&inbox)
            defer { inbox.isSignalled = true }
            return !inbox.isSignalled
        }
        if mustSignal { wakeUp.signal() }
    }

    // MARK: On the loop's thread

    /// The loop that runs the calling code. Calling this elsewhere is a programming error and stops the program.
    public static var current: EventLoop {
        guard let loop = ThreadAttachment.object else { preconditionFailure("not on an event loop's thread") }
        // Only loops attach themselves to threads.
        return unsafe unsafeDowncast(loop, to: EventLoop.self)
    }

    /// The time when this turn of the loop began: exact enough for deadlines, and free.
    public var now: MonotonicTime { clock }

    /// Runs an action once, not before `moment`.
    @discardableResult public func schedule(at moment: MonotonicTime, _ action: @escaping () -> Void) -> Timer {
        assertCurrent()
        return Timer(loop: self, id: timers.schedule(at: tick(of: moment), action))
    }

    /// Runs an action once, not before `delay` has passed.
    @discardableResult public func schedule(after delay: Duration, _ action: @escaping () -> Void) -> Timer {
        schedule(at: MonotonicTime.now + delay, action)
    }

    /// Waits until a moment, or until the loop stops.
    public func sleep(until moment: MonotonicTime) async {
        assertCurrent()
        guard stopDeadline == nil else { return }
        let sleeper = nextSleeper
        nextSleeper += 1
        let timer = schedule(at: moment) { [unowned self] in self.sleepers.removeValue(forKey: sleeper)?.wake()
        }
        unsafe await withUnsafeContinuation { unsafe self.sleepers[sleeper] = Sleeper(continuation: $0) }
        timer.cancel()
    }

    /// Waits for a time, or until the loop stops.
    public func sleep(for duration: Duration) async {
        await sleep(until: MonotonicTime.now + duration)
    }

    /// How many sockets are watched; on the loop's thread, or after `stop`.
    var watchedSockets: Int { watched.count { $0.target != nil } }

    func cancel(_ timer: Timer) {
        assertCurrent()
        timers.cancel(timer.id)
    }

    /// Watches a connection's socket, edge-triggered. The answer is for `unwatch`.
    func watch(_ number: Int32, _ target: any ReadinessTarget) throws(SystemFailure) -> Int {
        let index = takeWatch(for: target)
        do throws(SystemFailure) {
            try poller.add(number, token: token(of: index))
        } catch {
            giveBack(index)
            throw error
        }
        if stopDeadline != nil { actions.append { [weak target] in target?.loopStops() } }
        return index
    }

    /// Watches a listening socket for as long as connections wait.
    func watchListener(_ number: Int32, _ target: any ReadinessTarget) throws(SystemFailure) -> Int {
        let index = takeWatch(for: target)
        do throws(SystemFailure) {
            try poller.addReading(number, token: token(of: index))
        } catch {
            giveBack(index)
            throw error
        }
        return index
    }

    /// Stops watching; to be called before the socket is closed. No report comes after it, not even one already fetched.
    func unwatch(_ number: Int32, _ index: Int) {
        assertCurrent()
        poller.remove(number)
        giveBack(index)
    }

    @inline(__always)
    func assertCurrent() {
        assert(isCurrent, "on another thread than the loop's")
    }
}

/// Who is told that a socket became ready.
protocol ReadinessTarget: AnyObject {
    func becameReady(_ readiness: Readiness)
    func loopStops()
}

// MARK: - The thread

extension EventLoop {
    private func run() {
        ThreadAttachment.attach(self)
        clock = .now
        while !isOver {
            do {
                try poller.wait(milliseconds: patience) { token, readiness in hear(token, readiness) }
            } catch {
                preconditionFailure("epoll_wait cannot fail on a set that exists: \(error)")
            }
            clock = .now
            expireTimers()
            runActions()
            runJobs()
        }
        inbox.withLock { $0.isClosed = true }
        ThreadAttachment.attach(nil)
    }

    private var isOver: Bool {
        guard let stopDeadline else { return false }
        return clock >= stopDeadline || (liveTasks == 0 && ready.isEmpty && actions.isEmpty)
    }

    /// How long the kernel may let us wait, in milliseconds.
    private var patience: Int32 {
        if !ready.isEmpty || !actions.isEmpty { return 0 }
        let longest: Int32 = stopDeadline == nil ? -1 : 10
        guard let next = timers.nextTick else { return longest }
        let tick = UInt64(max(0, (MonotonicTime.now.nanoseconds - origin.nanoseconds) / 1_000_000))
        let wait = next > tick ? Int32(clamping: next - tick) : 0
        return longest < 0 ? wait : min(wait, longest)
    }

    private func hear(_ token: UInt64, _ readiness: Readiness) {
        if token == .max { return takeInbox() }
        let index = Int(token & 0xFFFF_FFFF)
        guard watched.indices.contains(index), watched[index].generation == UInt32(token >> 32),
            let target = watched[index].target
        else { return }
        target.becameReady(readiness)
    }

    private func takeInbox() {
        wakeUp.reset()
        let (jobs, more) = inbox.withLock { inbox in
            inbox.isSignalled = false
            return (inbox.jobs.take(), inbox.actions.take())
        }
        ready.append(contentsOf: jobs)
        for action in more { actions.append(action) }
    }

    private func expireTimers() {
        let tick = UInt64(max(0, (clock.nanoseconds - origin.nanoseconds) / 1_000_000))
        timers.advance(to: tick, into: &due)
        guard !due.isEmpty else { return }
        let expired = due.take()
        for action in expired { action() }
    }

    private func runActions() {
        guard !actions.isEmpty else { return }
        for action in actions.take() { action() }
    }

    /// Runs what is ready now; what becomes ready meanwhile waits until the sockets were looked at again.
    private func runJobs() {
        guard !ready.isEmpty else { return }
        swap(&ready, &running)
        let executor = unsafe asUnownedTaskExecutor()
        for index in running.indices { unsafe running[index].runSynchronously(on: executor) }
        running.removeAll(keepingCapacity: true)
    }

    private func beginStopping() {
        guard stopDeadline == nil else { return }
        stopDeadline = MonotonicTime.now + .seconds(5)
        for watch in watched { watch.target?.loopStops() }
        let waiting = sleepers
        sleepers = [:]
        for sleeper in waiting.values { sleeper.wake() }
    }

    /// The first tick that is not before a moment.
    private func tick(of moment: MonotonicTime) -> UInt64 {
        let nanoseconds = moment.nanoseconds.subtractingReportingOverflow(origin.nanoseconds)
        if nanoseconds.overflow { return .max }
        return UInt64(max(0, nanoseconds.partialValue.addingReportingOverflow(999_999).partialValue / 1_000_000))
    }

    private func token(of index: Int) -> UInt64 {
        UInt64(watched[index].generation) << 32 | UInt64(index)
    }

    private func takeWatch(for target: any ReadinessTarget) -> Int {
        assertCurrent()
        if freeWatch < 0 {
            watched.append(Watch(target: target))
            return watched.count - 1
        }
        let index = freeWatch
        freeWatch = watched[index].nextFree
        watched[index].target = target
        return index
    }

    private func giveBack(_ index: Int) {
        watched[index].target = nil
        watched[index].generation &+= 1
        watched[index].nextFree = freeWatch
        freeWatch = index
    }
}

extension Array {
    /// The elements; none stay.
    fileprivate mutating func take() -> [Element] {
        let all = self
        self = []
        return all
    }
}

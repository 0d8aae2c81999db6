public import System

/// A program that we started, with its three standard streams on one event loop. It is never waited for by blocking.
///
/// Dropping the last reference kills it and all of its process group.
public final class ChildProcess {
    /// What it reads.
    public let input: ByteStream
    /// What it writes.
    public let output: ByteStream
    /// What it complains of.
    public let errors: ByteStream
    /// Its number.
    public let identifier: Int32
    /// What became of it; nil while it runs.
    public private(set) var status: ProcessEnd?

    private var process: Subprocess
    private let loop = EventLoop.current
    private var watch = -1
    private var ended: ((ProcessEnd) -> Void)?

    /// Starts a program. Blocks until the kernel has loaded it, so on a loop that nobody's answer waits for; the process lives
    /// no longer than that loop's thread.
    public init(_ program: Program) throws(StreamFailure) {
        var process: Subprocess
        do throws(SystemFailure) {
            process = try Subprocess.start(program)
        } catch {
            throw .system(error)
        }
        let ends = process.takeEnds()
        identifier = process.identifier
        let handle = process.handle
        self.process = process
        // Each takes its number at once, so that none is left open when a later one cannot be watched.
        let sockets = ends.map { OwnedSocket($0) }
        input = try ByteStream.joined(sockets[0].take())
        output = try ByteStream.joined(sockets[1].take())
        errors = try ByteStream.joined(sockets[2].take())
        do throws(SystemFailure) {
            watch = try loop.watchListener(handle, self)
        } catch {
            throw .system(error)
        }
    }

    deinit {
        if watch >= 0 { loop.unwatch(process.handle, watch) }
    }

    /// Sets what is called, once, when it has ended; at once when it has.
    public func whenEnded(_ action: @escaping (ProcessEnd) -> Void) {
        if let status { action(status) } else { ended = action }
    }

    /// Asks it and its process group to end (SIGTERM).
    public func terminate() { process.terminate() }

    /// Ends it and its process group (SIGKILL).
    public func kill() { process.kill() }
}

extension ChildProcess: ReadinessTarget {
    func becameReady(_ readiness: Readiness) {
        guard status == nil, let status = process.reap() else { return }
        self.status = status
        loop.unwatch(process.handle, watch)
        watch = -1
        let action = ended
        ended = nil
        action?(status)
    }

    func loopStops() {}
}

/// Closes a socket that nobody took.
private final class OwnedSocket {
    private var number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    deinit {
        if number >= 0 { _ = Descriptor(owning: number) }
    }

    func take() -> Descriptor {
        defer { number = -1 }
        return Descriptor(owning: number)
    }
}

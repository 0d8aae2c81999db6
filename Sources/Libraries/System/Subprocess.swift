internal import CLinux
internal import Glibc

/// A program to start: no shell, and nothing of ours but what is said here.
public struct Program: Hashable, Sendable {
    /// The file to run.
    public var path: String
    /// What it gets besides its own name.
    public var arguments: [String]
    /// All of its environment.
    public var environment: [String: String]

    /// A program with these arguments and this environment.
    public init(path: String, arguments: [String], environment: [String: String]) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
    }

    /// The file that a command means: itself when it holds a slash, else the first of that name in the folders of PATH. Nil
    /// when there is none that may be run.
    public static func find(_ command: String, path: String? = CurrentProcess.environment("PATH")) -> String? {
        guard !command.isEmpty, !command.utf8.contains(0) else { return nil }
        if command.utf8.contains(UInt8(ascii: "/")) { return isProgram(command) ? command : nil }
        let folders = (path ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
        return folders.map { "\($0)/\(command)" }.first(where: isProgram)
    }

    private static func isProgram(_ path: String) -> Bool {
        guard let status = try? Files.status(path), status.kind == .file else { return false }
        return unsafe access(path, X_OK) == 0
    }
}

/// How a process ended.
public enum ProcessEnd: Hashable, Sendable {
    /// By itself, with this code.
    case exited(Int32)
    /// By a signal.
    case killed(Int32)
}

/// A process that we started, in a process group of its own. It is ended and waited for when this value dies, so that none is
/// left behind and no other process can come to bear its number meanwhile.
///
/// The kernel kills it, too, when the thread that started it ends: also when this program is killed.
public struct Subprocess: ~Copyable, Sendable {
    /// Its number; also its group's.
    public let identifier: Int32
    /// Readable when it has ended (pidfd).
    private let descriptor: Descriptor
    private var ends: [Int32]
    private var isReaped = false

    private init(_ identifier: Int32, _ descriptor: consuming Descriptor, _ ends: [Int32]) {
        self.identifier = identifier
        self.descriptor = descriptor
        self.ends = ends
    }

    deinit {
        for end in ends { close(end) }
        guard !isReaped else { return }
        Glibc.kill(-identifier, SIGKILL)
        _ = Subprocess.wait(for: identifier, take: true)
    }

    /// Starts a program. Blocks until the kernel has loaded it.
    public static func start(_ program: Program) throws(SystemFailure) -> Subprocess {
        var pairs: [[Int32]] = []
        defer { for pair in pairs { close(pair[1]) } }
        var isStarted = false
        defer { if !isStarted { for pair in pairs { close(pair[0]) } } }
        for _ in 0..<3 { pairs.append(try socketPair()) }
        let environment = program.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
        var process: Int32 = 0
        let failure = unsafe withStrings([program.path] + program.arguments) { arguments in
            unsafe withStrings(environment) { environment in
                unsafe komainu_spawn(program.path, arguments, environment, pairs.map { $0[1] }, &process)
            }
        }
        guard failure == 0 else { throw SystemFailure(call: "execve", errno: failure, path: program.path) }
        let number = komainu_process_descriptor(process)
        guard number >= 0 else {
            let failure = SystemFailure(call: "pidfd_open", errno: errno)
            Glibc.kill(-process, SIGKILL)
            _ = wait(for: process, take: true)
            throw failure
        }
        isStarted = true
        return Subprocess(process, Descriptor(owning: number), pairs.map { $0[0] })
    }

    /// For whoever waits for its end. Borrowed.
    public var handle: Int32 { descriptor.number }

    /// Our ends of its standard input, output and error, in this order: nonblocking stream sockets, which the caller must close.
    /// None the second time.
    public mutating func takeEnds() -> [Int32] {
        defer { ends = [] }
        return ends
    }

    /// Asks its whole group to end (SIGTERM).
    public func terminate() { signalGroup(SIGTERM) }

    /// Ends its whole group (SIGKILL).
    public func kill() { signalGroup(SIGKILL) }

    /// What became of it; nil while it runs, and after it was told once. What it left behind in its group is ended with it.
    public mutating func reap() -> ProcessEnd? {
        // Looked at first and taken later: as long as nobody has taken its end, its number is nobody else's.
        guard !isReaped, Subprocess.wait(for: identifier, take: false) != nil else { return nil }
        signalGroup(SIGKILL)
        isReaped = true
        return Subprocess.wait(for: identifier, take: true)
    }

    private func signalGroup(_ signal: Int32) {
        guard !isReaped else { return }
        Glibc.kill(-identifier, signal)
    }

    private static func wait(for process: Int32, take: Bool) -> ProcessEnd? {
        var (signalled, status): (Int32, Int32) = (0, 0)
        guard unsafe komainu_wait(process, take ? 1 : 0, &signalled, &status) == 1 else { return nil }
        return signalled == 0 ? .exited(status) : .killed(status)
    }

    private static func socketPair() throws(SystemFailure) -> [Int32] {
        var pair: [Int32] = [-1, -1]
        _ = try checked("socketpair") { unsafe komainu_socket_pair(&pair) }
        return pair
    }

    /// Lends texts as C has them: an array of pointers that ends in nil.
    private static func withStrings<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
    ) -> Result {
        let copies = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
        for (index, text) in texts.enumerated() { unsafe copies[index] = strdup(text) }
        unsafe copies[texts.count] = nil
        defer {
            for index in texts.indices { unsafe free(copies[index]) }
            unsafe copies.deallocate()
        }
        return unsafe body(copies)
    }
}

import Commands
import Configuration
import Synchronization
import System
import Telemetry
import YAML

/// Serves, until told to stop.
struct Serve: Command {
    static let form = CommandForm(
        ["serve"], summary: "Stand before the upstreams and serve",
        discussion: """
            SIGHUP reloads the configuration, its catalogues, policies, certificates and issuers: all of it or none of it.
            SIGTERM and SIGINT stop in good order; a second one stops at once.
            """,
        options: [
            CommonArguments.configuration, .flag("watch", "reload whenever one of the files changes"),
        ], examples: ["komainu serve --config /etc/komainu/komainu.yaml --watch"])

    private let configuration: String
    private let watches: Bool

    init(_ arguments: Arguments) throws(UsageMistakes) {
        configuration = arguments.configurationPath
        watches = arguments.flag("watch")
    }

    func run() -> ExitCode {
        CurrentProcess.keepMemoryPrivate()
        CurrentProcess.keepFreedMemory()
        return reporting { () throws(ProgramFailure) in
            let loaded = try LoadedConfiguration.loadOrReport(configuration)
            return try Serving(configuration, watches: watches).run(loaded)
        }
    }
}

/// The main thread's work while we serve: it waits for signals and changed files.
struct Serving {
    private let path: String
    private let watches: Bool
    private let inbox = Inbox()

    init(_ path: String, watches: Bool) {
        self.path = path
        self.watches = watches
    }

    /// Starts, serves and stops.
    ///
    /// - Parameter whenReady: Told the proxy as soon as it serves.
    func run(
        _ loaded: LoadedConfiguration, whenReady: (Proxy) throws(ProgramFailure) -> Void = { _ in }
    ) throws(ProgramFailure) -> ExitCode {
        try prepare(loaded.configuration)
        let proxy = try Proxy(loaded, makeService: makeGatewayService)
        for warning in loaded.warnings { Log.warning("configuration", ["problem": .text(warning.description)]) }
        Log.notice(
            "serving", ["version": .text(Version.text), "public_url": .text("\(loaded.configuration.publicURL)")])
        try whenReady(proxy)
        var watch = FileWatch(loaded.configuration.files)
        while true {
            switch inbox.next(within: watches ? .seconds(1) : .seconds(3600)) {
            case .hangup: reload(proxy, &watch)
            case .some: return stop(proxy)
            case nil: if watches, watch.hasChanged() { reload(proxy, &watch) }
            }
        }
    }

    private func prepare(_ configuration: Configuration) throws(ProgramFailure) {
        Signals.ignoreBrokenPipe()
        Log.level = LogLevel(word: configuration.logLevel) ?? .info
        let inbox = inbox
        try attempting("the process can't be prepared") { () throws(SystemFailure) in
            // Before the first thread: threads inherit which signals are blocked.
            try Signals.listen(for: [.hangup, .interrupt, .terminate]) { inbox.add($0) }
            try Log.writeOnOwnThread()
        }
    }

    private func reload(_ proxy: Proxy, _ watch: inout FileWatch) {
        do throws(ConfigurationFailure) {
            let new = try LoadedConfiguration.load(path)
            watch = FileWatch(new.configuration.files)
            do throws(ProgramFailure) {
                try proxy.apply(new)
                Log.level = LogLevel(word: new.configuration.logLevel) ?? .info
                Log.notice("reloaded", ["file": .text(path)])
            } catch {
                Log.error("reload.refused", ["file": .text(path), "reason": .text(error.text)])
            }
        } catch {
            let problems = error.problems.map { LogValue.text($0.description) }
            Log.error("reload.refused", ["file": .text(path), "problems": .list(problems)])
        }
    }

    private func stop(_ proxy: Proxy) -> ExitCode {
        Log.notice("stopping")
        inbox.exitAtNextSignal()
        proxy.stop()
        Log.notice("stopped")
        Log.flush(within: .seconds(2))
        return .yes
    }
}

/// Signals on their way to the main thread.
private final class Inbox: Sendable {
    private let waiting = Mutex<(signals: [Signal], exits: Bool)>(([], false))
    private let bell = Bell()

    func add(_ signal: Signal) {
        let exits = waiting.withLock { waiting in
            waiting.signals.append(signal)
            return waiting.exits && signal != .hangup
        }
        // 128 and the signal's number is what a shell makes of a process that a signal ended.
        if exits { CurrentProcess.exit(128 + signal.rawValue) }
        bell.ring()
    }

    func exitAtNextSignal() {
        waiting.withLock { $0.exits = true }
    }

    func next(within longest: Duration) -> Signal? {
        func take() -> Signal? { waiting.withLock { $0.signals.isEmpty ? nil : $0.signals.removeFirst() } }
        if let signal = take() { return signal }
        bell.wait(until: MonotonicTime.now + longest)
        return take()
    }
}

import Configuration
import Reactor
import Synchronization
import System
import Upstream

/// The upstreams that are programs of this machine, over all reloads: as long as what is started stays the same, so do its
/// processes and the sessions they hold.
final class Programs: Sendable {
    private let state = Mutex<(loop: EventLoop?, transports: [String: ProgramTransport])>((nil, [:]))

    /// How long processes that are to end are waited for at the end of everything: their two spans of grace, and a bit.
    private static let patience = Duration.seconds(6)

    /// The transport to a program; the one there is when it is started in the same way. Others go on until `keep`.
    func transport(to upstream: UpstreamConfiguration, _ command: CommandConfiguration, sessionIdle: Duration)
        throws(ProgramFailure) -> ProgramTransport
    {
        var settings = ProgramSettings(name: upstream.name, program: command.program)
        let values = try command.values()
        settings.program.environment.merge(values.all) { $1 }
        settings.secrets = values.secrets
        settings.processes = upstream.limits.processes
        settings.messageBytes = upstream.limits.resultBytes
        settings.patience = upstream.timeouts.idle
        settings.total = upstream.timeouts.total
        settings.idle = sessionIdle + .seconds(60)
        if let known = state.withLock({ $0.transports[upstream.name] }), known.settings == settings { return known }
        return ProgramTransport(settings, on: try loop())
    }

    /// These are the ones from now on; all others are ended.
    func keep(_ transports: [String: ProgramTransport]) {
        let gone = state.withLock { state in
            let gone = state.transports.values.filter { old in !transports.values.contains { $0 === old } }
            state.transports = transports
            return gone
        }
        for transport in gone { transport.close() }
    }

    /// Ends all of them and waits for that. Not on an event loop.
    func stop() {
        let (loop, transports) = state.withLock { ($0.loop, $0.transports.values.map { $0 }) }
        for transport in transports { transport.close() }
        let deadline = MonotonicTime.now + Programs.patience
        for transport in transports { _ = transport.waitUntilEmpty(until: deadline) }
        loop?.stop()
    }

    /// A loop of their own: starting a program makes it wait, and no client's answer may wait for that.
    private func loop() throws(ProgramFailure) -> EventLoop {
        if let loop = state.withLock({ $0.loop }) { return loop }
        let loop = try attempting("threads can't be started") { () throws(SystemFailure) in
            let loop = try EventLoop(name: "programs")
            try loop.start()
            return loop
        }
        state.withLock { $0.loop = loop }
        return loop
    }
}

extension CommandConfiguration {
    /// What is started, with nothing of our environment but where programs and the user's own files are, and the language.
    fileprivate var program: Program {
        var environment: [String: String] = [:]
        for name in ["PATH", "HOME", "LANG"] { environment[name] = CurrentProcess.environment(name) }
        return Program(path: path, arguments: arguments, environment: environment)
    }

    /// The variables that are set for it, and which of their values are secret.
    func values() throws(ProgramFailure) -> (all: [String: String], secrets: [[UInt8]]) {
        var all: [String: String] = [:]
        var secrets: [[UInt8]] = []
        for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
            switch value {
            case .text(let text): all[name] = text
            case .file(let path):
                var bytes = try contents(of: path)
                while let last = bytes.last, last == 0x0A || last == 0x0D { bytes.removeLast() }
                guard !bytes.isEmpty, !bytes.contains(0), let text = String(validating: bytes, as: UTF8.self) else {
                    throw ProgramFailure("`\(path)` holds no value for `\(name)`")
                }
                all[name] = text
                secrets.append(bytes)
            case .variable(let variable):
                guard let text = CurrentProcess.environment(variable), !text.isEmpty else {
                    throw ProgramFailure("the variable \(variable), which `\(name)` is taken from, isn't set")
                }
                all[name] = text
                secrets.append(Array(text.utf8))
            }
        }
        return (all, secrets)
    }
}

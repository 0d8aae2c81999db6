import Audit
import Configuration
import Identity
import Reactor
import System
import Telemetry

extension ServiceGround {
    /// Opens and starts everything that a service stands on. Blocks for the disk.
    init(_ configuration: Configuration) throws(ProgramFailure) {
        try KeyMaker(configuration).makeMissing()
        try attempting("the database's folder can't be made") { () throws(SystemFailure) in
            try Files.makeFolders(folder(of: configuration.state), permissions: 0o700)
        }
        redactionKey = Secret(try asking { () throws(StateFailure) in try KeyFile.read(configuration.redactionKey) })
        audit = try ServiceGround.openAudit(configuration)
        let settings = try configuration.identitySettings()
        identity = try asking { () throws(StateFailure) in try IdentityRegistry(settings) }
        (loops, files, resolver) = try attempting("threads can't be started") { () throws(SystemFailure) in
            var loops: [EventLoop] = []
            for number in 0..<(configuration.threads ?? Processors.usable) {
                let loop = try EventLoop(name: "loop-\(number)")
                try loop.start()
                loops.append(loop)
            }
            return (loops, try ThreadPool(name: "files", threads: 2), try Resolver())
        }
    }

    private static func openAudit(_ configuration: Configuration) throws(ProgramFailure) -> AuditLog {
        do throws(AuditFailure) {
            return try AuditLog.open(configuration.auditSettings(whenPoisoned: ServiceGround.endPoisoned))
        } catch {
            throw ProgramFailure("the audit trail `\(configuration.audit.directory)` can't be opened: \(error)")
        }
    }

    /// The disk lied about what it had written: nothing that this process believes about the trail is certain any more. The
    /// next start reads what is really there.
    @Sendable private static func endPoisoned(_ failure: AuditFailure) {
        Log.error("audit.poisoned", ["failure": .code(failure.code)])
        Log.flush(within: .seconds(1))
        // EX_IOERR of sysexits.h, so that a supervisor can tell it from a crash.
        CurrentProcess.exit(74)
    }

    /// Runs something on the first loop and waits for it. Not on a loop.
    func onLoop(_ body: @escaping @Sendable () async -> Void) {
        let done = Bell()
        loops[0].spawn {
            await body()
            done.ring()
        }
        while !done.wait(until: MonotonicTime.now + .seconds(3600)) {}
    }
}

/// What the kernel says about this process.
enum ProcessNumbers {
    /// Memory in use, `VmRSS` of proc(5).
    static var residentBytes: Double {
        guard let bytes = try? Files.read("/proc/self/status", limit: 1 << 16) else { return .nan }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let digits = lines.first { $0.hasPrefix("VmRSS:") }?.filter { ("0"..."9").contains($0) } ?? ""
        return Double(digits).map { $0 * 1024 } ?? .nan
    }
}

import Admin
import Audit
import Bytes
import Configuration
import Edge
import HTTP
import Identity
import Reactor
import System
import Telemetry

/// Everything that runs while we serve, in the order in which it stands on each other.
///
/// Made, reloaded and stopped by the main thread.
final class Proxy {
    /// By what we serve.
    private(set) var loaded: LoadedConfiguration
    private let ground: ServiceGround
    private let service: any ClientService
    private let recorder: ChangeRecorder
    private let approvals: ApprovalWatch
    private let administration: Administration
    private var clients: [(address: ListenAddress, listener: Listener)] = []
    private var operators: Listener?
    private var admission: Admission

    /// Starts everything. What was started before a failure is left to the end of the process, which follows.
    init(
        _ loaded: LoadedConfiguration,
        makeService: (ServiceGround, LoadedConfiguration) throws(ProgramFailure) -> any ClientService
    ) throws(ProgramFailure) {
        let configuration = loaded.configuration
        self.loaded = loaded
        ground = try ServiceGround(configuration)
        service = try makeService(ground, loaded)
        let records = try OpenState.open(configuration)
        recorder = ChangeRecorder(records, ground.audit, ground.files)
        administration = try Administration(loaded, records, ground.audit, service)
        approvals = ApprovalWatch(service, ground.files, configuration)
        admission = Admission(
            total: configuration.limits.connections, perAddress: configuration.limits.connectionsPerAddress)
        recorder.start(on: ground.loops[0])
        approvals.start(on: ground.loops[0])
        try listen()
        publishNumbers()
    }

    /// The port that clients reach us at; of several, the first.
    var port: Int { clients.first?.listener.port ?? 0 }

    /// Makes a subject known to the trail before its first call, so that a reader with the keys sees its name from then on.
    func introduce(_ subject: ByteString) {
        _ = try? ground.audit.keys.pseudonym(issuer: nil, subject: subject)
    }

    private func listen() throws(ProgramFailure) {
        for address in loaded.configuration.listen {
            var settings = try loaded.configuration.edgeSettings(at: address, admission)
            for loop in ground.loops {
                let listener = Listener(settings, handler: service, observer: service)
                try attempting("`\(address)` can't be listened on") { () throws(SystemFailure) in
                    try listener.start(on: loop)
                }
                clients.append((address, listener))
                // When any port would do, all loops must share the first one's.
                settings.listen = settings.listen.with(port: UInt16(clamping: listener.port))
            }
            Log.notice("listening", ["address": .text("\(settings.listen)"), "tls": .bool(settings.tls != nil)])
        }
        guard let admin = loaded.configuration.admin else { return }
        let listener = Listener(
            try loaded.configuration.adminSettings(admin), handler: AdminExchange(handler: adminHandler()),
            observer: NoRecord())
        try attempting("`\(admin.listen)` can't be listened on") { () throws(SystemFailure) in
            try listener.start(on: ground.loops[0])
        }
        operators = listener
        Log.notice("listening.admin", ["address": .text("\(admin.listen)"), "tls": .bool(admin.tls != nil)])
    }

    private func adminHandler() -> AdminHandler {
        let (audit, identity, service) = (ground.audit, ground.identity, service)
        let api = AdminAPI(identities: identity, operations: administration)
        return AdminHandler(metrics: .shared, api: api) {
            var obstacles = service.obstacles
            if !audit.health.isReady { obstacles.append(Obstacle(part: "audit", reason: "\(audit.health.state)")) }
            if identity.health.isStale {
                obstacles.append(Obstacle(part: "state", reason: "the records can't be read"))
            }
            return obstacles
        }
    }

    private func publishNumbers() {
        let (audit, identity) = (ground.audit, ground.identity)
        Metrics.shared.gauge("komainu_audit_waiting_records", help: "Records that wait for the disk.") {
            Double(audit.health.waitingRecords)
        }
        Metrics.shared.gauge("komainu_audit_durable_records", help: "Records in the trail.") {
            Double(audit.health.durableRecords)
        }
        Metrics.shared.gauge("komainu_audit_ready", help: "Whether the trail takes records.") {
            audit.health.isReady ? 1 : 0
        }
        Metrics.shared.gauge("komainu_endpoints", help: "Endpoints that are known.") {
            Double(identity.health.endpoints)
        }
        Metrics.shared.gauge("komainu_api_tokens", help: "API tokens that are known.") {
            Double(identity.health.apiTokens)
        }
        Metrics.shared.gauge("process_resident_memory_bytes", help: "Memory in use.") { ProcessNumbers.residentBytes }
        let start = Double(WallTime.now.seconds)
        Metrics.shared.gauge("process_start_time_seconds", help: "When the process started, Unix time.") { start }
    }

    // MARK: Reload

    /// Takes another configuration, all of it or nothing.
    func apply(_ new: LoadedConfiguration) throws(ProgramFailure) {
        let fixed = new.configuration.keysThatNeedRestart(comparedTo: loaded.configuration)
        guard fixed.isEmpty else {
            throw ProgramFailure("only a restart can change `\(fixed.joined(separator: "`, `"))`")
        }
        // Everything that can fail comes first; nothing is changed until all of it is there.
        let issuers = try new.configuration.tokenIssuers()
        let admission = self.admission(for: new.configuration)
        var settings: [EdgeSettings] = []
        for (address, _) in clients { settings.append(try new.configuration.edgeSettings(at: address, admission)) }
        let admin = try new.configuration.admin.map { (admin) throws(ProgramFailure) in
            try new.configuration.adminSettings(admin)
        }
        try asking { () throws(StateFailure) in try ground.identity.replaceIssuers(issuers) }
        do throws(ProgramFailure) {
            try service.apply(new)
        } catch {
            // The old ones were taken once and are taken again.
            if let before = try? loaded.configuration.tokenIssuers() { try? ground.identity.replaceIssuers(before) }
            throw error
        }
        for (client, settings) in zip(clients, settings) { client.listener.update(settings) }
        if let admin { operators?.update(admin) }
        approvals.apply(new.configuration)
        administration.apply(new)
        self.admission = admission
        loaded = new
    }

    /// The same counts as long as the limits are the same; other limits begin to count anew, for connections to come.
    private func admission(for configuration: Configuration) -> Admission {
        let limits = configuration.limits
        if limits.connections == admission.total, limits.connectionsPerAddress == admission.perAddress {
            return admission
        }
        return Admission(total: limits.connections, perAddress: limits.connectionsPerAddress)
    }

    // MARK: The end

    /// Stops in good order: no new connections, answers under way get their time, then everything from the top down.
    func stop() {
        let deadline = MonotonicTime.now + loaded.configuration.timeouts.drain
        for client in clients { client.listener.stopAccepting() }
        service.drain()
        let listeners = clients.map(\.listener)
        ground.onLoop { for listener in listeners { await listener.drain(until: deadline) } }
        ground.programs.stop()
        approvals.stop()
        recorder.stop()
        if let operators { ground.onLoop { await operators.drain(until: MonotonicTime.now + .seconds(1)) } }
        administration.stop()
        ground.identity.stop()
        for loop in ground.loops { loop.stop() }
        ground.audit.close()
        ground.files.stop()
        ground.resolver.stop()
    }
}

/// The operators' handler behind a listener.
private struct AdminExchange: ExchangeHandler {
    let handler: AdminHandler

    func handle(_ exchange: any Exchange) async { await handler.handle(exchange) }
}

/// The operators' listener keeps no trail: it only tells, and knows nobody.
private struct NoRecord: RefusalObserver {
    func refused(_ refusal: EdgeRefusal) async {}
}

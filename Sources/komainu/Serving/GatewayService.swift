import Admin
import Audit
import Bytes
import Catalog
import Configuration
import Edge
import Gateway
import HTTP
import HTTPClient
import OpenSSL
import Reactor
import Sessions
import Synchronization
import System
import Telemetry

/// The gateway behind the listeners.
func makeGatewayService(
    _ ground: ServiceGround, _ loaded: LoadedConfiguration
) throws(ProgramFailure) -> any ClientService {
    try GatewayService(ground, loaded)
}

/// Joins the edge to the gateway, and the gateway to what the configuration says.
private final class GatewayService: ClientService {
    private let ground: ServiceGround
    private let gateway: Gateway
    private let servers: Mutex<[String: UpstreamServer]>
    private let sweeper: SessionSweep

    init(_ ground: ServiceGround, _ loaded: LoadedConfiguration) throws(ProgramFailure) {
        self.ground = ground
        let built = try BuiltRules(ground, loaded)
        let limits = loaded.configuration.limits
        var sessions = SessionLimits()
        sessions.total = limits.sessions
        sessions.perOwner = limits.sessionsPerPrincipal
        sessions.idleSeconds = Int(limits.sessionIdle.components.seconds)
        let store = SessionStore(limits: sessions) { UInt64(MonotonicTime.now.nanoseconds) }
        do throws(OpenSSLFailure) {
            gateway = try Gateway(
                rules: built.rules, identities: ground.identity, sessions: store, audit: ground.audit,
                metrics: .shared)
        } catch {
            throw ProgramFailure("no randomness: \(error)")
        }
        servers = Mutex(built.servers)
        ground.programs.keep(built.programs)
        sweeper = SessionSweep(store)
        sweeper.start(on: ground.loops[0])
        Metrics.shared.gauge("komainu_sessions", help: "Sessions that are open.") { Double(store.count) }
        try recordRules(loaded)
    }

    func handle(_ exchange: any Exchange) async { await gateway.handle(exchange) }

    /// What the edge refused by itself never reached the gateway; it is in the trail all the same, strangers' floods coalesced.
    func refused(_ refusal: EdgeRefusal) async {
        var record = AuditRecord(.requestRefused)
        record.via = AuditRecord.Via(address: refusal.peer.address)
        record.via?.transport = "http"
        record.decision = AuditRecord.Decision(.deny, reason: ByteString("edge_\(refusal.code)"))
        if let status = refusal.status { record.facts.append(("status", .int(status))) }
        if refusal.count > 1 { record.facts.append(("count", .int(refusal.count))) }
        ground.audit.appendCoalesced(record, source: refusal.peer.address, reason: ByteString(refusal.code))
    }

    func apply(_ loaded: LoadedConfiguration) throws(ProgramFailure) {
        let built = try BuiltRules(ground, loaded)
        try recordRules(loaded)
        gateway.replace(built.rules)
        servers.withLock { $0 = built.servers }
        ground.programs.keep(built.programs)
    }

    var obstacles: [Obstacle] {
        servers.withLock { $0 }.filter { !$0.value.hasCredential }.keys.sorted().map {
            Obstacle(part: "upstream \($0)", reason: "its credential can't be read")
        }
    }

    func approve(_ request: ApprovalRequest, upstream: String) async -> Bool {
        guard let server = gateway.rules.server(ByteString(upstream)) else { return false }
        var outcome = "approved"
        do throws(ToolBook.BookFailure) {
            try await server.tools.approve(request.tool, request.hash, by: request.person)
        } catch {
            outcome = "refused"
            Log.warning(
                "approval.refused",
                ["upstream": .text(upstream), "tool": .text(request.tool), "reason": .text("\(error)")])
        }
        var record = AuditRecord(
            .adminAction,
            facts: [
                ("action", .text("tool.approve")), ("result", .text(ByteString(outcome))),
                ("by", .text(request.person)),
            ])
        record.message = AuditRecord.Message(server: ByteString(upstream), tool: request.tool)
        record.message?.definition = ByteString(request.hash.description)
        do throws(AuditFailure) {
            _ = try await ground.audit.append(record)
        } catch {
            Log.error("approval.unrecorded", ["failure": .code(error.code)])
        }
        return outcome == "approved"
    }

    func drain() {
        sweeper.stop()
        gateway.drain()
    }

    /// Which files judge from now on, by their hashes: a decision in the trail names the policy, and this says what it was.
    private func recordRules(_ loaded: LoadedConfiguration) throws(ProgramFailure) {
        do throws(AuditFailure) {
            for record in loaded.rulesRecords { try ground.audit.appendWithoutWaiting(record) }
        } catch {
            throw ProgramFailure("the audit trail doesn't take which policies are in force: \(error)")
        }
    }
}

/// Ends sessions that nobody uses, once a minute.
private final class SessionSweep: Sendable {
    private let store: SessionStore
    private let isStopped = Atomic<Bool>(false)

    init(_ store: SessionStore) {
        self.store = store
    }

    func start(on loop: EventLoop) {
        loop.spawn { [self] in
            while !isStopped.load(ordering: .acquiring) {
                store.sweep()
                await EventLoop.current.sleep(for: .seconds(1))
            }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
    }
}

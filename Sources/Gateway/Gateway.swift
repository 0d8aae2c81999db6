public import Audit
import Bytes
public import HTTP
public import Identity
import MCP
public import OpenSSL
import Policy
import Redaction
public import Sessions
import Synchronization
import System
public import Telemetry

/// The one procedure: what happens to a request between the edge that read it and the server it is meant for.
///
/// Shared by all loops; a reload replaces the rules as a whole, and a request keeps the rules it began with.
public final class Gateway: Sendable {
    let audit: AuditLog
    let identities: IdentityRegistry
    let sessions: SessionStore
    let meters: Meters
    let occupancy: Occupancy
    /// Open `subscriptions/listen` streams.
    let subscriptions = OpenSubscriptions()
    /// What requests of the stateless revision go on from.
    let states: RequestStates
    /// Whose the servers' tasks are.
    let tasks: TaskBook<ResultTicket>
    /// The ids that events have towards clients.
    let eventIDs = EventIDs()
    /// Told of every reload.
    let news = News()
    private let current: Mutex<Rules>
    private let draining = Mutex(false)

    /// A gateway that starts with these rules.
    ///
    /// - Throws: when the machine has no randomness.
    public init(
        rules: Rules, identities: IdentityRegistry, sessions: SessionStore, audit: AuditLog, metrics: Metrics
    ) throws(OpenSSLFailure) {
        states = try RequestStates()
        tasks = TaskBook { UInt64(max(0, MonotonicTime.now.nanoseconds)) }
        current = Mutex(rules)
        self.identities = identities
        self.sessions = sessions
        self.audit = audit
        meters = Meters(metrics)
        occupancy = Occupancy(rules.occupancy)
    }

    /// The rules in force.
    public var rules: Rules { current.withLock { $0 } }

    /// Puts other rules in force. Requests under way end under those they began with; streams are judged anew.
    public func replace(_ rules: Rules) {
        current.withLock { current in
            let generation = current.generation + 1
            current = rules
            current.generation = generation
        }
        news.tell()
        occupancy.limit(to: rules.occupancy)
    }

    /// From now on new requests are refused (503) and streams of server messages end, so that a stop is a clean one.
    public func drain() {
        draining.withLock { $0 = true }
        sessions.endStreams()
        subscriptions.endAll()
    }

    /// Answers one request, whatever becomes of it. Returns when the answer has been given or can no longer be.
    public func handle(_ exchange: any Exchange) async {
        let responder = Responder(exchange)
        let trail: Trail
        do throws(AuditFailure) {
            trail = try Trail(in: audit, peer: exchange.peer)
        } catch {
            try? await responder.send(Refusal.unrecorded(error, nil).response(call: nil))
            return
        }
        let visit = Visit(exchange: exchange, gateway: self, rules: rules, trail: trail)
        switch await visit.reply() {
        case .response(let response):
            meters.answered(status: response.status)
            // The client may be gone; the outcome is in the trail already, and nobody else waits for the bytes.
            try? await responder.send(response)
        case .relay(let relay):
            meters.answered(status: 200)
            await relay.run(answering: responder)
        case .stateless(let relay):
            meters.answered(status: 200)
            await relay.run(answering: responder)
        }
    }

    var isDraining: Bool { draining.withLock { $0 } }
}

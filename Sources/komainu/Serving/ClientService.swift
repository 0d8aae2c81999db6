import Admin
import Audit
import Edge
import Identity
import Reactor
import Telemetry

/// What answers clients: the gateway with its upstreams. Behind it stands everything that a reload exchanges.
protocol ClientService: ExchangeHandler, RefusalObserver {
    /// Works by another configuration from the next message on, or throws and works on by the one before.
    func apply(_ loaded: LoadedConfiguration) throws(ProgramFailure)

    /// What stands in the way of serving. Quick: it is asked by whoever asks whether we are ready.
    var obstacles: [Obstacle] { get }

    /// Carries an approval out and records it, whether it is granted or not; says which. On an event loop.
    @discardableResult
    func approve(_ request: ApprovalRequest, upstream: String) async -> Bool

    /// Takes no new requests and ends what has no end of its own; what is being answered goes on.
    func drain()
}

/// What a client service stands on. All of it outlives the service.
struct ServiceGround: Sendable {
    /// The loops that clients are served on.
    let loops: [EventLoop]
    /// For files and databases.
    let files: ThreadPool
    /// For names.
    let resolver: Resolver
    /// The trail.
    let audit: AuditLog
    /// Who is who.
    let identity: IdentityRegistry
    /// The key of pseudonyms.
    let redactionKey: Secret<[UInt8]>
    /// The upstreams that are programs.
    let programs = Programs()
}

import Bytes
import Catalog
import HTTP
import JSON
import KomainuTesting
import Policy
import Reactor
import Redaction
import Sessions
import Synchronization
import System
import Telemetry
import Testing
import YAML

@testable import Audit
@testable import Gateway
@testable import Identity

/// A gateway whole in memory but for its files: clients and server are scripted, everything between them is real.
struct House: Sendable {
    /// What a test may want otherwise.
    struct Plan {
        var rules: (inout Rules) -> Void = { _ in }
        var sessions = SessionLimits()
        var trustsFirstSight = true
        var unknownTool = UnknownToolForm.standard
        /// Files of catalogues and policies: beside the tests, or of the repository with their whole path. The first policy is
        /// the server's own.
        var catalogs = ["catalog.yaml"]
        var policies = ["readers.yaml", "open.yaml", "wide.yaml"]
        /// Intents that end without an outcome, because the test takes the disk away.
        var openIntents = 0
        /// Whether the trail may end without `log.closed`'s good conscience.
        var isDamagedOnPurpose = false
    }

    let loop: EventLoop
    let server = ScriptedServer()
    let gateway: Gateway
    let book: ToolBook
    let registry: IdentityRegistry
    let store: StateStore
    let audit: AuditLog
    let disk: Disk
    let clock: Clock
    let metrics: Metrics
    /// Ada's token is for the whole upstream and for `guarded`, Bob's for the upstream.
    let ada: Issued<APIToken>
    let bob: Issued<APIToken>
    /// Somebody's whose token is bound elsewhere.
    let stranger: Issued<APIToken>
    /// An endpoint that asks for a token as well.
    let guarded: Issued<Endpoint>
    /// One whose URL is enough, under the policy that opens more than tools.
    let open: Issued<Endpoint>
    /// Another, under the policy that opens whatever can be opened.
    let wide: Issued<Endpoint>

    /// Runs a test on the house's loop, closes the house, verifies its trail and gives it back.
    @discardableResult
    static func run(
        _ change: (inout Plan) -> Void = { _ in }, _ body: @escaping @Sendable (House) async throws -> Void
    ) async throws -> [Record] {
        var plan = Plan()
        change(&plan)
        let folder = try Files.makeTemporaryFolder(prefix: "komainu-gateway-")
        defer { try? Files.removeTree(folder) }
        let threads = try ThreadPool(name: "files", threads: 2)
        let house = try House(folder, plan, threads)
        let result: Result<Void, any Error> = await withCheckedContinuation { continuation in
            house.loop.spawn {
                do {
                    continuation.resume(returning: .success(try await body(house)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try house.closed(folder, plan, threads, result)
    }

    private func closed(
        _ folder: String, _ plan: Plan, _ threads: ThreadPool, _ result: Result<Void, any Error>
    ) throws -> [Record] {
        let idle = MonotonicTime.now + .seconds(5)
        let pause = Bell()
        while loop.liveTasks > 0, MonotonicTime.now < idle { pause.wait(until: .now + .milliseconds(1)) }
        #expect(loop.liveTasks == 0, "something waits for ever")
        loop.stop()
        registry.stop()
        threads.stop()
        audit.close()
        let report = AuditVerifier.verify(folder + "/trail")
        #expect(report.problems.isEmpty, "\(report.problems)")
        #expect(report.openIntents == plan.openIntents)
        if plan.openIntents == 0, !plan.isDamagedOnPurpose { #expect(report.verdict == .ok, "\(report.warnings)") }
        try result.get()
        return try Record.all(in: folder + "/trail")
    }

    private init(_ folder: String, _ plan: Plan, _ threads: ThreadPool) throws {
        loop = try EventLoop(name: "gateway-test")
        try loop.start()
        let state = StateSettings(
            database: folder + "/state.db", tokenKey: folder + "/token.key", publicURL: "https://mcp.example.com")
        try KeyFile.create(state.tokenKey)
        store = try StateStore(state)
        (guarded, open, wide, ada, bob, stranger) = try House.people(in: store)
        var identity = IdentitySettings(state: state)
        identity.pollInterval = .milliseconds(20)
        registry = try IdentityRegistry(identity)
        let disk = Disk()
        self.disk = disk
        var settings = AuditSettings(
            directory: folder + "/trail", origin: "mcp.example.com/audit", keys: folder + "/keys")
        settings.probe = .milliseconds(20)
        settings.segmentBytes = 1 << 20
        audit = try AuditLog.open(
            settings, storage: FillingStorage(settings.directory, disk), clock: LogClock())
        let clock = Clock()
        self.clock = clock
        metrics = Metrics()
        book = try ToolBook(
            catalog: House.catalog(plan.catalogs), store: PinFile(path: folder + "/pins.json"),
            trustsFirstSight: plan.trustsFirstSight, threads: threads)
        var rules = Rules([try House.protected(server, book, plan)])
        plan.rules(&rules)
        gateway = try Gateway(
            rules: rules, identities: registry,
            sessions: SessionStore(limits: plan.sessions) { clock.now }, audit: audit, metrics: metrics)
    }

    private static func protected(
        _ server: ScriptedServer, _ book: ToolBook, _ plan: Plan
    ) throws -> ProtectedServer {
        try #require(
            ProtectedServer(
                name: "torii",
                policies: try plan.policies.map { try policy($0, try catalog(plan.catalogs)) },
                redactor: Redactor(key: Array(repeating: 7, count: 32), upstream: "torii"), tools: book,
                transport: server, unknownTool: plan.unknownTool))
    }

    private typealias People = (
        guarded: Issued<Endpoint>, open: Issued<Endpoint>, wide: Issued<Endpoint>, ada: Issued<APIToken>,
        bob: Issued<APIToken>,
        stranger: Issued<APIToken>
    )

    private static func people(in store: StateStore) throws -> People {
        func endpoint(_ name: ByteString, _ config: EndpointConfig) throws -> Issued<Endpoint> {
            try store.createEndpoint(
                EndpointDraft(name: name, upstream: "torii", config: config), by: "tests", now: .now
            ).value
        }
        func token(_ name: ByteString, _ endpoints: Set<EndpointID>, _ upstream: ByteString) throws -> Issued<APIToken>
        {
            try store.createAPIToken(
                APITokenDraft(
                    name: name, subject: name, groups: ["dashboards"], endpoints: endpoints, upstreams: [upstream]),
                by: "tests", now: .now
            ).value
        }
        let guarded = try endpoint("guarded", EndpointConfig(requireAPITokenAuth: true))
        let open = try endpoint("open", EndpointConfig(policy: "open"))
        let wide = try endpoint("wide", EndpointConfig(policy: "wide"))
        return (
            guarded, open, wide, try token("ada", [guarded.record.id], "torii"), try token("bob", [], "torii"),
            try token("stranger", [], "elsewhere")
        )
    }

    // MARK: Rules

    private static func tree(_ name: String) throws -> Node {
        let bytes = name.hasPrefix("/") ? try Files.read(name, limit: 1 << 20) : Cases.read(name, beside: #filePath)
        return try YAML.parse(try #require(bytes), file: name)
    }

    static func catalog(_ files: [String] = ["catalog.yaml"]) throws -> Catalog {
        let reading = Reading()
        let catalog = Catalog(reading: try files.map { try tree($0) }, reading)
        return try #require(catalog, "\(reading.problemsInOrder)")
    }

    static func policy(_ name: String, _ catalog: Catalog? = nil) throws -> RuleSet {
        let reading = Reading()
        let rules = RuleSet(reading: try tree(name), catalog: try catalog ?? House.catalog(), reading)
        return try #require(rules, "\(reading.problemsInOrder)")
    }

    /// The same server under fewer policies.
    func rulesWithout(_ name: String) throws -> Rules {
        let catalog = try House.catalog()
        let policies = try ["readers.yaml", "open.yaml", "wide.yaml"].filter { $0 != name }
            .map { try House.policy($0, catalog) }
        let protected = ProtectedServer(
            name: "torii", policies: policies,
            redactor: Redactor(key: Array(repeating: 7, count: 32), upstream: "torii"),
            tools: book, transport: server)
        return Rules([try #require(protected)])
    }

    // MARK: Changes of the records

    /// Waits until a change is in force.
    @discardableResult
    func applied<Value>(_ change: Changed<Value>) throws -> Value {
        #expect(try store.waitUntilApplied(change.number, within: .seconds(5)).isEmpty)
        return change.value
    }

    /// Another endpoint, which ends after `ttl` seconds.
    func endpoint(_ name: ByteString, _ config: EndpointConfig = EndpointConfig(), ttl: Double?) throws
        -> Issued<Endpoint>
    {
        let expiry = ttl.map { WallTime.now + .seconds($0) }
        let draft = EndpointDraft(name: name, upstream: "torii", config: config, expiresAt: expiry)
        return try applied(store.createEndpoint(draft, by: "tests", now: House.moment(before: expiry)))
    }

    /// Another token for the upstream, which ends after `ttl` seconds.
    func token(_ name: ByteString, ttl: Double?) throws -> Issued<APIToken> {
        let expiry = ttl.map { WallTime.now + .seconds($0) }
        let draft = APITokenDraft(
            name: name, subject: name, groups: ["dashboards"], endpoints: [guarded.record.id], upstreams: ["torii"],
            expiresAt: expiry)
        return try applied(store.createAPIToken(draft, by: "tests", now: House.moment(before: expiry)))
    }

    /// Another token for the upstream, of somebody in these groups.
    func token(_ name: ByteString, groups: Set<ByteString>) throws -> Issued<APIToken> {
        let draft = APITokenDraft(name: name, subject: name, groups: groups, upstreams: ["torii"])
        return try applied(store.createAPIToken(draft, by: "tests", now: .now))
    }

    /// Nothing may be made that ends within a minute; so it was made a minute ago.
    private static func moment(before expiry: WallTime?) -> WallTime {
        expiry.map { $0 + .seconds(-61) } ?? .now
    }

    /// An endpoint's secret as they look, and nobody's.
    var unknownSecret: ByteString { (try? SecretText.fresh(.endpoint)) ?? "" }
}

/// Idle time, moved by hand.
final class Clock: Sendable {
    private let nanoseconds = Mutex<UInt64>(1_000_000_000)
    var now: UInt64 { nanoseconds.withLock { $0 } }
    func pass(seconds: UInt64) { nanoseconds.withLock { $0 += seconds * 1_000_000_000 } }
}

/// Waits until something is so, at most five seconds: the machine may be busy.
func eventually(
    _ what: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation, _ condition: () -> Bool
) async {
    let loop = EventLoop.current
    let deadline = MonotonicTime.now + .seconds(5)
    while !condition(), MonotonicTime.now < deadline { await loop.sleep(for: .milliseconds(1)) }
    #expect(condition(), what, sourceLocation: sourceLocation)
}

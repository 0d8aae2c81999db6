import Admin
import Audit
import Bytes
import HTTP
import Identity
import JSON
import Reactor
import Synchronization
import System
import Telemetry

/// Carries out what the admin API is asked for, on threads of its own: the records are in files.
///
/// A change is checked, then written into the trail, then made, then awaited until every proxy works by it, and its end is
/// written into the trail before it is answered. A crash after the first record leaves either nothing, or the change, which
/// `ChangeRecorder` records at the next start.
final class Administration: AdminOperations {
    let store: StateStore
    let audit: AuditLog
    let service: any ClientService
    private let threads: ThreadPool
    private let loaded: Mutex<LoadedConfiguration>

    init(
        _ loaded: LoadedConfiguration, _ store: StateStore, _ audit: AuditLog, _ service: any ClientService
    ) throws(ProgramFailure) {
        self.loaded = Mutex(loaded)
        self.store = store
        self.audit = audit
        self.service = service
        threads = try attempting("threads can't be started") { () throws(SystemFailure) in
            try ThreadPool(name: "admin", threads: 2)
        }
    }

    /// Works by another configuration from the next order on.
    func apply(_ new: LoadedConfiguration) {
        loaded.withLock { $0 = new }
    }

    /// Ends the threads after what they are at. Not on a loop, and after the last order.
    func stop() {
        threads.stop()
    }

    var configuration: LoadedConfiguration { loaded.withLock { $0 } }

    var changes: RecordChanges { RecordChanges(store: store, upstreams: configuration.upstreams) }

    func perform(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        switch order.action {
        case .listEndpoints: try await listEndpoints(order)
        case .createEndpoint: try await createEndpoint(order)
        case .readEndpoint: try await readEndpoint(order)
        case .changeEndpoint: try await changeEndpoint(order)
        case .deleteEndpoint: try await deleteEndpoint(order)
        case .rotateEndpoint: try await rotateEndpoint(order)
        case .listAPITokens: try await listAPITokens(order)
        case .createAPIToken: try await createAPIToken(order)
        case .readAPIToken: try await readAPIToken(order)
        case .revokeAPIToken: try await revokeAPIToken(order)
        case .listAdminTokens: try await listAdminTokens(order)
        case .createAdminToken: try await createAdminToken(order)
        case .readAdminToken: try await readAdminToken(order)
        case .revokeAdminToken: try await revokeAdminToken(order)
        case .listTools: try await listTools(order)
        case .approveTool: try await approveTool(order)
        case .explain: try await explain(order)
        case .describe: throw AdminError(404, "there is nothing at this address")
        }
    }

    // MARK: What the orders share

    /// Does something that blocks.
    func blocking<Value: Sendable>(
        _ body: @escaping @Sendable () throws(ChangeRefusal) -> Value
    ) async throws(AdminError) -> Value {
        do throws(ChangeRefusal) { return try await threads.run(body) } catch { throw error.adminError }
    }

    /// Writes the intent, makes the change, waits until it is in effect, and writes how it ended.
    ///
    /// - Parameter subject: the id of what was made, which the intent can't know.
    func carryOut<Value: Sendable>(
        _ intent: AdminIntent, _ order: AdminOrder, subject: (Value) -> ByteString? = { _ in nil },
        _ make: @escaping @Sendable () throws(ChangeRefusal) -> Changed<Value>
    ) async throws(AdminError) -> Value {
        let call = try await write(intent, order)
        let made: Changed<Value>
        do throws(AdminError) {
            made = try await blocking(make)
        } catch {
            try await writeEnd(of: intent, call, order, "failed", [("reason", .text(ByteString(error.message)))])
            throw error
        }
        await settle(made.number)
        var done = intent
        done.subject = subject(made.value) ?? intent.subject
        try await writeEnd(of: done, call, order, "done", [("change", .int(Int(made.number)))])
        return made.value
    }

    /// The answer to a request that was carried out before; nothing when this one is the first.
    func repeated(
        _ order: AdminOrder, _ show: @escaping @Sendable (ByteString, inout JSONWriter) throws(StateFailure) -> Void
    ) async throws(AdminError) -> AdminAnswer? {
        guard let request = order.repeatable else { return nil }
        let store = store
        return try await blocking { () throws(ChangeRefusal) -> AdminAnswer? in
            let subject = try changing { () throws(StateFailure) in try store.outcome(of: request, now: .now) }
            guard let subject else { return nil }
            var writer = JSONWriter()
            do throws(StateFailure) {
                try show(subject, &writer)
            } catch {
                guard error.reason == .notFound else { throw ChangeRefusal(error) }
                throw ChangeRefusal(.conflict, "what a request with this idempotency key made has been deleted since")
            }
            return AdminAnswer(body: writer.bytes, isRepeated: true)
        }
    }

    private func settle(_ number: Int64) async {
        let store = store
        let behind = await threads.run {
            (try? store.waitUntilApplied(number, within: .seconds(5)))?.first?.process
        }
        if let behind { Log.warning("admin.unsettled", ["change": .int(number), "process": .int(Int64(behind))]) }
    }
}

extension ChangeRefusal {
    /// What the API answers.
    var adminError: AdminError {
        switch kind {
        case .notFound: AdminError(404, text)
        case .invalid: AdminError(400, text, path: field ?? "the body")
        case .conflict, .full: AdminError(409, text)
        case .keyReused: AdminError(422, text, path: "Idempotency-Key")
        case .unavailable: unavailable
        }
    }

    /// What is wrong with our files is for our log.
    private var unavailable: AdminError {
        Log.warning("admin.unavailable", ["reason": .text(text)])
        return AdminError(503, "the records can't be used at the moment")
    }
}

/// One page of records, oldest first.
struct AdminPage<Record: Sendable>: Sendable {
    let records: [Record]
    private let next: ByteString?

    /// - Parameter position: where a record stands among all: unique, and in the order of the list. Kept by a cursor, so
    ///   that a record that is deleted meanwhile loses nobody their place.
    init(_ all: [Record], _ query: AdminQuery, position: (Record) -> ByteString) {
        let placed = all.map { (position($0), $0) }.sorted { $0.0 < $1.0 }
        let rest = placed.filter { place, _ in query.position.map { $0 < place } ?? true }
        let page = rest.prefix(query.limit)
        records = page.map(\.1)
        next = page.count < rest.count ? page.last?.0 : nil
    }

    /// Writes `{result, next_cursor}`.
    func answer(_ write: (Record, inout JSONWriter) -> Void) -> AdminAnswer {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("result")
        writer.beginArray()
        for record in records { write(record, &writer) }
        writer.endArray()
        writer.member("next_cursor", next.map { Base64URL.encode($0.bytes) })
        writer.endObject()
        return AdminAnswer(body: writer.bytes)
    }

    /// The place of a record by its age.
    static func place(_ createdAt: WallTime, _ id: ByteString) -> ByteString {
        let digits = String(max(0, createdAt.nanoseconds))
        let zeros = String(repeating: "0", count: max(0, 20 - digits.utf8.count))
        return ByteString(Array((zeros + digits).utf8) + id.bytes)
    }
}

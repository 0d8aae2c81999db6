import Audit
import Bytes
import Identity
import Reactor
import Synchronization
import System
import Telemetry

/// Puts every change of the records into the audit trail.
///
/// Commands change the records while the proxy holds the trail's lock, so they can't write into it. The proxy finds the
/// changes by their numbers, also those made while it did not run, and remembers how far it came. A crash between the
/// trail and the remembering records a change twice under one number; none is left out, unless 10,000 were made while no
/// proxy ran.
final class ChangeRecorder: Sendable {
    private let store: StateStore
    private let audit: AuditLog
    private let files: ThreadPool
    private let isStopped = Atomic<Bool>(false)

    init(_ store: StateStore, _ audit: AuditLog, _ files: ThreadPool) {
        self.store = store
        self.audit = audit
        self.files = files
    }

    /// Begins on a loop, and looks four times a second.
    func start(on loop: EventLoop) {
        loop.spawn { [self] in
            while !isStopped.load(ordering: .acquiring) {
                await recordNew()
                await EventLoop.current.sleep(for: .milliseconds(250))
            }
        }
    }

    func stop() {
        isStopped.store(true, ordering: .releasing)
    }

    private func recordNew() async {
        do throws(StateFailure) {
            let store = store
            let changes = try await files.run { () throws(StateFailure) -> [NamedChange] in
                let changes = try store.changes(after: try store.lastRecordedChange())
                return changes.map { NamedChange($0, store) }
            }
            for change in changes {
                guard await record(change) else { return }
                try await files.run { () throws(StateFailure) in try store.rememberRecordedChange(change.change.number)
                }
            }
        } catch {
            Log.warning("changes.unreadable", ["failure": .text(error.description)])
        }
    }

    /// Whether it is in the trail; if not, it is tried again soon.
    private func record(_ change: NamedChange) async -> Bool {
        do throws(AuditFailure) {
            _ = try await audit.append(change.record)
            return true
        } catch {
            Log.warning("changes.unrecorded", ["change": .int(change.change.number), "failure": .code(error.code)])
            return false
        }
    }
}

/// A change with what can still be told about its subject.
private struct NamedChange: Sendable {
    let change: StateChange
    private let name: ByteString?

    init(_ change: StateChange, _ store: StateStore) {
        self.change = change
        if let id = EndpointID(change.subject), let endpoint = try? store.endpoint(id) {
            name = endpoint.name
        } else if let id = TokenID(change.subject), let token = try? store.apiToken(id) {
            name = token.subject
        } else if let id = TokenID(change.subject), let token = try? store.adminToken(id) {
            name = token.name
        } else {
            name = nil
        }
    }

    var record: AuditRecord {
        var record = AuditRecord(
            .adminAction,
            facts: [
                ("action", .text(change.what)), ("subject", .text(change.subject)),
                ("change", .int(Int(change.number))),
                ("at", .text(ByteString(change.at.rfc3339(fractionDigits: 3)))),
            ])
        if let name { record.facts.append(("name", .text(name))) }
        if let by = change.by { record.facts.append(("by", .text(by))) }
        return record
    }
}

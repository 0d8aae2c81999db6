import Bytes
import System
import Telemetry

/// Publishes the tree over the trail once a second, on a thread of its own: whoever writes or waits for a record never waits
/// for it. When it cannot, records are written all the same; the next checkpoint covers them.
final class Notary {
    private let desk: Desk
    private let publisher: Publisher
    private let settings: AuditSettings
    /// Held as long as the log may be anchored.
    private let lock: LockFile
    private var isTroubled = false
    private let size = Metrics.shared.gauge(
        "komainu_audit_checkpoint_records", help: "Audit records that the newest released checkpoint covers.")

    init(desk: Desk, publisher: Publisher, settings: AuditSettings, lock: LockFile) {
        self.desk = desk
        self.publisher = publisher
        self.settings = settings
        self.lock = lock
    }

    /// Publishes until the log is closed or poisoned; what was closed in good order is signed to its end.
    func run() {
        var isFirst = true
        while !desk.isOver {
            publish(keeps: isFirst)
            isFirst = false
            desk.notaryBell.wait(until: .now + settings.checkpointInterval)
        }
        if desk.condition.log == .closed { publish(keeps: true) }
    }

    private func publish(keeps: Bool) {
        do throws(PublishFailure) {
            try publisher.publish(upTo: desk.head, keeps: keeps)
            size.only.set(Int(clamping: publisher.releasedSize))
            if isTroubled { Log.notice("audit.checkpoint_resumed") }
            isTroubled = false
        } catch {
            switch error {
            case .failed(let failure): trouble(failure)
            case .refused(let damage): refuse(damage.file, damage.reason)
            case .forked(let source, let size): refuse(source, "the log has another tree of \(size) records")
            }
        }
    }

    private func trouble(_ failure: SystemFailure) {
        if isTroubled { return }
        isTroubled = true
        Log.error("audit.checkpoint_failed", ["failure": .text(ByteString(failure.description))])
    }

    /// What is on disk is not what was written, or was signed otherwise: nothing may be forwarded on the word of such a log.
    /// The next start says where.
    private func refuse(_ place: String, _ reason: String) {
        Log.error("audit.checkpoint_refused", ["place": .text(ByteString(place)), "reason": .text(ByteString(reason))])
        let failure = SystemFailure(call: "verify", errno: 5, path: place)
        for waiting in desk.end(.poisoned(failure)) { waiting.waiter?.resume(returning: .failure(.poisoned(failure))) }
        settings.whenPoisoned(.poisoned(failure))
    }
}

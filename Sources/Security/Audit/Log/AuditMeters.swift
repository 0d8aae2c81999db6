import System
import Telemetry

/// What operators see of the writer.
struct AuditMeters {
    private let seconds = Metrics.shared.histogram(
        "komainu_audit_write_seconds", help: "Time to make one batch of audit records durable.")
    private let records = Metrics.shared.counter(
        "komainu_audit_records_total", help: "Audit records made durable.", labels: ["kind"])

    /// A batch is on disk.
    func wrote(_ batch: [Waiting], in duration: Duration) {
        seconds.only.observe(Double(duration.nanoseconds) / 1e9)
        var counts: [AuditKind: UInt64] = [:]
        for waiting in batch { counts[waiting.draft.kind, default: 0] += 1 }
        for (kind, count) in counts { records.with(kind.rawValue).add(count) }
    }
}

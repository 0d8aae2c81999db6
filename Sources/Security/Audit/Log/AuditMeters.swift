import System
import Telemetry

/// What operators see of the writer.
struct AuditMeters {
    private let seconds = Metrics.shared.histogram(
        "komainu_audit_write_seconds", help: "Time to make one batch of audit records durable.")
    private let records = Metrics.shared.counter(
        "komainu_audit_records_total", help: "Audit records made durable.", labels: ["kind"])
    /// The counters that were asked for, so that each is looked up once.
    private var counters: [AuditKind: Counter] = [:]

    /// A batch is on disk.
    mutating func wrote(_ batch: [Waiting], in duration: Duration) {
        seconds.only.observe(Double(duration.nanoseconds) / 1e9)
        for waiting in batch { counter(waiting.draft.kind).add() }
    }

    private mutating func counter(_ kind: AuditKind) -> Counter {
        if let known = counters[kind] { return known }
        let counter = records.with(kind.rawValue)
        counters[kind] = counter
        return counter
    }
}

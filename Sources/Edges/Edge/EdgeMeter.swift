import Telemetry

/// What operators see of the edge.
struct EdgeMeter: Sendable {
    private let open: Gauge
    private let all: CounterFamily
    private let refusals: CounterFamily
    private let lost: CounterFamily

    init(_ metrics: Metrics) {
        open = metrics.gauge("komainu_edge_connections", help: "Connections that clients have open.").only
        all = metrics.counter("komainu_edge_connections_total", help: "Connections that clients made.")
        refusals = metrics.counter(
            "komainu_edge_refusals_total", help: "What the edge refused by itself.", labels: ["reason"])
        lost = metrics.counter(
            "komainu_edge_unrecorded_refusals_total", help: "Refusals beyond what could be recorded at once.")
    }

    func accepted() {
        open.add()
        all.add()
    }

    func closed() { open.subtract() }

    func refused(_ refusal: EdgeRefusal) {
        refusals.with(refusal.code).add(UInt64(refusal.count))
    }

    func unrecorded() { lost.add() }
}

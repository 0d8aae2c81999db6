import Bytes
import Telemetry

/// What the gateway counts. Labels are words of our own tables, never anything of a request.
struct Meters: Sendable {
    private let answers: CounterFamily
    /// The counter of status 200, found once: nearly every answer is one.
    private let successes: Counter
    private let refusals: CounterFamily
    private let drops: CounterFamily

    init(_ metrics: Metrics) {
        answers = metrics.counter("komainu_answers_total", help: "Answers to clients.", labels: ["status"])
        successes = answers.with("200")
        refusals = metrics.counter("komainu_refusals_total", help: "Refusals, by their word.", labels: ["reason"])
        drops = metrics.counter(
            "komainu_server_messages_dropped_total", help: "Messages of servers that went no further.",
            labels: ["reason"])
    }

    func answered(status: Int) { (status == 200 ? successes : answers.with(String(status))).add() }
    func refused(_ word: ByteString) { refusals.with(word).add() }
    func dropped(_ what: String) { drops.with(what).add() }
}

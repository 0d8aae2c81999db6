import Synchronization

/// Every number the proxy publishes, as Prometheus reads it (text exposition format 0.0.4).
///
/// Names and label names stand in the program; label values are few by construction: a family admits a limited number
/// of combinations and counts the rest under `other`, so a client that invents names cannot grow the proxy's memory.
/// Registering the same family twice gives the same family, so each event loop may ask for its own.
public final class Metrics: Sendable {
    /// The registry that the admin listener shows.
    public static let shared = Metrics()

    private let families = Mutex<[String: any MetricFamily]>([:])

    /// An empty registry, for tests that must not see each other's numbers.
    public init() {}

    /// Something that only grows. By Prometheus' habit the name ends in `_total`.
    public func counter(
        _ name: StaticString, help: StaticString, labels: [StaticString] = [], seriesLimit: Int = 256
    ) -> CounterFamily {
        registered(FamilyDescription(name, help, labels, seriesLimit)) { CounterFamily($0) }
    }

    /// Something that goes up and down.
    public func gauge(
        _ name: StaticString, help: StaticString, labels: [StaticString] = [], seriesLimit: Int = 256
    ) -> GaugeFamily {
        registered(FamilyDescription(name, help, labels, seriesLimit)) { GaugeFamily($0) }
    }

    /// Something that is measured when somebody looks, such as a queue's length. `read` must be quick and must not block.
    public func gauge(_ name: StaticString, help: StaticString, read: @escaping @Sendable () -> Double) {
        let family = registered(FamilyDescription(name, help, [], 1)) { ReadGauge($0) }
        family.readBy(read)
    }

    /// How something is spread, such as durations in seconds. `buckets` are upper bounds in rising order.
    public func histogram(
        _ name: StaticString, help: StaticString, labels: [StaticString] = [],
        buckets: [Double] = Histogram.secondsBuckets, seriesLimit: Int = 64
    ) -> HistogramFamily {
        registered(FamilyDescription(name, help, labels, seriesLimit)) { HistogramFamily($0, buckets: buckets) }
    }

    /// The whole registry as text, families in the order of their names.
    public func exposition() -> [UInt8] {
        let all = families.withLock { $0.values.map { $0 } }
        var text = ExpositionText()
        for family in all.sorted(by: { $0.description.name < $1.description.name }) {
            text.begin(family.description, kind: family.kind)
            family.write(into: &text)
        }
        return text.bytes
    }

    /// What to say in `Content-Type` with `exposition`.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    private func registered<Family: MetricFamily>(
        _ description: FamilyDescription, _ make: (FamilyDescription) -> Family
    ) -> Family {
        families.withLock { families in
            guard let known = families[description.name] else {
                let family = make(description)
                families[description.name] = family
                return family
            }
            guard let same = known as? Family, same.description.labels == description.labels else {
                preconditionFailure("metric \(description.name) is registered twice with different kinds or labels")
            }
            return same
        }
    }
}

/// What a family is called. Names are checked when made: they stand in the program, so a wrong one is our mistake.
struct FamilyDescription: Sendable {
    let name: String
    let help: String
    let labels: [String]
    let seriesLimit: Int

    init(_ name: StaticString, _ help: StaticString, _ labels: [StaticString], _ seriesLimit: Int) {
        self.name = "\(name)"
        self.help = "\(help)"
        self.labels = labels.map { "\($0)" }
        self.seriesLimit = seriesLimit
        precondition(FamilyDescription.isName(self.name), "not a metric name: \(name)")
        precondition(self.labels.allSatisfy(FamilyDescription.isName), "not label names: \(self.labels)")
    }

    private static func isName(_ name: String) -> Bool {
        let letters = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: false
            }
        }
        guard letters, let first = name.utf8.first else { return false }
        return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
    }
}

/// One name with its series.
protocol MetricFamily: AnyObject, Sendable {
    var description: FamilyDescription { get }
    var kind: StaticString { get }
    func write(into text: inout ExpositionText)
}

public import Bytes
import Synchronization

/// One number that goes up and down.
public final class Gauge: Sendable {
    private let current = Atomic<Int>(0)

    init() {}

    /// Changes the number by `amount`.
    public func add(_ amount: Int = 1) {
        current.wrappingAdd(amount, ordering: .relaxed)
    }

    /// Lowers the number by `amount`.
    public func subtract(_ amount: Int = 1) {
        current.wrappingSubtract(amount, ordering: .relaxed)
    }

    /// Sets the number.
    public func set(_ value: Int) {
        current.store(value, ordering: .relaxed)
    }

    /// The number now.
    public var value: Int { current.load(ordering: .relaxed) }
}

/// The gauges of one name, one for each combination of label values.
public final class GaugeFamily: MetricFamily {
    let description: FamilyDescription
    let kind: StaticString = "gauge"
    private let table: SeriesTable<Gauge>

    init(_ description: FamilyDescription) {
        self.description = description
        self.table = SeriesTable(description) { Gauge() }
    }

    /// The gauge for these label values, in the order of the family's labels. Never pass a secret.
    public func with(_ values: ByteString...) -> Gauge { table.find(values.map(\.bytes)) }

    /// The gauge for these label values, in the order of the family's labels. Never pass a secret.
    public func with(_ values: String...) -> Gauge { table.find(values.map { Array($0.utf8) }) }

    /// The gauge of a family without labels.
    public var only: Gauge { table.find([]) }

    func write(into text: inout ExpositionText) {
        for (labels, gauge) in table.all() {
            text.sample(description.name, labels, "\(gauge.value)")
        }
    }
}

/// A number that is read when somebody looks.
final class ReadGauge: MetricFamily {
    let description: FamilyDescription
    let kind: StaticString = "gauge"
    private let reading = Mutex<(@Sendable () -> Double)?>(nil)

    init(_ description: FamilyDescription) {
        self.description = description
    }

    func readBy(_ read: @escaping @Sendable () -> Double) {
        reading.withLock { $0 = read }
    }

    func write(into text: inout ExpositionText) {
        guard let read = reading.withLock({ $0 }) else { return }
        text.sample(description.name, [], ExpositionText.number(read()))
    }
}

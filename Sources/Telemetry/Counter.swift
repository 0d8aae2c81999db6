public import Bytes
import Synchronization

/// One number that only grows. Keep it where it is used: adding is one atomic instruction.
public final class Counter: Sendable {
    private let count = Atomic<UInt64>(0)

    init() {}

    /// Counts `amount` more.
    public func add(_ amount: UInt64 = 1) {
        count.wrappingAdd(amount, ordering: .relaxed)
    }

    /// The sum so far.
    public var value: UInt64 { count.load(ordering: .relaxed) }
}

/// The counters of one name, one for each combination of label values.
public final class CounterFamily: MetricFamily {
    let description: FamilyDescription
    let kind: StaticString = "counter"
    private let table: SeriesTable<Counter>

    init(_ description: FamilyDescription) {
        self.description = description
        self.table = SeriesTable(description) { Counter() }
    }

    /// The counter for these label values, in the order of the family's labels. Never pass a secret.
    public func with(_ values: ByteString...) -> Counter { table.find(values.map(\.bytes)) }

    /// The counter for these label values, in the order of the family's labels. Never pass a secret.
    public func with(_ values: String...) -> Counter { table.find(values.map { Array($0.utf8) }) }

    /// Counts `amount` more on the family without labels.
    public func add(_ amount: UInt64 = 1) { table.find([]).add(amount) }

    func write(into text: inout ExpositionText) {
        for (labels, counter) in table.all() {
            text.sample(description.name, labels, "\(counter.value)")
        }
    }
}

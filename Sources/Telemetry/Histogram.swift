public import Bytes
import Synchronization

/// How measured values are spread over fixed buckets.
public final class Histogram: Sendable {
    /// Bounds in seconds from 100 µs to 60 s: a proxied call lies in the middle, a waiting stream at the end.
    public static let secondsBuckets: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
    ]

    struct Tally: Sendable {
        var counts: [UInt64]
        var sum: Double = 0
    }

    let bounds: [Double]
    private let tally: Mutex<Tally>

    init(bounds: [Double]) {
        self.bounds = bounds
        // One more than the bounds: the last counts what is above all of them.
        self.tally = Mutex(Tally(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    /// Counts one measurement, in the family's unit.
    public func observe(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        tally.withLock { tally in
            tally.counts[bucket] += 1
            tally.sum += value
        }
    }

    func read() -> Tally { tally.withLock { $0 } }
}

/// The histograms of one name, one for each combination of label values.
public final class HistogramFamily: MetricFamily {
    let description: FamilyDescription
    let kind: StaticString = "histogram"
    private let table: SeriesTable<Histogram>

    init(_ description: FamilyDescription, buckets: [Double]) {
        precondition(zip(buckets, buckets.dropFirst()).allSatisfy { $0 < $1 }, "\(description.name): buckets must rise")
        self.description = description
        self.table = SeriesTable(description) { Histogram(bounds: buckets) }
    }

    /// The histogram for these label values, in the order of the family's labels. Never pass a secret.
    public func with(_ values: ByteString...) -> Histogram { table.find(values.map(\.bytes)) }

    /// The histogram for these label values, in the order of the family's labels. Never pass a secret.
    public func with(_ values: String...) -> Histogram { table.find(values.map { Array($0.utf8) }) }

    /// The histogram of a family without labels.
    public var only: Histogram { table.find([]) }

    func write(into text: inout ExpositionText) {
        for (labels, histogram) in table.all() {
            let tally = histogram.read()
            var total: UInt64 = 0
            for (index, count) in tally.counts.enumerated() {
                total += count
                let bound = index < histogram.bounds.count ? ExpositionText.number(histogram.bounds[index]) : "+Inf"
                text.sample(description.name + "_bucket", labels + [("le", Array(bound.utf8))], "\(total)")
            }
            text.sample(description.name + "_sum", labels, ExpositionText.number(tally.sum))
            text.sample(description.name + "_count", labels, "\(total)")
        }
    }
}

import Synchronization

/// The series of one family, by their label values as bytes. Bounded: past the limit everything shares one series.
final class SeriesTable<Series: AnyObject & Sendable>: Sendable {
    /// A label value longer than this is cut; it would only be noise in a graph.
    static var longestValue: Int { 128 }

    private let description: FamilyDescription
    private let make: @Sendable () -> Series
    private let series = Mutex<[[[UInt8]]: Series]>([:])

    init(_ description: FamilyDescription, make: @escaping @Sendable () -> Series) {
        self.description = description
        self.make = make
        // A family without labels shows its zero from the start, so that a rate over it has a beginning.
        if description.labels.isEmpty { _ = find([]) }
    }

    /// The series for these values, made when new.
    func find(_ values: [[UInt8]]) -> Series {
        precondition(values.count == description.labels.count, "\(description.name) has other labels")
        let key = values.map { Array($0.prefix(SeriesTable.longestValue)) }
        return series.withLock { series in
            if let known = series[key] { return known }
            let admitted = series.count < description.seriesLimit ? key : key.map { _ in Array("other".utf8) }
            if let known = series[admitted] { return known }
            let made = make()
            series[admitted] = made
            return made
        }
    }

    /// All series in a fixed order.
    func all() -> [(labels: [(String, [UInt8])], series: Series)] {
        let snapshot = series.withLock { $0.map { ($0.key, $0.value) } }
        let sorted = snapshot.sorted { $0.0.lexicographicallyPrecedes($1.0) { $0.lexicographicallyPrecedes($1) } }
        return sorted.map { key, series in (Array(zip(description.labels, key)), series) }
    }
}

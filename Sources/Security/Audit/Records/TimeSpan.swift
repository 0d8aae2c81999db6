import System

/// The earliest and the latest of some moments, by the wall clock.
struct TimeSpan: Equatable, Sendable {
    private(set) var begin: WallTime
    private(set) var end: WallTime

    init(_ moment: WallTime) {
        begin = moment
        end = moment
    }

    init?(begin: WallTime, end: WallTime) {
        if end < begin { return nil }
        self.begin = begin
        self.end = end
    }

    /// Both together.
    static func + (left: TimeSpan?, right: TimeSpan) -> TimeSpan {
        guard let left else { return right }
        return TimeSpan(begin: min(left.begin, right.begin), end: max(left.end, right.end)) ?? left
    }
}

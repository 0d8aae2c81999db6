import HTTP2
import System

/// What one HTTP/2 client has done that costs us more than it, and how much of that is left to it.
struct FloodMeter {
    private var waste: Allowance
    private var frames: Allowance
    private var wastedRequests = 0

    init(_ settings: HTTP2Settings) {
        waste = settings.waste
        frames = settings.frames
    }

    /// A request came to nothing by the client's own fault.
    mutating func wasted() { wastedRequests += 1 }

    /// A request was answered, at least in part.
    mutating func answered() { frames.earn(2) }

    /// Whether the client may go on after these frames.
    mutating func allows(_ counts: FrameCounts, at now: MonotonicTime) -> Bool {
        // Nobody needs more than two window updates for a frame, one of them for the connection.
        frames.earn(counts.data + 2 * counts.sentData)
        let mayWaste = waste.spend(counts.invalid + wastedRequests, at: now)
        wastedRequests = 0
        return frames.spend(
            counts.control + counts.resets + counts.windowUpdates + counts.smallData, at: now) && mayWaste
    }
}

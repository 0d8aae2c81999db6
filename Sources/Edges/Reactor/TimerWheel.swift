/// Which moments are due? A hierarchical wheel of timers: scheduling and cancelling take constant time, whatever their
/// number.
///
/// A pure state machine that is told the time, in ticks since some origin. Six levels of 64 slots span 2^36 ticks; what is
/// further away than half of that waits there and is put back when it comes up. (Varghese and Lauck, "Hashed and Hierarchical
/// Timing Wheels", 1987.)
struct TimerWheel<Payload> {
    /// Names one scheduled timer; never another one later.
    struct ID: Hashable {
        let index: Int32
        let generation: UInt32
    }

    private struct Entry {
        var next: Int32 = none
        var previous: Int32 = none
        var slot: Int32 = none
        var generation: UInt32 = 0
        var when: UInt64 = 0
        var payload: Payload?
    }

    private static var none: Int32 { -1 }
    private static var levels: Int { 6 }
    /// Half of what the levels span, so that a slot of the last level is never the current one a lap later.
    private static var reach: UInt64 { 1 << 35 }

    private var entries: [Entry] = []
    private var free: Int32 = none
    /// The first entry of each slot, level by level.
    private var heads = [Int32](repeating: none, count: 64 * levels)
    /// Which slots of a level hold an entry, one bit each.
    private var occupied = [UInt64](repeating: 0, count: levels)
    /// Every timer up to and including this tick was handed out.
    private(set) var elapsed: UInt64 = 0
    /// How many timers wait.
    private(set) var count = 0

    /// Adds a timer. One that is due already comes with the next `advance`.
    mutating func schedule(at tick: UInt64, _ payload: Payload) -> ID {
        let index = takeFreeEntry()
        entries[Int(index)].when = max(tick, elapsed + 1)
        entries[Int(index)].payload = payload
        link(index)
        count += 1
        return ID(index: index, generation: entries[Int(index)].generation)
    }

    /// Removes a timer; false when it was handed out or removed before.
    @discardableResult mutating func cancel(_ id: ID) -> Bool {
        guard entries.indices.contains(Int(id.index)), entries[Int(id.index)].generation == id.generation,
            entries[Int(id.index)].payload != nil
        else { return false }
        unlink(id.index)
        _ = retire(id.index)
        return true
    }

    /// Moves the time on and appends what became due, earlier ticks first.
    mutating func advance(to tick: UInt64, into due: inout [Payload]) {
        while let (level, slot, start) = nextSlot(), start <= tick {
            elapsed = max(elapsed, start)
            var index = heads[level * 64 + slot]
            heads[level * 64 + slot] = Self.none
            occupied[level] &= ~(1 << UInt64(slot))
            while index != Self.none {
                let next = entries[Int(index)].next
                if entries[Int(index)].when <= elapsed {
                    if let payload = retire(index) { due.append(payload) }
                } else {
                    link(index)
                }
                index = next
            }
        }
        elapsed = max(elapsed, tick)
    }

    /// A tick before which nothing is due; nil when no timer waits. For timers far away it is early, never late.
    var nextTick: UInt64? { nextSlot()?.start }

    /// The first slot that will come up, and its first tick.
    private func nextSlot() -> (level: Int, slot: Int, start: UInt64)? {
        for level in 0..<Self.levels where occupied[level] != 0 {
            let shift = UInt64(level * 6)
            let now = Int(elapsed >> shift & 63)
            // Rotate so that the current slot is bit 0: the lowest bit is the next in time.
            let bits = occupied[level]
            let rotated = now == 0 ? bits : bits >> UInt64(now) | bits << UInt64(64 - now)
            let ahead = rotated.trailingZeroBitCount
            let slot = (now + ahead) & 63
            let lap = elapsed >> (shift + 6)
            let wraps: UInt64 = now + ahead > 63 ? 1 : 0
            let start = ((lap + wraps) << 6 | UInt64(slot)) << shift
            return (level, slot, start)
        }
        return nil
    }

    private mutating func link(_ index: Int32) {
        let when = min(entries[Int(index)].when, elapsed + Self.reach - 1)
        // The level is that of the highest bit in which the moment differs from now.
        let level = min((63 - (elapsed ^ when | 63).leadingZeroBitCount) / 6, Self.levels - 1)
        let slot = level * 64 + Int(when >> UInt64(level * 6) & 63)
        entries[Int(index)].slot = Int32(slot)
        entries[Int(index)].previous = Self.none
        entries[Int(index)].next = heads[slot]
        if heads[slot] != Self.none { entries[Int(heads[slot])].previous = index }
        heads[slot] = index
        occupied[level] |= 1 << UInt64(slot & 63)
    }

    private mutating func unlink(_ index: Int32) {
        let entry = entries[Int(index)]
        if entry.next != Self.none { entries[Int(entry.next)].previous = entry.previous }
        if entry.previous != Self.none {
            entries[Int(entry.previous)].next = entry.next
        } else {
            heads[Int(entry.slot)] = entry.next
            if entry.next == Self.none { occupied[Int(entry.slot) / 64] &= ~(1 << UInt64(entry.slot & 63)) }
        }
    }

    private mutating func takeFreeEntry() -> Int32 {
        guard free != Self.none else {
            entries.append(Entry())
            return Int32(entries.count - 1)
        }
        let index = free
        free = entries[Int(index)].next
        return index
    }

    private mutating func retire(_ index: Int32) -> Payload? {
        let payload = entries[Int(index)].payload
        entries[Int(index)].payload = nil
        entries[Int(index)].generation &+= 1
        entries[Int(index)].next = free
        free = index
        count -= 1
        return payload
    }
}

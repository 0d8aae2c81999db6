/// By the first five bytes of values, the lengths that those values have, the longest first: of two values that begin alike
/// the longer one is meant.
struct ValueBeginnings {
    private struct Beginning {
        /// The bytes, marked; 0 for none.
        var key: UInt64 = 0
        var first: Int32 = -1
    }

    private struct Length {
        let count: Int32
        /// The next shorter one; -1 for none.
        var shorter: Int32
    }

    /// At most a quarter full, so that most texts meet nothing.
    private var slots: [Beginning] = []
    private var used = 0
    private var lengths: [Length] = []
    private let seed = Self.seed

    /// The place of the greatest length of values that begin so; -1 when none does. Only when something was added.
    @inline(__always)
    func find(_ bytes: UInt64) -> Int {
        let key = bytes | Self.mark
        var slot = hash(key) & (slots.count &- 1)
        while slots[slot].key != 0 {
            if slots[slot].key == key { return Int(slots[slot].first) }
            slot = (slot &+ 1) & (slots.count &- 1)
        }
        return -1
    }

    func length(_ place: Int) -> Int { Int(lengths[place].count) }

    /// The place of the next shorter length; -1 when there is none.
    func shorter(_ place: Int) -> Int { Int(lengths[place].shorter) }

    /// Adds a value's beginning and length.
    mutating func add(_ bytes: UInt64, length: Int) {
        if used * 4 >= slots.count { grow() }
        let key = bytes | Self.mark
        let slot = slot(of: key)
        if slots[slot].key == 0 {
            slots[slot].key = key
            used += 1
        }
        let count = Int32(truncatingIfNeeded: length)
        var longer: Int32 = -1
        var next = slots[slot].first
        while next >= 0, lengths[Int(next)].count > count {
            longer = next
            next = lengths[Int(next)].shorter
        }
        if next >= 0, lengths[Int(next)].count == count { return }
        lengths.append(Length(count: count, shorter: next))
        let place = Int32(truncatingIfNeeded: lengths.count - 1)
        if longer < 0 { slots[slot].first = place } else { lengths[Int(longer)].shorter = place }
    }

    /// No five bytes are this large.
    private static let mark: UInt64 = 1 << 40

    /// Of this process, so that nobody can make beginnings collide.
    private static let seed = UInt64.random(in: .min ... .max) | 1

    @inline(__always)
    private func hash(_ key: UInt64) -> Int { Int(truncatingIfNeeded: (key &* seed) >> 32) }

    private func slot(of key: UInt64) -> Int {
        var slot = hash(key) & (slots.count - 1)
        while slots[slot].key != 0, slots[slot].key != key { slot = (slot + 1) & (slots.count - 1) }
        return slot
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Beginning(), count: max(64, old.count * 4))
        for beginning in old where beginning.key != 0 { slots[slot(of: beginning.key)] = beginning }
    }
}

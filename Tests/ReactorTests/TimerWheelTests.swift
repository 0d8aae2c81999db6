import Testing

@testable import Reactor

@Suite struct `The timer wheel` {
    @Test func `hands out each timer at its tick, in order, and none that was cancelled`() {
        var wheel = TimerWheel<Int>()
        var due: [Int] = []
        let ticks: [UInt64] = [1, 2, 63, 64, 65, 127, 128, 4_095, 4_096, 4_097, 262_144, 262_145, 100_000_000]
        let ids = ticks.enumerated().map { wheel.schedule(at: $1, $0) }
        let cancelled = [wheel.cancel(ids[4]), wheel.cancel(ids[4])]
        #expect(cancelled == [true, false])
        for (index, tick) in ticks.enumerated() where index != 4 {
            wheel.advance(to: tick - 1, into: &due)
            #expect(!due.contains(index))
            wheel.advance(to: tick, into: &due)
            #expect(due.last == index)
        }
        #expect(due.count == ticks.count - 1)
        #expect(wheel.count == 0)
        #expect(wheel.nextTick == nil)
    }

    @Test func `gives the past, the same tick and the far future their turn`() {
        var wheel = TimerWheel<String>()
        var due: [String] = []
        wheel.advance(to: 1_000, into: &due)
        _ = wheel.schedule(at: 3, "past")
        _ = wheel.schedule(at: 1_000, "now")
        let never = wheel.schedule(at: .max, "never")
        wheel.advance(to: 1_001, into: &due)
        #expect(due.sorted() == ["now", "past"])
        wheel.advance(to: 1 << 40, into: &due)
        #expect(due.count == 2)
        let cancelled = wheel.cancel(never)
        #expect(cancelled)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `does what a sorted list would do`(seed: UInt64) {
        var random = Linear(state: seed)
        var wheel = TimerWheel<Int>()
        var model: [Int: UInt64] = [:]
        var ids: [Int: TimerWheel<Int>.ID] = [:]
        var now: UInt64 = seed.isMultiple(of: 2) ? 0 : 68_719_476_000
        var scratch: [Int] = []
        wheel.advance(to: now, into: &scratch)
        for step in 0..<4_000 {
            switch random.next() % 4 {
            case 0, 1:
                let when = now + random.next() % (1 << (random.next() % 38))
                ids[step] = wheel.schedule(at: when, step)
                model[step] = max(when, now + 1)
            case 2:
                guard let victim = model.keys.min(by: { $0 &* 7_919 % 1_009 < $1 &* 7_919 % 1_009 }),
                    let id = ids[victim]
                else { continue }
                let cancelled = wheel.cancel(id)
                #expect(cancelled)
                model[victim] = nil
            default:
                now += random.next() % (1 << (random.next() % 37))
                var due: [Int] = []
                wheel.advance(to: now, into: &due)
                let expected = model.filter { $0.value <= now }
                #expect(Set(due) == Set(expected.keys))
                #expect(due.count == expected.count)
                let times = due.compactMap { expected[$0] }
                #expect(times == times.sorted())
                for id in due { model[id] = nil }
            }
            #expect(wheel.count == model.count)
            if let soonest = model.values.min() {
                #expect((wheel.nextTick ?? .max) <= soonest)
                #expect((wheel.nextTick ?? 0) > now)
            }
        }
    }

    private struct Linear {
        var state: UInt64
        mutating func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 24
        }
    }
}

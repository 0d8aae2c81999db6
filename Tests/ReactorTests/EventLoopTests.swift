import System
import Testing

@testable import Reactor

/// A loop that runs while a test does.
func withLoop<Value: Sendable>(
    _ body: @escaping @Sendable (EventLoop) async throws -> Value
) async throws -> Value {
    let loop = try EventLoop(name: "test")
    try loop.start()
    let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
        loop.spawn {
            do {
                continuation.resume(returning: .success(try await body(loop)))
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }
    stop(loop)
    #expect(loop.liveTasks == 0)
    return try result.get()
}

private func stop(_ loop: EventLoop) {
    loop.stop()
}

@Suite struct `An event loop` {
    @Test func `runs what it is given on its own thread, in order, and continues there after each wait`() async throws {
        try await withLoop { loop in
            let thread = Thread.currentNumber
            #expect(loop.isCurrent)
            for _ in 0..<3 {
                await loop.sleep(for: .milliseconds(1))
                #expect(Thread.currentNumber == thread)
                await Task.yield()
                #expect(Thread.currentNumber == thread)
                #expect(EventLoop.current === loop)
            }
        }
    }

    @Test func `takes work from many threads at once and loses none`() async throws {
        let counted = Counts()
        try await withLoop { loop in
            let threads = try (0..<4).map { index in
                try Thread.start("giver-\(index)") {
                    for number in 0..<2_000 {
                        if number.isMultiple(of: 2) {
                            loop.execute { counted.add("x") }
                        } else {
                            loop.spawn {
                                #expect(loop.isCurrent)
                                counted.add("x")
                            }
                        }
                    }
                }
            }
            while counted.count("x") < 8_000 { await loop.sleep(for: .milliseconds(1)) }
            for thread in threads { thread.join() }
        }
        #expect(counted.count("x") == 8_000)
    }

    @Test func `continues on its own thread what another thread resumed`() async throws {
        try await withLoop { loop in
            let pool = try ThreadPool(name: "pool", threads: 3)
            let thread = Thread.currentNumber
            for number in 0..<300 {
                let (result, other) = await pool.run { (number * 2, Thread.currentNumber) }
                #expect(result == number * 2)
                #expect(other != thread)
                #expect(Thread.currentNumber == thread)
            }
            let failure = await #expect(throws: SystemFailure.self) {
                try await pool.run { () throws(SystemFailure) in throw SystemFailure(call: "test", errno: 5) }
            }
            #expect(failure?.errno == 5)
            #expect(loop.isCurrent)
            pool.stop()
        }
    }

    @Test func `lets two loops hand work to each other`() async throws {
        let other = try EventLoop(name: "other")
        try other.start()
        try await withLoop { loop in
            for number in 0..<500 {
                let answer: Int = await withCheckedContinuation { continuation in
                    other.spawn {
                        #expect(other.isCurrent)
                        await other.sleep(until: .now)
                        continuation.resume(returning: number)
                    }
                }
                #expect(answer == number)
                #expect(loop.isCurrent)
            }
        }
        stop(other)
    }

    @Test func `fires thousands of timers in order, never early, and none that was cancelled`() async throws {
        try await withLoop { loop in
            let log = Log()
            let start = MonotonicTime.now
            for number in 0..<5_000 {
                let delay = Duration.microseconds(number * 37 % 100_000)
                let timer = loop.schedule(at: start + delay) {
                    if MonotonicTime.now < start + delay { log.early += 1 }
                    log.fired.append(number)
                }
                if number.isMultiple(of: 5) { timer.cancel() }
            }
            await loop.sleep(until: start + .milliseconds(150))
            #expect(log.early == 0)
            #expect(log.fired.count == 4_000)
            #expect(!log.fired.contains { $0.isMultiple(of: 5) })
        }
    }

    @Test func `sleeps until the moment, not before and not much after`() async throws {
        try await withLoop { loop in
            for milliseconds in [0, 1, 5, 70] {
                let start = MonotonicTime.now
                await loop.sleep(for: .milliseconds(milliseconds))
                let slept = MonotonicTime.now - start
                #expect(slept >= .milliseconds(milliseconds))
                #expect(slept < .milliseconds(milliseconds + 3_000))
            }
        }
    }

    @Test func `wakes sleepers when it stops, and waits for their ends`() async throws {
        let loop = try EventLoop(name: "stopping")
        try loop.start()
        let counts = Counts()
        for _ in 0..<50 {
            loop.spawn {
                counts.add("started")
                await loop.sleep(for: .seconds(3_600))
                await Task.yield()
                await loop.sleep(for: .seconds(3_600))
                counts.add("ended")
            }
        }
        while counts.count("started") < 50 { try await Task.sleep(for: .milliseconds(1)) }
        let start = MonotonicTime.now
        stop(loop)
        #expect(counts.count("ended") == 50)
        #expect(MonotonicTime.now - start < .seconds(4))
    }

    private final class Log {
        var fired: [Int] = []
        var early = 0
    }
}

@Suite struct `The resolver` {
    @Test func `asks once for many, remembers, and answers literals itself`() async throws {
        let asked = Counts()
        try await withLoop { loop in
            let resolver = try Resolver(threads: 2) { host throws(ResolutionFailure) in
                asked.add(host)
                return [.loopback(port: 0)]
            }
            let done = Counts()
            for _ in 0..<20 {
                loop.spawn {
                    let found = try? await resolver.addresses(of: "a.test", port: 443, deadline: .now + .seconds(5))
                    #expect(found == [.loopback(port: 443)])
                    done.add("done")
                }
            }
            while done.count("done") < 20 { await loop.sleep(for: .milliseconds(1)) }
            let again = try await resolver.addresses(of: "a.test", port: 80, deadline: .now + .seconds(5))
            #expect(again == [.loopback(port: 80)])
            let literal = try await resolver.addresses(of: "::1", port: 80, deadline: .now)
            #expect(literal.first?.isLoopback == true)
            resolver.stop()
        }
        #expect(asked.count("a.test") == 1)
        #expect(asked.count("::1") == 0)
    }

    @Test func `gives up at the deadline while the name server is silent, and others go on`() async throws {
        try await withLoop { loop in
            let resolver = try Resolver(threads: 1) { host throws(ResolutionFailure) in
                if host == "slow.test" { blockThread(milliseconds: 2_000) }
                throw ResolutionFailure(host: host, reason: "unknown", isTemporary: false)
            }
            let start = MonotonicTime.now
            let late = await #expect(throws: ResolutionFailure.self) {
                try await resolver.addresses(of: "slow.test", port: 1, deadline: .now + .milliseconds(50))
            }
            #expect(late?.isTemporary == true)
            #expect(MonotonicTime.now - start < .milliseconds(1_900))
            let unknown = await #expect(throws: ResolutionFailure.self) {
                try await resolver.addresses(of: "no.test", port: 1, deadline: .now + .seconds(5))
            }
            #expect(unknown?.reason == "unknown")
            resolver.stop()
        }
    }

    @Test func `gives an earlier answer while asking again fails for the moment`() async throws {
        let asked = Counts()
        try await withLoop { _ in
            let resolver = try Resolver(threads: 1) { host throws(ResolutionFailure) in
                asked.add(host)
                throw ResolutionFailure(host: host, reason: "busy", isTemporary: true)
            }
            for _ in 0..<3 {
                _ = try? await resolver.addresses(of: "b.test", port: 1, deadline: .now + .seconds(5))
            }
            resolver.stop()
        }
        // A failure is remembered too.
        #expect(asked.count("b.test") == 1)
    }
}

/// Counts words from any thread.
final class Counts: Sendable {
    private let counts = Guarded<[String: Int]>([:])
    func add(_ word: String) { counts.withLock { $0[word, default: 0] += 1 } }
    func count(_ word: String) -> Int { counts.withLock { $0[word] ?? 0 } }
    var hasFailed: Bool { counts.withLock { $0.keys.contains { $0.hasPrefix("failed") } } }
}

func blockThread(milliseconds: Int) {
    Bell().wait(until: .now + .milliseconds(milliseconds))
}

/// One value that threads share.
final class Shared<Value: Sendable>: Sendable {
    private let stored = Guarded<Value?>(nil)
    var value: Value? {
        get { stored.withLock { $0 } }
        set { stored.withLock { $0 = newValue } }
    }
}

import Bytes
import System
import Testing

@testable import HTTPClient

@Suite struct `The pool of connections` {
    final class Line {}
    typealias Pool = ConnectionPool<Line>

    private let now = MonotonicTime(nanoseconds: 1_000)
    private let later = MonotonicTime(nanoseconds: 2_000)

    /// Steps as text, connections by the names given.
    private func text(_ steps: [Pool.Step], _ names: [(Line, String)] = []) -> [String] {
        func name(_ line: Line) -> String { names.first { $0.0 === line }?.1 ?? "?" }
        return steps.map { step in
            switch step {
            case .give(let line, to: let caller): "give \(name(line)) to \(caller)"
            case .open: "open"
            case .close(let line): "close \(name(line))"
            case .fail(let caller, let failure): "fail \(caller) \(failure.code)"
            }
        }
    }

    @Test func `opens one for each who waits, up to its limit, and gives them in order`() {
        var pool = Pool(connectionLimit: 2, waitingLimit: 10)
        let (a, b) = (Line(), Line())
        let names = [(a, "a"), (b, "b")]
        #expect(text(pool.ask(1, now: now)) == ["open"])
        #expect(text(pool.ask(2, now: now)) == ["open"])
        #expect(text(pool.ask(3, now: now)) == [])
        #expect(text(pool.opened(a, until: later), names) == ["give a to 1"])
        #expect(text(pool.giveBack(a, until: later), names) == ["give a to 2"])
        #expect(text(pool.opened(b, until: later), names) == ["give b to 3"])
        #expect(text(pool.giveBack(a, until: later), names) == [])
        #expect(text(pool.giveBack(b, until: later), names) == [])
        #expect(pool.idleCount == 2)
        #expect(text(pool.ask(4, now: now), names) == ["give b to 4"])
        #expect(pool.busy == 1)
    }

    @Test func `refuses whoever is one too many, and no one before`() {
        var pool = Pool(connectionLimit: 1, waitingLimit: 2)
        #expect(text(pool.ask(1, now: now)) == ["open"])
        #expect(text(pool.ask(2, now: now)) == [])
        #expect(text(pool.ask(3, now: now)) == [])
        #expect(text(pool.ask(4, now: now)) == ["fail 4 busy"])
        pool.withdraw(2)
        #expect(text(pool.ask(5, now: now)) == [])
    }

    @Test func `tells the first who waits that none could be opened, and tries again for the next`() {
        var pool = Pool(connectionLimit: 1, waitingLimit: 5)
        _ = pool.ask(1, now: now)
        _ = pool.ask(2, now: now)
        #expect(text(pool.couldNotOpen(.refused)) == ["fail 1 refused", "open"])
        #expect(text(pool.couldNotOpen(.refused)) == ["fail 2 refused"])
        #expect(text(pool.couldNotOpen(.refused)) == [])
    }

    @Test func `keeps a connection that nobody waits for any more`() {
        var pool = Pool(connectionLimit: 4, waitingLimit: 5)
        let a = Line()
        _ = pool.ask(1, now: now)
        pool.withdraw(1)
        #expect(text(pool.opened(a, until: later)) == [])
        #expect(pool.idleCount == 1)
        #expect(text(pool.ask(2, now: now), [(a, "a")]) == ["give a to 2"])
    }

    @Test func `closes what is too old or lost, and opens anew for whoever waits`() {
        var pool = Pool(connectionLimit: 1, waitingLimit: 5)
        let a = Line()
        let names = [(a, "a")]
        _ = pool.ask(1, now: now)
        _ = pool.opened(a, until: later)
        #expect(text(pool.ask(2, now: now)) == [])
        #expect(text(pool.discard(a), names) == ["close a", "open"])
        let b = Line()
        _ = pool.opened(b, until: later)
        _ = pool.giveBack(b, until: later)
        #expect(pool.nextExpiry == later)
        #expect(text(pool.expire(now)) == [])
        #expect(text(pool.ask(3, now: later), [(b, "b")]) == ["close b", "open"])
        #expect(text(pool.lost(b)) == [])
    }

    @Test func `ends: those who wait are told, and what comes back is closed`() {
        var pool = Pool(connectionLimit: 2, waitingLimit: 5)
        let (a, b) = (Line(), Line())
        let names = [(a, "a"), (b, "b")]
        for caller in 1...3 { _ = pool.ask(caller, now: now) }
        _ = pool.opened(a, until: later)
        _ = pool.opened(b, until: later)
        #expect(text(pool.close(), names) == ["fail 3 aborted"])
        #expect(text(pool.giveBack(a, until: later), names) == ["close a"])
        #expect(text(pool.discard(b), names) == ["close b"])
        #expect(text(pool.ask(4, now: now)) == ["fail 4 aborted"])
    }

    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `never loses or doubles a connection or a caller`(seed: UInt64) {
        var state = seed
        func random(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        var pool = Pool(connectionLimit: 3, waitingLimit: 4)
        var (held, waiting) = ([Int: Line](), Set<Int>())
        var (opening, live) = (0, Set<ObjectIdentifier>())
        func follow(_ steps: [Pool.Step]) {
            for step in steps {
                switch step {
                case .open: opening += 1
                case .close(let line): #expect(live.remove(ObjectIdentifier(line)) != nil)
                case .fail(let caller, _): waiting.remove(caller)
                case .give(let line, to: let caller):
                    #expect(waiting.remove(caller) != nil)
                    #expect(!held.values.contains { $0 === line })
                    held[caller] = line
                }
            }
        }
        for step in 0..<3_000 {
            let clock = MonotonicTime(nanoseconds: Int64(step))
            switch random(5) {
            case 0, 1:
                waiting.insert(step)
                follow(pool.ask(step, now: clock))
            case 2 where opening > 0:
                opening -= 1
                let line = Line()
                live.insert(ObjectIdentifier(line))
                kept.append(line)
                follow(pool.opened(line, until: clock.adding(nanoseconds: 50)))
            case 3 where opening > 0:
                opening -= 1
                follow(pool.couldNotOpen(.refused))
            default:
                guard let caller = held.keys.min(), let line = held.removeValue(forKey: caller) else { continue }
                follow(
                    random(3) == 0 ? pool.discard(line) : pool.giveBack(line, until: clock.adding(nanoseconds: 50)))
            }
            #expect(live.count + opening <= 3)
            #expect(pool.busy == held.count)
            #expect(pool.waitingCount == waiting.count)
            #expect(pool.waitingCount == 0 || live.count + opening == 3 || opening >= pool.waitingCount)
        }
        #expect(live.count == held.count + pool.idleCount)
    }

    /// Keeps every line alive, so that none takes the identity of an earlier one.
    private let keeper = Keeper()
    private var kept: Keeper { keeper }
    private final class Keeper {
        private var lines: [Line] = []
        func append(_ line: Line) { lines.append(line) }
    }
}

@Suite struct `The URL of an upstream` {
    @Test(arguments: [
        ("https://api.toriihq.com/mcp", "api.toriihq.com", "api.toriihq.com", 443, "/mcp"),
        ("HTTPS://API.example.COM", "api.example.com", "api.example.com", 443, "/"),
        ("https://h:8443?x=1", "h", "h:8443", 8_443, "/?x=1"),
        ("https://[2001:DB8::1]:444/a", "2001:db8::1", "[2001:db8::1]:444", 444, "/a"),
        ("https://10.0.0.1:443/", "10.0.0.1", "10.0.0.1", 443, "/"),
        ("http://127.0.0.1:9000/mcp", "127.0.0.1", "127.0.0.1:9000", 9_000, "/mcp"),
        ("http://localhost/", "localhost", "localhost", 80, "/"),
        ("http://[::1]:80/", "::1", "[::1]", 80, "/"),
    ])
    func `is read`(text: String, host: String, authority: String, port: Int, target: String) throws {
        let url = try UpstreamURL(text)
        #expect(url.host == host)
        #expect(url.authority == authority)
        #expect(Int(url.port) == port)
        #expect(url.target.text == target)
    }

    @Test(arguments: [
        ("ftp://h/", UpstreamURL.Mistake.scheme), ("h/mcp", .scheme), ("", .scheme), ("http://example.com/", .insecure),
        ("http://localhost.example.com/", .insecure), ("https://user:pass@h/", .userInfo), ("https:///x", .host),
        ("https://h_.-x/", .host), ("https://a..b/", .host), ("https://h:0/", .port), ("https://h:65536/", .port),
        ("https://h:/", .port), ("https://h/a b", .path), ("https://h/#x", .path), ("https://h/é", .path),
        ("https://127.1/", .host), ("https://0x7f.1/", .host), ("https://1.2.3.4.5/", .host), ("https://[h]/", .host),
        ("https://ex ample/", .host), ("https://h\\@x/", .userInfo), ("https://é.example/", .host),
    ])
    func `that could be understood in two ways, or leak, is refused`(text: String, mistake: UpstreamURL.Mistake) {
        #expect(throws: mistake) { _ = try UpstreamURL(text) }
    }
}

import Bytes
import Synchronization
import System
import Testing

@testable import Telemetry

/// A line as `Log` writes it, with a fixed time.
private func line(_ fields: KeyValuePairs<StaticString, LogValue>) -> String {
    let line = LogLine(timestamp: Array("T".utf8), level: .info, event: "e", fields: fields)
    return String(decoding: line.bytes, as: UTF8.self)
}

@Suite struct `A log line` {
    @Test func `is one JSON object on one line, fields in the order given`() {
        let fields: KeyValuePairs<StaticString, LogValue> = [
            "b": .int(-3), "a": .bool(true), "c": .double(0.5), "d": .null, "e": .list([.int(1), "x"]),
            "f": .int(UInt64.max),
        ]
        let expected =
            #"{"ts":"T","level":"info","event":"e","b":-3,"a":true,"c":0.5,"d":null,"e":[1,"x"],"f":18446744073709551615}"#
        #expect(line(fields) == expected + "\n")
    }

    @Test(arguments: [
        ("a\nb", #"a\nb"#), ("a\r\n{\"ts\"", #"a\r\n{\"ts\""#), ("\u{1B}[31mred", #"\u001b[31mred"#),
        ("\u{202E}evil", #"\u202eevil"#), ("\u{2028}", #"\u2028"#), ("back\\slash\t", #"back\\slash\t"#),
        ("null\0", #"null\u0000"#), ("\u{E0041}tag", #"\udb40\udc41tag"#), ("Zürich 東京", "Zürich 東京"),
        ("\u{7F}\u{9B}", #"\u007f\u009b"#),
    ])
    func `escapes what could end the line or steer a terminal`(text: String, shown: String) {
        #expect(line(["k": .text(text)]) == #"{"ts":"T","level":"info","event":"e","k":""# + shown + "\"}\n")
    }

    @Test func `repairs bytes that are not UTF-8`() {
        #expect(
            line(["k": .text([0x61, 0xFF, 0x62])]) == #"{"ts":"T","level":"info","event":"e","k":"a\#u{FFFD}b"}"# + "\n"
        )
    }

    @Test func `cuts a long value and says so`() {
        let long = line(["k": .text(String(repeating: "x", count: 5000)), "after": 1])
        #expect(long.contains(String(repeating: "x", count: 2048) + "…\""))
        #expect(!long.contains(String(repeating: "x", count: 2049)))
        #expect(long.hasSuffix(",\"after\":1}\n"))
    }

    @Test func `writes a number that is not finite as null`() {
        #expect(line(["k": .double(.nan), "l": .double(.infinity)]).contains(#""k":null,"l":null"#))
    }
}

@Suite(.serialized) struct `The log` {
    @Test func `writes whole lines at or above its level and does not build the others`() {
        let lines = Mutex<[String]>([])
        Log.direct { bytes in lines.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) } }
        let before = Log.level
        Log.level = .warning
        defer { Log.level = before }
        func costly() -> Int {
            Issue.record("a quiet line was built")
            return 1
        }
        Log.info("quiet", ["k": .int(costly())])
        Log.warning("loud", ["k": 1])
        Log.error("louder")
        let seen = lines.withLock { $0 }
        #expect(seen.count == 2)
        #expect(seen.first?.hasSuffix(#""level":"warning","event":"loud","k":1}"# + "\n") == true)
        #expect(seen.last?.hasSuffix(#""level":"error","event":"louder"}"# + "\n") == true)
    }

    @Test func `knows its levels by their words and no others`() {
        for level in LogLevel.allCases { #expect(LogLevel(word: "\(level.word)") == level) }
        for word in ["", "INFO", "info ", "trace"] { #expect(LogLevel(word: word) == nil) }
    }
}

@Suite struct `A secret` {
    @Test func `is never printed`() {
        let secret = Secret("hunter2")
        struct Holder { let inner: Secret<String> }
        var dumped = ""
        dump(Holder(inner: secret), to: &dumped)
        let shown = ["\(secret)", String(reflecting: secret), "\([secret])", "\(Optional(secret) as Any)", dumped]
        for text in shown { #expect(!text.contains("hunter2"), "\(text)") }
        #expect(secret.revealed == "hunter2")
    }
}

@Suite struct `Published metrics` {
    private func text(_ metrics: Metrics) -> String { String(decoding: metrics.exposition(), as: UTF8.self) }

    @Test func `are published as Prometheus reads them`() {
        let metrics = Metrics()
        let calls = metrics.counter("calls_total", help: "Calls.", labels: ["outcome", "upstream"])
        calls.with("denied", "torii").add(2)
        calls.with("allowed", "torii").add()
        metrics.gauge("open", help: "Open\nstreams \\.").only.set(7)
        metrics.gauge("queue", help: "Waiting.") { 1.5 }
        #expect(
            text(metrics) == #"""
                # HELP calls_total Calls.
                # TYPE calls_total counter
                calls_total{outcome="allowed",upstream="torii"} 1
                calls_total{outcome="denied",upstream="torii"} 2
                # HELP open Open\nstreams \\.
                # TYPE open gauge
                open 7
                # HELP queue Waiting.
                # TYPE queue gauge
                queue 1.5

                """#)
    }

    @Test func `put each measurement into every bucket it fits, the bound included`() {
        let metrics = Metrics()
        let seconds = metrics.histogram("s", help: "Seconds.", buckets: [0.1, 1])
        for value in [0.05, 0.1, 0.5, 3] { seconds.only.observe(value) }
        #expect(
            text(metrics) == """
                # HELP s Seconds.
                # TYPE s histogram
                s_bucket{le="0.1"} 2
                s_bucket{le="1"} 3
                s_bucket{le="+Inf"} 4
                s_sum 3.65
                s_count 4

                """)
    }

    @Test func `do not grow with names that a client invents`() {
        let metrics = Metrics()
        let calls = metrics.counter("c_total", help: "C.", labels: ["tool"], seriesLimit: 3)
        for number in 0..<1000 { calls.with("tool\(number)").add() }
        let lines = text(metrics).split(separator: "\n").filter { !$0.hasPrefix("#") }
        #expect(lines.count == 4)
        #expect(lines.contains(#"c_total{tool="other"} 997"#))
    }

    @Test func `keep two spellings of one letter apart`() {
        let metrics = Metrics()
        let calls = metrics.counter("c_total", help: "C.", labels: ["tool"])
        calls.with("caf\u{E9}").add()
        calls.with("cafe\u{301}").add()
        #expect(calls.with("caf\u{E9}").value == 1)
    }

    @Test func `escape a label's value, so that it cannot add a line`() {
        let metrics = Metrics()
        metrics.counter("c_total", help: "C.", labels: ["t"]).with("a\"b\\c\nd 1\u{1B}").add()
        #expect(text(metrics).contains(#"c_total{t="a\"b\\c\nd 1\#u{FFFD}"} 1"# + "\n"))
    }

    @Test func `are one family for all who ask for it`() async {
        let metrics = Metrics()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    let counter = metrics.counter("c_total", help: "C.", labels: ["l"]).with("x")
                    for _ in 0..<1000 { counter.add() }
                }
            }
        }
        #expect(metrics.counter("c_total", help: "C.", labels: ["l"]).with("x").value == 8000)
    }

    @Test func `stop the program when a name is used for two kinds`() async {
        await #expect(processExitsWith: .failure) {
            let metrics = Metrics()
            _ = metrics.counter("x", help: "X.")
            _ = metrics.gauge("x", help: "X.")
        }
    }
}

@Suite struct `A log queue` {
    @Test func `never makes a writer wait, and tells how many lines were lost`() throws {
        let seen = Mutex<[String]>([])
        let reader = Bell()
        let queue = try LogQueue { line in
            reader.wait(until: .distantFuture)
            seen.withLock { $0.append(String(decoding: line.prefix(200), as: UTF8.self)) }
            reader.ring()
        }
        let line = [UInt8](repeating: UInt8(ascii: "x"), count: LogQueue.byteLimit / 4)
        // Nobody reads yet. The thread takes some, the queue holds four more, and the rest is dropped.
        let before = MonotonicTime.now
        for _ in 0..<20 { queue.add(line) }
        #expect(MonotonicTime.now - before < .seconds(5))
        queue.flush(until: MonotonicTime.now + .milliseconds(20))
        #expect(seen.withLock { $0.isEmpty })
        reader.ring()
        queue.flush(until: MonotonicTime.now + .seconds(30))
        let lines = seen.withLock { $0 }
        let written = lines.filter { $0.hasPrefix("xxx") }.count
        let told = lines.compactMap { $0.split(separator: "\"lines\":").last?.dropLast(2) }.compactMap { Int($0) }
        #expect(written >= 4 && written < 20)
        #expect(written + told.reduce(0, +) == 20)
    }
}

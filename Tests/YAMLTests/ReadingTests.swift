import Bytes
import Testing

@testable import YAML

private func node(_ text: String) throws -> Node {
    try YAML.parse(Array(text.utf8), file: "f.yaml")
}

/// The value of `v: …` by one reader, and the complaint if there was one.
private func read<Value>(_ text: String, _ reader: (Reading) -> (Node) -> Value?) throws -> (Value?, String?) {
    let reading = Reading()
    let value = reader(reading)(try #require(try node("v: \(text)").value(of: "v")))
    #expect((value == nil) == !reading.succeeded)
    return (value, reading.problems.first?.description)
}

@Suite struct `Reading a tree` {
    @Test func `tells every mistake at once and in order`() throws {
        let reading = Reading()
        let root = try node("listn: 1\nsize: big\nname: 7\n")
        let fields = try #require(reading.fields(of: root, "the configuration", ["listen", "size", "name", "state"]))
        #expect(fields.required("listen", reading.text) == nil)
        #expect(fields.optional("size", reading.size) == nil)
        #expect(fields.optional("name", reading.text) == nil)
        #expect(fields.optional("state", reading.text) == nil)
        #expect(!reading.succeeded)
        #expect(
            reading.problemsInOrder.map(\.description) == [
                "f.yaml:1:1: unknown key `listn` in the configuration; did you mean `listen`?",
                "f.yaml:1:1: the configuration needs `listen`",
                "f.yaml:2:7: expected a size such as `1MiB`, found `big`; units are B, KB, KiB, MB, MiB, GB, GiB",
                "f.yaml:3:7: expected a text, found `7`; put it in quotes",
            ])
    }

    @Test func `goes on after a warning`() throws {
        let reading = Reading()
        reading.warning(try node("a: 1"), "odd")
        #expect(reading.succeeded)
        #expect(reading.problems.map(\.description) == ["f.yaml:1:1: warning: odd"])
    }

    @Test func `takes a key without a value for a mistake`() throws {
        let reading = Reading()
        let fields = try #require(
            reading.fields(of: try node("a:\nb: ~\nc: ''\nd: null\n"), "it", ["a", "b", "c", "d"], nullable: ["d"]))
        #expect(fields.optional("a", reading.text) == nil)
        #expect(fields.optional("c", reading.text) == "")
        #expect(!fields.has("d"))
        #expect(
            reading.problems.map(\.description) == [
                "f.yaml:1:1: `a` has no value; remove the key or give it one",
                "f.yaml:2:1: `b` has no value; remove the key or give it one",
            ])
    }

    @Test func `refuses a scalar where a mapping must be`() throws {
        let reading = Reading()
        #expect(reading.fields(of: try node("hello"), "a rule", ["id", "allow"]) == nil)
        #expect(reading.problems.first?.message == "a rule must be a mapping with `id` and `allow`, not `hello`")
    }

    @Test func `shows what a file smuggles into a message instead of sending it to the terminal`() {
        let problem = Problem(file: "f", line: 1, column: 2, message: "unknown key `a\u{1B}[31m\u{202E}`")
        #expect(problem.description == "f:1:2: unknown key `a\\u{1b}[31m\\u{202e}`")
    }
}

@Suite struct `A scalar` {
    @Test func `is a boolean only as true or false without quotes`() throws {
        #expect(try read("true") { $0.bool }.0 == true)
        #expect(try read("false") { $0.bool }.0 == false)
        for word in ["yes", "no", "on", "off", "True", "1", "'true'", "", "[]"] {
            #expect(try read(word) { $0.bool }.0 == nil, "\(word)")
        }
    }

    @Test func `is a text unless it looks like something else`() throws {
        #expect(try read("0.0.0.0:8443") { $0.text }.0 == "0.0.0.0:8443")
        #expect(try read("'5'") { $0.text }.0 == "5")
        #expect(try read("no") { $0.text }.0 == "no")
        for word in ["5", "-5", "true", "null", "~", "", "{}", "[a]"] {
            #expect(try read(word) { $0.text }.0 == nil, "\(word)")
        }
        #expect(try read("''") { $0.nonEmptyText }.0 == nil)
        #expect(try read("list_apps") { $0.name }.0 == "list_apps")
    }

    @Test func `is a whole number in decimal digits only`() throws {
        #expect(try read("9223372036854775807") { $0.int(_:) }.0 == Int.max)
        #expect(try read("-1") { $0.int(_:) }.0 == -1)
        for word in ["010", "0x10", "1_000", "1.0", "1e3", "'1'", "+1", "1-", "9223372036854775808"] {
            #expect(try read(word) { $0.int(_:) }.0 == nil, "\(word)")
        }
        let outside = try read("11") { reading in { reading.int($0, in: 1...10) } }
        #expect(outside.1 == "f.yaml:1:4: `11` is out of range; use 1 to 10")
    }

    @Test func `is a duration, a size or a rate with its unit`() throws {
        #expect(try read("250ms") { $0.duration }.0 == .milliseconds(250))
        #expect(try read("30s") { $0.duration }.0 == .seconds(30))
        #expect(try read("5min") { $0.duration }.0 == .seconds(300))
        #expect(try read("7d") { $0.duration }.0 == .seconds(604_800))
        #expect(try read("1MiB") { $0.size }.0 == 1 << 20)
        #expect(try read("2GB") { $0.size }.0 == 2_000_000_000)
        #expect(try read("4096") { $0.size }.0 == 4096)
        #expect(try read("120/min") { $0.rate }.0 == Rate(count: 120, period: .seconds(60)))
        for word in ["30", "s", "-1s", "1 s", "1.5h", "9223372036854775807d"] {
            #expect(try read(word) { $0.duration }.0 == nil, "\(word)")
        }
        for word in ["1mib", "MiB", "9223372036854775807GiB", "1 MiB"] {
            #expect(try read(word) { $0.size }.0 == nil, "\(word)")
        }
        for word in ["0/min", "120", "120/", "120/fortnight", "/min"] {
            #expect(try read(word) { $0.rate }.0 == nil, "\(word)")
        }
    }

    @Test func `of a closed set is suggested when it was nearly right`() throws {
        let choice = { (reading: Reading) in { (node: Node) in reading.choice(node, ["mask": 1, "zero": 2]) } }
        #expect(try read("zero", choice).0 == 2)
        #expect(try read("msak", choice).1 == "f.yaml:1:4: unknown word `msak`; did you mean `mask`?")
        #expect(try read("elephant", choice).1 == "f.yaml:1:4: unknown word `elephant`; use `mask` or `zero`")
    }
}

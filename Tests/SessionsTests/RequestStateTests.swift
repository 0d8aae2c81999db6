import Bytes
import MCP
import Synchronization
import Testing

@testable import Identity
@testable import Sessions

@Suite struct `A request's state` {
    private let ada = Principal(subject: "ada", method: .apiToken, upstream: "torii")

    private func binding(
        _ principal: Principal? = nil, _ method: MCP.Method = .toolsCall, _ target: ByteString = "ask",
        _ arguments: [UInt8] = [1, 2]
    ) -> RequestStates.Binding {
        RequestStates.Binding(principal ?? ada, method, target: target, arguments: arguments)
    }

    @Test(arguments: [nil, "", "server's own", "é\u{0}"] as [ByteString?])
    func `opens for the request it was made for`(own: ByteString?) throws {
        let states = try RequestStates()
        let contents = RequestStates.Contents(servers: own, asked: ["name", ""])
        let text = try #require(states.seal(contents, for: binding(), now: 100, end: nil))
        #expect(states.open(text, for: binding(), now: 101) == contents)
        #expect(!text.text.contains("server"))
    }

    @Test func `opens for no other caller, method, name or arguments, and no other process`() throws {
        let states = try RequestStates()
        let contents = RequestStates.Contents(servers: "x", asked: [])
        let text = try #require(states.seal(contents, for: binding(), now: 100, end: nil))
        let others = [
            Principal(subject: "bob", method: .apiToken, upstream: "torii"),
            Principal(subject: "ada", method: .apiToken, upstream: "truto"),
            Principal(subject: "ada", issuer: "", method: .apiToken, upstream: "torii"),
        ]
        for other in others { #expect(states.open(text, for: binding(other), now: 101) == nil) }
        #expect(states.open(text, for: binding(ada, .promptsGet), now: 101) == nil)
        #expect(states.open(text, for: binding(ada, .toolsCall, "asks"), now: 101) == nil)
        #expect(states.open(text, for: binding(ada, .toolsCall, "ask", [1, 3]), now: 101) == nil)
        #expect(try RequestStates().open(text, for: binding(), now: 101) == nil)
    }

    @Test func `is over with what proved who was asked, and after an hour at the latest`() throws {
        let states = try RequestStates()
        let contents = RequestStates.Contents(servers: nil, asked: ["a"])
        let hour: Int64 = 3_600_000_000_000
        let short = try #require(states.seal(contents, for: binding(), now: 100, end: 200))
        #expect(states.open(short, for: binding(), now: 199) == contents)
        #expect(states.open(short, for: binding(), now: 200) == nil)
        let long = try #require(states.seal(contents, for: binding(), now: 100, end: .max))
        #expect(states.open(long, for: binding(), now: 99 + hour) == contents)
        #expect(states.open(long, for: binding(), now: 100 + hour) == nil)
    }

    @Test func `is of no use once a single character of it is another`() throws {
        let states = try RequestStates()
        let text = try #require(
            states.seal(RequestStates.Contents(servers: "x", asked: []), for: binding(), now: 100, end: nil))
        for place in text.bytes.indices {
            var changed = text.bytes
            changed[place] = changed[place] == 0x41 ? 0x42 : 0x41
            #expect(states.open(ByteString(changed), for: binding(), now: 101) == nil)
        }
        #expect(states.open("", for: binding(), now: 101) == nil)
        #expect(states.open(ByteString(text.text + "-TAMPERED"), for: binding(), now: 101) == nil)
    }

    @Test func `two states of the same are not alike`() throws {
        let states = try RequestStates()
        let contents = RequestStates.Contents(servers: "x", asked: [])
        let texts = (0..<20).compactMap { _ in states.seal(contents, for: binding(), now: 100, end: nil) }
        #expect(Set(texts).count == 20)
    }
}

@Suite struct `Open subscriptions` {
    @Test func `end all at once, and whatever comes later at once`() {
        let open = OpenSubscriptions()
        let ended = Atomic(0)
        let first = open.add { ended.add(1, ordering: .relaxed) }
        _ = open.add { ended.add(10, ordering: .relaxed) }
        open.remove(first)
        #expect(open.count == 1)
        open.endAll()
        open.endAll()
        #expect(ended.load(ordering: .relaxed) == 10)
        _ = open.add { ended.add(100, ordering: .relaxed) }
        #expect(ended.load(ordering: .relaxed) == 110)
        #expect(open.count == 0)
    }
}

import Bytes
import MCP
import Testing

@testable import Identity
@testable import Sessions

@Suite struct `An event's id` {
    private let ids = EventIDs()
    private let store = SessionStore(limits: SessionLimits()) { 1 << 50 }

    private func session() throws -> Session {
        try store.open(
            for: Principal(subject: "ada", method: .apiToken, upstream: "torii"), upstreamID: nil,
            version: .v20251125, client: ClaimedClient(name: nil, version: nil))
    }

    @Test func `is opened in its own session only`() throws {
        let (session, other) = (try session(), try session())
        let mark = EventMark(stream: 0x0102_0304, upstream: "vendor-7/ada@example.com")
        let id = try #require(ids.seal(mark, in: session))
        #expect(ids.open(id, in: session) == mark)
        #expect(ids.open(id, in: other) == nil)
        #expect(EventIDs().open(id, in: session) == nil)
        #expect(!id.text.contains("ada"))
    }

    @Test(arguments: ["", "7", "vendor-7", "AAAA", "not base64 at all!"])
    func `is none that somebody made up`(_ text: String) throws {
        #expect(ids.open(ByteString(text), in: try session()) == nil)
    }

    @Test(arguments: ["", "a b", "a\nb", "ä", "\u{7f}", String(repeating: "x", count: 257)])
    func `is not made of what no field could carry back`(_ text: String) throws {
        #expect(ids.seal(EventMark(stream: 1, upstream: ByteString(text)), in: try session()) == nil)
    }
}

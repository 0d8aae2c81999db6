import Bytes
import MCP
import Synchronization
import Testing

@testable import Identity
@testable import Sessions

@Suite final class `A session`: Sendable {
    private let clock = Atomic<UInt64>(1 << 50)
    private let ada = Principal(subject: "ada", method: .apiToken, upstream: "torii")
    private let bob = Principal(subject: "bob", method: .apiToken, upstream: "torii")

    private func store(_ change: (inout SessionLimits) -> Void = { _ in }) -> SessionStore {
        var limits = SessionLimits()
        change(&limits)
        return SessionStore(limits: limits) { [self] in clock.load(ordering: .relaxed) }
    }

    private func open(_ store: SessionStore, _ principal: Principal) throws -> Session {
        try store.open(
            for: principal, upstreamID: "vendor-1", version: .v20251125,
            client: ClaimedClient(name: "test", version: nil))
    }

    @Test func `is found by its owner and unknown to everybody else`() throws {
        let store = store()
        let session = try open(store, ada)
        #expect(try store.session(session.id, of: ada) === session)
        #expect(throws: SessionStore.Failure.unknown) { try store.session(session.id, of: bob) }
        #expect(throws: SessionStore.Failure.unknown) { try store.session("nothing", of: ada) }
        let elsewhere = Principal(subject: "ada", method: .apiToken, upstream: "truto")
        #expect(throws: SessionStore.Failure.unknown) { try store.session(session.id, of: elsewhere) }
    }

    @Test func `has an id of 256 random bits that is not the server's`() throws {
        let store = store()
        let first = try open(store, ada)
        let second = try open(store, ada)
        #expect(first.id != second.id)
        #expect(first.id != first.upstreamID)
        #expect(Base64URL.decode(first.id)?.count == 32)
    }

    @Test func `is unknown once it ended, and tells those who watch it`() throws {
        let store = store()
        let session = try open(store, ada)
        let ended = Atomic(0)
        _ = session.whenEnded { ended.add(1, ordering: .relaxed) }
        let forgotten = session.whenEnded { ended.add(100, ordering: .relaxed) }
        session.unwatch(forgotten)
        store.end(session)
        store.end(session)
        #expect(ended.load(ordering: .relaxed) == 1)
        #expect(throws: SessionStore.Failure.unknown) { try store.session(session.id, of: ada) }
        _ = session.whenEnded { ended.add(1, ordering: .relaxed) }
        #expect(ended.load(ordering: .relaxed) == 2, "a watch on an ended session is told at once")
    }

    @Test func `refuses a second request with an id that is still unanswered`() throws {
        let session = try open(store(), ada)
        let one = try id("1")
        try session.begin(one)
        #expect(throws: Session.Failure.duplicateRequest) { try session.begin(one) }
        try session.begin(id(#""1""#))
        session.finish(one)
        try session.begin(one)
    }

    @Test func `knows which of the server's requests its client may answer, and once`() throws {
        let session = try open(store(), ada)
        let asked = try ServerRequest(.elicit, progressToken: id("9"))
        #expect(try session.expect(id("1"), answering: asked) == .open)
        // A replay brings it once more; another request has no business under its id.
        #expect(try session.expect(id("1"), answering: asked) == .open)
        #expect(try session.expect(id("1"), answering: ServerRequest(.createMessage)) == .refused)
        #expect(try session.isExpected(id("1")))
        #expect(try !session.isExpected(id(#""1""#)))
        #expect(try session.isExpected(progress: id("9")))
        #expect(try session.takeExpected(id("1")) == asked)
        #expect(try session.takeExpected(id("1")) == nil)
        #expect(try !session.isExpected(id("1")))
        #expect(try !session.isExpected(progress: id("9")))
        #expect(try session.expect(id("1"), answering: asked) == .answered)
    }

    @Test func `expects no more answers than it may`() throws {
        let session = try open(store(), ada)
        for number in 0..<Session.requestLimit {
            #expect(try session.expect(id("\(number)"), answering: ServerRequest(.rootsList)) == .open)
        }
        #expect(try session.expect(id("900"), answering: ServerRequest(.rootsList)) == .refused)
        _ = try session.takeExpected(id("0"))
        #expect(try session.expect(id("900"), answering: ServerRequest(.rootsList)) == .open)
    }

    @Test func `keeps what another room remembers of it`() throws {
        final class Notes: SessionMemory {}
        let session = try open(store(), ada)
        let notes = session.memory { Notes() }
        #expect(session.memory { Notes() } === notes)
        #expect(try open(store(), ada).memory { Notes() } !== notes)
    }

    @Test func `has one stream at a time`() throws {
        let session = try open(store(), ada)
        #expect(session.claimStream())
        #expect(!session.claimStream())
        session.releaseStream()
        #expect(session.claimStream())
    }

    @Test func `ends when nobody used it, but not while a request is in flight`() throws {
        let store = store { $0.idleSeconds = 60 }
        let idle = try open(store, ada)
        let busy = try open(store, bob)
        try busy.begin(id("1"))
        clock.add(61_000_000_000, ordering: .relaxed)
        #expect(store.sweep().map(\.id) == [idle.id])
        #expect(store.count == 1)
    }

    @Test func `of an owner who has too many displaces the owner's oldest only`() throws {
        let store = store { $0.perOwner = 2 }
        let others = try open(store, bob)
        let first = try open(store, ada)
        _ = try open(store, ada)
        _ = try open(store, ada)
        #expect(throws: SessionStore.Failure.unknown) { try store.session(first.id, of: ada) }
        #expect(try store.session(others.id, of: bob) === others)
        #expect(store.count == 3)
    }

    @Test func `is refused when the store is full`() throws {
        let store = store { $0.total = 1 }
        _ = try open(store, ada)
        #expect(throws: SessionStore.Failure.full) { try open(store, bob) }
    }

    private func id(_ text: String) throws -> RequestID {
        try #require(
            try ClientMessage(parsing: Array(#"{"jsonrpc":"2.0","id":\#(text),"method":"ping"}"#.utf8)).id)
    }
}

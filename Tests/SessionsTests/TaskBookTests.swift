import Bytes
import Synchronization
import Testing

@testable import Identity
@testable import Sessions

@Suite final class `A task`: Sendable {
    private let clock = Atomic<UInt64>(1 << 50)
    private let ada = Principal(subject: "ada", method: .apiToken, upstream: "torii")
    private let bob = Principal(subject: "bob", method: .apiToken, upstream: "torii")
    private let adaElsewhere = Principal(subject: "ada", method: .apiToken, upstream: "truto")

    private func book(_ change: (inout TaskLimits) -> Void = { _ in }) -> TaskBook<Int> {
        var limits = TaskLimits()
        change(&limits)
        return TaskBook(limits: limits) { [self] in clock.load(ordering: .relaxed) }
    }

    private func pass(seconds: UInt64) { clock.add(seconds * 1_000_000_000, ordering: .relaxed) }

    private func task(_ ticket: Int) -> RememberedTask<Int> {
        RememberedTask(tool: "export", rule: "exports", ticket: ticket)
    }

    @Test func `is its owner's, and unknown to everybody else`() throws {
        let book = book()
        try book.enter("t-1", of: ada, task(7), seconds: 60)
        #expect(book.task("t-1", of: ada)?.ticket == 7)
        #expect(book.task("t-1", of: ada)?.tool == "export")
        #expect(book.task("t-1", of: bob) == nil)
        #expect(book.task("t-1", of: adaElsewhere) == nil)
        #expect(book.task("t-2", of: ada) == nil)
    }

    @Test func `keeps its id for itself until it is over`() throws {
        let book = book()
        try book.enter("t-1", of: ada, task(1), seconds: 60)
        #expect(throws: TaskBookFailure.taken) { try book.enter("t-1", of: bob, task(2), seconds: 60) }
        #expect(throws: TaskBookFailure.taken) { try book.enter("t-1", of: ada, task(3), seconds: 60) }
        #expect(book.task("t-1", of: ada)?.ticket == 1)
        // Another server's ids are others.
        try book.enter("t-1", of: adaElsewhere, task(4), seconds: 60)
        pass(seconds: 60)
        try book.enter("t-1", of: bob, task(5), seconds: 60)
        #expect(book.task("t-1", of: ada) == nil)
        #expect(book.task("t-1", of: bob)?.ticket == 5)
    }

    @Test func `is forgotten when its time is over, or ours`() throws {
        let book = book { $0.seconds = 100 }
        try book.enter("short", of: ada, task(1), seconds: 10)
        try book.enter("long", of: ada, task(2), seconds: .max)
        try book.enter("none", of: ada, task(3), seconds: -1)
        #expect(book.task("none", of: ada) == nil)
        pass(seconds: 10)
        #expect(book.task("short", of: ada) == nil)
        #expect(book.task("long", of: ada) != nil)
        pass(seconds: 90)
        #expect(book.task("long", of: ada) == nil)
        book.sweep()
        #expect(book.count == 0)
    }

    @Test func `finds room only where there is some`() throws {
        let book = book {
            $0.perOwner = 2
            $0.total = 3
        }
        try book.enter("a", of: ada, task(1), seconds: 10)
        try book.enter("b", of: ada, task(1), seconds: 60)
        #expect(throws: TaskBookFailure.full) { try book.enter("c", of: ada, task(1), seconds: 60) }
        try book.enter("d", of: bob, task(1), seconds: 60)
        #expect(throws: TaskBookFailure.full) { try book.enter("e", of: bob, task(1), seconds: 60) }
        // What is over makes room.
        pass(seconds: 10)
        try book.enter("c", of: ada, task(1), seconds: 60)
        #expect(book.count == 3)
    }

    @Test(arguments: ["", String(repeating: "x", count: 257)])
    func `has an id of a length that one can keep`(_ id: String) {
        #expect(throws: TaskBookFailure.malformed) { try book().enter(ByteString(id), of: ada, task(1), seconds: 60) }
    }
}

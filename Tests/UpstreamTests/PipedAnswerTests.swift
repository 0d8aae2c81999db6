import Bytes
import HTTP
import Reactor
import Synchronization
import System
import Testing

@testable import Upstream

@Suite struct `An answer from another loop` {
    private func answer(limit: Int = 1_000) -> PipedAnswer {
        PipedAnswer(limit: limit, patience: .seconds(5)) { _ in }
    }

    @Test func `is JSON when it is all there is`() async throws {
        try await onLoop {
            let answer = answer()
            answer.open(session: "s-1")
            answer.put(Array("{}".utf8), isLast: true)
            try await answer.awaitHead()
            #expect(answer.head.status == 200 && answer.isJSON)
            #expect(answer.head.fields["mcp-session-id"] == "s-1")
            #expect(try await answer.whole(limit: 10) == Array("{}".utf8))
        }
    }

    @Test func `is an event stream when something comes before it`() async throws {
        try await onLoop {
            let answer = answer()
            answer.put(Array("1".utf8), isLast: false)
            answer.put(Array("2".utf8), isLast: true)
            try await answer.awaitHead()
            #expect(answer.isEventStream)
            let body = String(decoding: try await answer.whole(limit: 100), as: UTF8.self)
            #expect(body == "event: message\ndata: 1\n\nevent: message\ndata: 2\n\n")
        }
    }

    @Test func `wakes whoever waits for it`() async throws {
        try await onLoop {
            let answer = answer()
            EventLoop.current.schedule(after: .milliseconds(20)) { answer.put([0x31], isLast: false) }
            EventLoop.current.schedule(after: .milliseconds(40)) { answer.fail(.ended) }
            try await answer.awaitHead()
            guard case .bytes = try await answer.next(quietAfter: .seconds(5)) else { return #expect(Bool(false)) }
            await #expect(throws: UpstreamFailure.ended) { _ = try await answer.next(quietAfter: .seconds(5)) }
        }
    }

    @Test func `is quiet when nothing comes, and can still come`() async throws {
        try await onLoop {
            let answer = answer()
            answer.beginStream()
            try await answer.awaitHead()
            guard case .quiet = try await answer.next(quietAfter: .milliseconds(10)) else {
                return #expect(Bool(false))
            }
            answer.finish()
            guard case .end = try await answer.next(quietAfter: .milliseconds(10)) else { return #expect(Bool(false)) }
        }
    }

    @Test func `that nobody reads fails instead of growing`() async throws {
        try await onLoop {
            let answer = answer(limit: 10)
            #expect(answer.put([UInt8](repeating: 0x31, count: 8), isLast: false))
            #expect(!answer.put([UInt8](repeating: 0x31, count: 8), isLast: false))
            #expect(!answer.put([0x31], isLast: false))
            try? await answer.awaitHead()
            for _ in 0..<2 { _ = try await answer.next(quietAfter: .seconds(1)) }
            await #expect(throws: UpstreamFailure.tooLarge) { _ = try await answer.next(quietAfter: .seconds(1)) }
        }
    }

    @Test func `is given up once, and not after its end`() async throws {
        try await onLoop {
            let count = Count()
            let open = PipedAnswer(limit: 10, patience: .seconds(1)) { _ in count.add() }
            open.abort()
            open.abort()
            await #expect(throws: UpstreamFailure.aborted) { try await open.awaitHead() }
            let over = PipedAnswer(limit: 10, patience: .seconds(1)) { _ in count.add() }
            over.put([0x31], isLast: true)
            over.abort()
            #expect(count.value == 1)
        }
    }

    private final class Count: Sendable {
        private let number = Atomic<Int>(0)
        func add() { number.add(1, ordering: .relaxed) }
        var value: Int { number.load(ordering: .relaxed) }
    }

    private func onLoop(_ body: @escaping @Sendable () async throws -> Void) async throws {
        let loop = try EventLoop(name: "test")
        try loop.start()
        let result: Result<Void, any Error> = await withCheckedContinuation { continuation in
            loop.spawn {
                do {
                    continuation.resume(returning: .success(try await body()))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        loop.stop()
        try result.get()
    }
}

import Bytes
import JOSE
import OpenSSL
import Synchronization
import System
import Testing

@testable import Identity

/// The only moment that passes by itself: tests say what time it is.
private let start = MonotonicTime.now

/// An issuer's key server, in memory: says what it is told to, and counts.
private final class KeyServer: Sendable {
    private let state = Mutex((answer: [UInt8]?.some([1]), looks: 0))

    var looks: Int { state.withLock { $0.looks } }

    func answer(_ bytes: [UInt8]?) { state.withLock { $0.answer = bytes } }

    func look() throws(KeyLookFailure) -> KeyLook {
        let answer = state.withLock { state in
            state.looks += 1
            return state.answer
        }
        guard let answer else { throw KeyLookFailure(reason: "down") }
        do throws(JOSEFailure) {
            let key = try TokenKey(secret: [UInt8](repeating: 7, count: 32), algorithm: .hs256)
            let rules = TokenRules(issuer: "i", audiences: ["a"])
            return KeyLook(verifier: try TokenVerifier(rules: rules, keys: [key]), fingerprint: answer)
        } catch {
            throw KeyLookFailure(reason: error.description)
        }
    }

    func keys(keep: Duration = .seconds(3_600)) throws -> RemoteKeys {
        try RemoteKeys(issuer: "i", refresh: .seconds(3_600), keep: keep, clock: { start }) {
            () throws(KeyLookFailure) in try self.look()
        }
    }
}

@Suite struct `Keys that an issuer publishes` {
    private let server = KeyServer()

    @Test func `are fetched at once, and whoever waits goes on`() async throws {
        let keys = try server.keys()
        #expect(await keys.looked())
        #expect(keys.current(at: start)?.generation == 1)
        #expect(!keys.isLooking)
        #expect(server.looks == 1)
    }

    @Test func `are looked at again after a pause, and only then`() async throws {
        let keys = try server.keys()
        #expect(await keys.looked())
        #expect(!keys.lookAgain(at: start))
        #expect(!keys.lookAgain(at: start + .seconds(29)))
        #expect(keys.lookAgain(at: start + .seconds(31)))
        #expect(await keys.looked())
        #expect(server.looks == 2)
    }

    @Test func `are another generation when the document is another`() async throws {
        let keys = try server.keys()
        #expect(await keys.looked())
        #expect(keys.lookAgain(at: start + .seconds(31)))
        #expect(await keys.looked())
        #expect(keys.current(at: start)?.generation == 1)
        server.answer([2])
        #expect(keys.lookAgain(at: start + .seconds(31)))
        #expect(await keys.looked())
        #expect(keys.current(at: start)?.generation == 2)
    }

    @Test func `are kept while the issuer is down, until their time is over`() async throws {
        let keys = try server.keys(keep: .seconds(600))
        #expect(await keys.looked())
        server.answer(nil)
        #expect(keys.lookAgain(at: start + .seconds(31)))
        #expect(await keys.looked())
        #expect(keys.current(at: start + .seconds(590)) != nil)
        #expect(keys.current(at: start + .seconds(601)) == nil)
        // A failure is tried again sooner.
        #expect(keys.lookAgain(at: start + .seconds(11)))
    }

    @Test func `are none before the first success`() async throws {
        server.answer(nil)
        let keys = try server.keys()
        #expect(await keys.looked())
        #expect(keys.current(at: start) == nil)
        server.answer([1])
        #expect(keys.lookAgain(at: start + .seconds(11)))
        #expect(await keys.looked())
        #expect(keys.current(at: start)?.generation == 1)
    }
}

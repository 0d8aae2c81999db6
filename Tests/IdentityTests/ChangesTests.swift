import Bytes
import System
import Testing

@testable import Identity

@Suite struct `The changes of the records` {
    @Test func `are told in order, each once, for the audit trail`() throws {
        let house = try House()
        #expect(try house.store.changes(after: 0).isEmpty)
        #expect(try house.store.lastRecordedChange() == 0)
        let endpoint = try house.endpoint().record
        let token = try house.token(APITokenDraft(name: "t", subject: "ada", upstreams: ["torii"])).record
        _ = try house.store.revokeAPIToken(token.id, now: WallTime.now)
        let changes = try house.store.changes(after: 0)
        #expect(changes.map(\.what) == ["endpoint.create", "token.create", "token.revoke"])
        #expect(changes.map(\.subject) == [endpoint.id.text, token.id.text, token.id.text])
        #expect(try house.store.changes(after: 0, limit: 2) == Array(changes.prefix(2)))
        #expect(try house.store.changes(after: changes[1].number) == [changes[2]])
    }

    @Test func `are not recorded again after a restart`() throws {
        let house = try House()
        _ = try house.endpoint()
        let number = try house.store.lastChange()
        try house.store.rememberRecordedChange(number - 1)
        try house.store.rememberRecordedChange(number)
        #expect(try StateStore(house.settings).lastRecordedChange() == number)
    }
}

import Bytes
import HTTP
import SQLite
import System
import Testing

@testable import Identity

@Suite struct `An admin token` {
    @Test func `is recognised by its secret alone, and its record holds no secret`() throws {
        let house = try House()
        let registry = try house.registry()
        defer { registry.stop() }
        let made = try house.applied(
            house.store.createAdminToken(AdminTokenDraft(name: "Mika", role: .operator), by: "tests", now: .now))
        let caller = try registry.authenticateAdmin(head(bearing: made.secret).fields, now: .now)
        #expect(caller.token == made.record.id && caller.role == .operator && caller.name == "Mika")
        #expect(caller.maker == ByteString("admin-token:\(made.record.id)"))
        #expect(made.secret.hasPrefix("kmn_a_"))
        #expect(try house.store.adminTokens() == [made.record])
        #expect(throws: IdentityFailure.self) {
            try registry.authenticateAdmin(head(bearing: "kmn_a_x").fields, now: .now)
        }
    }

    @Test func `is no token of another kind, nor the other way round`() throws {
        let house = try House()
        let registry = try house.registry()
        defer { registry.stop() }
        let admin = try house.applied(
            house.store.createAdminToken(AdminTokenDraft(name: "Mika", role: .admin), by: "tests", now: .now))
        let client = try house.token(APITokenDraft(name: "t", subject: "ada", upstreams: ["torii"]))
        #expect(throws: IdentityFailure.self) {
            try registry.authenticate(.upstream("torii"), head: head(bearing: admin.secret), now: .now)
        }
        #expect(throws: IdentityFailure.self) {
            try registry.authenticateAdmin(head(bearing: client.secret).fields, now: .now)
        }
    }

    @Test func `ends at its second and when it is revoked, and says so only to the trail`() throws {
        let house = try House()
        let registry = try house.registry()
        defer { registry.stop() }
        let now = WallTime.now
        let draft = AdminTokenDraft(name: "Mika", role: .admin, expiresAt: now + .seconds(60))
        let made = try house.applied(house.store.createAdminToken(draft, by: "tests", now: now))
        let fields = head(bearing: made.secret).fields
        func reason(_ moment: WallTime) -> IdentityFailure.Reason? {
            do throws(IdentityFailure) {
                _ = try registry.authenticateAdmin(fields, now: moment)
                return nil
            } catch {
                #expect(error.answer == .unauthorized(presentedCredential: true))
                return error.reason
            }
        }
        #expect(reason(now + .seconds(59)) == nil)
        #expect(reason(now + .seconds(60)) == .tokenExpired)
        try house.applied(house.store.revokeAdminToken(made.record.id, by: "tests", now: now))
        #expect(reason(now) == .tokenRevoked)
        #expect(throws: StateFailure.self) {
            try house.store.revokeAdminToken(made.record.id, by: "tests", now: now)
        }
        #expect(try house.store.changes(after: 0).map(\.what) == ["admin_token.create", "admin_token.revoke"])
        #expect(try house.store.changes(after: 0).map(\.by) == ["tests", "tests"])
    }

    @Test func `is not made with an end that is near or a name that is none`() throws {
        let house = try House()
        for draft in [
            AdminTokenDraft(name: "", role: .admin), AdminTokenDraft(name: "a\nb", role: .admin),
            AdminTokenDraft(name: "a", role: .admin, expiresAt: .now + .seconds(30)),
        ] {
            #expect(throws: StateFailure.self) { try house.store.createAdminToken(draft, by: "tests", now: .now) }
        }
        #expect(try house.store.adminTokens().isEmpty)
    }
}

@Suite struct `A request that may come twice` {
    private func request(_ house: House, _ key: ByteString = "k", _ body: ByteString = "b") throws -> RepeatableRequest
    {
        let owner = try #require(TokenID("7b1c3c1e-1111-4222-8333-444455556666"))
        return RepeatableRequest(owner: owner, key: key, request: body)
    }

    private let draft = EndpointDraft(name: "once", upstream: "torii")

    @Test func `makes one thing, in the same transaction in which it is remembered`() throws {
        let house = try House()
        let asked = try request(house)
        #expect(try house.store.outcome(of: asked, now: .now) == nil)
        let made = try house.store.createEndpoint(draft, by: "tests", now: .now, once: asked).value.record
        #expect(try house.store.outcome(of: asked, now: .now) == made.id.text)
        let failure = #expect(throws: StateFailure.self) {
            try house.store.createEndpoint(draft, by: "tests", now: .now, once: asked)
        }
        #expect(failure?.reason == .repeated)
        #expect(try house.store.endpoints().map(\.id) == [made.id])
        #expect(try house.store.changes(after: 0).count == 1)
        // Another process knows it too.
        #expect(try StateStore(house.settings).outcome(of: asked, now: .now) == made.id.text)
    }

    @Test func `is another one with another body, another key or another owner`() throws {
        let house = try House()
        _ = try house.store.createEndpoint(draft, by: "tests", now: .now, once: try request(house))
        let failure = #expect(throws: StateFailure.self) {
            try house.store.outcome(of: try request(house, "k", "other"), now: .now)
        }
        #expect(failure?.reason == .keyReused)
        #expect(try house.store.outcome(of: try request(house, "k2"), now: .now) == nil)
        let owner = try #require(TokenID("7b1c3c1e-1111-4222-8333-444455556667"))
        let theirs = RepeatableRequest(owner: owner, key: "k", request: "b")
        #expect(try house.store.outcome(of: theirs, now: .now) == nil)
    }

    @Test func `is forgotten after a day, and not remembered without bound`() throws {
        let house = try House()
        let now = WallTime.now
        _ = try house.store.createEndpoint(draft, by: "tests", now: now, once: try request(house))
        #expect(try house.store.outcome(of: try request(house), now: now + .seconds(86_399)) != nil)
        #expect(try house.store.outcome(of: try request(house), now: now + .seconds(86_400)) == nil)
        try fill(house, until: now + .seconds(86_400))
        let failure = #expect(throws: StateFailure.self) {
            try house.store.createEndpoint(draft, by: "tests", now: now, once: try request(house, "one more"))
        }
        #expect(failure?.reason == .tooManyKeys)
        _ = try house.store.createEndpoint(
            draft, by: "tests", now: now + .seconds(86_400), once: try request(house, "one more"))
    }

    /// Remembers as many requests as one owner may have.
    private func fill(_ house: House, until end: WallTime) throws {
        let owner = try request(house).owner
        try house.store.read { (database) throws(StateFailure) in
            try reading { () throws(SQLiteFailure) in
                try database.run(
                    """
                    WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
                    INSERT INTO repeatable_requests SELECT CAST(i AS BLOB), ?1, x'00', 's', ?2 FROM n
                    """, .text(owner.text), .integer(end.nanoseconds))
            }
        }
    }
}

import Bytes
import Catalog
import HTTP
import JSON
import KomainuTesting
import OpenSSL
import SQLite
import Synchronization
import System
import Testing

@testable import Identity

/// What was not recognised, and how.
private func refusal(
    _ registry: IdentityRegistry, _ route: EndpointRoute, _ head: RequestHead = head(), at now: WallTime = .now
) -> IdentityFailure? {
    do throws(IdentityFailure) {
        _ = try registry.authenticate(route, head: head, now: now)
        return nil
    } catch {
        return error
    }
}

@Suite struct `A capability` {
    @Test func `alone is who its endpoint is`() throws {
        let house = try House()
        let registry = try house.registry()
        let made = try house.endpoint(EndpointConfig(methods: ["read"], policy: "strict"))
        let principal = try registry.authenticate(.capability(made.secret), head: head(), now: .now)
        #expect(principal.subject.text == "endpoint:" + made.record.id.description)
        #expect(principal.method == .endpoint)
        #expect(principal.upstream == "torii")
        #expect(principal.policy == "strict")
        #expect(principal.selection == (try made.record.config.selection()))
        #expect(principal.endpoint == made.record.id)
        #expect(principal.expiresAt == nil)
        #expect(principal.groups.isEmpty)
    }

    @Test func `that is unknown, malformed, expired, rotated or deleted gets one and the same answer`() throws {
        let house = try House()
        let registry = try house.registry()
        let now = WallTime.now
        let expiring = try house.endpoint(expiresAt: now + .seconds(100), now: now)
        let rotated = try house.endpoint()
        let fresh = try house.applied(house.store.rotateEndpoint(rotated.record.id, now: now))
        let deleted = try house.endpoint()
        try house.applied(house.store.deleteEndpoint(deleted.record.id, now: now))
        let token = try house.token(APITokenDraft(name: "t", subject: "s", upstreams: ["torii"]))
        let later = now + .seconds(100)
        for (secret, reason) in [
            (expiring.secret, IdentityFailure.Reason.endpointExpired), (rotated.secret, .capabilityUnknown),
            (deleted.secret, .capabilityUnknown), (try SecretText.fresh(.endpoint), .capabilityUnknown),
            ("", .capabilityMalformed), ("kmn_e_", .capabilityMalformed), (token.secret, .capabilityMalformed),
            (ByteString([UInt8](repeating: 65, count: 1 << 20)), .capabilityMalformed),
        ] {
            let failure = refusal(registry, .capability(secret), at: later)
            #expect(failure?.answer == .notFound)
            #expect(failure?.reason == reason)
            #expect(failure?.fingerprint?.count == (reason == .capabilityUnknown ? 16 : nil))
            #expect("\(String(describing: failure))".contains(secret.text) == secret.isEmpty)
        }
        #expect(refusal(registry, .capability(expiring.secret), at: later)?.endpoint == expiring.record.id)
        #expect(refusal(registry, .capability(fresh.secret), at: later) == nil)
    }

    @Test func `ends at its second, not before and not after`() throws {
        let house = try House()
        let registry = try house.registry()
        let now = WallTime(seconds: WallTime.now.seconds)
        let made = try house.endpoint(expiresAt: now + .seconds(60), now: now)
        let last = WallTime(nanoseconds: (now + .seconds(60)).nanoseconds - 1)
        let principal = try registry.authenticate(.capability(made.secret), head: head(), now: last)
        #expect(principal.expiresAt == now + .seconds(60))
        #expect(principal.isValid(at: last))
        #expect(!principal.isValid(at: now + .seconds(60)))
        #expect(refusal(registry, .capability(made.secret), at: now + .seconds(60))?.reason == .endpointExpired)
    }

    @Test func `that needs a second factor gets in with one that is bound to it, and with no other`() throws {
        let house = try House()
        let authority = try Authority()
        let registry = try house.registry([authority.trusted()])
        let made = try house.endpoint(EndpointConfig(requireAPITokenAuth: true))
        let other = try house.endpoint(upstream: "other")
        let now = WallTime.now
        func token(_ endpoints: Set<EndpointID>, _ upstreams: Set<ByteString>) throws -> ByteString {
            let draft = APITokenDraft(
                name: "t", subject: "ada", groups: ["dashboards"], endpoints: endpoints, upstreams: upstreams,
                expiresAt: now + .seconds(70))
            return try house.token(draft, now: now).secret
        }
        let route = EndpointRoute.capability(made.secret)
        for good in [try token([made.record.id], []), try token([], ["torii"])] {
            let principal = try registry.authenticate(route, head: head(bearing: good), now: now)
            #expect(principal.subject == "ada")
            #expect(principal.groups == ["dashboards"])
            #expect(principal.method == .endpointAndToken)
            #expect(principal.endpoint == made.record.id)
            #expect(principal.apiToken != nil)
            #expect(principal.expiresAt == now + .seconds(70))
        }
        let stranger = try token([other.record.id], ["other"])
        let cases: [(RequestHead, IdentityFailure.Reason, Bool)] = [
            (head(), .credentialMissing, false), (head(bearing: stranger), .tokenNotBound, true),
            (head(bearing: try SecretText.fresh(.apiToken)), .tokenUnknown, true),
            (head(bearing: made.secret), .tokenUnknown, true), (head(bearing: "kmn_t_x"), .tokenUnknown, true),
            (head(bearing: "a.b.c"), .jwtRefused, true),
            (head(("Authorization", "Basic x")), .credentialMalformed, true),
        ]
        for (head, reason, presented) in cases {
            let failure = refusal(registry, route, head)
            #expect(failure?.reason == reason)
            #expect(failure?.answer == .unauthorized(presentedCredential: presented))
            #expect(failure?.endpoint == made.record.id)
        }
        // Whoever has no capability is not told whether their token is good.
        #expect(refusal(registry, .capability("kmn_e_x"), head(bearing: stranger))?.answer == .notFound)
        let jwt = try authority.token(
            audience: "https://mcp.example.com/u/torii/mcp", expiresAt: now + .seconds(300), roles: ["a"])
        let principal = try registry.authenticate(route, head: head(bearing: jwt), now: now)
        #expect(principal.method == .endpointAndJWT)
        #expect(principal.issuer == "idp")
        let wrong = try authority.token(
            audience: "https://mcp.example.com/u/other/mcp", expiresAt: now + .seconds(300))
        #expect(refusal(registry, route, head(bearing: wrong))?.detail == "wrong_audience")
    }

    @Test func `that needs none does not look at what else is sent`() throws {
        let house = try House()
        let registry = try house.registry()
        let made = try house.endpoint()
        let principal = try registry.authenticate(
            .capability(made.secret), head: head(("Authorization", "Bearer nonsense")), now: .now)
        #expect(principal.method == .endpoint)
    }
}

@Suite struct `An API token` {
    @Test func `opens the upstreams it is bound to, until it is revoked or ends`() throws {
        let house = try House()
        let registry = try house.registry()
        let now = WallTime.now
        let draft = APITokenDraft(
            name: "t", subject: "ada", groups: ["g"], upstreams: ["torii"], expiresAt: now + .seconds(90))
        let made = try house.token(draft, now: now)
        let principal = try registry.authenticate(.upstream("torii"), head: head(bearing: made.secret), now: now)
        #expect(principal.subject == "ada")
        #expect(principal.method == .apiToken)
        #expect(principal.endpoint == nil)
        #expect(principal.selection == .everything)
        #expect(refusal(registry, .upstream("other"), head(bearing: made.secret))?.reason == .tokenNotBound)
        #expect(refusal(registry, .upstream("tori"), head(bearing: made.secret))?.reason == .tokenNotBound)
        let end = refusal(registry, .upstream("torii"), head(bearing: made.secret), at: now + .seconds(90))
        #expect(end?.reason == .tokenExpired)
        #expect(end?.apiToken == made.record.id)
        try house.applied(house.store.revokeAPIToken(made.record.id, now: now))
        let revoked = refusal(registry, .upstream("torii"), head(bearing: made.secret))
        #expect(revoked?.reason == .tokenRevoked)
        #expect(revoked?.answer == end?.answer)
        #expect(revoked?.answer == refusal(registry, .upstream("torii"), head(bearing: "kmn_t_x"))?.answer)
    }

    @Test func `that is signed works the same, to the second, and is revoked by its record`() throws {
        let house = try House()
        let registry = try house.registry()
        let now = WallTime(seconds: WallTime.now.seconds)
        let draft = APITokenDraft(
            name: "t", subject: "ada", groups: ["g"], upstreams: ["torii"], kind: .signed, expiresAt: now + .seconds(90)
        )
        let made = try house.token(draft, now: now)
        #expect(made.secret.text.split(separator: ".").count == 3)
        for _ in 0..<2 {
            let principal = try registry.authenticate(.upstream("torii"), head: head(bearing: made.secret), now: now)
            #expect(principal.apiToken == made.record.id)
            #expect(principal.groups == ["g"])
            #expect(principal.method == .apiToken)
            #expect(principal.issuer == nil)
        }
        #expect(refusal(registry, .upstream("other"), head(bearing: made.secret))?.reason == .tokenNotBound)
        let last = WallTime(nanoseconds: (now + .seconds(90)).nanoseconds - 1)
        #expect(refusal(registry, .upstream("torii"), head(bearing: made.secret), at: last) == nil)
        #expect(
            refusal(registry, .upstream("torii"), head(bearing: made.secret), at: now + .seconds(90))?.detail
                == "expired")
        try house.applied(house.store.revokeAPIToken(made.record.id, now: now))
        #expect(refusal(registry, .upstream("torii"), head(bearing: made.secret))?.reason == .tokenRevoked)
    }

    @Test func `of another house is nobody's`() throws {
        let house = try House()
        let neighbour = try House()
        let registry = try house.registry()
        for kind in APIToken.Kind.allCases {
            let draft = APITokenDraft(
                name: "t", subject: "ada", upstreams: ["torii"], kind: kind, expiresAt: WallTime.now + .seconds(90))
            let made = try neighbour.token(draft)
            let failure = refusal(registry, .upstream("torii"), head(bearing: made.secret))
            #expect(failure?.answer == .unauthorized(presentedCredential: true))
        }
    }
}

@Suite struct `An issuer's JWT` {
    let resource: ByteString = "https://mcp.example.com/u/torii/mcp"

    @Test func `says who it is by the configured claims`() throws {
        let house = try House()
        let authority = try Authority()
        let registry = try house.registry([authority.trusted()])
        let now = WallTime.now
        let token = try authority.token(
            audience: resource, expiresAt: now + .seconds(300), roles: ["finance", "dashboards"])
        let principal = try registry.authenticate(.upstream("torii"), head: head(bearing: token), now: now)
        #expect(principal.subject == "ada")
        #expect(principal.issuer == "idp")
        #expect(principal.groups == ["finance", "dashboards"])
        #expect(principal.scopes == ["mcp:read", "mcp:list"])
        #expect(principal.method == .jwt)
        #expect(principal.expiresAt == WallTime(seconds: (now + .seconds(300)).seconds + 60))
        let odd = try authority.token(audience: resource, expiresAt: now + .seconds(300), roles: [1])
        #expect(refusal(registry, .upstream("torii"), head(bearing: odd))?.reason == .jwtWithoutSubject)
        let nameless = try authority.token(subject: nil, audience: resource, expiresAt: now + .seconds(300))
        #expect(refusal(registry, .upstream("torii"), head(bearing: nameless))?.reason == .jwtWithoutSubject)
        let empty = try authority.token(subject: "", audience: resource, expiresAt: now + .seconds(300))
        #expect(refusal(registry, .upstream("torii"), head(bearing: empty))?.reason == .jwtWithoutSubject)
    }

    @Test func `for one upstream opens no other, also when the operator lists both`() throws {
        let house = try House()
        let authority = try Authority()
        let other: ByteString = "https://mcp.example.com/u/other/mcp"
        let now = WallTime.now
        let token = try authority.token(audience: resource, expiresAt: now + .seconds(300))
        let byDefault = try house.registry([authority.trusted()])
        let listed = try house.registry([authority.trusted(audiences: [resource, other])])
        for registry in [byDefault, listed] {
            #expect(refusal(registry, .upstream("torii"), head(bearing: token)) == nil)
            #expect(refusal(registry, .upstream("other"), head(bearing: token))?.detail == "wrong_audience")
        }
        let elsewhere = try house.registry([authority.trusted(audiences: [other])])
        #expect(refusal(elsewhere, .upstream("torii"), head(bearing: token))?.reason == .issuerNotBound)
        let wide = try house.registry([authority.trusted(audiences: ["api://komainu"])])
        let api = try authority.token(audience: "api://komainu", expiresAt: now + .seconds(300))
        #expect(refusal(wide, .upstream("torii"), head(bearing: api)) == nil)
        #expect(refusal(wide, .upstream("other"), head(bearing: api)) == nil)
    }

    @Test func `is remembered until it expires, and no longer`() throws {
        let house = try House()
        let authority = try Authority()
        let registry = try house.registry([authority.trusted()])
        let now = WallTime(seconds: WallTime.now.seconds)
        let token = try authority.token(audience: resource, expiresAt: now + .seconds(10))
        for _ in 0..<3 {
            #expect(refusal(registry, .upstream("torii"), head(bearing: token), at: now) == nil)
        }
        #expect(refusal(registry, .upstream("torii"), head(bearing: token), at: now + .seconds(69)) == nil)
        #expect(
            refusal(registry, .upstream("torii"), head(bearing: token), at: now + .seconds(70))?.detail == "expired")
    }

    @Test func `of an unknown issuer, or of one who uses another's name, is refused`() throws {
        let house = try House()
        let authority = try Authority()
        let registry = try house.registry([authority.trusted()])
        let now = WallTime.now
        let impostor = try Authority(authority.issuer)
        let forged = try impostor.token(audience: resource, expiresAt: now + .seconds(300))
        #expect(refusal(registry, .upstream("torii"), head(bearing: forged))?.detail == "bad_signature")
        let stranger = try Authority("https://elsewhere.example.com")
        let foreign = try stranger.token(audience: resource, expiresAt: now + .seconds(300))
        #expect(refusal(registry, .upstream("torii"), head(bearing: foreign))?.reason == .issuerUnknown)
        let ourselves = try Authority(House.publicURL)
        let own = try ourselves.token(audience: House.publicURL, expiresAt: now + .seconds(300))
        #expect(refusal(registry, .upstream("torii"), head(bearing: own))?.reason == .jwtRefused)
        #expect(throws: StateFailure.self) { try house.registry([ourselves.trusted()]) }
        #expect(throws: StateFailure.self) { try house.registry([authority.trusted(), impostor.trusted(as: "two")]) }
    }

    @Test func `ends when its issuer is configured otherwise`() throws {
        let house = try House()
        let authority = try Authority()
        let registry = try house.registry([authority.trusted()])
        let now = WallTime.now
        let token = try authority.token(audience: resource, expiresAt: now + .seconds(300))
        let principal = try registry.authenticate(.upstream("torii"), head: head(bearing: token), now: now)
        let ends = Mutex(0)
        let lease = registry.watch(principal) { ends.withLock { $0 += 1 } }
        try registry.replaceIssuers([authority.trusted()])
        #expect(ends.withLock { $0 } == 0)
        #expect(registry.isCurrent(principal, at: now))
        try registry.replaceIssuers([authority.trusted(groups: nil)])
        #expect(ends.withLock { $0 } == 1)
        #expect(!registry.isCurrent(principal, at: now))
        try registry.replaceIssuers([])
        #expect(refusal(registry, .upstream("torii"), head(bearing: token))?.reason == .issuerUnknown)
        lease.cancel()
    }
}

@Suite struct `A header with a credential` {
    @Test func `is read one way only, as the corpus has it`() throws {
        guard let bytes = Shared.file("corpora/jwt/cases.json") else { return Shared.skipped("the header corpus") }
        let document = try JSONDocument(parsing: bytes)
        let cases = document.member("transport_cases", of: document.root).map { document.elements(of: $0) } ?? []
        var right = 0
        for node in cases {
            var fields = HeaderFields()
            for pair in document.member("headers", of: node).map({ document.elements(of: $0) }) ?? [] {
                let texts = document.elements(of: pair).compactMap { document.string($0) }
                fields.add(name: texts[0], value: texts[1])
            }
            let expected = document.member("expect", of: node).flatMap { document.string($0) } ?? ""
            var isToken = false
            if case .token = BearerToken.read(fields) { isToken = true }
            let id = document.member("id", of: node).flatMap { document.string($0) } ?? ""
            #expect(expected == "either" || isToken == (expected == "accept"), "\(id)")
            if expected == "either" || isToken == (expected == "accept") { right += 1 }
        }
        print("header corpus: \(right) of \(cases.count) right")
        #expect(cases.count >= 21)
    }
}

@Suite struct `A change that another process makes` {
    private func lease(
        _ registry: IdentityRegistry, _ principal: Principal
    ) -> (lease: Lease, ends: @Sendable () -> Int) {
        let count = Counted()
        return (registry.watch(principal) { count.add() }, { count.value })
    }

    private final class Counted: Sendable {
        private let count = Mutex(0)
        func add() { count.withLock { $0 += 1 } }
        var value: Int { count.withLock { $0 } }
    }

    @Test func `has ended what it ends when the wait for it is over`() throws {
        let house = try House()
        let registry = try house.registry()
        let second = try house.registry()
        let made = try house.endpoint(EndpointConfig(requireAPITokenAuth: true))
        let token = try house.token(APITokenDraft(name: "t", subject: "ada", endpoints: [made.record.id]))
        var tightened = EndpointChange()
        tightened.methods = .set(["read"])
        let acts: [(Issued<Endpoint>, Issued<APIToken>) throws -> Int64] = [
            { endpoint, _ in try house.store.updateEndpoint(endpoint.record.id, tightened, now: .now).number },
            { endpoint, _ in try house.store.rotateEndpoint(endpoint.record.id, now: .now).number },
            { _, token in try house.store.revokeAPIToken(token.record.id, now: .now).number },
            { endpoint, _ in try house.store.deleteEndpoint(endpoint.record.id, now: .now).number },
        ]
        _ = (made, token)
        for act in acts {
            let made = try house.endpoint(EndpointConfig(requireAPITokenAuth: true))
            let token = try house.token(APITokenDraft(name: "t", subject: "ada", endpoints: [made.record.id]))
            let (route, head) = (EndpointRoute.capability(made.secret), head(bearing: token.secret))
            let held = try [registry, second].map { registry in
                let principal = try registry.authenticate(route, head: head, now: .now)
                return (registry: registry, principal: principal, lease: lease(registry, principal))
            }
            let number = try act(made, token)
            #expect(try house.store.waitUntilApplied(number, within: .seconds(5)).isEmpty)
            for held in held {
                #expect(held.lease.ends() == 1)
                #expect(!held.registry.isCurrent(held.principal, at: .now))
                // Who asks to be told after the end is told at once.
                #expect(lease(held.registry, held.principal).ends() == 1)
            }
        }
        #expect(registry.health.leases == 0)
    }

    @Test func `ends nobody whom it does not concern`() throws {
        let house = try House()
        let registry = try house.registry()
        let mine = try house.endpoint()
        let principal = try registry.authenticate(.capability(mine.secret), head: head(), now: .now)
        let held = lease(registry, principal)
        var renamed = EndpointChange()
        renamed.name = .set("another name")
        try house.applied(house.store.updateEndpoint(mine.record.id, renamed, now: .now))
        let other = try house.endpoint()
        try house.applied(house.store.deleteEndpoint(other.record.id, now: .now))
        #expect(held.ends() == 0)
        #expect(registry.isCurrent(principal, at: .now))
        held.lease.cancel()
        try house.applied(house.store.deleteEndpoint(mine.record.id, now: .now))
        #expect(held.ends() == 0)
    }

    @Test func `is waited for with proxies that live, not with those that have gone`() throws {
        let house = try House()
        let registry = try house.registry()
        #expect(try house.store.watchers().count == 1)
        let ghost = try house.store.enrolWatcher()
        #expect(!ghost.isEmpty)
        let change = try house.store.createEndpoint(EndpointDraft(name: "a", upstream: "u"), by: "t", now: .now)
        let behind = try house.store.waitUntilApplied(change.number, within: .milliseconds(200))
        #expect(behind.map(\.appliedChange) == [0])
        registry.stop()
        #expect(try house.store.watchers().count == 1)
    }

    @Test func `reaches the registry through the file alone, within a few looks`() throws {
        let house = try House()
        let registry = try house.registry()
        let made = try house.endpoint()
        let database = try Database(house.settings.database, .readAndWrite)
        try database.execute(
            "BEGIN IMMEDIATE; DELETE FROM endpoints; INSERT INTO changes (at, what, subject) VALUES (0, 'x', 'x'); COMMIT"
        )
        let deadline = MonotonicTime.now + .seconds(5)
        while refusal(registry, .capability(made.secret)) == nil, MonotonicTime.now < deadline {
            Bell().wait(until: MonotonicTime.now + .milliseconds(2))
        }
        #expect(refusal(registry, .capability(made.secret))?.reason == .capabilityUnknown)
    }

    @Test func `is not missed when records cannot be read: then nobody is recognised`() throws {
        let house = try House()
        let registry = try house.registry(staleAfter: .seconds(1))
        let made = try house.endpoint()
        try Files.rename(house.settings.database, to: house.folder + "/away.db")
        let deadline = MonotonicTime.now + .seconds(5)
        while refusal(registry, .capability(made.secret)) == nil, MonotonicTime.now < deadline {
            Bell().wait(until: MonotonicTime.now + .milliseconds(10))
        }
        let failure = refusal(registry, .capability(made.secret))
        #expect(failure?.reason == .stateUnavailable)
        #expect(failure?.answer == .unavailable)
        #expect(registry.health.isStale)
        // It makes no empty database in place of the lost one.
        #expect(!Files.exists(house.settings.database))
        try Files.rename(house.folder + "/away.db", to: house.settings.database)
        let back = MonotonicTime.now + .seconds(5)
        while refusal(registry, .capability(made.secret)) != nil, MonotonicTime.now < back {
            Bell().wait(until: MonotonicTime.now + .milliseconds(10))
        }
        #expect(refusal(registry, .capability(made.secret)) == nil)
    }

    @Test func `that damages one record lets nobody in by it and leaves the others`() throws {
        let house = try House()
        let registry = try house.registry()
        let good = try house.endpoint()
        let bad = try house.endpoint(EndpointConfig(methods: ["read"]))
        let worse = try house.endpoint(EndpointConfig(methods: ["read"]))
        let database = try Database(house.settings.database, .readAndWrite)
        try database.run("UPDATE endpoints SET methods = '[]' WHERE id = ?1", .text(bad.record.id.text))
        try database.run("UPDATE endpoints SET methods = '{' WHERE id = ?1", .text(worse.record.id.text))
        let change = try house.store.createEndpoint(EndpointDraft(name: "a", upstream: "u"), by: "t", now: .now)
        try house.applied(change)
        #expect(refusal(registry, .capability(good.secret)) == nil)
        #expect(refusal(registry, .capability(bad.secret))?.reason == .endpointUnusable)
        #expect(refusal(registry, .capability(worse.secret))?.reason == .capabilityUnknown)
    }
}

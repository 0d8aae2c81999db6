import Bytes
import Glibc
import JSON
import SQLite
import System
import Testing

@testable import Identity

@Suite struct `The store` {
    @Test func `shows a secret once and keeps only its keyed hash`() throws {
        let house = try House()
        let endpoint = try house.endpoint()
        let token = try house.token(APITokenDraft(name: "t", subject: "ada", upstreams: ["torii"]))
        #expect(SecretText.isWellFormed(endpoint.secret, .endpoint))
        #expect(SecretText.isWellFormed(token.secret, .apiToken))
        for name in try Files.list(house.folder) where name.hasPrefix("state.db") {
            let bytes = try Files.read(house.folder + "/" + name, limit: 10 << 20) ?? []
            let text = String(decoding: bytes, as: UTF8.self)
            for secret in [endpoint.secret, token.secret] {
                #expect(!text.contains(secret.text.dropFirst(6).prefix(20)))
                let raw = Base64URL.decode(ByteString([UInt8](secret.bytes[6..<49]))) ?? []
                #expect(raw.count == 32)
                #expect(!bytes.contains(raw))
            }
        }
    }

    @Test func `gives back what was written, after another opening too`() throws {
        let house = try House()
        let expiry = WallTime.now + .seconds(3600)
        let config = EndpointConfig(
            methods: ["read"], tags: ["apps", "users"], tools: ["list_*"], policy: "strict", requireAPITokenAuth: true)
        let made = try house.endpoint(config, expiresAt: expiry).record
        let draft = APITokenDraft(
            name: "t", subject: "ada", groups: ["b", "a\"\\\u{e9}"], endpoints: [made.id], upstreams: ["torii"],
            expiresAt: expiry)
        let token = try house.token(draft).record
        let again = try StateStore(house.settings)
        #expect(try again.endpoint(made.id) == made)
        #expect(try again.apiToken(token.id) == token)
        #expect(made.config == config)
        #expect(made.expiresAt == expiry)
        #expect(token.groups == ["b", "a\"\\\u{e9}"])
        #expect(try again.apiTokens() == [token])
    }

    @Test func `lists in pages, oldest first, by upstream`() throws {
        let house = try House()
        var made: [EndpointID] = []
        for index in 0..<5 {
            let now = WallTime.now + .seconds(index)
            made.append(try house.endpoint(upstream: index == 2 ? "other" : "torii", now: now).record.id)
        }
        let wanted = [made[0], made[1], made[3], made[4]]
        #expect(try house.store.endpoints(of: "torii").map(\.id) == wanted)
        #expect(try house.store.endpoints(of: "torii", limit: 2).map(\.id) == [made[0], made[1]])
        #expect(try house.store.endpoints(of: "torii", after: made[1], limit: 9).map(\.id) == [made[3], made[4]])
        #expect(try house.store.endpoints(of: "torii", after: made[2]).isEmpty)
        #expect(try house.store.endpoints().count == 5)
    }

    @Test func `numbers its changes and never again the same`() throws {
        let house = try House()
        #expect(try house.store.lastChange() == 0)
        let first = try house.store.createEndpoint(EndpointDraft(name: "a", upstream: "u"), by: "t", now: .now)
        let second = try house.store.deleteEndpoint(first.value.record.id, now: .now)
        #expect(second.number == first.number + 1)
        #expect(try StateStore(house.settings).lastChange() == second.number)
    }

    @Test func `refuses what would be no record, and changes nothing then`() throws {
        let house = try House()
        let now = WallTime.now
        let good = EndpointDraft(name: "a", upstream: "u")
        var drafts: [EndpointDraft] = []
        for name in ["", "a\nb", "a\u{7f}", String(repeating: "a", count: 201)] {
            var draft = good
            draft.name = ByteString(name)
            drafts.append(draft)
        }
        var draft = good
        draft.name = ByteString([0xff])
        drafts.append(draft)
        for config in [
            EndpointConfig(methods: []), EndpointConfig(tags: []), EndpointConfig(methods: ["GET"]),
            EndpointConfig(policy: ""), EndpointConfig(tools: ["mcp__x__y"]),
        ] {
            draft = good
            draft.config = config
            drafts.append(draft)
        }
        draft = good
        draft.expiresAt = now + .milliseconds(59_999)
        drafts.append(draft)
        for draft in drafts {
            #expect(throws: StateFailure.self) { try house.store.createEndpoint(draft, by: "t", now: now) }
        }
        for token in [
            APITokenDraft(name: "t", subject: "s"), APITokenDraft(name: "t", subject: "", upstreams: ["u"]),
            APITokenDraft(name: "t", subject: "s", groups: [""], upstreams: ["u"]),
            APITokenDraft(name: "t", subject: "s", upstreams: ["u"], kind: .signed),
            APITokenDraft(
                name: "t", subject: "s", endpoints: [try #require(EndpointID("00000000-0000-4000-8000-000000000000"))]),
        ] {
            #expect(throws: StateFailure.self) { try house.store.createAPIToken(token, by: "t", now: now) }
        }
        #expect(try house.store.lastChange() == 0)
        draft = good
        draft.expiresAt = now + .seconds(60)
        #expect(throws: Never.self) { try house.store.createEndpoint(draft, by: "t", now: now) }
    }

    @Test func `answers not found for what is not there, and revokes once`() throws {
        let house = try House()
        let endpoint = try house.endpoint().record.id
        try house.applied(house.store.deleteEndpoint(endpoint, now: .now))
        let failure = #expect(throws: StateFailure.self) { try house.store.endpoint(endpoint) }
        #expect(failure?.reason == .notFound)
        #expect(throws: StateFailure.self) { try house.store.rotateEndpoint(endpoint, now: .now) }
        #expect(throws: StateFailure.self) { try house.store.updateEndpoint(endpoint, EndpointChange(), now: .now) }
        #expect(throws: StateFailure.self) { try house.store.deleteEndpoint(endpoint, now: .now) }
        let token = try house.token(APITokenDraft(name: "t", subject: "s", upstreams: ["u"])).record.id
        let revoked = try house.applied(house.store.revokeAPIToken(token, now: .now))
        #expect(revoked.revokedAt != nil)
        let again = #expect(throws: StateFailure.self) { try house.store.revokeAPIToken(token, now: .now) }
        #expect(again?.reason == .alreadyRevoked)
    }

    @Test func `changes the keys of config one by one, as Truto does`() throws {
        let house = try House()
        let now = WallTime.now
        let made = try house.endpoint(
            EndpointConfig(methods: ["read"], tags: ["apps"]), expiresAt: now + .seconds(600), now: now
        ).record
        func patched(_ body: String) throws -> Endpoint {
            let change = try EndpointChange(json: JSONDocument(parsing: [UInt8](body.utf8)))
            return try house.applied(house.store.updateEndpoint(made.id, change, now: now + .seconds(1)))
        }
        let tagged = try patched(#"{"config":{"tags":["users"]}}"#)
        #expect(tagged.config == EndpointConfig(methods: ["read"], tags: ["users"]))
        #expect(tagged.expiresAt == made.expiresAt)
        #expect(tagged.updatedAt == now + .seconds(1))
        #expect(
            try patched(#"{"config":{"methods":null,"require_api_token_auth":true}}"#).config
                == EndpointConfig(tags: ["users"], requireAPITokenAuth: true))
        #expect(try patched(#"{"expires_at":null,"name":"b"}"#).expiresAt == nil)
        let short = WallTime(seconds: now.seconds + 90)
        for text in [short.rfc3339(fractionDigits: 0), short.rfc3339(fractionDigits: 3)] {
            #expect(try patched(#"{"expires_at":"\#(text)"}"#).expiresAt == short)
        }
        #expect(throws: StateFailure.self) {
            try patched(#"{"expires_at":"\#((now + .seconds(30)).rfc3339(fractionDigits: 0))"}"#)
        }
    }

    @Test func `refuses a key that others can read, that is missing, or that is another's`() throws {
        let house = try House()
        try Files.setPermissions(house.settings.tokenKey, 0o640)
        #expect(throws: StateFailure.self) { try StateStore(house.settings) }
        try Files.setPermissions(house.settings.tokenKey, 0o600)
        #expect(throws: Never.self) { try StateStore(house.settings) }
        #expect(try KeyFile.create(house.settings.tokenKey) == false)
        try Files.remove(house.settings.tokenKey)
        #expect(#expect(throws: StateFailure.self) { try StateStore(house.settings) }?.reason == .keyMissing)
        #expect(try KeyFile.create(house.settings.tokenKey) == true)
        #expect(try Files.status(house.settings.tokenKey).permissions == 0o600)
        #expect(#expect(throws: StateFailure.self) { try StateStore(house.settings) }?.reason == .keyOfAnother)
        for text in ["", "short", String(repeating: "g", count: 65)] {
            try Files.replace(house.settings.tokenKey, with: [UInt8](text.utf8), permissions: 0o600)
            #expect(#expect(throws: StateFailure.self) { try StateStore(house.settings) }?.reason == .keyMalformed)
        }
    }

    @Test func `keeps its files to its owner, and refuses a newer or a damaged one`() throws {
        let house = try House()
        _ = try house.endpoint()
        for name in try Files.list(house.folder) where name.hasPrefix("state.db") {
            #expect(try Files.status(house.folder + "/" + name).permissions & 0o077 == 0)
        }
        let database = try Database(house.settings.database, .readAndWrite)
        try database.execute("PRAGMA user_version = 99")
        #expect(#expect(throws: StateFailure.self) { try StateStore(house.settings) }?.reason == .tooNew)
        let other = try House()
        try Files.replace(other.folder + "/bad.db", with: [UInt8](repeating: 7, count: 9000), permissions: 0o600)
        var settings = other.settings
        settings.database = other.folder + "/bad.db"
        #expect(#expect(throws: StateFailure.self) { try StateStore(settings) }?.reason == .damaged)
    }

    @Test func `survives being killed between any two steps, with whole changes`() async throws {
        let house = try House()
        let folder = house.folder
        // The child creates endpoints as fast as it can and prints nothing; it dies after its 25th answer, while another
        // of its threads is in the middle of further changes.
        await #expect(processExitsWith: .signal(SIGKILL)) { [folder = folder as String] in
            let settings = StateSettings(
                database: folder + "/state.db", tokenKey: folder + "/token.key", publicURL: "https://x")
            let store = try StateStore(settings)
            _ = try Thread.start("busy") {
                while true {
                    let draft = EndpointDraft(name: "busy", upstream: "u")
                    _ = try? store.createEndpoint(draft, by: "t", now: .now)
                }
            }
            for _ in 0..<25 {
                _ = try store.createEndpoint(EndpointDraft(name: "answered", upstream: "u"), by: "t", now: .now)
            }
            kill(getpid(), SIGKILL)
        }
        let store = try StateStore(house.settings)
        let endpoints = try store.endpoints()
        #expect(endpoints.filter { $0.name == "answered" }.count == 25)
        #expect(try store.lastChange() == Int64(endpoints.count))
        let database = try Database(house.settings.database, .read)
        var check = try database.prepare("PRAGMA integrity_check")
        #expect(try check.step() && check.text(0) == "ok")
    }
}

@Suite struct `A secret's text` {
    @Test func `is told from anything like it`() throws {
        let secret = try SecretText.fresh(.endpoint)
        #expect(SecretText.isWellFormed(secret, .endpoint))
        #expect(!SecretText.isWellFormed(secret, .apiToken))
        for index in secret.bytes.indices {
            var bytes = secret.bytes
            bytes[index] ^= 1
            #expect(!SecretText.isWellFormed(ByteString(bytes), .endpoint))
        }
        for text in ["", "kmn_e_", secret.text + "A", secret.text.lowercased(), String(secret.text.dropLast())] {
            #expect(!SecretText.isWellFormed(ByteString(text), .endpoint))
        }
        #expect(secret.bytes.allSatisfy { $0 == 0x2d || $0 == 0x5f || UInt8(ascii: "0")...UInt8(ascii: "z") ~= $0 })
    }
}

@Suite struct `The records as JSON` {
    @Test func `are what Truto's callers read, and show a secret only when told to`() throws {
        let house = try House()
        let made = try house.endpoint(EndpointConfig(methods: ["read"]), now: WallTime(seconds: 1_800_000_000))
        var writer = JSONWriter()
        made.record.encode(
            into: &writer, upstreamField: "integrated_account_id",
            secret: (made.secret, ByteString("https://x/mcp/" + made.secret.text)))
        let document = try JSONDocument(parsing: writer.bytes)
        let names = document.members(of: document.root).compactMap { document.string($0.name)?.text }
        #expect(
            names == [
                "id", "name", "integrated_account_id", "config", "created_by", "expires_at", "created_at", "updated_at",
                "token", "url",
            ])
        writer = JSONWriter()
        made.record.encode(into: &writer)
        let text = String(decoding: writer.bytes, as: UTF8.self)
        #expect(!text.contains(made.secret.text))
        #expect(text.contains(#""created_at":"2027-01-15T08:00:00.000Z""#))
        #expect(text.contains(#""config":{"methods":["read"],"require_api_token_auth":false}"#))
    }

    @Test(arguments: [
        "[]", "{}", #"{"name":1}"#, #"{"name":"a","nmae":"b"}"#, #"{"name":"a","config":[]}"#,
        #"{"name":"a","config":{"method":["read"]}}"#, #"{"name":"a","config":{"methods":"read"}}"#,
        #"{"name":"a","config":{"methods":[1]}}"#, #"{"name":"a","config":{"require_api_token_auth":"true"}}"#,
        #"{"name":"a","config":{"tool_exposure":"discovery"}}"#, #"{"name":"a","expires_at":"tomorrow"}"#,
        #"{"name":"a","expires_at":1800000000}"#,
    ])
    func `are not read from a body that says something else`(body: String) throws {
        let document = try JSONDocument(parsing: [UInt8](body.utf8))
        let failure = #expect(throws: StateFailure.self) { try EndpointDraft(json: document, upstream: "u") }
        #expect(failure?.reason == .invalid)
        #expect(failure?.field != nil)
    }

    @Test func `are read from Truto's bodies`() throws {
        let body = #"{"name":"a","config":{"methods":["read"],"tags":null,"tool_exposure":"all"},"expires_at":null}"#
        let draft = try EndpointDraft(json: JSONDocument(parsing: [UInt8](body.utf8)), upstream: "u")
        #expect(draft == EndpointDraft(name: "a", upstream: "u", config: EndpointConfig(methods: ["read"])))
        let token = try APITokenDraft(
            json: JSONDocument(
                parsing: [UInt8](#"{"name":"t","subject":"s","groups":["g"],"upstreams":["u"],"kind":"signed"}"#.utf8)))
        #expect(token == APITokenDraft(name: "t", subject: "s", groups: ["g"], upstreams: ["u"], kind: .signed))
    }
}

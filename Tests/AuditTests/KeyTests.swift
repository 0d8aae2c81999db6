import Bytes
import OpenSSL
import System
import Testing

@testable import Audit

@Suite struct `The log's keys` {
    @Test func `give one subject one pseudonym, and two issuers' subjects two`() throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        let ada = try log.keys.pseudonym(issuer: "https://a.example", subject: "ada")
        #expect(ada.count == 18 && ada.hasPrefix("s_"))
        #expect(try log.keys.pseudonym(issuer: "https://a.example", subject: "ada") == ada)
        #expect(try log.keys.pseudonym(issuer: "https://b.example", subject: "ada") != ada)
        #expect(try log.keys.pseudonym(issuer: nil, subject: "ada") != ada)
        log.close()
        let again = try folder.open()
        #expect(try again.keys.pseudonym(issuer: "https://a.example", subject: "ada") == ada)
        again.close()
        let other = try TrailFolder()
        let stranger = try other.open()
        #expect(try stranger.keys.pseudonym(issuer: "https://a.example", subject: "ada") != ada)
        stranger.close()
    }

    @Test func `commit to bytes as the format says, and can be opened one by one`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        let subject = try log.keys.pseudonym(issuer: nil, subject: "ada")
        let call = try CallID.make()
        let value = Array(#"{"email":"ada@example.com"}"#.utf8)
        let commitment = try log.keys.commitment(to: value, path: "/args", call: call, subject: subject)
        #expect(commitment.count == 43)
        let salt = try #require(log.keys.salt(path: "/args", call: call.text, subject: subject))
        // SHA-256("mcp-audit/c1\n" || salt || u32be(len path) || path || value), spelled out.
        let expected = SHA256.hash(Array("mcp-audit/c1\n".utf8) + salt + [0, 0, 0, 5] + Array("/args".utf8) + value)
        #expect(commitment == ByteString(Base64URL.encode(expected)))
        #expect(AuditKeys.commitment(to: value, path: "/args", salt: salt) == commitment)
        #expect(AuditKeys.commitment(to: value + [0x20], path: "/args", salt: salt) != commitment)
        #expect(log.keys.salt(path: "/result", call: call.text, subject: subject) != salt)
        #expect(log.keys.salt(path: "/args", call: try CallID.make().text, subject: subject) != salt)
        #expect(log.keys.salt(path: "/args", call: call.text, subject: "s_unknown") == nil)
        _ = try await log.append(AuditRecord(.serverUp))
        log.close()
        // The salt is HMAC-SHA256(HKDF(K_s,"commit/v1"), u16be|origin|origin|u16be|cid|cid|u16be|path|path)[0..<16].
        let key = try #require(try KeyFile.content(of: "\(folder.path)/keys")?.subjects[subject])
        let salting = HMACSHA256(key: HKDF.derive(32, from: key, info: Array("commit/v1".utf8)))
        let message =
            [0, 18] + Array("test.example/audit".utf8) + [0, 26] + call.text.bytes + [0, 5] + Array("/args".utf8)
        #expect(salt == Array(salting.authenticate(message).prefix(16)))
    }

    @Test func `are on disk before a record that needs them is`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        for number in 0..<20 {
            let subject = try log.keys.pseudonym(issuer: nil, subject: ByteString("person \(number)"))
            _ = try await log.append(AuditRecord(.serverUp))
            let content = try #require(try KeyFile.content(of: "\(folder.path)/keys"))
            #expect(content.names[subject] == ByteString("person \(number)"))
        }
        log.close()
        #expect(try Files.status("\(folder.path)/keys/keys.db").permissions == 0o600)
    }

    @Test func `know equal secrets of one rule, without telling which`() throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        let secret = Array("hunter2".utf8)
        let print = log.keys.fingerprint(of: secret, rule: "secret")
        #expect(print.count == 16)
        #expect(log.keys.fingerprint(of: secret, rule: "secret") == print)
        #expect(log.keys.fingerprint(of: secret, rule: "jwt") != print)
        #expect(log.keys.fingerprint(of: Array("hunter3".utf8), rule: "secret") != print)
        log.close()
    }

    @Test func `survive a torn end, which is kept aside`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        let ada = try log.keys.pseudonym(issuer: nil, subject: "ada")
        _ = try await log.append(AuditRecord(.serverUp))
        log.close()
        let path = "\(folder.path)/keys/keys.db"
        let whole = try #require(try Files.read(path, limit: 1 << 20))
        for torn in [Array("{\"sub\":\"s_".utf8), [0, 0, 0, 0x0A], [0x0A]] {
            try File(path, .readAndWrite).write(torn, at: Int64(whole.count))
            let again = try folder.open()
            #expect(try again.keys.pseudonym(issuer: nil, subject: "ada") == ada)
            again.close()
            #expect(try Files.read(path, limit: 1 << 20) == whole)
            #expect(try Files.read("\(path).torn-\(whole.count)", limit: 1 << 20) == torn)
        }
        try Files.replace(path, with: Array("not keys\n".utf8), permissions: 0o600)
        #expect(throws: AuditFailure.self) { try folder.open() }
    }

    @Test func `take names of any length`() async throws {
        let folder = try TrailFolder()
        let log = try folder.open()
        let name = ByteString([UInt8](repeating: 0x61, count: 100_000))
        let pseudonym = try log.keys.pseudonym(issuer: name, subject: name)
        let call = try CallID.make()
        let commitment = try log.keys.commitment(to: [1], path: "/args", call: call, subject: name)
        _ = try await log.append(AuditRecord(.serverUp))
        log.close()
        let again = try folder.open()
        #expect(try again.keys.pseudonym(issuer: name, subject: name) == pseudonym)
        #expect(try again.keys.commitment(to: [1], path: "/args", call: call, subject: name) == commitment)
        again.close()
    }
}

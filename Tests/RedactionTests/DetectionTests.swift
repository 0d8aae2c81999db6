import Bytes
import JSON
import KomainuTesting
import Testing

@testable import Redaction

@Suite struct `Detectors on the labelled corpus` {
    struct Case {
        let id: String
        let text: [UInt8]
        let isPositive: Bool
        let isHard: Bool
        let entities: [(type: String, start: Int, end: Int)]
    }

    /// The types of the corpus that are secrets; the rest is personal data.
    static let secretTypes = [
        "TOKEN", "KEY", "SECRET", "PASSWORD", "JWT", "BEARER", "DSN", "WEBHOOK", "CREDENTIAL", "SAS", "COOKIE",
    ]

    static func cases() throws -> [Case]? {
        guard let bytes = Shared.file("corpora/pii/cases.json") else { return nil }
        let document = try JSONDocument(parsing: bytes)
        let list = document.elements(of: try #require(document.member("cases", of: document.root)))
        return try list.map { node in
            let item = document.value(node)
            guard case .array(let entities)? = item["entities"] else { throw JSONMissing() }
            return Case(
                id: item["id"]?.stringValue?.text ?? "", text: try #require(item["text"]?.stringValue).bytes,
                isPositive: item["kind"]?.stringValue == "positive", isHard: item["hard"] == .bool(true),
                entities: entities.map {
                    ($0["type"]?.stringValue?.text ?? "", $0["bstart"]?.int ?? -1, $0["bend"]?.int ?? -1)
                })
        }
    }

    @Test func `find more than Presidio and gitleaks together, with fewer false alarms`() throws {
        guard let cases = try Self.cases() else { return Shared.skipped("labelled personal data") }
        let scanner = TextScanner(kinds: .all)
        var people = (found: 0, all: 0)
        var secrets = (found: 0, all: 0)
        var easy = (right: 0, all: 0)
        var hard = (right: 0, all: 0)
        for item in cases {
            let findings = scanner.findings(in: item.text.span)
            for entity in item.entities {
                let hit = findings.contains { $0.start < entity.end && entity.start < $0.end }
                if !hit { print("missed \(item.id) \(entity.type) in: \(ByteString(item.text).text.prefix(100))") }
                if Self.secretTypes.contains(where: { entity.type.contains($0) }) {
                    secrets = (secrets.found + (hit ? 1 : 0), secrets.all + 1)
                } else {
                    people = (people.found + (hit ? 1 : 0), people.all + 1)
                }
            }
            guard !item.isPositive else { continue }
            if !findings.isEmpty {
                print(
                    "false alarm \(item.id) \(findings.map(\.kind)) in: \(ByteString(item.text).text.prefix(100))")
            }
            if item.isHard {
                hard = (hard.right + (findings.isEmpty ? 1 : 0), hard.all + 1)
            } else {
                easy = (easy.right + (findings.isEmpty ? 1 : 0), easy.all + 1)
            }
        }
        #expect(people.found * 100 >= people.all * 97)
        #expect(secrets.found * 100 >= secrets.all * 95)
        #expect(easy.right * 100 >= easy.all * 98)
        #expect(hard.right * 100 >= hard.all * 94)
        print("personal data \(people), secrets \(secrets), easy negatives \(easy), hard negatives \(hard)")
    }
}

@Suite struct `Detectors` {
    private func found(_ text: String, _ kinds: DataKinds = .all) -> [String] {
        let bytes = Array(text.utf8)
        return TextScanner(kinds: kinds).findings(in: bytes.span).map {
            "\($0.kind.name) \(String(decoding: bytes[$0.start..<$0.end], as: UTF8.self))"
        }
    }

    @Test(arguments: [
        ("a@b.co", ["email a@b.co"]),
        ("<ada@example.com>, bob@example.org.", ["email ada@example.com", "email bob@example.org"]),
        ("?email=bob%40example.com&x=1", ["email bob%40example.com"]),
        (#""john doe"@example.com"#, [#"email "john doe"@example.com"#]),
        ("a=bob%2540example.com", ["email bob%2540example.com"]),
        ("bob&#64;example.com, bob&#x40;example.com", ["email bob&#64;example.com", "email bob&#x40;example.com"]),
        ("bob&commat;example.com", ["email bob&commat;example.com"]),
        ("bob\u{ff20}example.com", ["email bob\u{ff20}example.com"]), ("R&D at example.com &#64;", []),
        ("git@github.com:org/repo.git", []), ("lodash@4.17.21", []), ("https://user@host.example/x", []),
        ("me@xn--exmple-cua.xn--p1ai!", ["email me@xn--exmple-cua.xn--p1ai"]),
    ]) func `find addresses`(text: String, expected: [String]) {
        #expect(found(text, .email) == expected)
    }

    @Test(arguments: [
        ("id 41207, amount 1250000, cursor 1463538857", []), ("654323 rows in 12.5 s", []), ("9107", []),
        ("2026-01-02T03:04:05.000Z", []), ("+12025550143", ["phone +12025550143"]),
        ("call 020 7946 0958.", ["phone 020 7946 0958"]),
        ("(202) 555-0177 or 202-555-0143", ["phone (202) 555-0177", "phone 202-555-0143"]), ("c4111111111111111", []),
        ("0044 20 7946 0958", ["phone 0044 20 7946 0958"]), ("4111 1111 1111 1111", ["card 4111 1111 1111 1111"]),
        ("4111111111111112", []), ("DE89 3704 0044 0532 0130 01", []), ("203.0.113.9", ["ip 203.0.113.9"]),
        ("v1.2.3.4", []),
        ("2001:db8::7334", ["ip 2001:db8::7334"]), ("::1 127.0.0.1 0.0.0.0", []), ("std::vector", []),
    ]) func `know numbers from numbers`(text: String, expected: [String]) {
        #expect(found(text) == expected)
    }

    @Test(arguments: [
        ("Authorization: Bearer abcdEFGH1234ijkl5678", ["secret abcdEFGH1234ijkl5678"]),
        ("nextPageToken: abcdEFGH1234ijkl5678", []),
        (#"{"password":"hunter22"}"#, ["secret hunter22"]), ("PASSWORD=${PASSWORD}", []),
        ("the password: is required", []),
        ("https://u:p4ss@db.example/x", ["secret p4ss"]), ("AKIAIOSFODNN7EXAMPLE", ["secret AKIAIOSFODNN7EXAMPLE"]),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", ["jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"]),
    ]) func `find secrets and leave cursors and placeholders alone`(text: String, expected: [String]) {
        #expect(found(text) == expected)
    }

    /// Texts made to be slow, 60 KB each.
    @Test(arguments: [
        "a", "1", "@", "a@", "a.b", "a@a.", "+1 ", "1-", "eyJ", "eyJa.", "-----BEGIN ", "://a:", "password",
        "password=", "4111-",
        "DE89 ", "0:", ":", "1.1.", "\"@", "%40", "{", "é@é.", "sk-", "a-", "A", "x:y@", "(1", "token ", "p=1 ",
        "-----BEGIN PRIVATE KEY-----",
    ]) func `take linear time whatever the text`(piece: String) {
        let text = Array(String(repeating: piece, count: 60_000 / piece.utf8.count).utf8)
        let time = ContinuousClock().measure { _ = TextScanner(kinds: .all).findings(in: text.span) }
        // A debug build takes well under a second; reading every byte for every byte would take minutes.
        #expect(time < .seconds(5), "\(piece)")
    }
}

struct JSONMissing: Error {}

extension JSONValue {
    /// A number as an integer.
    var int: Int? {
        guard case .number(let text) = self else { return nil }
        return Int(text.text)
    }
}

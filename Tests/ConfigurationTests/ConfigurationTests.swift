import KomainuTesting
import System
import Testing
import YAML

@testable import Configuration

private let cases = String(#filePath.dropLast("ConfigurationTests.swift".count)) + "Cases/"

/// The files that cases name. Git keeps no permissions, so they are set here.
private let prepared: Bool = {
    for name in ["server.key", "token", "hmac", "issuer.pem"] {
        try? Files.setPermissions(cases + "files/" + name, 0o600)
    }
    return true
}()

private func load(_ name: String) throws(ConfigurationFailure) -> Configuration {
    precondition(prepared)
    return try Configuration.load(cases + name)
}

/// The problems of a file, without the folder it lies in.
private func problems(_ name: String) -> [String] {
    do throws(ConfigurationFailure) {
        return try load(name).warnings.map(\.description)
    } catch {
        return error.problems.map { $0.description.replacing(cases, with: "") }
    }
}

private func names(_ folder: String) -> [String] {
    ((try? Files.list(cases + folder)) ?? []).filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
}

@Suite struct `A broken configuration` {
    /// `KOMAINU_UPDATE_CASES=1` writes what is said now; the difference is then read by a person.
    @Test(arguments: names("broken"))
    func `is told every mistake with its place and what to do`(name: String) throws {
        let said = problems("broken/\(name).yaml").map { $0 + "\n" }.joined()
        let path = cases + "broken/\(name).txt"
        if CurrentProcess.environment("KOMAINU_UPDATE_CASES") != nil {
            try Files.replace(path, with: Array(said.utf8), permissions: 0o644)
        }
        let expected = try #require(Shared.contents(of: path), "no expected complaints: \(path)")
        #expect(said == String(decoding: expected, as: UTF8.self))
        #expect(!said.isEmpty)
    }

    @Test func `never has its secrets repeated`() {
        for name in names("broken") {
            let said = problems("broken/\(name).yaml").joined()
            #expect(
                !said.contains("very_secret") && !said.contains("very-secret") && !said.contains("pass@"), "\(name)")
        }
    }

    @Test func `is one that isn't there, or is no file`() {
        #expect(problems("none.yaml") == ["none.yaml:1:1: the configuration can't be read: No such file or directory"])
        #expect(problems("good") == ["good:1:1: the configuration can't be read: Is a directory"])
    }
}

@Suite struct `A good configuration` {
    @Test func `means what it says, with paths relative to itself`() throws {
        let read = try load("good/whole.yaml")
        let folder = cases + "good/"
        #expect(read.warnings.isEmpty)
        #expect(read.listen.map(\.description) == ["0.0.0.0:8443", "[::1]:8443"])
        #expect(read.publicURL.description == "https://mcp.example.com")
        #expect(read.tls?.certificate == folder + "../files/server.pem")
        #expect(read.admin?.listen.description == "127.0.0.1:9443")
        #expect(read.limits.requestsPerConnection == 12)
        let torii = try #require(read.upstreams.first)
        #expect(torii.location == .url(try WebAddress("https://api.toriihq.com/mcp")))
        #expect(read.upstreams[2].location == .file(folder + "../files/token"))
        guard case .command(let command) = read.upstreams[3].location else {
            Issue.record("it isn't a program")
            return
        }
        #expect(command.path.hasSuffix("/sh"))
        #expect(command.arguments == ["-c", "exec server --root /srv", ""])
        let token = folder + "../files/token"
        #expect(
            command.environment == ["REGION": .text("eu"), "TOKEN": .file(token), "OTHER_KEY": .variable("OURS")])
        #expect(read.upstreams[3].limits.processes == 3)
        #expect(read.files.contains(token))
        #expect(torii.credential == .bearerFile(folder + "../files/token"))
        #expect(torii.policies == [folder + "../files/policy.yaml", folder + "../files/other-policy.yaml"])
        #expect(torii.unknownTool == .result(text: "No tool NAME"))
        #expect(torii.firstSight == .quarantine)
        #expect(torii.timeouts.connect == .seconds(5))
        #expect(torii.timeouts.response == .seconds(60))
        #expect(torii.timeouts.total == .seconds(7200))
        #expect(torii.limits.connections == 8)
        #expect(torii.limits.resultBytes == 4 << 20)
        #expect(read.upstreams[1].credential == .bearerVariable("LOCAL_TOKEN"))
        #expect(read.issuers.first?.types == ["at+jwt", "jwt"])
        #expect(read.issuers.first?.groupsClaim == "groups")
        let set = KeySetConfiguration(
            url: "https://cloud.example.com/keys", authorities: nil, allowsPrivateAddress: true, refresh: .seconds(600),
            keep: .seconds(7_200))
        #expect(read.issuers.map(\.keySet) == [nil, set, nil])
        #expect(read.issuers.last?.types == ["jwt"])
        #expect(read.issuers.last?.audiences == ["a", "b"])
        #expect(read.issuers.last?.secretFile == folder + "../files/hmac")
        #expect(read.issuers.last?.subjectClaim == "client_id")
        #expect(read.tokens == TokenConfiguration(hmacKey: folder + "keys/h", signingKey: "/etc/komainu/s"))
        #expect(read.state == folder + "state.db")
        #expect(read.audit.directory == folder + "trail")
        #expect(read.audit.heartbeat == .seconds(60))
        #expect(read.audit.segmentBytes == 8 << 20)
        #expect(read.limits.headBytes == 32 << 10)
        #expect(read.limits.sessions == 9)
        #expect(read.timeouts.drain == .seconds(6))
        #expect(read.threads == 4)
        #expect(read.allowedHosts == ["inner.example.com:8443"])
        #expect(read.allowedOrigins == ["https://app.example.com"])
        #expect(read.redactionKey == folder + "keys/r")
        #expect(read.logLevel == "debug")
    }

    @Test func `needs four lines; the rest has defaults`() throws {
        let read = try load("good/least.yaml")
        let folder = cases + "good/"
        #expect(read.warnings.isEmpty)
        #expect(read.listen.map(\.description) == ["127.0.0.1:8443"])
        #expect(read.tls == nil)
        #expect(read.admin == nil)
        #expect(read.threads == nil)
        #expect(read.upstreams.first?.unknownTool == .error(code: -32602, message: "Unknown tool: NAME"))
        #expect(read.upstreams.first?.firstSight == .trust)
        #expect(read.upstreams.first?.credential == nil)
        #expect(read.state == folder + "var/komainu.db")
        #expect(read.audit.directory == folder + "var/audit")
        #expect(read.audit.origin == "localhost:8443/audit")
        #expect(read.audit.keys == folder + "var/keys/audit")
        #expect(read.tokens.hmacKey == folder + "var/keys/tokens.hmac")
        #expect(read.logLevel == "info")
    }

    @Test func `is warned when everybody can read a secret`() throws {
        let folder = try Files.makeTemporaryFolder(prefix: "configuration")
        defer { try? Files.removeTree(folder) }
        for name in ["c", "p", "t"] { try Files.replace("\(folder)/\(name)", with: [1], permissions: 0o644) }
        let text = """
            komainu: 1
            public_url: http://localhost
            upstreams: [{name: t, url: "https://a.example", catalog: c, policy: p, credential: {bearer_file: t}}]
            """
        let read = try Configuration.read(Array(text.utf8), file: "\(folder)/k.yaml")
        #expect(
            read.warnings.map(\.description) == [
                "\(folder)/k.yaml:3:98: warning: everybody on this machine can read `\(folder)/t`; chmod o-r it"
            ])
    }
}

@Suite struct `An address to listen on` {
    @Test(arguments: [
        ("127.0.0.1:8443", true), ("localhost:1", true), ("[::1]:8443", true), ("127.9.9.9:1", true),
        ("[0:0:0:0:0:0:0:1]:1", true), ("0.0.0.0:8443", false), ("[::]:8443", false), ("[::ffff:7f00:1]:1", false),
        ("192.168.0.1:65535", false),
    ])
    func `is an IP address with a port`(text: String, isLoopback: Bool) throws {
        #expect(try #require(ListenAddress(text)).isLoopback == isLoopback)
    }

    @Test(arguments: [
        "", ":", ":8443", "8443", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1", "127.0.0.1:1 ",
        "127.0.0.01:1", "127.1:1", "0x7f.0.0.1:1", "256.0.0.1:1", "a.example:1", "::1:1", "[::1]", "[::1:1",
        "[1::2::3]:1",
        "[::1%lo]:1", "[12345::]:1", "[1:2:3:4:5:6:7]:1", "[1:2:3:4:5:6:7:8:9]:1", "[1:2:3:4:5:6:7::8]:1", "[:1]:1",
        "[::127.0.0.1]:1", "[+1::]:1",
    ])
    func `is nothing else`(text: String) { #expect(ListenAddress(text) == nil) }
}

@Suite struct `A web address` {
    @Test(arguments: [
        ("https://A.Example", "https://a.example", "a.example"),
        ("https://a.example:443/x", "https://a.example/x", "a.example"),
        ("https://a.example:8443/mcp/", "https://a.example:8443/mcp/", "a.example:8443"),
        ("http://127.0.0.1:80", "http://127.0.0.1", "127.0.0.1"),
        ("http://[::1]:9000/a", "http://[::1]:9000/a", "[::1]:9000"),
        ("https://xn--mnchen-3ya.example/a-b_c~d", "https://xn--mnchen-3ya.example/a-b_c~d", "xn--mnchen-3ya.example"),
    ])
    func `has one spelling`(text: String, spelling: String, authority: String) throws {
        let address = try WebAddress(text)
        #expect(address.description == spelling)
        #expect(address.authority == authority)
    }

    @Test(arguments: [
        ("a.example", WebAddress.Mistake.scheme), ("HTTPS://a.example", .scheme), ("ftp://a", .scheme),
        ("https://", .host), ("https:///x", .host), ("https://a@b.example", .user), ("https://a.example@", .user),
        ("https://a.example:x", .port), ("https://a.example:0", .port), ("https://a.example:", .port),
        ("https://a.example?x", .queryOrFragment), ("https://a.example/#", .queryOrFragment),
        ("https://a.example/%2e%2e", .path), ("https://a.example/a/../b", .path), ("https://a.example/a b", .path),
        ("https://a.example\\b", .host), ("https://127.1", .host), ("https://2130706433", .host),
        ("https://a.0x7f", .host), ("https://münchen.example", .host), ("https://-a.example", .host),
        ("https://a.example\n", .host), ("https://[::1", .host), ("https://[::1]x", .host),
    ])
    func `is refused when two readers could read it differently`(text: String, mistake: WebAddress.Mistake) {
        #expect(throws: mistake) { try WebAddress(text) }
    }
}

@Suite struct `A configuration that changes while we run` {
    private func changed(_ change: (inout Configuration) throws -> Void) throws -> [String] {
        let running = try load("good/whole.yaml")
        var other = running
        try change(&other)
        return other.keysThatNeedRestart(comparedTo: running)
    }

    @Test func `names what only a restart can follow`() throws {
        #expect(try changed { _ in }.isEmpty)
        #expect(try changed { $0.listen.removeLast() } == ["listen"])
        #expect(try changed { $0.tls = nil } == ["tls"])
        #expect(try changed { $0.publicURL = try WebAddress("https://other.example") } == ["public_url"])
        #expect(try changed { $0.admin = nil } == ["admin"])
        #expect(try changed { $0.tokens.hmacKey = "x" } == ["tokens"])
        #expect(try changed { $0.audit.heartbeat = .seconds(1) } == ["audit"])
        #expect(
            try changed {
                $0.state = "x"
                $0.redactionKey = "x"
                $0.threads = nil
            } == ["state", "redaction", "threads"])
    }

    @Test func `can change all else`() throws {
        #expect(
            try changed {
                $0.upstreams.removeLast()
                $0.issuers = []
                $0.tls?.certificate = "other.pem"
                $0.limits.bodyBytes = 1
                $0.logLevel = "error"
            }.isEmpty)
    }

    @Test func `is made from all the files it names`() throws {
        let names = try load("good/whole.yaml").files.map { $0.replacing(cases + "good/", with: "") }
        #expect(
            Set(names) == [
                "whole.yaml", "../files/server.pem", "../files/server.key", "../files/catalog.yaml",
                "../files/policy.yaml", "../files/other-policy.yaml", "../files/token", "../files/issuer.pem",
                "../files/hmac",
            ])
    }
}

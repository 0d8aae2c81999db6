import Bytes
import Catalog
import Commands
import Configuration
import Identity
import System
import Testing
import YAML

@testable import komainu

@Suite struct `Every command` {
    @Test func `has help that names it, and completion in every shell`() throws {
        for command in Komainu.program.commands where !command.form.isHidden {
            let form = command.form
            guard case .print(let help) = try Komainu.program.parse(form.words + ["--help"]) else {
                Issue.record("\(form.words) has no help")
                continue
            }
            #expect(help.contains("usage: komainu \(form.words.joined(separator: " "))"))
            for shell in Shell.allCases { #expect(Komainu.program.completion(for: shell).contains(form.words[0])) }
        }
    }

    /// An option that a command reads and its form doesn't have stops the program, so making each once finds it.
    @Test func `reads only options that it has`() throws {
        for command in Komainu.program.commands {
            var words = command.form.words
            for option in command.form.options where option.isRequired {
                if case .words(let known) = option.completion {
                    words += ["--\(option.name)", known[0]]
                } else {
                    words += ["--\(option.name)", "x"]
                }
            }
            for operand in command.form.operands where !operand.isOptional {
                if case .words(let known) = operand.completion { words.append(known[0]) } else { words.append("x") }
            }
            guard case .run(let type, let arguments) = try Komainu.program.parse(words) else {
                Issue.record("\(words) doesn't run")
                continue
            }
            // Some need more than their form can say; that is told, and nothing is done.
            _ = try? type.init(arguments)
        }
    }

    @Test(arguments: ["login", "policy prove", "audit prove", "export"])
    func `of a later version is unknown to this one`(line: String) {
        let words = line.split(separator: " ").map(String.init)
        #expect(throws: UsageMistakes.self) { try Komainu.program.parse(words) }
    }
}

@Suite struct `Keys` {
    @Test func `are made at the first start, for their owner alone`() throws {
        let house = try House()
        let configuration = try house.load().configuration
        try KeyMaker(configuration).makeMissing()
        for path in [configuration.tokens.hmacKey, configuration.tokens.signingKey, configuration.redactionKey] {
            #expect(try Files.status(path).permissions == 0o600)
            #expect(try KeyFile.read(path).count == 32)
        }
        let before = try KeyFile.read(configuration.tokens.hmacKey)
        try KeyMaker(configuration).makeMissing()
        #expect(try KeyFile.read(configuration.tokens.hmacKey) == before)
    }

    @Test func `are never made beside a database`() throws {
        let house = try House()
        let configuration = try house.load().configuration
        _ = try OpenState(configuration: house.configuration)
        for path in [configuration.tokens.hmacKey, configuration.redactionKey] {
            let kept = try Files.read(path, limit: 1000)
            try Files.remove(path)
            #expect(throws: ProgramFailure.self) { try KeyMaker(configuration).makeMissing() }
            #expect(!Files.exists(path))
            try Files.replace(path, with: kept ?? [], permissions: 0o600)
        }
    }
}

@Suite struct `An endpoint` {
    @Test func `must leave a tool, in words that somebody knows, under a policy that there is`() throws {
        let house = try House()
        let check = EndpointCheck(upstream: try #require(try house.load().upstreams.first))
        try check.check(EndpointConfig())
        try check.check(EndpointConfig(methods: ["read"], tags: ["apps"], policy: "apps-only"))
        for (config, word) in [
            (EndpointConfig(methods: ["reed"]), "reed"), (EndpointConfig(methods: ["READ"]), "READ"),
            (EndpointConfig(methods: []), "methods"), (EndpointConfig(methods: ["read"], tags: ["nothing"]), "nothing"),
            (EndpointConfig(methods: ["delete"], tags: ["audit"]), "no tool"),
            (EndpointConfig(policy: "other"), "other"),
        ] {
            do throws(ChangeRefusal) {
                try check.check(config)
                Issue.record("\(config) was taken")
            } catch {
                #expect(error.text.contains(word), "\(error.text)")
                #expect(error.code == .usage)
            }
        }
    }

    @Test func `is found by the beginning of its id, when only one begins so`() throws {
        let house = try House()
        let state = try OpenState(configuration: house.configuration)
        let made = try state.store.createEndpoint(
            EndpointDraft(name: "a", upstream: "torii"), by: "test", now: WallTime.now
        ).value.record
        #expect(try state.endpoint(made.id.description) == made)
        #expect(try state.endpoint(String(made.id.description.prefix(8)).uppercased()) == made)
        for text in ["", "0", String(made.id.description.prefix(3)), "ffffffff-x"] {
            #expect(throws: ProgramFailure.self) { try state.endpoint(text) }
        }
    }
}

@Suite struct `An approval on its way to the proxy` {
    @Test func `comes out as it went in, and is taken away once`() throws {
        let house = try House()
        let requests = ApprovalRequests(folder: "\(house.folder)/approvals")
        #expect(requests.all().isEmpty)
        let hash = try #require(DefinitionHash(ByteString(String(repeating: "ab", count: 32))))
        let request = ApprovalRequest(tool: "list_\"apps\u{e9}", hash: hash, person: "ada")
        try requests.add(request)
        #expect(requests.all() == [request])
        #expect(requests.isWaiting(request))
        requests.remove(request)
        #expect(!requests.isWaiting(request))
    }

    @Test(arguments: [
        "", "{}", "[1]", #"{"tool":"a","by":"b","hash":"00"}"#,
        #"{"tool":"a","by":"b","hash":"cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"}"#,
    ])
    func `is none when it can't be read or has another's name`(text: String) throws {
        let house = try House()
        try Files.makeFolder("\(house.folder)/approvals", permissions: 0o700)
        try house.write("approvals/\(String(repeating: "ab", count: 32)).json", text)
        #expect(ApprovalRequests(folder: "\(house.folder)/approvals").all().isEmpty)
    }
}

@Suite struct `A watch over files` {
    @Test func `sees them written, exchanged, gone and back`() throws {
        let house = try House()
        let path = "\(house.folder)/watched"
        var watch = FileWatch([path, house.configuration])
        var seen = [watch.hasChanged()]
        try house.write("watched", "1")
        seen += [watch.hasChanged(), watch.hasChanged()]
        try house.write("watched", "2")
        seen += [watch.hasChanged()]
        try Files.remove(path)
        seen += [watch.hasChanged(), watch.hasChanged()]
        #expect(seen == [false, true, false, true, true, false])
    }
}

@Suite struct `A supposed caller` {
    @Test func `is what a real token would make of them`() throws {
        let caller = SupposedCaller(subject: "ana", groups: ["finance"])
        let principal = try caller.principal(at: "torii")
        #expect(principal.subject == "ana")
        #expect(principal.groups == ["finance"])
        #expect(principal.upstream == "torii")
        let narrowed = SupposedCaller(endpoint: EndpointConfig(methods: ["read"], requireAPITokenAuth: true))
        #expect(try narrowed.principal(at: "torii").selection.methods == ["read"])
    }
}

@Suite struct `The settings for clients` {
    private func text(bearer: String?, authority: String?, isPublic: Bool = true) -> String {
        ClientSettings(
            name: "torii", url: "https://a.example/mcp/kmn_e_x", bearer: bearer, authority: authority,
            isPublic: isPublic, program: "/opt/komainu"
        ).text
    }

    @Test func `hold the URL for clients that take only one`() {
        let text = text(bearer: nil, authority: nil)
        #expect(text.contains("Add custom connector: https://a.example/mcp/kmn_e_x"))
        #expect(text.contains("claude mcp add --transport http torii https://a.example/mcp/kmn_e_x\n"))
        #expect(text.contains(#"{"mcpServers":{"torii":{"url":"https://a.example/mcp/kmn_e_x"}}}"#))
        #expect(
            text.contains(
                #"{"mcpServers":{"torii":{"command":"/opt/komainu","args":["connect","https://a.example/mcp/kmn_e_x"]}}}"#
            ))
        #expect(!text.contains("Authorization"))
        #expect(!text.contains("must trust"))
    }

    @Test func `hold the token for clients that send a header, and the authority to trust`() {
        let text = text(bearer: "kmn_t_y", authority: "/certs/ca.pem", isPublic: false)
        #expect(text.contains(#"--header "Authorization: Bearer kmn_t_y""#))
        #expect(text.contains(#""headers":{"Authorization":"Bearer kmn_t_y"}"#))
        #expect(text.contains("NODE_EXTRA_CA_CERTS=/certs/ca.pem claude mcp add"))
        #expect(text.contains(#"verify="/certs/ca.pem""#))
        #expect(text.contains("can't send an API token"))
        #expect(text.contains(#""--header","Authorization: Bearer kmn_t_y","--ca","/certs/ca.pem"]"#))
    }
}

@Suite struct `A loaded configuration` {
    @Test func `is told the mistakes of all its files at once`() throws {
        let house = try House(policy: "komainu: 1\npolicy: p\nrules:\n  - {id: a, allow: {methods: [reed]}}\n")
        let catalog = try #require(try? house.loadText()).replacing("policy.yaml", with: "[policy.yaml, second.yaml]")
        try house.write("komainu.yaml", catalog)
        try house.write("second.yaml", "komainu: 1\nrules: []\n")
        do throws(ConfigurationFailure) {
            _ = try LoadedConfiguration.load(house.configuration)
            Issue.record("it was taken")
        } catch {
            let files = Set(error.problems.map { $0.file.replacing(house.folder + "/", with: "") })
            #expect(files == ["policy.yaml", "second.yaml"])
        }
    }

    @Test func `can't have two policies of one name for an upstream`() throws {
        let house = try House()
        let text = try house.loadText().replacing("policy.yaml", with: "[policy.yaml, second.yaml]")
        try house.write("komainu.yaml", text)
        try house.write("second.yaml", House.policy)
        #expect(throws: ConfigurationFailure.self) { try LoadedConfiguration.load(house.configuration) }
    }
}

extension House {
    fileprivate func loadText() throws -> String {
        String(decoding: try Files.read(configuration, limit: 1 << 20) ?? [], as: UTF8.self)
    }
}

import Testing

@testable import Commands

/// A program with one command of each kind.
private let program = Program(
    name: "gate", summary: "A gate.", version: "1.2.3", commands: [Serve.self, Create.self, List.self, Hidden.self])

private struct Serve: Command {
    static let form = CommandForm(
        ["serve"], summary: "Stand at the gate",
        operands: [Operand("DIRECTORY", "where", isOptional: true, completion: .directories)],
        options: [
            .value("config", "FILE", "the configuration", isRequired: true, completion: .files),
            .flag("watch", "reload"),
        ])
    let config: String
    let watch: Bool
    let directory: String?

    init(_ arguments: Arguments) throws(UsageMistakes) {
        config = arguments.required("config")
        watch = arguments.flag("watch")
        directory = arguments.operand(0)
        try arguments.finish()
    }

    func run() -> ExitCode { .yes }
}

private struct Create: Command {
    static let form = CommandForm(
        ["endpoint", "create"], summary: "Make an endpoint", operands: [Operand("NAME", "what to call it")],
        options: [
            .value("methods", "LIST", "which", repeats: true), .value("ttl", "DURATION", "how long"),
            .value("form", "FORM", "how", completion: .words(["text", "json"])), .value("count", "N", "how many"),
        ])
    let methods: [String]?
    let ttl: Duration?
    let count: Int?

    init(_ arguments: Arguments) throws(UsageMistakes) {
        var arguments = arguments
        methods = arguments.list("methods")
        ttl = arguments.duration("ttl")
        count = arguments.int("count", in: 1...10)
        try arguments.finish()
    }

    func run() -> ExitCode { .yes }
}

private struct List: Command {
    static let form = CommandForm(["endpoint", "list"], summary: "List endpoints", options: [.flag("json", "as JSON")])
    init(_ arguments: Arguments) throws(UsageMistakes) {}
    func run() -> ExitCode { .yes }
}

private struct Hidden: Command {
    static let form = CommandForm(["sample"], summary: "Secret", isHidden: true)
    init(_ arguments: Arguments) throws(UsageMistakes) {}
    func run() -> ExitCode { .no }
}

/// The command that a line makes, or the complaints it gets.
private func made<Made: Command>(_ type: Made.Type, _ line: String) throws -> Made {
    guard case .run(let command, let arguments) = try program.parse(words(line)) else { throw NothingToRun() }
    #expect(ObjectIdentifier(command) == ObjectIdentifier(type))
    return try Made(arguments)
}

private struct NothingToRun: Error {}

private func words(_ line: String) -> [String] { line.split(separator: " ").map(String.init) }

private func mistakes(_ line: String) -> [String] {
    do throws(UsageMistakes) {
        guard case .run(let command, let arguments) = try program.parse(words(line)) else { return ["(printed)"] }
        _ = try command.init(arguments)
        return []
    } catch {
        return error.messages
    }
}

private func printed(_ line: String) -> String? {
    guard case .print(let text)? = try? program.parse(words(line)) else { return nil }
    return text
}

@Suite struct `A command line` {
    @Test func `gives a command its values, in both spellings`() throws {
        for line in ["serve --config a.yaml --watch here", "serve here --watch --config=a.yaml"] {
            let serve = try made(Serve.self, line)
            #expect(serve.config == "a.yaml")
            #expect(serve.watch)
            #expect(serve.directory == "here")
        }
    }

    @Test func `may end its options`() throws {
        #expect(try made(Serve.self, "serve --config=x -- --watch").directory == "--watch")
    }

    @Test func `may repeat a list or part it by commas`() throws {
        #expect(
            try made(Create.self, "endpoint create n --methods read,list --methods get").methods == [
                "read", "list", "get",
            ])
        #expect(try made(Create.self, "endpoint create n").methods == nil)
    }

    @Test(arguments: [
        ("30s", 30), ("15min", 900), ("15m", 900), ("12h", 43_200), ("90d", 7_776_000),
    ])
    func `reads spans of time`(text: String, seconds: Int) throws {
        #expect(try made(Create.self, "endpoint create n --ttl \(text)").ttl == .seconds(seconds))
    }

    @Test(arguments: [
        ("", ["no command given"]),
        ("--verbose", ["unknown option `--verbose`"]),
        ("connect", ["this version has no command `connect`"]),
        ("serv", ["this version has no command `serv`; did you mean `serve`?"]),
        ("endpoint", ["`endpoint` needs one of: create, list"]),
        ("endpoint prove", ["this version has no command `endpoint prove`"]),
        ("endpoint lst", ["this version has no command `endpoint lst`; did you mean `list`?"]),
        ("serve", ["`--config FILE` is missing: the configuration"]),
        (
            "serve --config",
            ["`--config` needs a value: --config FILE", "`--config FILE` is missing: the configuration"]
        ),
        (
            "serve --config=",
            ["`--config` needs a value: --config FILE", "`--config FILE` is missing: the configuration"]
        ),
        (
            "serve --config --watch",
            ["`--config` needs a value: --config FILE", "`--config FILE` is missing: the configuration"]
        ),
        ("serve --config=--watch", []),
        ("serve --config a --config b", ["`--config` is given twice"]),
        ("serve --config a --watch=yes", ["`--watch` takes no value"]),
        (
            "serve --confg a",
            ["unknown option `--confg`; did you mean `--config`?", "`--config FILE` is missing: the configuration"]
        ),
        (
            "serve --conf a b",
            [
                "unknown option `--conf`; did you mean `--config`?", "unexpected `b`",
                "`--config FILE` is missing: the configuration",
            ]
        ),
        ("serve -c a", ["unknown option `-c`", "`--config FILE` is missing: the configuration"]),
        ("endpoint create", ["NAME is missing: what to call it"]),
        ("endpoint create a b c", ["unexpected `b`", "unexpected `c`"]),
        ("endpoint create a --form xml", ["`--form xml` is none of: text, json"]),
        (
            "endpoint create a --ttl 0s --count 11 --methods read,,get",
            [
                "`--methods` has an empty element",
                "`--ttl 0s` isn't a duration such as `30s`, `15min`, `12h` or `90d`",
                "`--count 11` isn't a whole number from 1 to 10",
            ]
        ),
        (
            "endpoint create a --ttl 99999999999999999999d",
            ["`--ttl 99999999999999999999d` isn't a duration such as `30s`, `15min`, `12h` or `90d`"]
        ),
        (
            "endpoint create a --ttl 9223372036854775807d",
            ["`--ttl 9223372036854775807d` isn't a duration such as `30s`, `15min`, `12h` or `90d`"]
        ),
    ])
    func `is told all its mistakes at once`(line: String, expected: [String]) {
        #expect(mistakes(line) == expected)
    }

    @Test func `says which command's help would help`() {
        #expect(throws: UsageMistakes(["NAME is missing: what to call it"], command: "gate endpoint create")) {
            try program.parse(["endpoint", "create"])
        }
    }
}

@Suite struct `Help` {
    @Test func `is made from the commands and hides the hidden`() throws {
        let text = try #require(printed("--help"))
        for word in ["serve", "endpoint create", "endpoint list", "Stand at the gate"] { #expect(text.contains(word)) }
        #expect(!text.contains("sample"))
        #expect(printed("help") == text)
        #expect(printed("-h") == text)
    }

    @Test func `of one command shows what it takes`() {
        let expected = """
            Make an endpoint

            usage: gate endpoint create [OPTIONS] NAME

              NAME  what to call it

            options
              --methods LIST  which (may be repeated)
              --ttl DURATION  how long
              --form FORM     how: text, json
              --count N       how many
              --help          this text

            """
        for line in ["endpoint create --help", "help endpoint create", "endpoint create --bad -h"] {
            #expect(printed(line) == expected)
        }
    }

    @Test func `of a group lists its commands`() {
        #expect(printed("endpoint --help")?.contains("endpoint create  Make an endpoint") == true)
        #expect(printed("help endpoint") == printed("endpoint --help"))
    }

    @Test func `isn't given for a word after two dashes`() throws {
        #expect(try made(Serve.self, "serve --config=x -- --help").directory == "--help")
    }

    @Test func `shows the version`() { #expect(printed("--version") == "gate 1.2.3\n") }
}

@Suite struct `Completion` {
    @Test(arguments: Shell.allCases)
    func `knows every listed command and option`(shell: Shell) {
        let script = program.completion(for: shell)
        for word in ["serve", "create", "list", "methods", "config", "watch", "text json"] {
            #expect(script.contains(word), "\(word)")
        }
        #expect(!script.contains("sample"))
    }
}

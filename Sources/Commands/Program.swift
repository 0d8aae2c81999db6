/// A command: what it takes, checked when made, and what it does.
public protocol Command: SendableMetatype {
    /// What it is called and takes.
    static var form: CommandForm { get }
    /// Checks everything that can be checked without doing anything.
    init(_ arguments: Arguments) throws(UsageMistakes)
    /// Does it.
    func run() -> ExitCode
}

/// All commands of a program, and the way from a command line to one of them.
public struct Program: Sendable {
    /// What a command line asks for.
    public enum Request {
        /// Print this and end well.
        case print(String)
        /// Make this command from these arguments and run it.
        case run(any Command.Type, Arguments)
    }

    /// The word people type.
    public let name: String
    /// One sentence about what it is.
    public let summary: String
    /// What `--version` prints after the name.
    public let version: String
    /// In the order of the help.
    public let commands: [any Command.Type]

    /// Describes a program.
    public init(name: String, summary: String, version: String, commands: [any Command.Type]) {
        self.name = name
        self.summary = summary
        self.version = version
        self.commands = commands
    }

    /// Understands a command line, without the program's name in front.
    public func parse(_ words: [String]) throws(UsageMistakes) -> Request {
        guard let first = words.first else { throw UsageMistakes(["no command given"], command: name) }
        switch first {
        case "--help", "-h": return .print(help)
        case "help": return try help(for: Array(words.dropFirst()))
        case "--version": return .print("\(name) \(version)\n")
        default: break
        }
        guard !first.hasPrefix("-") else { throw UsageMistakes(["unknown option `\(first)`"], command: name) }
        return try parse(command: words)
    }

    private func parse(command words: [String]) throws(UsageMistakes) -> Request {
        if let command = command(at: words) {
            var line = CommandLineReading(program: name, form: command.form)
            let rest = Array(words.dropFirst(command.form.words.count))
            if line.asksForHelp(rest) { return .print(help(of: command.form)) }
            return .run(command, try line.read(rest))
        }
        return try help(
            for: words.filter { $0 != "--help" && $0 != "-h" }, asked: words.contains { $0 == "--help" || $0 == "-h" })
    }

    /// Help for a group such as `endpoint`, or for one command, or why there is none.
    private func help(for words: [String], asked: Bool = true) throws(UsageMistakes) -> Request {
        guard let first = words.first else { return .print(help) }
        if let command = command(at: words), command.form.words.count == words.count {
            return .print(help(of: command.form))
        }
        let group = listed.filter { $0.words.first == first && $0.words.count > 1 }
        if group.isEmpty {
            throw UsageMistakes([unknown(first, among: listed.compactMap(\.words.first))], command: name)
        }
        let inside = group.map { $0.words.dropFirst().joined(separator: " ") }
        guard words.count > 1 else {
            if asked { return .print(help(ofGroup: first, group)) }
            throw UsageMistakes(
                ["`\(first)` needs one of: \(inside.joined(separator: ", "))"], command: "\(name) \(first)")
        }
        throw UsageMistakes([unknown(words[1], among: inside, in: first)], command: "\(name) \(first)")
    }

    private func unknown(_ word: String, among known: [String], in group: String? = nil) -> String {
        let whole = group.map { "\($0) \(word)" } ?? word
        if let hint = suggestion(for: word, among: known) { return "this version has no command `\(whole)`; \(hint)" }
        return "this version has no command `\(whole)`"
    }

    /// The command with the most words that the line begins with.
    private func command(at words: [String]) -> (any Command.Type)? {
        commands.filter { words.starts(with: $0.form.words) }.max { $0.form.words.count < $1.form.words.count }
    }

    var listed: [CommandForm] { commands.map { $0.form }.filter { !$0.isHidden } }
}

/// What a command is called and takes. Help, parsing and shell completion are all made from this one description.
public struct CommandForm: Sendable {
    /// The words after the program's name: `["endpoint", "create"]`.
    public let words: [String]
    /// One line for lists of commands, without a full stop.
    public let summary: String
    /// More, for the command's own help; may be empty.
    public let discussion: String
    /// What stands without a dash, in order.
    public let operands: [Operand]
    /// What starts with a dash; `--help` is added by itself.
    public let options: [Option]
    /// Whole command lines worth showing.
    public let examples: [String]
    /// A hidden command works and isn't listed.
    public let isHidden: Bool

    /// Describes a command.
    public init(
        _ words: [String], summary: String, discussion: String = "", operands: [Operand] = [], options: [Option] = [],
        examples: [String] = [], isHidden: Bool = false
    ) {
        self.words = words
        self.summary = summary
        self.discussion = discussion
        self.operands = operands
        self.options = options
        self.examples = examples
        self.isHidden = isHidden
    }

    func option(named name: some StringProtocol) -> Option? {
        options.first { $0.name.utf8.elementsEqual(name.utf8) }
    }
}

/// Something a command takes by its place.
public struct Operand: Sendable {
    /// In capitals by habit: `DIRECTORY`.
    public let name: String
    /// One line for help.
    public let help: String
    /// Whether the command works without it.
    public let isOptional: Bool
    /// What a shell may complete here.
    public let completion: Completion

    /// Describes an operand.
    public init(_ name: String, _ help: String, isOptional: Bool = false, completion: Completion = .nothing) {
        self.name = name
        self.help = help
        self.isOptional = isOptional
        self.completion = completion
    }
}

/// Something a command takes by name.
public struct Option: Sendable {
    /// Without dashes.
    public let name: String
    /// What the value is called in help, in capitals; nil for a switch that takes none.
    public let value: String?
    /// One line for help.
    public let help: String
    /// Whether the command needs it.
    public let isRequired: Bool
    /// Whether it may be given more than once. When not, a second time is a mistake: which one was meant?
    public let repeats: Bool
    /// What a shell may complete as the value.
    public let completion: Completion

    /// A switch.
    public static func flag(_ name: String, _ help: String) -> Option {
        Option(name: name, value: nil, help: help, isRequired: false, repeats: false, completion: .nothing)
    }

    /// An option with a value.
    public static func value(
        _ name: String, _ value: String, _ help: String, isRequired: Bool = false, repeats: Bool = false,
        completion: Completion = .nothing
    ) -> Option {
        Option(
            name: name, value: value, help: help, isRequired: isRequired, repeats: repeats, completion: completion)
    }
}

/// What a shell may offer in a place.
public enum Completion: Sendable {
    /// Nothing useful.
    case nothing
    /// Names of files.
    case files
    /// Names of directories.
    case directories
    /// One of these words; any other is refused when parsed.
    case words([String])
}

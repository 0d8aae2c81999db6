/// How loud a line is. A line below the configured level costs one atomic load and is not built.
public enum LogLevel: UInt8, Sendable, Comparable, CaseIterable {
    case debug
    case info
    case notice
    case warning
    case error

    /// The word in the line and in the configuration.
    public var word: StaticString {
        switch self {
        case .debug: "debug"
        case .info: "info"
        case .notice: "notice"
        case .warning: "warning"
        case .error: "error"
        }
    }

    /// The level that a word of the configuration names.
    public init?(word: String) {
        guard let level = LogLevel.allCases.first(where: { "\($0.word)".utf8.elementsEqual(word.utf8) }) else {
            return nil
        }
        self = level
    }

    /// Louder is greater.
    public static func < (one: LogLevel, other: LogLevel) -> Bool {
        one.rawValue < other.rawValue
    }
}

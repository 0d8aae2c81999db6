/// One mistake, or one warning, at a place in a file that a person wrote.
///
/// The message is one lower-case sentence in the user's words with their input in backticks; the hint says what to do.
public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    /// Whether the file can be used in spite of it.
    public enum Severity: Sendable, Hashable {
        /// The file must not be used.
        case mistake
        /// The file works, but probably not as meant.
        case warning
    }

    /// Whether the file can be used in spite of it.
    public let severity: Severity
    /// The file as the operator named it.
    public let file: String
    /// Counted from 1.
    public let line: Int
    /// Counted from 1, in Unicode scalars.
    public let column: Int
    /// What is wrong.
    public let message: String
    /// What to do about it, when that can be said.
    public let hint: String?

    /// A problem at a place that isn't a node, such as a file that can't be read (line 1, column 1).
    public init(
        severity: Severity = .mistake, file: String, line: Int, column: Int, message: String, hint: String? = nil
    ) {
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.hint = hint
    }

    /// A problem with a node.
    public init(_ severity: Severity = .mistake, at node: Node, _ message: String, hint: String? = nil) {
        self.init(
            severity: severity, file: node.file, line: node.line, column: node.column, message: message, hint: hint)
    }

    /// `file:line:column: message; hint`, the form that editors jump to. Control characters are shown escaped.
    public var description: String {
        let kind = severity == .warning ? "warning: " : ""
        let advice = hint.map { "; \($0)" } ?? ""
        return printable("\(file):\(line):\(column): \(kind)\(message)\(advice)")
    }
}

/// A text on one line of a terminal: control characters, invisible ones and changes of direction, which could make it
/// look like something else, are shown as escapes.
public func printable(_ text: String) -> String {
    var out = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .surrogate:
            out.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
        default: out.append(scalar)
        }
    }
    return String(out)
}

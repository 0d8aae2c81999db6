/// Holds something secret and never prints it: not when interpolated, not in a debugger's description, not by `dump`.
///
/// A log field, an error and a metric label cannot be made from one. Whoever needs the value says so with `revealed`,
/// so a search for that word lists every place where a secret is used.
public struct Secret<Value: Sendable>: Sendable {
    /// The secret itself. Keep it in a local name only, and never in an error or a log field.
    public let revealed: Value

    /// Takes custody of a secret.
    public init(_ value: Value) {
        self.revealed = value
    }
}

extension Secret: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Always the same word, whatever is inside.
    public var description: String { "[secret]" }

    /// Always the same word, whatever is inside.
    public var debugDescription: String { "[secret]" }

    /// A mirror without children: `dump` and crash reporters that walk values find nothing.
    public var customMirror: Mirror { Mirror(self, children: []) }
}

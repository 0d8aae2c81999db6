public import Bytes

/// One field's value in a log line.
///
/// There is deliberately no way to make one from a `Secret`, from any error or from any value by reflection:
/// whoever logs says which text goes out.
public struct LogValue: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral {
    enum Content: Sendable {
        case text([UInt8])
        case int(Int64)
        case unsigned(UInt64)
        case double(Double)
        case bool(Bool)
        case list([LogValue])
        case null
    }

    let content: Content

    /// Text; what is not printable is escaped, and what is longer than 2 KiB is cut with a mark.
    public static func text(_ text: String) -> LogValue { LogValue(content: .text(Array(text.utf8))) }

    /// Bytes from outside, shown as UTF-8 with invalid bytes repaired; escaped and cut like all text.
    public static func text(_ bytes: [UInt8]) -> LogValue { LogValue(content: .text(bytes)) }

    /// A name from outside, shown as UTF-8 with invalid bytes repaired; escaped and cut like all text.
    public static func text(_ name: ByteString) -> LogValue { .text(name.bytes) }

    /// A word that stands in the program, such as a failure's code.
    public static func code(_ text: StaticString) -> LogValue { LogValue(content: .text(Array("\(text)".utf8))) }

    /// A whole number.
    public static func int(_ value: some BinaryInteger) -> LogValue {
        if let signed = Int64(exactly: value) { return LogValue(content: .int(signed)) }
        return LogValue(content: .unsigned(UInt64(clamping: value)))
    }

    /// A number with a fraction; what is not finite is written as `null`.
    public static func double(_ value: Double) -> LogValue { LogValue(content: .double(value)) }

    /// Yes or no.
    public static func bool(_ value: Bool) -> LogValue { LogValue(content: .bool(value)) }

    /// Several values; more than 32 are cut with a mark.
    public static func list(_ values: [LogValue]) -> LogValue { LogValue(content: .list(values)) }

    /// Nothing known.
    public static let null = LogValue(content: .null)

    init(content: Content) {
        self.content = content
    }

    /// Text as a literal.
    public init(stringLiteral value: String) { self = .text(value) }

    /// A number as a literal.
    public init(integerLiteral value: Int) { self = .int(value) }

    /// A truth as a literal.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
}

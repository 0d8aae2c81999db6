/// What one document may cost. Every limit is checked before the memory it bounds is taken.
public struct JSONLimits: Sendable {
    /// The longest document, in bytes.
    public var bytes = 4 << 20
    /// The deepest nesting: `[]` is 1. The reader does not recurse, so this protects those who walk the document.
    public var depth = 64
    /// The most values, names counted too. Sixteen bytes each are kept.
    public var values = 500_000
    /// The longest name of a member, in bytes as written.
    public var nameBytes = 16 << 10
    /// The longest number, in bytes as written: longer ones are an attack on whoever converts them.
    public var numberBytes = 400

    /// What we accept from anyone unless told otherwise.
    public static let standard = JSONLimits()

    /// The standard limits, to be changed one by one.
    public init() {}
}

/// Why bytes are not one acceptable JSON document, and where.
public struct JSONFailure: Error, Equatable, Sendable {
    /// What was wrong. The raw value is a stable code, fit for logs.
    public enum Reason: String, Sendable, CaseIterable {
        /// More bytes than `JSONLimits.bytes`.
        case tooLong = "too_long"
        /// Nested deeper than `JSONLimits.depth`.
        case tooDeep = "too_deep"
        /// More values than `JSONLimits.values`.
        case tooManyValues = "too_many_values"
        /// A member's name longer than `JSONLimits.nameBytes`.
        case nameTooLong = "name_too_long"
        /// A number longer than `JSONLimits.numberBytes`.
        case numberTooLong = "number_too_long"
        /// The document begins with a byte order mark (RFC 8259 section 8.1: must not be added).
        case byteOrderMark = "byte_order_mark"
        /// The bytes end within a value, or there are none.
        case unexpectedEnd = "unexpected_end"
        /// A byte that the grammar does not allow here.
        case unexpectedByte = "unexpected_byte"
        /// Something other than white space after the value.
        case trailingBytes = "trailing_bytes"
        /// `true`, `false` or `null` spelled otherwise.
        case badLiteral = "bad_literal"
        /// A number that the grammar does not allow, such as `01` or `1.`.
        case badNumber = "bad_number"
        /// An escape that JSON does not have.
        case badEscape = "bad_escape"
        /// A control character that stands in a string unescaped.
        case controlCharacter = "control_character"
        /// Bytes that are not UTF-8 (RFC 3629), overlong forms and encoded surrogates included.
        case badUTF8 = "bad_utf8"
        /// An escaped surrogate without its other half: parsers replace, drop or keep it.
        case loneSurrogate = "lone_surrogate"
        /// Two members of one object have the same name after unescaping: which one counts depends on the parser.
        case duplicateName = "duplicate_name"
        /// Text that is not a JSON Pointer (RFC 6901).
        case badPointer = "bad_pointer"
    }

    /// What was wrong.
    public let reason: Reason
    /// The offset of the byte where it was noticed.
    public let offset: Int

    init(_ reason: Reason, at offset: Int) {
        self.reason = reason
        self.offset = offset
    }
}

/// The six kinds of JSON value.
public enum JSONKind: UInt8, Sendable {
    /// `null`
    case null
    /// `true` or `false`
    case bool
    /// A number, known by its text.
    case number
    /// A string, known by its bytes after unescaping.
    case string
    /// An array.
    case array
    /// An object, in its order.
    case object
}

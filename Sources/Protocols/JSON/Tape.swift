/// One value, or one member's name, in sixteen bytes. A document is an array of these in the order of the text.
@usableFromInline struct TapeEntry: Sendable {
    /// Where the text begins: for strings the first byte within the quotes, else the value's first byte.
    @usableFromInline var start: UInt32
    /// The length of that text, as written: within the quotes, or the whole value.
    @usableFromInline var length: UInt32
    /// For values: the entry after this value and all within it. For names: the fingerprint.
    @usableFromInline var next: UInt32
    /// Kind in bits 0-2, flags in bits 3-7, number of members or elements in bits 8-31.
    @usableFromInline var bits: UInt32

    @usableFromInline struct Flags: OptionSet, Sendable {
        @usableFromInline let rawValue: UInt32

        @inlinable
        init(rawValue: UInt32) { self.rawValue = rawValue }

        /// A string with at least one escape: its text is not its bytes.
        @inlinable static var escaped: Flags { Flags(rawValue: 1 << 3) }
        /// The text is not what our writer would write (white space, unneeded escapes): it can't be copied as it is.
        @inlinable static var loose: Flags { Flags(rawValue: 1 << 4) }
        /// A name of a member.
        @inlinable static var name: Flags { Flags(rawValue: 1 << 5) }
        /// The literal `true`.
        @inlinable static var isTrue: Flags { Flags(rawValue: 1 << 6) }
        /// A number without fraction and exponent.
        @inlinable static var integer: Flags { Flags(rawValue: 1 << 7) }
    }

    /// A count must fit into the bits left for it.
    static let greatestCount = 1 << 24 - 1

    @inline(__always)
    init(_ kind: JSONKind, _ flags: Flags = [], start: Int, length: Int, next: UInt32) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.length = UInt32(truncatingIfNeeded: length)
        self.next = next
        self.bits = UInt32(kind.rawValue) | flags.rawValue
    }

    @usableFromInline var kind: JSONKind {
        @inlinable get {
            switch bits & 7 {
            case 0: .null
            case 1: .bool
            case 2: .number
            case 3: .string
            case 4: .array
            default: .object
            }
        }
    }

    /// Members of an object, elements of an array.
    @usableFromInline var count: Int {
        @inlinable get { Int(bits >> 8) }
    }

    @inlinable
    func has(_ flag: Flags) -> Bool { bits & flag.rawValue != 0 }

    /// The text's place in the document.
    @usableFromInline var range: Range<Int> {
        @inlinable get { Int(start)..<Int(start) &+ Int(length) }
    }

    /// The same with a string's quotes.
    var outerRange: Range<Int> {
        kind == .string ? Int(start) - 1..<Int(start) + Int(length) + 1 : range
    }

    /// A container is complete once its end has been read.
    @inline(__always)
    mutating func close(end: Int, next: Int, count: UInt32, loose: Bool) {
        length = UInt32(truncatingIfNeeded: end) &- start
        self.next = UInt32(truncatingIfNeeded: next)
        bits |= count << 8 | (loose ? Flags.loose.rawValue : 0)
    }
}

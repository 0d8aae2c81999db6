/// One value, or one member's name, in sixteen bytes. A document is an array of these in the order of the text.
struct TapeEntry: Sendable {
    /// Where the text begins: for strings the first byte within the quotes, else the value's first byte.
    var start: UInt32
    /// The length of that text, as written: within the quotes, or the whole value.
    var length: UInt32
    /// For values: the entry after this value and all within it. For names: the fingerprint.
    var next: UInt32
    /// Kind in bits 0-2, flags in bits 3-7, number of members or elements in bits 8-31.
    private var bits: UInt32

    struct Flags: OptionSet {
        let rawValue: UInt32
        /// A string with at least one escape: its text is not its bytes.
        static let escaped = Flags(rawValue: 1 << 3)
        /// The text is not what our writer would write (white space, unneeded escapes): it can't be copied as it is.
        static let loose = Flags(rawValue: 1 << 4)
        /// A name of a member.
        static let name = Flags(rawValue: 1 << 5)
        /// The literal `true`.
        static let isTrue = Flags(rawValue: 1 << 6)
        /// A number without fraction and exponent.
        static let integer = Flags(rawValue: 1 << 7)
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

    var kind: JSONKind {
        @inline(__always) get {
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
    var count: Int {
        @inline(__always) get { Int(bits >> 8) }
    }

    @inline(__always)
    func has(_ flag: Flags) -> Bool { bits & flag.rawValue != 0 }

    /// The text's place in the document.
    var range: Range<Int> {
        @inline(__always) get { Int(start)..<Int(start) &+ Int(length) }
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

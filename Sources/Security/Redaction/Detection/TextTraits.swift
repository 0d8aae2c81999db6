/// What a text has in it at all: lets most texts pass most detectors unread.
struct TextTraits {
    var digits = 0
    var uppers = 0
    var dots = 0
    var colons = 0
    /// Hyphens.
    var dashes = 0
    /// `=` signs.
    var equals = 0
    var hasAt = false
    var hasPercent = false
    /// `&`, as in `&#64;`, or a byte as `＠` has it.
    var hasForeignSign = false
    var hasPlus = false
    /// Ends of lines, as tables have them.
    var hasLines = false
    /// `<`, as elements have it.
    var hasTag = false
    /// `{` or `[`: JSON may begin.
    var hasBracket = false
    /// The longest run of letters, digits and `_ - . ~ + / =`.
    var longestToken = 0

    /// Whether a text may name its values: `email: …`, `email=…`, an element, a table.
    var mayNameValues: Bool { colons + equals > 0 || hasLines || hasTag }

    init(_ text: Span<UInt8>) {
        var token = 0
        for index in text.indices {
            let byte = text[index]
            if isAlphanumeric(byte) || byte == 0x5f {
                token += 1
                if isDigit(byte) { digits += 1 } else if isUpper(byte) { uppers += 1 }
                continue
            }
            switch byte {
            case 0x2e: dots += 1
            case 0x2d: dashes += 1
            case 0x3d: equals += 1
            case 0x2b: hasPlus = true
            case 0x2f, 0x7e: break
            default:
                longestToken = max(longestToken, token)
                token = -1
                note(byte)
            }
            token += 1
        }
        longestToken = max(longestToken, token)
    }

    /// A byte that ends a token.
    @inline(__always)
    private mutating func note(_ byte: UInt8) {
        switch byte {
        case 0x40: hasAt = true
        case 0x3a: colons += 1
        case 0x25: hasPercent = true
        case 0x0a, 0x0d: hasLines = true
        case 0x3c: hasTag = true
        case 0x26, 0xef: hasForeignSign = true
        case 0x7b, 0x5b: hasBracket = true
        default: break
        }
    }
}

/// Whether a text is a point in time as RFC 3339 writes it (`2026-01-02`, `2026-01-02T03:04:05.000Z`): the commonest
/// string with many digits, and nobody's secret.
func isTimestamp(_ text: Span<UInt8>) -> Bool {
    guard text.count >= 10, text.count <= 35 else { return false }
    for index in 0..<10 {
        guard index == 4 || index == 7 ? text[index] == 0x2d : isDigit(text[index]) else { return false }
    }
    guard text.count > 10 else { return true }
    guard text.count >= 16, text[10] | 0x20 == 0x74 || text[10] == 0x20 else { return false }
    for index in 11..<text.count {
        switch text[index] {
        case 0x30...0x39, 0x3a, 0x2e, 0x2b, 0x2d, 0x5a: continue
        default: return false
        }
    }
    return text[13] == 0x3a
}

public import Bytes

/// Why a selection can't mean what it says.
public enum SelectionFailure: Error, Hashable, Sendable, CustomStringConvertible {
    /// The lists a selection has.
    public enum Field: String, Hashable, Sendable {
        case methods, tags, tools
    }

    /// The list is there and empty.
    case empty(Field)
    /// The list has more than `Selection.wordLimit` words.
    case tooMany(Field)
    /// The word has capitals; nothing is compared without regard to case.
    case notLowerCase(Field, ByteString)
    /// The word can't be a method, a tag or a tool's name.
    case malformed(Field, ByteString)
    /// The name as some clients show it, `mcp__SERVER__name`; the tool's own name comes last.
    case clientPrefix(ByteString)
    /// The catalogue knows no such word; with a suggestion when one is near.
    case unknown(Field, ByteString, suggestion: String?)
    /// No tool of the catalogue passes all the filters.
    case matchesNothing

    /// What is wrong, in one sentence without its end.
    public var description: String {
        switch self {
        case .empty(let field): "`\(field.rawValue)` is empty, which could mean nothing or everything"
        case .tooMany(let field): "`\(field.rawValue)` has more than \(Selection.wordLimit) entries"
        case .notLowerCase(let field, let word): "`\(word.text)` in `\(field.rawValue)` is not in lower case"
        case .malformed(let field, let word): "`\(word.text)` can't stand in `\(field.rawValue)`"
        case .clientPrefix(let word): "`\(word.text)` is a name as a client shows it"
        case .unknown(.tools, let word, _): "no tool of the catalogue is called `\(word.text)`"
        case .unknown(let field, let word, _): "unknown word `\(word.text)` in `\(field.rawValue)`"
        case .matchesNothing: "no tool of the catalogue matches"
        }
    }

    /// What to do about it, when that can be said.
    public var hint: String? {
        switch self {
        case .empty: "leave it out for no restriction"
        case .notLowerCase(_, let word): "write `\(word.asciiLowercased.text)`"
        case .clientPrefix(let word): word.text.split(separator: "__").last.map { "write `\($0)`" }
        case .unknown(_, _, let suggestion): suggestion
        case .tooMany, .malformed, .matchesNothing: nil
        }
    }

    /// The word it is about, when it is about one.
    public var word: ByteString? {
        switch self {
        case .notLowerCase(_, let word), .malformed(_, let word), .clientPrefix(let word), .unknown(_, let word, _):
            word
        case .empty, .tooMany, .matchesNothing: nil
        }
    }
}

func checkWords(_ words: [ByteString], _ field: SelectionFailure.Field) throws(SelectionFailure) {
    try checkCount(words, field)
    for word in words {
        if word != word.asciiLowercased { throw .notLowerCase(field, word) }
        if !isWord(word) { throw .malformed(field, word) }
    }
}

func checkTools(_ names: [ByteString]) throws(SelectionFailure) {
    try checkCount(names, .tools)
    for name in names {
        let bare = ByteString(name.bytes.filter { $0 != UInt8(ascii: "*") && $0 != UInt8(ascii: "?") })
        if name.hasPrefix("mcp__") { throw .clientPrefix(name) }
        if name.isEmpty || !(bare.isEmpty || isToolName(bare)) || name.count > 128 { throw .malformed(.tools, name) }
    }
}

private func checkCount(_ words: [ByteString], _ field: SelectionFailure.Field) throws(SelectionFailure) {
    if words.isEmpty { throw .empty(field) }
    if words.count > Selection.wordLimit { throw .tooMany(field) }
}

/// A method or tag: a lower-case letter, then letters, digits, `-` and `_`; at most 64 bytes.
func isWord(_ word: ByteString) -> Bool {
    guard let first = word.bytes.first, (0x61...0x7A).contains(first), word.count <= 64 else { return false }
    return word.bytes.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
    }
}

/// A tool's name that can't be confused with another by eye or by a lenient server: 1 to 128 of `A-Z a-z 0-9 _ . - /`
/// (what the 2026-07-28 revision recommends, and the slash that some servers use).
public func isToolName(_ name: ByteString) -> Bool {
    !name.isEmpty && name.count <= 128
        && name.bytes.allSatisfy {
            switch $0 {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x2F, 0x5F: true
            default: false
            }
        }
}

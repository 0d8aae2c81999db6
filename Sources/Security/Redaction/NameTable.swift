import Bytes
import JSON

/// What a member's name means, worked out once for each name of a message.
struct NameMeaning {
    /// What is needed at every visit.
    struct Traits: OptionSet {
        let rawValue: UInt8
        /// A place in a list, which must come back as it is.
        static let cursor = Traits(rawValue: 1)
        /// The name says that the value is a secret or a telephone number.
        static let telling = Traits(rawValue: 2)
        /// The name itself is somebody's data.
        static let replaced = Traits(rawValue: 4)
    }

    let name: [UInt8]
    /// The field paths' view of it.
    let symbol: Int
    let traits: Traits
    /// How it says that the value is a secret.
    let secret: SecretName?
    /// Whether it says that the value is a telephone number.
    let isPhone: Bool
    /// What to write in place of the name itself, encoded; nil when it is no personal data.
    let replacement: [UInt8]?

    /// What the bytes of a name say by themselves.
    init(_ name: [UInt8], symbol: Int, replacement: [UInt8]?) {
        self.name = name
        self.symbol = symbol
        self.replacement = replacement
        secret = SecretName(name.span)
        let letters = name.filter(isAlphanumeric).map { isUpper($0) ? $0 | 0x20 : $0 }
        isPhone = phoneNames.contains { letters.count >= $0.count && letters.suffix($0.count) == $0[...] }
        var traits: Traits = cursorNames.contains(ByteString(name)) ? .cursor : []
        if secret != nil || isPhone { traits.insert(.telling) }
        if replacement != nil { traits.insert(.replaced) }
        self.traits = traits
    }
}

/// Names under which lists are continued.
private let cursorNames: Set<ByteString> = [
    "nextCursor", "next_cursor", "prevCursor", "prev_cursor", "previousCursor", "previous_cursor", "cursor",
    "nextPageToken",
    "next_page_token", "pageToken", "page_token", "nextToken", "next_token", "continuationToken", "continuation_token",
]

/// Last words of names under which telephone numbers stand.
private let phoneNames = [
    "phone", "phonenumber", "mobile", "mobilephone", "telephone", "tel", "fax", "cellphone", "msisdn",
].map(bytes)

/// Finds the meaning of a name by its fingerprint. Names that were made to collide are found by nobody and worked out again.
struct NameTable {
    private(set) var meanings: [NameMeaning] = []
    /// Of each meaning what is needed at every visit.
    private(set) var symbols: [Int] = []
    private(set) var traits: [NameMeaning.Traits] = []
    private var slots: [(fingerprint: UInt32, index: Int32)] = []
    private static let longestProbe = 16

    init() {
        slots = Array(repeating: (fingerprint: 0, index: -1), count: 256)
    }

    /// The place of a name's meaning; nil when it is not known yet.
    @inline(__always)
    func find(_ node: JSONDocument.Node, in document: JSONDocument) -> Int? {
        let fingerprint = document.fingerprint(ofName: node)
        var slot = Int(fingerprint) & (slots.count - 1)
        for _ in 0..<Self.longestProbe {
            let (known, index) = slots[slot]
            guard index >= 0 else { return nil }
            if known == fingerprint, isSame(Int(index), node, document) { return Int(index) }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    @inline(__always)
    private func isSame(_ index: Int, _ node: JSONDocument.Node, _ document: JSONDocument) -> Bool {
        if document.stringContainsEscapes(node) { return document.string(node)?.bytes == meanings[index].name }
        let text = document.writtenText(node)
        guard text.count == meanings[index].name.count else { return false }
        for place in 0..<text.count where text[place] != meanings[index].name[place] { return false }
        return true
    }

    mutating func add(_ meaning: NameMeaning, fingerprint: UInt32) -> Int {
        meanings.append(meaning)
        symbols.append(meaning.symbol)
        traits.append(meaning.traits)
        if meanings.count * 2 > slots.count { grow() }
        place(fingerprint, Int32(meanings.count - 1))
        return meanings.count - 1
    }

    private mutating func place(_ fingerprint: UInt32, _ index: Int32) {
        var slot = Int(fingerprint) & (slots.count - 1)
        for _ in 0..<Self.longestProbe {
            if slots[slot].index < 0 {
                slots[slot] = (fingerprint, index)
                return
            }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: (fingerprint: 0, index: -1), count: old.count * 4)
        for entry in old where entry.index >= 0 { place(entry.fingerprint, entry.index) }
    }
}

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
    /// What is needed at every visit, and where the name's bytes lie.
    private struct Entry {
        let fingerprint: UInt32
        let start: Int32
        let length: Int32
        let symbol: Int32
        let traits: NameMeaning.Traits
    }

    private struct Slot {
        var fingerprint: UInt32
        /// -1 for none.
        var entry: Int32
    }

    private(set) var meanings: [NameMeaning] = []
    private var entries: [Entry] = []
    private var texts: [UInt8] = []
    /// None until there is a name.
    private var slots: [Slot] = []
    private static let longestProbe = 16

    /// How many names are known.
    var count: Int { entries.count }

    /// The field paths' view of a name.
    @inline(__always)
    func symbol(_ index: Int) -> Int { Int(entries[index].symbol) }

    @inline(__always)
    func traits(_ index: Int) -> NameMeaning.Traits { entries[index].traits }

    /// The bytes of a name.
    @inline(__always)
    @_lifetime(borrow self)
    func text(_ index: Int) -> Span<UInt8> {
        let entry = entries[index]
        return texts.span.extracting(Int(entry.start)..<Int(entry.start) &+ Int(entry.length))
    }

    func fingerprint(_ index: Int) -> UInt32 { entries[index].fingerprint }

    /// The place of a name's meaning; nil when it is not known yet.
    @inline(__always)
    func find(_ node: JSONDocument.Node, in document: JSONDocument) -> Int? {
        guard !slots.isEmpty else { return nil }
        let fingerprint = document.fingerprint(ofName: node)
        var slot = Int(fingerprint) & (slots.count &- 1)
        for _ in 0..<Self.longestProbe {
            let known = slots[slot]
            guard known.entry >= 0 else { return nil }
            if known.fingerprint == fingerprint, isSame(Int(known.entry), node, document) { return Int(known.entry) }
            slot = (slot &+ 1) & (slots.count &- 1)
        }
        return nil
    }

    @inline(__always)
    private func isSame(_ index: Int, _ node: JSONDocument.Node, _ document: JSONDocument) -> Bool {
        if document.stringContainsEscapes(node) { return document.string(node)?.bytes == meanings[index].name }
        return text(index).elementsEqual(document.writtenText(node))
    }

    mutating func add(_ meaning: NameMeaning, fingerprint: UInt32) -> Int {
        if slots.count <= entries.count * 2 { grow() }
        entries.append(
            Entry(
                fingerprint: fingerprint, start: Int32(truncatingIfNeeded: texts.count),
                length: Int32(truncatingIfNeeded: meaning.name.count),
                symbol: Int32(truncatingIfNeeded: meaning.symbol), traits: meaning.traits))
        texts.append(contentsOf: meaning.name)
        meanings.append(meaning)
        place(Slot(fingerprint: fingerprint, entry: Int32(truncatingIfNeeded: entries.count - 1)))
        return entries.count - 1
    }

    private mutating func place(_ new: Slot) {
        var slot = Int(new.fingerprint) & (slots.count - 1)
        for _ in 0..<Self.longestProbe {
            if slots[slot].entry < 0 {
                slots[slot] = new
                return
            }
            slot = (slot + 1) & (slots.count - 1)
        }
    }

    private mutating func grow() {
        let old = slots
        slots = Array(repeating: Slot(fingerprint: 0, entry: -1), count: max(64, old.count * 4))
        for slot in old where slot.entry >= 0 { place(slot) }
    }
}

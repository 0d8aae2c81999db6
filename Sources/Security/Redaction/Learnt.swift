import Bytes
import JSON

/// What the messages of a program have taught: the field paths' machine, and names that come again and again. They belong
/// together, because a name's symbol is one of that machine's.
struct Learnt: Sendable {
    var automaton: FieldAutomaton
    var names = NameTable()

    /// How much is known: to tell whether a copy has learnt something.
    var size: Int { automaton.size + names.count }

    /// How large the machine may grow that messages share: what a vendor's odd names add beyond is forgotten with the message.
    private static let mostSteps = 20_000

    /// Whether it may be kept.
    var isShared: Bool { automaton.stepCount <= Self.mostSteps }
}

/// The names of one message: those that earlier messages had too, and its own.
struct MessageNames {
    private let known: NameTable
    private var own = NameTable()
    /// The names that were met, in that order, and for each known one whether it was.
    private(set) var met: [Int] = []
    private var isMet: [UInt64]
    /// Names of this message's own that hold what was removed.
    private var tainted: Set<Int> = []

    /// How many names are kept for later messages, and how long they may be.
    private static let mostKept = 512
    private static let longestKept = 48

    init(_ known: NameTable) {
        self.known = known
        isMet = Array(repeating: 0, count: known.count / 64 + 1)
    }

    /// A name with what was removed replaced; nil when it holds nothing of that.
    func cleaned(_ index: Int, of removed: inout RemovedValues) -> [UInt8]? {
        index < known.count
            ? removed.cleaned(known.text(index)) : removed.cleaned(own.text(index - known.count))
    }

    /// What a name means.
    subscript(_ index: Int) -> NameMeaning {
        index < known.count ? known.meanings[index] : own.meanings[index - known.count]
    }

    @inline(__always)
    func symbol(_ index: Int) -> Int {
        index < known.count ? known.symbol(index) : own.symbol(index - known.count)
    }

    @inline(__always)
    func traits(_ index: Int) -> NameMeaning.Traits {
        index < known.count ? known.traits(index) : own.traits(index - known.count)
    }

    /// The place of a name's meaning; nil when it is not known yet.
    @inline(__always)
    mutating func find(_ node: JSONDocument.Node, in document: JSONDocument) -> Int? {
        if let index = known.find(node, in: document) {
            if isMet[index >> 6] >> UInt64(index & 63) & 1 == 0 { meet(index) }
            return index
        }
        return own.find(node, in: document).map { $0 + known.count }
    }

    private mutating func meet(_ index: Int) {
        isMet[index >> 6] |= 1 << UInt64(index & 63)
        met.append(index)
    }

    mutating func add(_ meaning: NameMeaning, fingerprint: UInt32) -> Int {
        let index = known.count + own.add(meaning, fingerprint: fingerprint)
        met.append(index)
        return index
    }

    /// Says that a name holds what was removed: it is kept for no other message.
    mutating func taint(_ index: Int) { tainted.insert(index) }

    /// Whether names were met that no earlier message had, and for which there is room.
    var hasNew: Bool { own.count > 0 && known.count < Self.mostKept }

    /// The names to keep for later messages: such as programs use, no ids, and nothing that was removed.
    func learnt() -> NameTable {
        var names = known
        for (index, meaning) in own.meanings.enumerated() where names.count < Self.mostKept {
            guard meaning.replacement == nil, !tainted.contains(known.count + index), Self.isProgrammed(meaning.name)
            else { continue }
            _ = names.add(meaning, fingerprint: own.fingerprint(index))
        }
        return names
    }

    private static func isProgrammed(_ name: [UInt8]) -> Bool {
        guard name.count <= longestKept else { return false }
        var digits = 0
        for byte in name {
            guard isWord(byte) || byte == 0x2d || byte == 0x2e else { return false }
            if isDigit(byte) { digits += 1 }
        }
        return digits < 3
    }
}

import Bytes
import Policy

/// All field paths of some redaction groups as one machine: which rule is about a value is known from the names on the way to
/// it, in one step for each.
///
/// The machine's states are sets of places within the paths; states and steps are worked out when they are first needed
/// and kept. Arrays are seen through: `users.email` is about the e-mail of every user, because a rule must not fail where
/// the vendor answers with several records instead of one; and for the same reason `emails[*]` is about a value that is no
/// array.
struct FieldAutomaton: Sendable {
    /// What stands at each place of each path, one after another; the place after a path is its end.
    private enum Place: Sendable {
        case anyDepth
        case name(predicate: Int)
        case elements
        case end(rule: Int)
    }

    private var places: [Place] = []
    /// Names that paths ask for, in lower case, by predicate.
    private var literals: [ByteString: Int] = [:]
    private var patterns: [(predicate: Int, pattern: NamePattern)] = []
    private var predicateCount = 0
    /// Rules whose way is to withhold: they count before all others.
    private let withholding: Set<Int>

    private var sets: [[UInt64]] = []
    private var indexOfSet: [[UInt64]: Int] = [:]
    /// What is known of a state; -1 for none, or not yet known.
    private struct Row: Sendable {
        /// The rule that is about a value in it.
        let rule: Int32
        var element: Int32 = -1
        var plain: Int32 = -1
    }

    private var rows: [Row] = []
    /// By state, then symbol, `stride` for each state; -1 where not yet known.
    private var nameSteps: [Int32] = []
    private var stride = 8

    /// Which predicates a name fulfils, as a number; 0 for none.
    private var symbols: [Set<Int>] = [[]]
    private var indexOfSymbol: [Set<Int>: Int] = [[]: 0]

    /// The state before any name: the root of a result's own value.
    private(set) var initial = 0
    /// The state in which no rule is about anything any more.
    let dead = 0

    /// Paths with their rules' numbers; smaller numbers count first.
    init(_ paths: [(segments: [FieldPath.Segment], rule: Int)], withholding: Set<Int>) {
        self.withholding = withholding
        var starts: [Int] = []
        var patternPredicates: [NamePattern: Int] = [:]
        for path in paths {
            starts.append(places.count)
            for segment in path.segments {
                switch segment {
                case .anyDepth: places.append(.anyDepth)
                case .elements: places.append(.elements)
                case .name(let written):
                    let name = written.asciiLowercased
                    let predicate = literals[name] ?? predicateCount
                    if predicate == predicateCount { predicateCount += 1 }
                    literals[name] = predicate
                    places.append(.name(predicate: predicate))
                case .matching(let written):
                    let pattern = written.asciiLowercased
                    let predicate = patternPredicates[pattern] ?? predicateCount
                    if predicate == predicateCount {
                        predicateCount += 1
                        patterns.append((predicate, pattern))
                    }
                    patternPredicates[pattern] = predicate
                    places.append(.name(predicate: predicate))
                }
            }
            places.append(.end(rule: path.rule))
        }
        _ = state(emptySet)
        var set = emptySet
        for start in starts { add(start, to: &set, isArray: true) }
        initial = state(set)
    }

    /// How many states and steps are known: to tell whether a copy has learnt something.
    private(set) var size = 0

    /// How many steps there is room for.
    var stepCount: Int { nameSteps.count }

    /// The rule that is about a value in this state; nil when none is.
    @inline(__always)
    func rule(in state: Int) -> Int? {
        let rule = rows[state].rule
        return rule < 0 ? nil : Int(rule)
    }

    // MARK: Steps

    /// Which of the paths' names and patterns a name fulfils, in either case: `Email` is the `email` of a rule, because
    /// hiding too much is the smaller harm.
    mutating func symbol(of name: Span<UInt8>) -> Int {
        let name = ByteString(name).asciiLowercased
        var fulfilled: Set<Int> = []
        if !literals.isEmpty, let literal = literals[name] { fulfilled.insert(literal) }
        for (predicate, pattern) in patterns where pattern.matches(name.bytes.span) { fulfilled.insert(predicate) }
        return symbol(fulfilled)
    }

    private mutating func symbol(_ fulfilled: Set<Int>) -> Int {
        if let known = indexOfSymbol[fulfilled] { return known }
        symbols.append(fulfilled)
        indexOfSymbol[fulfilled] = symbols.count - 1
        size += 1
        return symbols.count - 1
    }

    /// The symbol of a name that could be any: it fulfils every pattern and every name. For judging schemas.
    mutating func symbolOfAnyName() -> Int {
        symbol(Set(0..<predicateCount))
    }

    /// From an object to the value of a member.
    @inline(__always)
    mutating func step(_ from: Int, _ symbol: Int) -> Int {
        if symbol < stride {
            let known = nameSteps[from &* stride &+ symbol]
            if known >= 0 { return Int(known) }
        }
        return learnStep(from, symbol)
    }

    private mutating func learnStep(_ from: Int, _ symbol: Int) -> Int {
        var next = emptySet
        for place in members(of: from) {
            switch places[place] {
            case .anyDepth: add(place, to: &next, isArray: true)
            case .name(let predicate):
                if symbols[symbol].contains(predicate) { add(place + 1, to: &next, isArray: true) }
            case .elements, .end: break
            }
        }
        let index = state(next)
        while stride <= symbol { widen() }
        nameSteps[from * stride + symbol] = Int32(truncatingIfNeeded: index)
        size += 1
        return index
    }

    /// Makes room for twice as many symbols.
    private mutating func widen() {
        var wide: [Int32] = []
        wide.reserveCapacity(nameSteps.count * 2)
        for state in rows.indices {
            wide += nameSteps[state * stride..<(state + 1) * stride]
            wide += repeatElement(-1, count: stride)
        }
        nameSteps = wide
        stride *= 2
    }

    /// From an array to its elements.
    @inline(__always)
    mutating func stepToElement(_ from: Int) -> Int {
        let known = rows[from].element
        return known >= 0 ? Int(known) : learnStepToElement(from)
    }

    private mutating func learnStepToElement(_ from: Int) -> Int {
        var next = emptySet
        for place in members(of: from) {
            switch places[place] {
            case .anyDepth, .name: add(place, to: &next, isArray: true)
            case .elements: add(place + 1, to: &next, isArray: true)
            case .end: break
            }
        }
        let index = state(next)
        rows[from].element = Int32(truncatingIfNeeded: index)
        size += 1
        return index
    }

    /// At a value that is no array: `[*]` stands for the value itself.
    @inline(__always)
    mutating func stepToPlain(_ from: Int) -> Int {
        let known = rows[from].plain
        return known >= 0 ? Int(known) : learnStepToPlain(from)
    }

    private mutating func learnStepToPlain(_ from: Int) -> Int {
        var next = emptySet
        for place in members(of: from) { add(place, to: &next, isArray: false) }
        let index = state(next)
        rows[from].plain = Int32(truncatingIfNeeded: index)
        size += 1
        return index
    }

    /// A state that is in both places at once: JSON within a string continues the path to the string and begins anew.
    mutating func union(_ one: Int, _ other: Int) -> Int {
        guard one != other else { return one }
        return state(zip(sets[one], sets[other]).map { $0 | $1 })
    }

    // MARK: Sets

    private var emptySet: [UInt64] { [UInt64](repeating: 0, count: places.count / 64 + 1) }

    /// Adds a place, and those that are reached from it without a name.
    private func add(_ place: Int, to set: inout [UInt64], isArray: Bool) {
        set[place / 64] |= 1 << UInt64(place % 64)
        switch places[place] {
        case .anyDepth: add(place + 1, to: &set, isArray: isArray)
        case .elements where !isArray: add(place + 1, to: &set, isArray: isArray)
        default: break
        }
    }

    private func members(of state: Int) -> [Int] {
        var members: [Int] = []
        for (index, word) in sets[state].enumerated() {
            var rest = word
            while rest != 0 {
                members.append(index * 64 + rest.trailingZeroBitCount)
                rest &= rest - 1
            }
        }
        return members
    }

    private mutating func state(_ set: [UInt64]) -> Int {
        if let known = indexOfSet[set] { return known }
        let index = sets.count
        sets.append(set)
        indexOfSet[set] = index
        var best = -1
        for place in members(of: index) {
            guard case .end(let rule) = places[place] else { continue }
            let isStronger = withholding.contains(rule) && !withholding.contains(best)
            let isEqual = withholding.contains(rule) == withholding.contains(best)
            if best < 0 || isStronger || isEqual && rule < best { best = rule }
        }
        rows.append(Row(rule: Int32(truncatingIfNeeded: best)))
        nameSteps += repeatElement(-1, count: stride)
        size += 1
        return index
    }
}

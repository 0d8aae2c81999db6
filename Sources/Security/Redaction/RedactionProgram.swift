import Bytes
import Policy
import Synchronization

/// Redaction groups, compiled: what to do with which value, and which texts to look for.
final class RedactionProgram: Sendable {
    /// One field path of one group.
    struct FieldRule: Sendable {
        let group: ByteString
        let path: ByteString
        let way: Way
    }

    /// What to do with what detectors find.
    struct TextRule: Sendable {
        let group: ByteString
        let way: Way
    }

    /// In the order of the groups; the first that is about a value decides, but withholding counts before all.
    let fieldRules: [FieldRule]
    /// Of each field rule what is needed at every value.
    let ways: [Way]
    /// What to do with each kind, by the kind's place among all kinds.
    let textRules: [TextRule?]
    /// The kinds that are looked for.
    let kinds: DataKinds
    /// The last names of field paths in lower case, for texts that are not JSON but name their values.
    let lastNames: [ByteString: Int]
    /// How many things can be counted at one place of a message: rules, kinds, and values that were removed elsewhere.
    let countsPerPlace: Int
    /// What is told of each thing that can be counted: by place, then rules, kinds, and what was removed elsewhere.
    private let facts: [RedactionFact]
    /// The same as JSON, up to the count.
    private let encodedFacts: [[UInt8]]
    private let learnt: Mutex<Learnt>

    /// Compiles groups. With `everyKind` every detector runs, masking what no group speaks of: for the audit trail, which
    /// is also why nothing is withheld then.
    init(_ groups: [RedactionGroup], everyKind: Bool = false) {
        var fieldRules: [FieldRule] = []
        var paths: [(segments: [FieldPath.Segment], rule: Int)] = []
        var textRules = [TextRule?](repeating: nil, count: DataKind.allCases.count)
        var kinds: DataKinds = []
        var lastNames: [ByteString: Int] = [:]
        for group in groups {
            for step in group.steps {
                switch step {
                case .fields(let fields, let way):
                    let way = everyKind && way == .withhold ? .mask : way
                    for path in fields {
                        paths.append((path.segments, fieldRules.count))
                        if case .name(let name)? = path.segments.last(where: { $0 != .elements }),
                            lastNames[name.asciiLowercased] == nil
                        {
                            lastNames[name.asciiLowercased] = fieldRules.count
                        }
                        fieldRules.append(FieldRule(group: group.name, path: path.text, way: way))
                    }
                case .detect(let detectors, let way):
                    let way = everyKind && way == .withhold ? .mask : way
                    for kind in detectors.compactMap(DataKind.init) where !kinds.contains(DataKinds(kind)) {
                        kinds.insert(DataKinds(kind))
                        textRules[kind.rawValue] = TextRule(group: group.name, way: way)
                    }
                }
            }
        }
        if everyKind {
            for kind in DataKind.allCases where textRules[kind.rawValue] == nil {
                textRules[kind.rawValue] = TextRule(group: "audit", way: .mask)
            }
            kinds = .all
        }
        self.fieldRules = fieldRules
        ways = fieldRules.map(\.way)
        self.textRules = textRules
        self.kinds = kinds
        self.lastNames = lastNames
        let withholding = Set(fieldRules.indices.filter { fieldRules[$0].way == .withhold })
        countsPerPlace = fieldRules.count + textRules.count + 1
        let facts = RedactionPlace.allCases.flatMap { Self.facts(at: $0.name, fieldRules, textRules) }
        self.facts = facts
        encodedFacts = facts.map(\.encodedUpToCount)
        learnt = Mutex(Learnt(automaton: FieldAutomaton(paths, withholding: withholding)))
    }

    /// The facts of one place, as if each had happened once.
    private static func facts(
        at place: ByteString, _ fieldRules: [FieldRule], _ textRules: [TextRule?]
    ) -> [RedactionFact] {
        let fields = fieldRules.map {
            RedactionFact(place: place, rule: $0.group, count: 1, way: $0.way, path: $0.path)
        }
        let texts = zip(DataKind.allCases, textRules).map { kind, rule in
            RedactionFact(
                place: place, rule: rule?.group ?? "", count: 1, way: rule?.way ?? .mask,
                path: ByteString("detect " + kind.name))
        }
        return fields + texts + [RedactionFact(place: place, rule: "", count: 1, way: .mask, path: nil)]
    }

    /// What is told of something that happened so many times: `index` counts places, then rules, kinds and the rest.
    func fact(_ index: Int, _ count: Int) -> RedactionFact {
        let fact = facts[index]
        return RedactionFact(place: fact.place, rule: fact.rule, count: count, way: fact.way, path: fact.path)
    }

    /// The facts as JSON: `{"count":3,"redacted":[{"place":…,"rule":…,"path":…,"way":…,"count":3}]}`.
    func encodedFacts(_ counts: [Int]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(1024)
        out += Self.countBegins
        out += String(counts.reduce(0, +)).utf8
        out += Self.factsBegin
        var isFirst = true
        for index in counts.indices where counts[index] > 0 {
            if !isFirst { out.append(0x2c) }
            isFirst = false
            out += encodedFacts[index]
            out += String(counts[index]).utf8
            out.append(0x7d)
        }
        out += Self.factsEnd
        return out
    }

    private static let countBegins = bytes(#"{"count":"#)
    private static let factsBegin = bytes(#","redacted":["#)
    private static let factsEnd = bytes("]}")

    /// Whether there is nothing to do.
    var isEmpty: Bool { fieldRules.isEmpty && kinds.isEmpty }

    /// What has been learnt until now, to be worked with and given back.
    func borrow() -> Learnt {
        learnt.withLock { $0 }
    }

    /// Keeps what a copy has learnt for later messages.
    func giveBack(_ copy: Learnt) {
        let size = copy.size
        guard copy.isShared else { return }
        learnt.withLock { if $0.size < size { $0 = copy } }
    }
}

extension DataKind {
    /// The kind that a policy's detector looks for.
    init?(_ detector: Detector) {
        guard let kind = DataKind.allCases.first(where: { $0.name == detector.rawValue }) else { return nil }
        self = kind
    }
}

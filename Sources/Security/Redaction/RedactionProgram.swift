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
    private let automaton: Mutex<FieldAutomaton>

    /// How large the machine may grow that calls share: what a vendor's odd names add beyond is forgotten with the call.
    private static let sharedSize = 20_000

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
        automaton = Mutex(FieldAutomaton(paths, withholding: withholding))
    }

    /// Whether there is nothing to do.
    var isEmpty: Bool { fieldRules.isEmpty && kinds.isEmpty }

    /// The machine as it is now, to be worked with and given back.
    func borrowAutomaton() -> FieldAutomaton {
        automaton.withLock { $0 }
    }

    /// Keeps what a copy has learnt for later calls.
    func giveBack(_ learnt: FieldAutomaton, grownFrom size: Int) {
        let now = learnt.size
        guard now > size, now <= Self.sharedSize else { return }
        automaton.withLock { if $0.size < now { $0 = learnt } }
    }
}

extension DataKind {
    /// The kind that a policy's detector looks for.
    init?(_ detector: Detector) {
        guard let kind = DataKind.allCases.first(where: { $0.name == detector.rawValue }) else { return nil }
        self = kind
    }
}

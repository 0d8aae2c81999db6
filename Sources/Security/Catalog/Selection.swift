public import Bytes

/// Which tools an endpoint offers or a rule speaks of: methods AND tags AND tools, each a union, each absent for all.
///
/// A method is an exact one (`list`, `run`) or one of four groups: `read` (effect read), `write` (effect write or
/// destructive), `destructive`, `custom` (any method outside list, get, create, update, delete). Tags: any of them.
/// Tools: exact names, or globs with `*` and `?`. Words are lower case and compared as bytes.
public struct Selection: Hashable, Sendable {
    /// The methods as written; nil for no restriction.
    public let methods: [ByteString]?
    /// The tags as written; nil for no restriction.
    public let tags: [ByteString]?
    /// The tools as written; nil for no restriction.
    public let tools: [ByteString]?
    private let groups: MethodGroups
    private let exactMethods: Set<ByteString>
    private let anyTag: Set<ByteString>
    private let names: Set<ByteString>
    private let globs: [Glob]

    /// No restriction at all.
    public static let everything = Selection()

    /// How many words each list may have.
    public static let wordLimit = 1_000

    /// Checks the words' form. Whether they mean anything is `Catalog.complaints(about:)`'s question.
    ///
    /// - Throws: On an empty list, which could be taken for nothing or for everything, and on malformed words.
    public init(
        methods: [ByteString]?, tags: [ByteString]?, tools: [ByteString]?
    ) throws(SelectionFailure) {
        try methods.map { words throws(SelectionFailure) in try checkWords(words, .methods) }
        try tags.map { words throws(SelectionFailure) in try checkWords(words, .tags) }
        try tools.map { words throws(SelectionFailure) in try checkTools(words) }
        self.init(methods, tags, tools)
    }

    private init(_ methods: [ByteString]? = nil, _ tags: [ByteString]? = nil, _ tools: [ByteString]? = nil) {
        self.methods = methods
        self.tags = tags
        self.tools = tools
        groups = MethodGroups(methods ?? [])
        exactMethods = Set(methods ?? [])
        anyTag = Set(tags ?? [])
        names = Set((tools ?? []).filter { !Glob.isGlob($0) })
        globs = (tools ?? []).filter(Glob.isGlob).map { Glob(pattern: $0.bytes) }
    }

    /// Whether nothing is left out.
    public var isEverything: Bool { methods == nil && tags == nil && tools == nil }

    /// Whether this tool is among them. A tool without tags fails any tag filter.
    public func admits(_ tool: ByteString, _ classification: Classification) -> Bool {
        admitsMethod(classification) && admitsTags(classification) && admitsName(tool)
    }

    private func admitsMethod(_ classification: Classification) -> Bool {
        methods == nil || exactMethods.contains(classification.method) || groups.contain(classification)
    }

    private func admitsTags(_ classification: Classification) -> Bool {
        tags == nil || classification.tags.contains(where: anyTag.contains)
    }

    private func admitsName(_ tool: ByteString) -> Bool {
        tools == nil || names.contains(tool) || globs.contains { $0.matches(tool) }
    }
}

/// The words for methods that name a group of them.
struct MethodGroups: OptionSet, Hashable, Sendable {
    let rawValue: UInt8
    static let read = MethodGroups(rawValue: 1)
    static let write = MethodGroups(rawValue: 2)
    static let destructive = MethodGroups(rawValue: 4)
    static let custom = MethodGroups(rawValue: 8)

    static let words: [ByteString: MethodGroups] = [
        "read": .read, "write": .write, "destructive": .destructive, "custom": .custom,
    ]
    /// The methods that aren't custom ones (Truto's five).
    static let standard: Set<ByteString> = ["list", "get", "create", "update", "delete"]

    init(rawValue: UInt8) {
        self.rawValue = rawValue
    }

    init(_ methods: [ByteString]) {
        self = methods.reduce(into: []) { $0.formUnion(Self.words[$1] ?? []) }
    }

    func contain(_ classification: Classification) -> Bool {
        switch classification.effect {
        case .read: if contains(.read) { return true }
        case .write: if contains(.write) { return true }
        case .destructive: if !isDisjoint(with: [.write, .destructive]) { return true }
        }
        return contains(.custom) && !Self.standard.contains(classification.method)
    }
}

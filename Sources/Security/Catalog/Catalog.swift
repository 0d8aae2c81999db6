public import Bytes
import YAML

/// What the tools of one vendor are, by the operator's word and not by theirs. Read once, immutable.
///
/// Several files may speak of one tool: the operator's method and tags count before a shipped catalogue's, and of
/// effects the most dangerous wins, whoever names it. A tool that no file names is unclassified: nil here, hidden and
/// denied everywhere.
public struct Catalog: Sendable {
    /// The name of the first file's catalogue.
    public let name: ByteString
    /// Every tag that a file declares or a tool has.
    public let tags: Set<ByteString>
    /// The tags that a file declares, so that a policy for several catalogues may use them before any tool has one.
    public let declaredTags: Set<ByteString>
    private let entries: [ByteString: Classification]

    init(name: ByteString, tags: Set<ByteString>, declaredTags: Set<ByteString>, entries: [ByteString: Classification])
    {
        self.name = name
        self.tags = tags
        self.declaredTags = declaredTags
        self.entries = entries
    }

    /// The tools it names, in byte order.
    public var tools: [ByteString] { entries.keys.sorted() }

    /// Every method of a tool in it.
    public var methods: Set<ByteString> { Set(entries.values.lazy.filter { $0.dispatch == nil }.map(\.method)) }

    /// What a tool is; nil when nobody classified it.
    ///
    /// - Parameter annotations: The vendor's claims, which can raise the effect.
    public func classify(_ tool: ByteString, annotations: ToolAnnotations = .none) -> Classification? {
        guard let entry = entries[tool], let admitted = annotations.admitted else { return entries[tool] }
        return entry.tightened(by: admitted)
    }

    /// The tools that a selection admits, in byte order, by the catalogue alone. Tools that run other tools are not
    /// among them: those are judged by what they run.
    public func tools(in selection: Selection) -> [ByteString] {
        entries.filter { $0.value.dispatch == nil && selection.admits($0.key, $0.value) }.keys.sorted()
    }

    /// What is wrong with a selection in the light of this catalogue: words it doesn't know, and nothing matching.
    ///
    /// An endpoint with complaints is refused (Truto answers 400 as well); in a policy they are mistakes.
    public func complaints(about selection: Selection) -> [SelectionFailure] {
        var complaints: [SelectionFailure] = []
        complaints += unknown(selection.methods, .methods, knownMethods)
        complaints += unknown(selection.tags, .tags, tags)
        for tool in selection.tools ?? [] where !isNamed(tool) {
            let near = suggestion(for: tool.text, among: entries.keys.map(\.text))
            complaints.append(.unknown(.tools, tool, suggestion: near))
        }
        if complaints.isEmpty, tools(in: selection).isEmpty { complaints.append(.matchesNothing) }
        return complaints
    }

    private func unknown(
        _ words: [ByteString]?, _ field: SelectionFailure.Field, _ known: Set<ByteString>
    ) -> [SelectionFailure] {
        (words ?? []).filter { !known.contains($0) }.map {
            .unknown(field, $0, suggestion: suggestion(for: $0.text, among: known.map(\.text)))
        }
    }

    private var knownMethods: Set<ByteString> {
        methods.union(MethodGroups.words.keys).union(MethodGroups.standard).union(commonMethods)
    }

    private func isNamed(_ tool: ByteString) -> Bool {
        guard Glob.isGlob(tool) else { return entries[tool] != nil }
        let glob = Glob(pattern: tool.bytes)
        return entries.keys.contains(where: glob.matches)
    }
}

/// Methods that a policy may name though no tool at hand has them.
private let commonMethods: Set<ByteString> = [
    "search", "match", "discover", "run", "upload", "download", "import", "export", "send", "merge", "revoke",
    "anonymize",
]

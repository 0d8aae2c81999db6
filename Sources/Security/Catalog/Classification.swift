public import Bytes
public import JSON

/// What a tool is, by all the evidence about it. Only a catalogue makes one: names and annotations alone never do.
///
/// Handed about on every call, so it is one reference.
public struct Classification: Hashable, Sendable {
    private final class Words: Sendable {
        let method: ByteString
        let effect: Effect
        let tags: [ByteString]
        let dispatch: Dispatch?
        let discovery: Discovery?
        let evidence: [Evidence]

        init(
            _ method: ByteString, _ effect: Effect, _ tags: [ByteString], _ dispatch: Dispatch?,
            _ discovery: Discovery?, _ evidence: [Evidence]
        ) {
            self.method = method
            self.effect = effect
            self.tags = tags
            self.dispatch = dispatch
            self.discovery = discovery
            self.evidence = evidence
        }
    }

    private let words: Words

    /// The method, lower case, such as `list` or `run`. The operator's word counts, else the shipped catalogue's.
    public var method: ByteString { words.method }
    /// The most dangerous effect that any source gives.
    public var effect: Effect { words.effect }
    /// Sorted. The operator's, else the shipped catalogue's.
    public var tags: [ByteString] { words.tags }
    /// Set when the tool runs another tool, which is then judged in its place.
    public var dispatch: Dispatch? { words.dispatch }
    /// Set when the tool tells about other tools, so that hidden ones must be left out of what it tells.
    public var discovery: Discovery? { words.discovery }
    /// Every source that said something, the most trusted first.
    public var evidence: [Evidence] { words.evidence }

    init(
        method: ByteString, effect: Effect, tags: [ByteString], dispatch: Dispatch? = nil, discovery: Discovery? = nil,
        evidence: [Evidence]
    ) {
        words = Words(method, effect, tags, dispatch, discovery, evidence)
    }

    /// The same with one more source, which may raise the effect and nothing else.
    func tightened(by more: Evidence) -> Classification {
        Classification(
            method: method, effect: max(effect, more.effect ?? effect), tags: tags, dispatch: dispatch,
            discovery: discovery, evidence: evidence + [more])
    }

    /// By everything that was said.
    public static func == (left: Classification, right: Classification) -> Bool {
        left.words === right.words
            || left.method == right.method && left.effect == right.effect && left.tags == right.tags
                && left.dispatch == right.dispatch && left.discovery == right.discovery
                && left.evidence == right.evidence
    }

    /// By method, effect and tags.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(method)
        hasher.combine(effect)
        hasher.combine(tags)
    }
}

/// Who says what a tool is, the most trusted first.
public enum Source: Int, Comparable, Hashable, Sendable {
    /// The catalogue that the operator wrote.
    case `operator`
    /// A catalogue that ships with Komainu.
    case shipped
    /// The tool's name, read by one of the known grammars: a hint that may only tighten.
    case grammar
    /// The vendor's annotations: a claim that may only tighten.
    case annotation

    /// The more trusted first.
    public static func < (left: Source, right: Source) -> Bool { left.rawValue < right.rawValue }
}

/// What one source said about one tool.
public struct Evidence: Hashable, Sendable {
    /// Who says it.
    public let source: Source
    /// The method it names, if any.
    public let method: ByteString?
    /// The effect it gives, if any.
    public let effect: Effect?
    /// The tags it gives.
    public let tags: [ByteString]
    /// Where it was found, for people: a file with its line, a word of the name, a hint's name.
    public let place: String

    /// What one source said.
    public init(source: Source, method: ByteString?, effect: Effect?, tags: [ByteString], place: String) {
        self.source = source
        self.method = method
        self.effect = effect
        self.tags = tags
        self.place = place
    }
}

/// Where a tool that runs another tool keeps that tool's name and arguments, as pointers into its own arguments.
public struct Dispatch: Hashable, Sendable {
    /// The place of the inner tool's name.
    public let tool: JSONPointer
    /// The place of the inner tool's arguments.
    public let arguments: JSONPointer
    /// Whether inner tools may run that the vendor has never listed and that are therefore not pinned. The operator
    /// spells it out as `unchecked_definitions: true`; without it they are refused.
    public let allowsUnlisted: Bool
}

/// How a tool tells about other tools.
public struct Discovery: Hashable, Sendable {
    /// Where its arguments name the tools it is asked about (a text or a list of texts); nil when they name none.
    public let names: JSONPointer?
}

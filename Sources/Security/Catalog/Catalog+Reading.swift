import Bytes
import JSON
public import YAML

extension Catalog {
    /// Reads the files of one upstream's catalogue, the most trusted first.
    ///
    /// - Returns: nil when there are mistakes, which are then in `reading`, as are warnings.
    public init?(reading files: [Node], _ reading: Reading) {
        var layers: [CatalogLayer] = []
        for file in files {
            if let layer = CatalogLayer(file, reading) { layers.append(layer) }
        }
        guard layers.count == files.count, let first = layers.first else { return nil }
        var entries: [ByteString: Classification] = [:]
        for (tool, sources) in Dictionary(grouping: layers.flatMap(\.tools), by: \.name) {
            let entry = sources.min { $0.evidence.source < $1.evidence.source }
            guard let entry else { continue }
            let classification = entry.classification(among: sources)
            entries[tool] = classification
            warnIfNameIsWorse(classification, entry.node, tool, reading)
        }
        let tags = layers.reduce(into: Set<ByteString>()) { $0.formUnion($1.tags) }
        guard reading.succeeded else { return nil }
        self.init(
            name: first.name, tags: tags.union(entries.values.flatMap(\.tags)), declaredTags: tags, entries: entries)
    }
}

/// The name is no classification, but when it sounds worse than the catalogue somebody should look.
private func warnIfNameIsWorse(_ entry: Classification, _ node: Node, _ tool: ByteString, _ reading: Reading) {
    let said = entry.evidence.filter { $0.source <= .shipped }.compactMap(\.effect).max()
    guard let said, said < entry.effect, let name = entry.evidence.first(where: { $0.source == .grammar }) else {
        return
    }
    reading.warning(
        node, "`\(tool.text)` is called \(said.word), but \(name.place) says \(entry.effect.word), which counts",
        hint: "a rule can name the tool itself")
}

/// One file of a catalogue.
private struct CatalogLayer {
    let name: ByteString
    let tags: Set<ByteString>
    let tools: [CatalogEntry]

    init?(_ file: Node, _ reading: Reading) {
        guard let fields = reading.fields(of: file, "a catalogue", ["komainu", "catalog", "shipped", "tags", "tools"])
        else { return nil }
        let version = fields.required("komainu") { reading.int($0, in: 1...1) }
        let name = fields.required("catalog", reading.name)
        let isShipped = fields.optional("shipped", default: false, reading.bool)
        tags = Set(fields.optional("tags") { Self.tags($0, reading) } ?? [])
        let tools = fields.required("tools") { node in
            Self.tools(node, isShipped ? .shipped : .operator, reading)
        }
        guard version != nil, let name, let tools else { return nil }
        self.name = name
        self.tools = tools
    }

    /// `tags` declares words with what they mean, so that a policy may use one before any tool has it.
    private static func tags(_ node: Node, _ reading: Reading) -> [ByteString]? {
        guard let entries = node.entries else {
            reading.mistake(node, "`tags` must be a mapping from each tag to what it means")
            return nil
        }
        for entry in entries where !isWord(entry.key.scalar?.bytes ?? "") {
            reading.mistake(
                entry.key, "`\(entry.name)` can't be a tag", hint: "use lower-case letters, digits, - and _")
        }
        return entries.compactMap { $0.key.scalar?.bytes }
    }

    private static func tools(_ node: Node, _ source: Source, _ reading: Reading) -> [CatalogEntry]? {
        guard let entries = node.entries, !entries.isEmpty else {
            reading.mistake(node, "`tools` must be a mapping from each tool's name to what it is")
            return nil
        }
        return entries.compactMap { CatalogEntry($0, source, reading) }
    }
}

/// One tool in one file.
private struct CatalogEntry {
    let name: ByteString
    let node: Node
    let evidence: Evidence
    let dispatch: Dispatch?
    let discovery: Discovery?

    init?(_ entry: Entry, _ source: Source, _ reading: Reading) {
        name = entry.key.scalar?.bytes ?? ""
        node = entry.key
        guard checkName(name, entry.key, reading) else { return nil }
        let known = ["method", "effect", "tags", "dispatch", "discovery"]
        guard let fields = reading.fields(of: entry.value, "a tool", known) else { return nil }
        dispatch = fields.optional("dispatch") { Dispatch(reading: $0, reading) }
        discovery = fields.optional("discovery") { Discovery(reading: $0, reading) }
        let place = "\(entry.key.file):\(entry.key.line)"
        if let node = fields["dispatch"] {
            // What it runs decides; a method here would be read by somebody and believed.
            if fields.has("method") || fields.has("effect") || fields.has("tags") || fields.has("discovery") {
                reading.mistake(node, "a tool with `dispatch` is judged by the tool it runs", hint: "remove the rest")
            }
            guard dispatch != nil else { return nil }
            evidence = Evidence(source: source, method: "dispatch", effect: .destructive, tags: [], place: place)
            return
        }
        let method = fields.required("method") { readMethod($0, reading) }
        let effect: Effect? = fields.required("effect") {
            reading.choice($0, ["read": .read, "write": .write, "destructive": .destructive])
        }
        let tags = fields.optional("tags", default: []) { readTags($0, reading) }
        guard let method, let effect else { return nil }
        checkAgreement(method, effect, fields, reading)
        evidence = Evidence(source: source, method: method, effect: effect, tags: tags, place: place)
    }

    /// This entry's word for method and tags; of the effects the most dangerous; and when any source says that the tool
    /// runs other tools, it does.
    func classification(among sources: [CatalogEntry]) -> Classification {
        let evidence = sources.map(\.evidence).sorted { $0.source < $1.source }
        let dispatch = sources.compactMap(\.dispatch).first
        let whole = Classification(
            method: self.evidence.method ?? "", effect: evidence.compactMap(\.effect).max() ?? .destructive,
            tags: Set(self.evidence.tags).sorted(), dispatch: dispatch,
            discovery: sources.compactMap(\.discovery).first, evidence: evidence)
        guard dispatch == nil, let reading = NameGrammar.read(name) else { return whole }
        let said = Evidence(
            source: .grammar, method: reading.method, effect: reading.effect, tags: [],
            place: "its name's verb `\(reading.verb)`")
        return whole.tightened(by: said)
    }
}

private func checkName(_ name: ByteString, _ node: Node, _ reading: Reading) -> Bool {
    if name.hasPrefix("mcp__") {
        let failure = SelectionFailure.clientPrefix(name)
        reading.mistake(node, failure.description, hint: failure.hint)
        return false
    }
    if isToolName(name) { return true }
    reading.mistake(node, "`\(name.text)` can't be a tool's name", hint: "names have 1 to 128 of A-Z a-z 0-9 _ . - /")
    return false
}

private func readMethod(_ node: Node, _ reading: Reading) -> ByteString? {
    guard let word = reading.name(node) else { return nil }
    if MethodGroups.words[word] != nil {
        reading.mistake(
            node, "`\(word.text)` is a group of methods, not a method",
            hint: "say what the tool does, such as `list` or `run`")
        return nil
    }
    if isWord(word) { return word }
    reading.mistake(node, "`\(word.text)` can't be a method", hint: "use lower-case letters, digits, - and _")
    return nil
}

private func readTags(_ node: Node, _ reading: Reading) -> [ByteString]? {
    guard let words = reading.list(of: reading.name)(node) else { return nil }
    for (word, element) in zip(words, node.elements ?? []) where !isWord(word) {
        reading.mistake(element, "`\(word.text)` can't be a tag", hint: "use lower-case letters, digits, - and _")
    }
    return words
}

/// The five standard methods promise an effect, and rules rely on the promise: `methods: [list, get]` is meant to read.
private func checkAgreement(_ method: ByteString, _ effect: Effect, _ fields: Fields, _ reading: Reading) {
    guard let node = fields["effect"] else { return }
    let reads: Set<ByteString> = ["list", "get"]
    if reads.contains(method), effect != .read {
        reading.mistake(
            node, "a tool with method `\(method.text)` can't have the effect \(effect.word)",
            hint: "give it a method of its own, such as `issue` or `run`")
    }
    if MethodGroups.standard.subtracting(reads).contains(method), effect == .read {
        reading.mistake(node, "a tool with method `\(method.text)` can't have the effect read")
    }
}

extension Dispatch {
    fileprivate init?(reading node: Node, _ reading: Reading) {
        guard let fields = reading.fields(of: node, "`dispatch`", ["tool", "arguments", "unchecked_definitions"])
        else { return nil }
        let tool = fields.required("tool") { readPointer($0, reading) }
        let arguments = fields.required("arguments") { readPointer($0, reading) }
        let allowsUnlisted = fields.optional("unchecked_definitions", default: false, reading.bool)
        guard let tool, let arguments else { return nil }
        self.init(tool: tool, arguments: arguments, allowsUnlisted: allowsUnlisted)
    }
}

extension Discovery {
    fileprivate init?(reading node: Node, _ reading: Reading) {
        guard let fields = reading.fields(of: node, "`discovery`", ["names"]) else { return nil }
        self.init(names: fields.optional("names") { readPointer($0, reading) })
    }
}

private func readPointer(_ node: Node, _ reading: Reading) -> JSONPointer? {
    guard let text = reading.name(node) else { return nil }
    if let pointer = try? JSONPointer(text), !pointer.tokens.isEmpty { return pointer }
    reading.mistake(node, "`\(text.text)` is not a JSON pointer", hint: "write it as `/name` (RFC 6901)")
    return nil
}

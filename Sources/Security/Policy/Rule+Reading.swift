import Bytes
import Catalog
import Identity
import JSON
import YAML

extension Rule {
    private static let keys = [
        "id", "description", "allow", "deny", "who", "arguments", "additional", "redact", "limits", "mode",
        "restore_pseudonyms",
    ]

    /// Reads a rule; mistakes go to `reading`.
    ///
    /// - Parameter groups: The policy's redaction groups.
    convenience init?(_ node: Node, groups: [RedactionGroup], catalog: Catalog, _ reading: Reading) {
        guard let fields = reading.fields(of: node, "a rule", Self.keys) else { return nil }
        let id = fields.required("id") { readWord($0, "a rule's id", reading) }
        _ = fields.optional("description", reading.text)
        let isAllowing = fields.has("allow")
        if isAllowing == fields.has("deny") {
            reading.mistake(node, "a rule needs either `allow` or `deny`")
            return nil
        }
        let selection = fields.required(isAllowing ? "allow" : "deny") {
            readSelection($0, catalog, isAllowing: isAllowing, reading)
        }
        let who = fields.optional("who", default: Who.anyone) { Who(reading: $0, reading) }
        let arguments = ArgumentTree(fields.optional("arguments", default: []) { readRestrictions($0, reading) })
        let kind = isAllowing ? Self.grant(fields, groups, reading) : Self.denial(fields, reading)
        guard let id, let selection, let kind else { return nil }
        self.init(id: id, kind: kind, selection: selection, who: who, arguments: arguments, node: node)
    }

    private static func grant(_ fields: Fields, _ groups: [RedactionGroup], _ reading: Reading) -> Kind? {
        if let mode = fields["mode"] {
            let isTrial = reading.choice(mode, ["enforce": false, "shadow": true])
            if isTrial == true {
                reading.mistake(
                    mode, "`mode: shadow` is for rules that deny", hint: "a rule that allows nothing needs no trial")
            }
        }
        let limits = fields.optional("limits") { Limits($0, reading) }
        let redactions = Set(readGroups(fields, groups, reading)).sorted()
        return .allow(
            Grant(
                allowsAdditional: fields.optional("additional", default: true, reading.bool),
                redactions: redactions, groups: redactions.map { groups[$0] },
                limits: ResultLimits(rows: limits?.rows, bytes: limits?.bytes), calls: limits?.calls,
                restoresPseudonyms: fields.optional("restore_pseudonyms", default: false, reading.bool)))
    }

    private static func denial(_ fields: Fields, _ reading: Reading) -> Kind? {
        for key in ["redact", "limits", "additional", "restore_pseudonyms"] {
            if let node = fields[key] { reading.mistake(node, "`\(key)` belongs to a rule that allows") }
        }
        let onTrial = fields.optional("mode", default: false) {
            reading.choice($0, ["enforce": false, "shadow": true])
        }
        return .deny(onTrial: onTrial)
    }
}

/// `redact`: names of groups, each of which must exist.
func readGroups(_ fields: Fields, _ groups: [RedactionGroup], _ reading: Reading) -> [Int] {
    guard let node = fields["redact"], let nodes = reading.list(node) else { return [] }
    if nodes.isEmpty { reading.mistake(node, "`redact` is empty", hint: "leave it out to redact nothing") }
    return nodes.compactMap { node in
        guard let name = reading.name(node) else { return nil }
        if let group = groups.firstIndex(where: { $0.name == name }) { return group }
        reading.mistake(
            node, "no redaction group is called `\(name.text)`",
            hint: suggestion(for: name.text, among: groups.map(\.name.text)))
        return nil
    }
}

/// A lower-case word that names something of the policy's own.
func readWord(_ node: Node, _ what: String, _ reading: Reading) -> ByteString? {
    guard let word = reading.name(node) else { return nil }
    let isGood =
        word.count <= 64
        && word.bytes.allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F
        }
    if isGood { return word }
    reading.mistake(node, "`\(word.text)` can't be \(what)", hint: "use at most 64 lower-case letters, digits, - and _")
    return nil
}

private struct Limits {
    let calls: Rate?
    let rows: Int?
    let bytes: Int?

    init?(_ node: Node, _ reading: Reading) {
        guard let fields = reading.fields(of: node, "`limits`", ["calls", "rows", "bytes"]) else { return nil }
        calls = fields.optional("calls", reading.rate)
        rows = fields.optional("rows") { reading.int($0, in: 1...1_000_000) }
        bytes = fields.optional("bytes", reading.size)
        if let node = fields["bytes"], bytes == 0 { reading.mistake(node, "no result fits into 0 bytes") }
    }
}

/// `allow` and `deny`.
private func readSelection(
    _ node: Node, _ catalog: Catalog, isAllowing: Bool, _ reading: Reading
) -> Selection? {
    let what = isAllowing ? "`allow`" : "`deny`"
    guard let fields = reading.fields(of: node, what, ["methods", "tags", "tools"]) else { return nil }
    let words = { (key: String) in fields[key].flatMap { reading.list(of: reading.name)($0) } }
    let (methods, tags, tools) = (words("methods"), words("tags"), words("tools"))
    if !fields.has("methods"), !fields.has("tags"), !fields.has("tools") {
        reading.mistake(
            node, "\(what) selects nothing by name, which could mean nothing or everything",
            hint: "write `tools: [\"*\"]` for every classified tool")
        return nil
    }
    do throws(SelectionFailure) {
        let selection = try Selection(methods: methods, tags: tags, tools: tools)
        for complaint in catalog.complaints(about: selection) {
            let place = placeOf(complaint, fields)
            guard complaint == .matchesNothing else {
                reading.mistake(place, complaint.description, hint: complaint.hint)
                continue
            }
            // A policy may serve several catalogues, and each declares the tags that the others use.
            if let tags = selection.tags, catalog.declaredTags.isSuperset(of: tags) { continue }
            // A rule may deny what isn't there yet; one that allows nothing was meant otherwise.
            if isAllowing {
                reading.mistake(place, complaint.description)
            } else {
                reading.warning(place, "the rule denies no tool of the catalogue")
            }
        }
        return selection
    } catch {
        reading.mistake(placeOf(error, fields), error.description, hint: error.hint)
        return nil
    }
}

private func placeOf(_ failure: SelectionFailure, _ fields: Fields) -> Node {
    guard let word = failure.word else {
        if case .empty(let field) = failure { return fields[field.rawValue] ?? fields.node }
        return fields.node
    }
    let lists = ["methods", "tags", "tools"].compactMap { fields[$0]?.elements }
    return lists.joined().first { $0.scalar?.bytes == word } ?? fields.node
}

extension Who {
    init?(reading node: Node, _ reading: Reading) {
        let keys = ["subjects", "groups", "issuers", "endpoints", "anyone"]
        guard let fields = reading.fields(of: node, "`who`", keys) else { return nil }
        let set = { (key: String) -> Set<ByteString>? in
            guard let node = fields[key], let words = reading.list(of: reading.name)(node) else { return nil }
            if words.isEmpty { reading.mistake(node, "`\(key)` is empty", hint: "leave it out for anyone") }
            return Set(words)
        }
        subjects = set("subjects")
        groups = set("groups")
        issuers = set("issuers")
        endpoints = fields["endpoints"].flatMap { Self.endpoints($0, reading) }
        let isAnyone = fields.optional("anyone", default: false, reading.bool)
        let others = keys.dropLast().filter { fields.has($0) }
        if isAnyone, !others.isEmpty {
            reading.mistake(node, "`anyone` makes \(listed(others)) meaningless", hint: "remove one or the other")
        }
        if !isAnyone, others.isEmpty { reading.mistake(node, "`who` names nobody", hint: "leave it out for anyone") }
    }

    private static func endpoints(_ node: Node, _ reading: Reading) -> Set<EndpointID>? {
        guard let nodes = reading.list(node) else { return nil }
        if nodes.isEmpty { reading.mistake(node, "`endpoints` is empty", hint: "leave it out for anyone") }
        return Set(
            nodes.compactMap { node in
                guard let text = reading.name(node) else { return nil }
                if let id = EndpointID(text) { return id }
                reading.mistake(
                    node, "`\(text.text)` is not an endpoint's id", hint: "`komainu endpoint list` shows them")
                return nil
            })
    }
}

/// `arguments`: from each JSON pointer to its demands.
private func readRestrictions(_ node: Node, _ reading: Reading) -> [ArgumentTree.Restriction]? {
    guard let entries = node.entries else {
        reading.mistake(node, "`arguments` must be a mapping from JSON pointers such as `/size` to restrictions")
        return nil
    }
    if entries.isEmpty { reading.mistake(node, "`arguments` is empty", hint: "leave it out for no restriction") }
    return entries.compactMap { entry in
        guard let text = entry.key.scalar?.bytes else { return nil }
        guard let pointer = try? JSONPointer(text), !pointer.tokens.isEmpty, pointer.tokens.count <= 16 else {
            reading.mistake(entry.key, "`\(text.text)` is not a JSON pointer", hint: "write it as `/size` (RFC 6901)")
            return nil
        }
        if pointer.tokens.contains(where: { !$0.isEmpty && $0.bytes.allSatisfy { (0x30...0x39).contains($0) } }) {
            reading.mistake(
                entry.key, "`\(text.text)` points into a list", hint: "restrict the list itself, with `items`")
            return nil
        }
        return Constraint(entry.value, reading).map { .init(pointer: pointer, constraint: $0) }
    }
}

import Bytes
public import Catalog
public import YAML

extension RuleSet {
    /// Reads a policy and checks it against the catalogue it will be used with.
    ///
    /// - Returns: nil when there are mistakes, which are then in `reading`, as are warnings.
    public init?(reading file: Node, catalog: Catalog, _ reading: Reading) {
        let keys = ["komainu", "policy", "description", "rules", "redactions", "protocol"]
        guard let fields = reading.fields(of: file, "a policy", keys) else { return nil }
        let version = fields.required("komainu") { reading.int($0, in: 1...1) }
        let name = fields.required("policy") { readWord($0, "a policy's name", reading) }
        _ = fields.optional("description", reading.text)
        let groups = fields.optional("redactions", default: []) { readGroups($0, reading) }
        let nodes = fields.required("rules", reading.list)
        let rules = (nodes ?? []).prefix(Self.ruleLimit).compactMap {
            Rule($0, groups: groups, catalog: catalog, reading)
        }
        if let nodes, nodes.count > Self.ruleLimit {
            reading.mistake(nodes[Self.ruleLimit], "the policy has more than \(Self.ruleLimit) rules")
        }
        let protocolRules = fields.optional("protocol", default: .closed) {
            ProtocolRules(reading: $0, groups: groups, reading)
        }
        let check = PolicyCheck(rules: rules, groups: groups, protocolRules: protocolRules, catalog: catalog)
        check.report(fields, reading)
        guard let name, version != nil, nodes != nil, reading.succeeded else { return nil }
        self.init(name: name, rules: rules, groups: groups, protocolRules: protocolRules)
    }
}

private func readGroups(_ node: Node, _ reading: Reading) -> [RedactionGroup]? {
    guard let entries = node.entries else {
        reading.mistake(node, "`redactions` must be a mapping from each group's name to its steps")
        return nil
    }
    return entries.compactMap { entry in
        _ = readWord(entry.key, "a redaction group's name", reading)
        return RedactionGroup(entry, reading)
    }
}

/// What can be said about the rules only when all of them are known.
private struct PolicyCheck {
    let rules: [Rule]
    let groups: [RedactionGroup]
    let protocolRules: ProtocolRules
    let catalog: Catalog

    func report(_ fields: Fields, _ reading: Reading) {
        reportDuplicates(reading)
        // What a mistyped word leaves unused or shadowed isn't worth telling.
        guard reading.succeeded else { return }
        reportUnusedGroups(fields, reading)
        for (index, rule) in rules.enumerated() {
            reportShadowing(index, rule, reading)
            reportContradiction(rule, reading)
        }
        if !rules.contains(where: \.isAllowing), let node = fields["rules"] {
            reading.warning(node, "no rule allows anything, so every tool is hidden")
        }
    }

    private func reportDuplicates(_ reading: Reading) {
        var lines: [ByteString: Int] = [:]
        for rule in rules {
            if let line = lines.updateValue(rule.node.line, forKey: rule.id) {
                let place = rule.node.value(of: "id") ?? rule.node
                reading.mistake(place, "the rule `\(rule.id.text)` stands twice; first on line \(line)")
            }
        }
    }

    private func reportUnusedGroups(_ fields: Fields, _ reading: Reading) {
        let used = rules.flatMap { $0.grant?.redactions ?? [] } + protocolRules.openings.values.flatMap(\.redactions)
        for (index, group) in groups.enumerated() where !used.contains(index) {
            let entry = fields["redactions"]?.entries?.first { $0.key.scalar?.bytes == group.name }
            guard let entry else { continue }
            reading.warning(entry.key, "no rule uses the redaction group `\(group.name.text)`")
        }
    }

    /// A rule whose every tool is denied to everyone it is about, by rules without conditions, never has a say.
    private func reportShadowing(_ index: Int, _ rule: Rule, _ reading: Reading) {
        let tools = catalog.tools(in: rule.selection)
        guard !tools.isEmpty else { return }
        let stronger = rules.enumerated().filter { other in
            other.offset != index && other.element.isDenying && other.element.arguments.isEmpty
                && rule.who.isWithin(other.element.who)
                // That denying rules overlap is how they are meant; only one that says the same again is superfluous.
                && (rule.isAllowing || other.offset < index && other.element.selection == rule.selection)
        }
        let covers = { (tool: ByteString) -> Rule? in
            guard let entry = catalog.classify(tool) else { return nil }
            return stronger.first { $0.element.selection.admits(tool, entry) }?.element
        }
        let denying = tools.map(covers)
        guard let first = denying.first ?? nil, denying.allSatisfy({ $0 != nil }) else { return }
        let what = rule.isAllowing ? "never allows anything" : "never denies anything that isn't denied already"
        reading.warning(rule.node, "the rule `\(rule.id.text)` \(what): `\(first.id.text)` denies its tools")
    }

    /// Restrictions that no arguments can meet together.
    private func reportContradiction(_ rule: Rule, _ reading: Reading) {
        guard !rule.arguments.isEmpty, let node = rule.node.value(of: "arguments") else { return }
        let alone = rule.arguments.restrictions.allSatisfy { $0.constraint.isAbsent || Witness.canHold($0.constraint) }
        let together = Witness.arguments(allowedBy: rule.arguments, deniedByNone: [], schema: nil)
        if alone, together == nil { reading.mistake(node, "no arguments can meet all of these restrictions together") }
    }
}

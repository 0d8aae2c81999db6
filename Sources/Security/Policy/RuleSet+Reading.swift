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

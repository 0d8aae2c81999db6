import Bytes
import Catalog
import YAML

/// What can be said about the rules only when all of them are known.
struct PolicyCheck {
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
            reportLifting(index, rule, reading)
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

    /// Rules are a union: what one restricts, another that allows the same to the same callers without restrictions gives away.
    private func reportLifting(_ index: Int, _ rule: Rule, _ reading: Reading) {
        guard let grant = rule.grant, !rule.arguments.isEmpty, let node = rule.node.value(of: "arguments") else {
            return
        }
        let tools = catalog.tools(in: rule.selection)
        for (place, other) in rules.enumerated() where place != index && rule.who.isWithin(other.who) {
            guard let wider = other.grant, other.arguments.isEmpty else { continue }
            let both = tools.filter { tool in
                catalog.classify(tool).map { other.selection.admits(tool, $0) } ?? false
            }
            guard let tool = both.first else { continue }
            let isUnredacted = !grant.redactions.allSatisfy(wider.redactions.contains)
            reading.warning(
                node,
                "the restrictions of `\(rule.id.text)` hold nobody back from `\(tool.text)`: "
                    + "`\(other.id.text)` allows it whatever the arguments are\(isUnredacted ? ", and redacts less" : "")"
            )
            return
        }
    }
}

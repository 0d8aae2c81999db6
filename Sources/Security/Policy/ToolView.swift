import Bytes
import Catalog
import JSON
import Synchronization

/// What the rules that are about a caller say about one definition of a tool, before any arguments are known.
final class ToolView: Sendable {
    /// Rules that allow the tool under some arguments that nothing else forbids.
    let allowing: [Int]
    /// Rules that deny it under some arguments.
    let denying: [Int]
    /// Trial rules that speak of it.
    let onTrial: [Int]
    /// Names that `additional: false` accepts, by rule; nil for rules that accept any.
    let knownNames: [Set<ByteString>?]
    let standing: Visibility

    /// Of a tool that runs others: rules speak of those.
    static let unrestricted = ToolView(
        allowing: [], denying: [], onTrial: [], knownNames: [], standing: .listed(schema: nil))

    init(
        allowing: [Int], denying: [Int], onTrial: [Int], knownNames: [Set<ByteString>?], standing: Visibility
    ) {
        self.allowing = allowing
        self.denying = denying
        self.onTrial = onTrial
        self.knownNames = knownNames
        self.standing = standing
    }

    enum Visibility: Sendable {
        /// No arguments would be allowed; the rule that denies all of them, if it is one.
        case hidden(deniedBy: Int?)
        /// Listed, with this input schema in place of the vendor's when there is one.
        case listed(schema: [UInt8]?)
    }
}

/// Remembers views: making one searches for allowed arguments and rewrites a schema.
///
/// Bounded; when full it begins anew. A definition that changes has another hash, so nothing in it ever goes stale.
final class ViewCache: Sendable {
    struct Key: Hashable, Sendable {
        let tool: ByteString
        /// The definition's hash; nil for a tool that the vendor doesn't list.
        let hash: DefinitionHash?
        let method: ByteString
        let effect: Effect
        let tags: [ByteString]
        /// The rules that are about the caller.
        let rules: [Int]
    }

    private let limit: Int
    private let views = Mutex<[Key: ToolView]>([:])

    /// - Parameter limit: How many views are kept. Default 20,000.
    init(limit: Int = 20_000) {
        self.limit = limit
    }

    func view(_ key: Key, make: () -> ToolView) -> ToolView {
        if let known = views.withLock({ $0[key] }) { return known }
        // Made outside the lock: two threads may make the same one, which is the same value.
        let view = make()
        views.withLock { views in
            if views.count >= limit { views.removeAll(keepingCapacity: true) }
            views[key] = view
        }
        return view
    }
}

extension RuleSet {
    /// What the given rules say about a tool.
    ///
    /// - Parameter definition: nil for a tool that the vendor doesn't list.
    func view(
        of tool: ByteString, _ classification: Classification, _ definition: ToolDefinition?, rules applicable: [Int]
    ) -> ToolView {
        let key = ViewCache.Key(
            tool: tool, hash: definition?.hash, method: classification.method, effect: classification.effect,
            tags: classification.tags, rules: applicable)
        return views.view(key) {
            makeView(of: tool, classification, definition, rules: applicable)
        }
    }

    private func makeView(
        of tool: ByteString, _ classification: Classification, _ definition: ToolDefinition?, rules applicable: [Int]
    ) -> ToolView {
        let selected = applicable.filter { rules[$0].selection.admits(tool, classification) }
        let allowing = selected.filter { rules[$0].isAllowing }
        let denying = selected.filter { rules[$0].isDenying }
        let onTrial = selected.filter { !rules[$0].isAllowing && !rules[$0].isDenying }
        let schema = definition.map { $0.document.value($0.inputSchema) }
        let usable = usable(allowing, denying, schema)
        let known = usable.map { knownNames(rules[$0], schema) }
        return ToolView(
            allowing: usable, denying: denying.filter { !rules[$0].arguments.isEmpty }, onTrial: onTrial,
            knownNames: known, standing: visibility(allowing, usable, denying, schema))
    }

    /// The rules that allow some arguments which no rule denies and which the vendor's schema takes.
    private func usable(_ allowing: [Int], _ denying: [Int], _ schema: JSONValue?) -> [Int] {
        let conditions = denying.map { rules[$0].arguments }
        guard !conditions.contains(where: \.isEmpty) else { return [] }
        return allowing.filter { witness(rules[$0], deniedByNone: conditions, schema) != nil }
    }

    func witness(_ rule: Rule, deniedByNone conditions: [ArgumentTree], _ schema: JSONValue?) -> Witness.Found? {
        Witness.arguments(
            allowedBy: rule.arguments, names: knownNames(rule, schema), deniedByNone: conditions, schema: schema)
    }

    /// The names that a rule with `additional: false` accepts; nil for a rule that accepts any.
    private func knownNames(_ rule: Rule, _ schema: JSONValue?) -> Set<ByteString>? {
        guard rule.grant?.allowsAdditional == false else { return nil }
        return (schema?.declaredNames ?? []).union(rule.arguments.branches.map(\.name))
    }

    private func visibility(
        _ allowing: [Int], _ usable: [Int], _ denying: [Int], _ schema: JSONValue?
    ) -> ToolView.Visibility {
        guard !usable.isEmpty else {
            // Only a rule without conditions is the one reason; else it is all of them together.
            return .hidden(deniedBy: allowing.isEmpty ? nil : denying.first { rules[$0].arguments.isEmpty })
        }
        guard let schema else { return .listed(schema: nil) }
        let conditions = denying.map { rules[$0].arguments }
        let narrowing = Narrowing(schema, allowing: usable.map { rules[$0] }, denying: conditions)
        guard let narrowed = narrowing.narrowed() else { return .hidden(deniedBy: nil) }
        return .listed(schema: narrowed == schema ? nil : narrowed.encoded())
    }
}

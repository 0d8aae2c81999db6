public import Bytes
public import Catalog
public import Identity
public import JSON

/// How a tool is shown to a caller.
public enum Listing: Hashable, Sendable {
    /// Not at all, and calls are answered as if it didn't exist.
    case hidden(Denial.Reason)
    /// With this input schema in place of the vendor's; nil when that stands.
    case listed(inputSchema: [UInt8]?)
}

/// What two callers have in common who see the same tools in the same way, as long as policy and inventory stay.
public struct CallerView: Hashable, Sendable {
    /// The rules that are about the caller.
    let rules: [Int]
    /// What the caller's endpoint leaves.
    let selection: Selection
}

extension RuleSet {
    /// A caller's view.
    public func view(of principal: Principal) -> CallerView {
        CallerView(rules: applicable(to: principal), selection: principal.selection)
    }

    /// How a tool is shown to a caller: listed exactly when some arguments would be allowed.
    public func listing(of tool: ByteString, for principal: Principal, tools: some ToolDirectory) -> Listing {
        listing(of: tool, for: principal, applicable(to: principal), tools)
    }

    /// Arguments with which a caller may call a tool: an example that proves that it is rightly listed.
    ///
    /// - Returns: nil when there are none; `isAssumed` when a text that matches a pattern had to be assumed to exist, so
    ///   that the arguments only show the rest.
    public func example(
        of tool: ByteString, for principal: Principal, tools: some ToolDirectory
    ) -> (arguments: JSONValue, isAssumed: Bool)? {
        guard let visible = try? visible(tool, for: principal, applicable(to: principal), tools) else { return nil }
        let schema = visible.definition.map { $0.document.value($0.inputSchema) }
        let denies = visible.view.denying.map { rules[$0].arguments }
        for index in visible.view.allowing {
            if let found = witness(rules[index], deniedByNone: denies, schema) {
                return (found.arguments, found.isAssumed)
            }
        }
        return nil
    }

    /// The changes to a page of `tools/list`: hidden tools out, narrowed schemas in.
    ///
    /// - Parameters:
    ///   - page: The vendor's result, or any document with an array of definitions.
    ///   - definitions: That array. Whatever in it isn't the approved definition of its tool is taken out.
    public func edits(
        forPage page: JSONDocument, definitions: JSONDocument.Node, for principal: Principal, tools: some ToolDirectory
    ) -> JSONEdits {
        var edits = JSONEdits()
        let applicable = applicable(to: principal)
        var seen: Set<ByteString> = []
        for node in page.elements(of: definitions) {
            guard let name = page.member("name", of: node).flatMap(page.string), seen.insert(name).inserted,
                let approved = tools.definition(of: name), approved.isDefined(by: node, in: page),
                case .listed(let schema) = listing(of: name, for: principal, applicable, tools)
            else {
                edits.remove(node)
                continue
            }
            if let schema, let vendors = page.member("inputSchema", of: node) { edits.replace(vendors, with: schema) }
        }
        return edits
    }

    /// The groups that may redact a tool's results for a caller: those of every rule that allows it under some arguments.
    public func redactions(
        of tool: ByteString, for principal: Principal, tools: some ToolDirectory
    ) -> [RedactionGroup] {
        guard let visible = try? visible(tool, for: principal, applicable(to: principal), tools) else { return [] }
        return redactions(visible.view.allowing.flatMap { rules[$0].grant?.redactions ?? [] })
    }

    private func listing(
        of tool: ByteString, for principal: Principal, _ applicable: [Int], _ tools: some ToolDirectory
    ) -> Listing {
        do throws(Denial) {
            let visible = try visible(tool, for: principal, applicable, tools)
            guard case .listed(let schema) = visible.view.standing else { return .hidden(.noRule) }
            return .listed(inputSchema: schema)
        } catch {
            return .hidden(error.reason)
        }
    }
}

extension ToolDefinition {
    /// Whether a definition on a page is this one: the same bytes, or at least the same hash.
    fileprivate func isDefined(by node: JSONDocument.Node, in page: JSONDocument) -> Bool {
        if isWritten(page.encoded(node)) { return true }
        return (try? ToolDefinition(node, in: page))?.hash == hash
    }
}

import Audit
import Bytes
import Catalog
import Identity
import JSON
import MCP
import Policy
import Redaction

/// Lists, on their way to the client: what the caller may not use does not exist for them, on every page. Cursors and the order
/// stay as they are, even when a page becomes empty (mcp-protocol section 3.9).
struct ListFilter {
    private let caller: Caller
    private let visit: Visit

    init(_ caller: Caller, _ visit: Visit) {
        self.caller = caller
        self.visit = visit
    }

    func filter(
        _ result: JSONDocument.Node, of document: JSONDocument, answering method: Method, _ id: RequestID,
        into edits: inout JSONEdits
    ) async throws(Refusal) {
        switch method {
        case .toolsList:
            guard let tools = document.member("tools", of: result), document.kind(tools) == .array else {
                throw .answer(.shape, id, isToolCall: false)
            }
            try await enter(tools, of: document, id)
            filterTools(tools, of: document, into: &edits)
        case .resourcesList:
            keep("resources", of: result, document, "uri", into: &edits) { caller.rules.opensResource($0, for: $1) }
        case .resourceTemplatesList:
            keep("resourceTemplates", of: result, document, "uriTemplate", into: &edits) {
                caller.rules.opensResource($0, for: $1)
            }
        case .promptsList:
            keep("prompts", of: result, document, "name", into: &edits) { caller.rules.opensPrompt($0, for: $1) }
        case .tasksList: TaskLedger(visit, caller).filter(result, of: document, into: &edits)
        default: break
        }
    }

    // MARK: tools

    /// The book learns the page before anybody is shown it; what is new or changed is recorded.
    private func enter(_ tools: JSONDocument.Node, of document: JSONDocument, _ id: RequestID) async throws(Refusal) {
        do throws(PinStoreFailure) {
            for sighting in try await caller.server.tools.enter(tools, of: document) { visit.trail.sighted(sighting) }
        } catch {
            throw .pins(id)
        }
    }

    private func filterTools(_ tools: JSONDocument.Node, of document: JSONDocument, into edits: inout JSONEdits) {
        let inventory = caller.server.tools.inventory
        edits = edits.merging(
            caller.rules.edits(forPage: document, definitions: tools, for: caller.principal, tools: inventory))
        document.forEachElement(of: tools) { tool in
            cutPage(of: tool, in: document, into: &edits)
            guard let name = document.member("name", of: tool).flatMap({ document.string($0) }),
                let schema = document.member("outputSchema", of: tool)
            else { return }
            let groups = caller.rules.redactions(of: name, for: caller.principal, tools: inventory)
            caller.server.redactor.relax(schema, of: document, by: groups, into: &edits)
        }
    }

    /// The page that a host would show for a tool (MCP Apps, `_meta.ui`), unless policy opens it as a resource.
    private func cutPage(of tool: JSONDocument.Node, in document: JSONDocument, into edits: inout JSONEdits) {
        guard let meta = document.member("_meta", of: tool) else { return }
        let ui = document.member("ui", of: meta)
        let pages = [(ui, ui.flatMap { document.member("resourceUri", of: $0) })]
        // The extension's first drafts wrote one flat name.
        let flat = document.member("ui/resourceUri", of: meta)
        for case (let member?, let page?) in pages + [(flat, flat)] {
            if document.string(page).map({ caller.rules.opensResource($0, for: caller.principal) }) != true {
                edits.remove(member)
            }
        }
    }

    // MARK: resources and prompts

    private func keep(
        _ name: String, of result: JSONDocument.Node, _ document: JSONDocument, _ member: String,
        into edits: inout JSONEdits, where isOpen: (ByteString, Principal) -> Bool
    ) {
        guard let list = document.member(name, of: result), document.kind(list) == .array else { return }
        document.forEachElement(of: list) { element in
            let key = document.member(member, of: element).flatMap { document.string($0) }
            if key.map({ isOpen($0, caller.principal) }) != true { edits.remove(element) }
        }
    }
}

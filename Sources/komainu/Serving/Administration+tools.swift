import Admin
import Audit
import Bytes
import Catalog
import Configuration
import Identity
import JSON
import System

extension Administration {
    func listTools(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let configuration = configuration
        return try await blocking { () throws(ChangeRefusal) in
            let known = try knownTools(configuration, order.query.upstream)
            let all = known.flatMap { tools in tools.names.map { (tools, $0) } }
            // The list is in the order of the configuration; a cursor needs an order of its own.
            return AdminPage(all, order.query) { tools, name in
                ByteString(tools.upstream.settings.name.utf8 + [0] + name.bytes)
            }.answer { entry, writer in entry.0.write(entry.1, &writer) }
        }
    }

    /// Approves the definition that waits, when it is the one whose hash was looked at.
    func approveTool(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let configuration = configuration
        let body = try body(of: order)
        let (upstream, request) = try await blocking { () throws(ChangeRefusal) in
            let (upstream, tool, hash) = try changing { () throws(StateFailure) in try approval(body) }
            let known = try knownTools(configuration, upstream)
            guard let waiting = known.first?.pins.pending[tool]?.definition.hash else {
                throw ChangeRefusal(.conflict, "no definition of this tool waits")
            }
            guard waiting == hash else {
                throw ChangeRefusal(
                    .conflict, "the definition that waits is another one; look at it and approve its hash")
            }
            return (upstream, ApprovalRequest(tool: tool, hash: hash, person: order.caller.maker))
        }
        let intent = AdminIntent(
            action: "tool.approve", upstream: upstream, tool: request.tool,
            facts: [("definition", .text(ByteString(request.hash.description)))])
        let call = try await write(intent, order)
        let isApproved = await service.approve(request, upstream: upstream.text)
        try await writeEnd(of: intent, call, order, isApproved ? "done" : "failed", [])
        guard isApproved else { throw AdminError(409, "the definition that waits is another one by now") }
        return try await blocking { () throws(ChangeRefusal) in
            var writer = JSONWriter()
            try knownTools(configuration, upstream).first?.write(request.tool, &writer)
            return AdminAnswer(body: writer.bytes)
        }
    }

    func explain(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let (configuration, changes) = (configuration, changes)
        let body = try body(of: order)
        return try await blocking { () throws(ChangeRefusal) in
            let question = try changing { () throws(StateFailure) in try AdminQuestion(body) }
            _ = try changes.upstream(question.upstream)
            let endpoint = try question.endpoint.map { (id) throws(ChangeRefusal) in
                do throws(StateFailure) {
                    return try changes.store.endpoint(id)
                } catch {
                    guard error.reason == .notFound else { throw ChangeRefusal(error) }
                    throw ChangeRefusal(.invalid, field: "endpoint", "there is no such endpoint")
                }
            }
            do throws(ProgramFailure) {
                return try question.answer(configuration, endpoint)
            } catch {
                throw ChangeRefusal(error)
            }
        }
    }
}

/// What somebody wants explained.
private struct AdminQuestion {
    let upstream: ByteString
    let tool: ByteString
    let arguments: JSONValue
    let caller: SupposedCaller
    let endpoint: EndpointID?
    let policy: String?

    init(_ document: JSONDocument) throws(StateFailure) {
        let body = BodyReader(document)
        try body.checkNames(["upstream", "tool", "arguments", "subject", "groups", "endpoint", "policy"])
        upstream = try body.requiredText("upstream")
        tool = try body.requiredText("tool")
        _ = try body.object("arguments")
        arguments = document.member("arguments", of: document.root).map { document.value($0) } ?? .object([])
        var caller = SupposedCaller()
        if let subject = try body.text("subject") { caller.subject = subject }
        if case .set(let groups) = try body.texts("groups") { caller.groups = Set(groups ?? []) }
        self.caller = caller
        endpoint = try body.text("endpoint").map { (text) throws(StateFailure) in
            guard let id = EndpointID(text) else { throw body.mistake("endpoint", "must be the id of an endpoint") }
            return id
        }
        policy = try body.text("policy")?.text
    }

    func answer(_ configuration: LoadedConfiguration, _ endpoint: Endpoint?) throws(ProgramFailure) -> AdminAnswer {
        let subject = try PolicyQuestion.Subject(
            configuration, upstream: upstream.text, policy: policy, endpoint: endpoint)
        var caller = caller
        caller.endpoint = endpoint?.config
        let explanation = try subject.explain(tool, arguments, for: try caller.principal(at: upstream))
        var writer = JSONWriter()
        explanation.write(subject.policy, &writer)
        return AdminAnswer(body: writer.bytes)
    }
}

private func approval(_ document: JSONDocument) throws(StateFailure) -> (ByteString, ByteString, DefinitionHash) {
    let body = BodyReader(document)
    try body.checkNames(["upstream", "tool", "hash"])
    guard let hash = DefinitionHash(try body.requiredText("hash")) else {
        throw body.mistake("hash", "must be the waiting_hash of the tool")
    }
    return (try body.requiredText("upstream"), try body.requiredText("tool"), hash)
}

private func knownTools(
    _ configuration: LoadedConfiguration, _ upstream: ByteString?
) throws(ChangeRefusal) -> [KnownTools] {
    if let upstream, !configuration.upstreams.contains(where: { ByteString($0.settings.name) == upstream }) {
        throw ChangeRefusal(.invalid, field: "upstream", "there is no such upstream")
    }
    do throws(ProgramFailure) {
        return try KnownTools.load(configuration, upstream: upstream?.text)
    } catch {
        throw ChangeRefusal(error)
    }
}

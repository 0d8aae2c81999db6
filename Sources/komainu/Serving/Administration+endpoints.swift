import Admin
import Audit
import Bytes
import Configuration
import Identity
import JSON
import System

extension Administration {
    func listEndpoints(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let (name, changes) = (try upstream(of: order), changes)
        return try await blocking { () throws(ChangeRefusal) in
            let all = try changing { () throws(StateFailure) in try changes.store.endpoints(of: name) }
            // What an upstream that was taken out of the configuration left behind can still be seen and deleted.
            if all.isEmpty { try changes.requirePathUpstream(name) }
            return AdminPage(all, order.query) { AdminPage<Endpoint>.place($0.createdAt, $0.id.text) }
                .answer { endpoint, writer in endpoint.encode(into: &writer, upstreamField: order.upstreamField) }
        }
    }

    func createEndpoint(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let (name, changes) = (try upstream(of: order), changes)
        let body = try body(of: order)
        let earlier = try await repeated(order) { (subject, writer) throws(StateFailure) in
            guard let id = EndpointID(subject) else { return }
            try changes.store.endpoint(id).encode(into: &writer, upstreamField: order.upstreamField)
        }
        if let earlier { return earlier }
        let now = WallTime.now
        let checked = try await blocking { () throws(ChangeRefusal) in
            try changes.requirePathUpstream(name)
            let draft = try changing { () throws(StateFailure) in try EndpointDraft(json: body, upstream: name) }
            return try changes.check(draft, now: now)
        }
        var intent = AdminIntent(action: "endpoint.create", upstream: name)
        intent.facts = checked.change.facts
        let issued = try await carryOut(intent, order, subject: { $0.record.id.text }) { () throws(ChangeRefusal) in
            try changes.make(checked, by: order.caller.maker, now: now, once: order.repeatable)
        }
        let location = order.isTruto ? "/integrated-account/\(name.text)/mcp" : "/v1/upstreams/\(name.text)/endpoints"
        return answer(issued, order, location: "\(location)/\(issued.record.id)")
    }

    func readEndpoint(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let endpoint = try await endpoint(of: order)
        return answer(endpoint, order)
    }

    func changeEndpoint(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let (old, changes, now) = (try await endpoint(of: order), changes, WallTime.now)
        let body = try body(of: order)
        let checked = try await blocking { () throws(ChangeRefusal) in
            let change = try changing { () throws(StateFailure) in try EndpointChange(json: body) }
            return try changes.check(change, of: old, now: now)
        }
        var intent = AdminIntent(action: "endpoint.update", subject: old.id.text, upstream: old.upstream)
        intent.facts = checked.change.change.facts
        let new = try await carryOut(intent, order) { () throws(ChangeRefusal) in
            try changes.make(checked, by: order.caller.maker, now: now)
        }
        return answer(new, order)
    }

    func deleteEndpoint(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let (endpoint, changes) = (try await endpoint(of: order), changes)
        let intent = AdminIntent(
            action: "endpoint.delete", subject: endpoint.id.text, upstream: endpoint.upstream,
            facts: [("name", .text(endpoint.name))])
        _ = try await carryOut(intent, order) { () throws(ChangeRefusal) in
            try changes.delete(endpoint, by: order.caller.maker, now: .now)
        }
        return AdminAnswer(body: [])
    }

    func rotateEndpoint(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let (endpoint, changes) = (try await endpoint(of: order), changes)
        let intent = AdminIntent(
            action: "endpoint.rotate", subject: endpoint.id.text, upstream: endpoint.upstream,
            facts: [("name", .text(endpoint.name))])
        let issued = try await carryOut(intent, order, subject: { $0.record.id.text }) { () throws(ChangeRefusal) in
            try changes.rotate(endpoint, by: order.caller.maker, now: .now)
        }
        return answer(issued, order)
    }

    // MARK: Parts

    /// The endpoint of the path; one of another upstream isn't there.
    private func endpoint(of order: AdminOrder) async throws(AdminError) -> Endpoint {
        let (store, name) = (store, try upstream(of: order))
        let id = order.id.flatMap { EndpointID($0) }
        return try await blocking { () throws(ChangeRefusal) in
            guard let id else { throw ChangeRefusal(.notFound, "no such endpoint") }
            let endpoint = try changing { () throws(StateFailure) in try store.endpoint(id) }
            guard endpoint.upstream == name else { throw ChangeRefusal(.notFound, "no such endpoint") }
            return endpoint
        }
    }

    private func upstream(of order: AdminOrder) throws(AdminError) -> ByteString {
        guard let name = order.upstream else { throw AdminError(404, "there is nothing at this address") }
        return name
    }

    private func answer(_ endpoint: Endpoint, _ order: AdminOrder) -> AdminAnswer {
        var writer = JSONWriter()
        endpoint.encode(into: &writer, upstreamField: order.upstreamField)
        return AdminAnswer(body: writer.bytes)
    }

    private func answer(_ issued: Issued<Endpoint>, _ order: AdminOrder, location: String? = nil) -> AdminAnswer {
        let url = "\(configuration.configuration.publicURL.origin)/mcp/\(issued.secret.text)"
        var writer = JSONWriter()
        issued.record.encode(
            into: &writer, upstreamField: order.upstreamField, secret: (issued.secret, ByteString(url)))
        return AdminAnswer(body: writer.bytes, location: location)
    }
}

extension AdminOrder {
    /// What an endpoint's upstream is called in the answer.
    fileprivate var upstreamField: String { isTruto ? "integrated_account_id" : "upstream" }
}

extension RecordChanges {
    /// An upstream that the path names must be there.
    fileprivate func requirePathUpstream(_ name: ByteString) throws(ChangeRefusal) {
        do throws(ChangeRefusal) {
            _ = try upstream(name)
        } catch {
            throw ChangeRefusal(.notFound, "there is no such upstream")
        }
    }
}

extension Administration {
    /// The body, which the API has read for every action that has one.
    func body(of order: AdminOrder) throws(AdminError) -> JSONDocument {
        guard let body = order.body else { throw AdminError(400, "a body is needed", path: "the body") }
        return body
    }
}

extension EndpointDraft {
    /// What is to be, for the trail.
    fileprivate var facts: [(name: String, value: AuditRecord.Value)] {
        var change = EndpointChange()
        change.name = .set(name)
        if let methods = config.methods { change.methods = .set(methods) }
        if let tags = config.tags { change.tags = .set(tags) }
        if let tools = config.tools { change.tools = .set(tools) }
        if let policy = config.policy { change.policy = .set(policy) }
        if let expiresAt { change.expiresAt = .set(expiresAt) }
        change.requireAPITokenAuth = .set(config.requireAPITokenAuth)
        return change.facts
    }
}

extension EndpointChange {
    /// What is to be, for the trail; an empty text for what is cleared.
    fileprivate var facts: [(name: String, value: AuditRecord.Value)] {
        var facts: [(name: String, value: AuditRecord.Value)] = []
        if case .set(let name) = name { facts.append(("name", .text(name))) }
        for (field, change) in [("methods", methods), ("tags", tags), ("tools", tools)] {
            if case .set(let words) = change { facts.append((field, .texts(words ?? []))) }
        }
        if case .set(let policy) = policy { facts.append(("policy", .text(policy ?? ""))) }
        if case .set(let needed) = requireAPITokenAuth { facts.append(("require_api_token_auth", .bool(needed))) }
        if case .set(let end) = expiresAt {
            facts.append(("expires_at", .text(ByteString(end?.rfc3339(fractionDigits: 3) ?? ""))))
        }
        return facts
    }
}

import Admin
import Audit
import Bytes
import Identity
import JSON
import System

// MARK: API tokens
extension Administration {
    func listAPITokens(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let store = store
        return try await blocking { () throws(ChangeRefusal) in
            let all = try changing { () throws(StateFailure) in try store.apiTokens() }
            return AdminPage(all, order.query) { AdminPage<APIToken>.place($0.createdAt, $0.id.text) }
                .answer { token, writer in token.encode(into: &writer) }
        }
    }

    func createAPIToken(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let (changes, now) = (changes, WallTime.now)
        let body = try body(of: order)
        let earlier = try await repeated(order) { (subject, writer) throws(StateFailure) in
            guard let id = TokenID(subject) else { return }
            try changes.store.apiToken(id).encode(into: &writer)
        }
        if let earlier { return earlier }
        let checked = try await blocking { () throws(ChangeRefusal) in
            let draft = try changing { () throws(StateFailure) in try APITokenDraft(json: body) }
            return try changes.check(draft, now: now)
        }
        var intent = AdminIntent(action: "token.create")
        intent.facts = checked.change.facts
        let issued = try await carryOut(intent, order, subject: { $0.record.id.text }) { () throws(ChangeRefusal) in
            try changes.make(checked, by: order.caller.maker, now: now, once: order.repeatable)
        }
        var writer = JSONWriter()
        issued.record.encode(into: &writer, secret: issued.secret)
        return AdminAnswer(body: writer.bytes, location: "/v1/api-tokens/\(issued.record.id)")
    }

    func readAPIToken(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        answer(try await apiToken(of: order))
    }

    func revokeAPIToken(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let (token, changes) = (try await apiToken(of: order), changes)
        let intent = AdminIntent(
            action: "token.revoke", subject: token.id.text, facts: [("name", .text(token.subject))])
        return answer(
            try await carryOut(intent, order) { () throws(ChangeRefusal) in
                try changes.revoke(token, by: order.caller.maker, now: .now)
            })
    }

    private func apiToken(of order: AdminOrder) async throws(AdminError) -> APIToken {
        let (store, id) = (store, order.id.flatMap { TokenID($0) })
        return try await blocking { () throws(ChangeRefusal) in
            guard let id else { throw ChangeRefusal(.notFound, "no such API token") }
            return try changing { () throws(StateFailure) in try store.apiToken(id) }
        }
    }

    private func answer(_ token: APIToken) -> AdminAnswer {
        var writer = JSONWriter()
        token.encode(into: &writer)
        return AdminAnswer(body: writer.bytes)
    }
}

// MARK: Admin tokens
extension Administration {
    func listAdminTokens(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let store = store
        return try await blocking { () throws(ChangeRefusal) in
            let all = try changing { () throws(StateFailure) in try store.adminTokens() }
            return AdminPage(all, order.query) { AdminPage<AdminToken>.place($0.createdAt, $0.id.text) }
                .answer { token, writer in token.encode(into: &writer) }
        }
    }

    func createAdminToken(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let (changes, now) = (changes, WallTime.now)
        let body = try body(of: order)
        let earlier = try await repeated(order) { (subject, writer) throws(StateFailure) in
            guard let id = TokenID(subject) else { return }
            try changes.store.adminToken(id).encode(into: &writer)
        }
        if let earlier { return earlier }
        let checked = try await blocking { () throws(ChangeRefusal) in
            let draft = try changing { () throws(StateFailure) in try AdminTokenDraft(json: body) }
            return try changes.check(draft, now: now)
        }
        var intent = AdminIntent(action: "admin_token.create")
        intent.facts = [
            ("name", .text(checked.change.name)), ("gives", .text(ByteString(checked.change.role.rawValue))),
        ]
        intent.facts += end(checked.change.expiresAt)
        let issued = try await carryOut(intent, order, subject: { $0.record.id.text }) { () throws(ChangeRefusal) in
            try changes.make(checked, by: order.caller.maker, now: now, once: order.repeatable)
        }
        var writer = JSONWriter()
        issued.record.encode(into: &writer, secret: issued.secret)
        return AdminAnswer(body: writer.bytes, location: "/v1/admin-tokens/\(issued.record.id)")
    }

    func readAdminToken(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        answer(try await adminToken(of: order))
    }

    func revokeAdminToken(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        let (token, changes) = (try await adminToken(of: order), changes)
        let intent = AdminIntent(
            action: "admin_token.revoke", subject: token.id.text, facts: [("name", .text(token.name))])
        return answer(
            try await carryOut(intent, order) { () throws(ChangeRefusal) in
                try changes.revoke(token, by: order.caller.maker, now: .now)
            })
    }

    private func adminToken(of order: AdminOrder) async throws(AdminError) -> AdminToken {
        let (store, id) = (store, order.id.flatMap { TokenID($0) })
        return try await blocking { () throws(ChangeRefusal) in
            guard let id else { throw ChangeRefusal(.notFound, "no such admin token") }
            return try changing { () throws(StateFailure) in try store.adminToken(id) }
        }
    }

    private func answer(_ token: AdminToken) -> AdminAnswer {
        var writer = JSONWriter()
        token.encode(into: &writer)
        return AdminAnswer(body: writer.bytes)
    }
}

extension APITokenDraft {
    /// What is to be, for the trail.
    fileprivate var facts: [(name: String, value: AuditRecord.Value)] {
        [
            ("name", .text(name)), ("names", .text(subject)), ("groups", .texts(groups.sorted())),
            ("endpoints", .texts(endpoints.map(\.text).sorted())), ("upstreams", .texts(upstreams.sorted())),
        ] + end(expiresAt)
    }
}

private func end(_ time: WallTime?) -> [(name: String, value: AuditRecord.Value)] {
    time.map { [("expires_at", .text(ByteString($0.rfc3339(fractionDigits: 3))))] } ?? []
}

import Audit
import Bytes
import HTTP
import Identity
import JSON
import MCP
import Policy
import Redaction
import Sessions
import System
import Upstream

/// What a visit ends in: one whole answer, or a stream that is relayed event by event.
enum Reply {
    case response(Response)
    case relay(Relay)
    case stateless(StatelessRelay)
}

/// One request on its way through, in the order of `reply()`. Lives on the loop of its connection.
final class Visit {
    let exchange: any Exchange
    /// The exchange's, read once: asking the exchange for it makes a copy each time.
    let head: RequestHead
    let gateway: Gateway
    let rules: Rules
    let trail: Trail
    /// What this visit occupies, for as long as it lasts.
    var place: Occupancy.Place?
    /// Whether the request is of the stateless revision (2026-07-28), as soon as that is known.
    var isStateless = false
    /// The conversation that it belongs to, in revisions that have any.
    private(set) var conversation: Session?
    /// What is entered when the call becomes a task.
    var promise: TaskPromise?
    /// Whether it has.
    var hasBecomeTask = false
    /// The policy that judges this visit, as soon as the visitor is known.
    private var policy: RuleSet?

    init(exchange: any Exchange, gateway: Gateway, rules: Rules, trail: Trail) {
        self.exchange = exchange
        head = exchange.head
        self.gateway = gateway
        self.rules = rules
        self.trail = trail
    }

    /// The request's answer: every failure on the way is a refusal, recorded and looked up in the one table.
    func reply() async -> Reply {
        do throws(Refusal) {
            return try await answer()
        } catch {
            return .response(await refused(error))
        }
    }

    /// Records a refusal and gives its answer; a refusal that cannot be recorded becomes the answer that says so.
    func refused(_ refusal: Refusal) async -> Response {
        let verdict = refusal.verdict
        do throws(AuditFailure) {
            if trail.isOpen {
                try await trail.end(refusal.outcome(verdict))
            } else if let decision = refusal.decision(policy: policy) {
                try await trail.denied(decision)
            } else {
                try await trail.refused(verdict.word, status: verdict.status)
            }
        } catch {
            return Refusal.unrecorded(error, refusal.id).response(call: trail.call, isStateless: isStateless)
        }
        gateway.meters.refused(verdict.word)
        return refusal.response(call: trail.call, isStateless: isStateless)
    }

    private func answer() async throws(Refusal) -> Reply {
        guard !gateway.isDraining else { throw .draining }
        if let upstream = ResourceMetadata.upstream(of: head.path) { return try metadata(of: upstream) }
        guard let route = EndpointRoute(path: head.path) else { throw .noSuchDoor }
        guard head.query == nil else { throw .queryInPath }
        try Mirrors.refuseDuplicates(in: head.fields)
        switch head.method {
        case .get, .post, .delete: break
        case .head, .options, .other: throw .method(allowed: "GET, POST, DELETE")
        }
        let caller = try await identify(route)
        // The stateless revision knows neither streams of sessions nor their ends.
        if head.method != .post, head.fields["mcp-protocol-version"] == ProtocolVersion.v20260728.name {
            throw .method(allowed: "POST")
        }
        switch head.method {
        case .post: return try await Conversation(self, caller).reply()
        case .get: return try await Listening(self, caller).reply()
        default: return try await ending(caller)
        }
    }

    /// Who asks, and the server that their door leads to.
    private func identify(_ route: EndpointRoute) async throws(Refusal) -> Caller {
        let principal: Principal
        do throws(IdentityFailure) {
            principal = try await authenticate(route)
        } catch {
            trail.unidentified(error)
            throw .unidentified(error, metadata: metadataLocation(route))
        }
        do throws(AuditFailure) {
            try trail.identified(principal)
        } catch {
            throw .unrecorded(error, nil)
        }
        guard let server = rules.server(principal.upstream), let rules = server.rules(named: principal.policy) else {
            throw .unserved
        }
        policy = rules
        return Caller(principal: principal, server: server, rules: rules)
    }

    /// Public, and about no call: nothing of it is recorded.
    private func metadata(of upstream: ByteString) throws(Refusal) -> Reply {
        guard rules.server(upstream) != nil, let document = rules.metadata.document(of: upstream) else {
            throw .noSuchDoor
        }
        guard head.method == .get else { throw .method(allowed: "GET") }
        return .response(Response(status: 200, fields: Fields.metadata, body: document))
    }

    /// Only clients that knock at a named door can be sent to an authorization server: a URL with a token is its own.
    private func metadataLocation(_ route: EndpointRoute) -> ByteString? {
        guard case .upstream(let name) = route, rules.server(name) != nil else { return nil }
        return rules.metadata.location(of: name)
    }

    /// An issuer's keys may be on their way: then the question is asked twice.
    private func authenticate(_ route: EndpointRoute) async throws(IdentityFailure) -> Principal {
        do throws(IdentityFailure) {
            return try gateway.identities.authenticate(route, head: head, now: WallTime.now)
        } catch {
            guard await gateway.identities.hasNewKeys(after: error) else { throw error }
            return try gateway.identities.authenticate(route, head: head, now: WallTime.now)
        }
    }

    /// DELETE: the client ends its session, here and at the server.
    private func ending(_ caller: Caller) async throws(Refusal) -> Reply {
        let session = try session(of: caller, for: nil)
        do throws(AuditFailure) {
            try await trail.intend(AuditRecord.Decision(.allow, rule: "session"), arguments: nil)
        } catch {
            throw .unrecorded(error, nil)
        }
        let isOpenAtServer = session.claimClosing()
        gateway.sessions.end(session)
        // The server may not know sessions, may have lost this one, or may be down: it is gone here whatever it says.
        let status = !isOpenAtServer ? nil : await caller.server.transport.endSession(fields: Fields.of(session))
        var outcome = AuditRecord.Outcome(.ok)
        outcome.http = status
        try await record(outcome, for: nil)
        return .response(Response(status: 204))
    }

    /// The caller's session that the request names.
    func session(of caller: Caller, for id: RequestID?) throws(Refusal) -> Session {
        guard let name = head.fields["mcp-session-id"] else { throw .sessionMissing(id) }
        let session: Session
        do throws(SessionStore.Failure) {
            session = try gateway.sessions.session(name, of: caller.principal)
        } catch {
            throw .sessionUnknown(id)
        }
        trail.conversing(session)
        conversation = session
        if let version = head.fields["mcp-protocol-version"], version != session.version.name {
            throw .sessionVersion(id)
        }
        return session
    }

    /// Spends the permit: what may be forwarded is redacted, and the decision is durable, before this returns.
    func redactAndIntend(
        _ permitted: consuming PermittedCall, _ id: RequestID?, of caller: Caller, editing edits: JSONEdits = .none
    ) async throws(Refusal) -> RedactedCall {
        let decision = trail.decision(permitted, under: caller.rules)
        let tool = permitted.message.calledTool
        let call: RedactedCall
        do throws(Denial) {
            call = try caller.server.redactor.redact(permitted, editing: edits)
        } catch {
            throw .denied(error, id, tool: tool, form: caller.server.unknownTool)
        }
        do throws(AuditFailure) {
            try await trail.intend(decision, arguments: try trail.arguments(of: call))
        } catch {
            throw .unrecorded(error, id)
        }
        return call
    }

    /// Makes an outcome durable, or refuses to release what it is about.
    func record(
        _ outcome: AuditRecord.Outcome, redactions: [AuditRecord.Redaction] = [], for id: RequestID?
    ) async throws(Refusal) {
        do throws(AuditFailure) {
            try await trail.end(outcome, redactions: redactions)
        } catch {
            throw .unrecorded(error, id)
        }
    }
}

/// A verified principal and the server that their door leads to, under the rules of this visit. Shared by all steps of the
/// visit, because it is large.
final class Caller: Sendable {
    let principal: Principal
    let server: ProtectedServer
    let rules: RuleSet

    init(principal: Principal, server: ProtectedServer, rules: RuleSet) {
        self.principal = principal
        self.server = server
        self.rules = rules
    }
}

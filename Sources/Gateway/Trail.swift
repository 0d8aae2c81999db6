import Audit
import Bytes
import Catalog
import HTTP
import Identity
import MCP
import Policy
import Redaction
import Sessions
import System
import Upstream

/// What one visit leaves in the audit trail, filled in as the visit becomes known: an intent that is durable before anything is
/// forwarded, an outcome that is durable before anything is released, or one refusal.
///
/// A crash between intent and outcome leaves an open intent; the next start closes it as `call.orphaned`. Belongs to one visit,
/// on one loop.
final class Trail {
    let log: AuditLog
    let call: CallID
    private(set) var who: AuditRecord.Who? { didSet { parties = nil } }
    private var shown: AuditRecord.Who? { didSet { parties = nil } }
    var via: AuditRecord.Via { didSet { parties = nil } }
    var message = AuditRecord.Message() { didSet { parties = nil } }
    /// The four of them as the last record said them, until one of them changes.
    private var parties: AuditRecord.Parties?
    private var intent: (sequence: UInt64, at: MonotonicTime)?
    /// The intent of a call whose answer this visit came back for.
    private var adopted: OpenIntent?
    /// The HTTP status that the server answered with, for the outcome.
    var upstreamStatus: Int?

    init(in log: AuditLog, peer: PeerAddress) throws(AuditFailure) {
        self.log = log
        call = try CallID.make()
        via = AuditRecord.Via(address: peer.address)
        via.transport = "http"
    }

    /// The visitor is known from here on.
    func identified(_ principal: Principal) throws(AuditFailure) {
        var who = AuditRecord.Who(
            subject: try log.keys.pseudonym(issuer: principal.issuer, subject: principal.subject))
        who.issuer = principal.issuer
        who.method = ByteString(principal.method.rawValue)
        who.endpoint = principal.endpoint.map { $0.text }
        who.apiToken = principal.apiToken.map { $0.text }
        who.scopes = principal.groups.sorted()
        self.who = who
        message.server = principal.upstream
    }

    /// What is known of a visitor that was not recognised: which endpoint or token it was, never the credential.
    func unidentified(_ failure: IdentityFailure) {
        guard failure.endpoint != nil || failure.apiToken != nil || failure.fingerprint != nil else { return }
        var shown = AuditRecord.Who()
        shown.method = "none"
        shown.endpoint = failure.endpoint.map(\.text)
        shown.apiToken = failure.apiToken.map(\.text)
        shown.token = failure.fingerprint
        self.shown = shown
    }

    /// The conversation is known from here on.
    func conversing(_ session: Session) {
        via.client = session.client.name
        via.version = session.client.version
        via.session = session.trailName { log.keys.fingerprint(of: $0.bytes, rule: "session") }
        message.version = session.version.name
    }

    /// A request that belongs to no conversation says itself what it is.
    func claiming(_ version: ProtocolVersion, _ client: ClaimedClient) {
        via.client = client.name
        via.version = client.version
        message.version = version.name
    }

    /// Makes the decision to forward durable. Nothing may be forwarded when this throws.
    func intend(_ decision: AuditRecord.Decision, arguments: AuditRecord.Arguments?) async throws(AuditFailure) {
        var record = record(.callIntent)
        record.decision = decision
        record.arguments = arguments
        let receipt = try await log.append(record)
        intent = (receipt.sequence, MonotonicTime.now)
    }

    /// Makes the outcome durable. Nothing of the result may be released when this throws.
    ///
    /// Of a call whose answer this visit came back for it is the outcome as well.
    func end(_ outcome: AuditRecord.Outcome, redactions: [AuditRecord.Redaction] = []) async throws(AuditFailure) {
        if let adopted = adopted.take() { _ = try await log.append(adopted.record(outcome, redactions)) }
        guard let own = ownIntent() else { return }
        intent = nil
        _ = try await log.append(own.record(outcome, redactions))
    }

    /// Whether something was forwarded whose outcome is not written yet.
    var isOpen: Bool { intent != nil || adopted != nil }

    /// This visit brings the answer to a call that another one forwarded.
    func adopt(_ open: OpenIntent) { adopted = open }

    /// The call's intent, for whoever comes back for its answer; this visit owes its outcome no more.
    func handOver() -> OpenIntent? {
        if let adopted = adopted.take() { return adopted }
        defer { intent = nil }
        return ownIntent()
    }

    private func ownIntent() -> OpenIntent? {
        intent.map {
            OpenIntent(call: call, sequence: $0.sequence, at: $0.at, parties: known())
        }
    }

    /// A call that policy does not let through.
    func denied(_ decision: AuditRecord.Decision) async throws(AuditFailure) {
        var record = record(.callDenied)
        record.decision = decision
        _ = try await log.append(record)
    }

    /// A notification that went on to the server, or one that came from it and went on to the client.
    func forwarded(_ decision: AuditRecord.Decision) async throws(AuditFailure) {
        var record = record(.notifyForwarded)
        record.decision = decision
        _ = try await log.append(record)
    }

    /// A request that broke a rule before policy was asked. Strangers can cause these as often as they like, so theirs are
    /// coalesced; each of an authenticated caller's has a record of its own.
    func refused(_ word: ByteString, status: Int) async throws(AuditFailure) {
        let kind: AuditKind = who == nil && Trail.isAboutIdentity(word) ? .authFailed : .requestRefused
        var record = record(kind)
        record.decision = AuditRecord.Decision(.deny, reason: word)
        record.facts.append(("status", .int(status)))
        guard who != nil else {
            log.appendCoalesced(record, source: via.address ?? "", reason: word)
            return
        }
        _ = try await log.append(record)
    }

    private static func isAboutIdentity(_ word: ByteString) -> Bool {
        word.hasPrefix("auth_")
    }

    /// A tool's definition that is new or has changed. Does not wait: the pin itself is what keeps the tool back.
    func sighted(_ sighting: Sighting) {
        var record = AuditRecord(.catalogChanged, call: call)
        record.message = AuditRecord.Message(server: message.server, tool: sighting.tool)
        record.message?.definition = sighting.hash.text
        let sight =
            switch sighting.sight {
            case .approved: "approved"
            case .trustedAtFirstSight: "trusted_at_first_sight"
            case .quarantined: sighting.isAmbiguous ? "ambiguous" : "quarantined"
            }
        record.facts.append(("sight", .text(ByteString(sight))))
        // A log that takes no records takes no calls either: what could be called is kept back with them.
        try? log.appendWithoutWaiting(record)
    }

    /// A request of the server's that went no further. Does not wait: nothing is done because of it.
    func refusedServer(_ method: Method) {
        var message = message
        message.method = method.name
        var record = AuditRecord(.requestRefused, call: call)
        record.who = who ?? shown
        record.via = via
        record.message = message
        record.decision = AuditRecord.Decision(.deny, reason: "server_request")
        try? log.appendWithoutWaiting(record)
    }

    private func record(_ kind: AuditKind) -> AuditRecord {
        var record = AuditRecord(kind, call: call)
        record.parties = known()
        return record
    }

    private func known() -> AuditRecord.Parties {
        let known = parties ?? AuditRecord.Parties(who: who ?? shown, via: via, message: message)
        parties = known
        return known
    }
}

extension Trail {
    /// What policy decided about a message that may go on.
    func decision(_ permitted: borrowing PermittedCall, under rules: RuleSet) -> AuditRecord.Decision {
        if let tool = permitted.tool {
            message.tool = tool.name
            message.through = tool.calledThrough
            message.effect = ByteString(tool.classification.effect.word)
            message.definition = tool.definition?.hash.text
        }
        var decision = AuditRecord.Decision(.allow, rule: permitted.rule)
        decision.policyName = rules.name
        decision.obligations = permitted.redactions.map(\.name)
        decision.shadow = permitted.shadow
        return decision
    }

    /// The arguments as the record may hold them, with a commitment to the original.
    func arguments(of call: borrowing RedactedCall) throws(AuditFailure) -> AuditRecord.Arguments? {
        guard let original = call.originalArguments else { return nil }
        return AuditRecord.Arguments(
            redacted: call.auditArguments, byteCount: original.count,
            commitment: try log.keys.commitment(
                to: original, path: "/args", call: self.call, subject: who?.subject ?? ""))
    }
}

extension Refusal {
    /// How a call that was forwarded, and then refused, ended.
    func outcome(_ verdict: Verdict) -> AuditRecord.Outcome {
        let status: AuditRecord.Outcome.Status
        switch self {
        case .upstream(.timedOut(_), _, _): status = .timeout
        case .upstream(let failure, _, _): status = failure.mayHaveActed ? .unknown : .upstreamError
        case .answer(.noAnswer, _, _): status = .unknown
        case .stateless(.clientGone, _): status = .unknown
        case .withheld, .expired, .stateless(.inputClosed, _): status = .blocked
        default: status = .upstreamError
        }
        var outcome = AuditRecord.Outcome(status)
        outcome.code = verdict.word
        return outcome
    }

    /// The decision that a denial is; nil for refusals that policy had no part in.
    func decision(policy: RuleSet?) -> AuditRecord.Decision? {
        guard case .denied(let denial, _, _, _) = self else { return nil }
        var decision = AuditRecord.Decision(.deny, rule: denial.rule, reason: ByteString(denial.code))
        decision.policyName = policy?.name
        decision.shadow = denial.shadow
        return decision
    }
}

extension RedactionFact {
    /// As the trail writes it.
    var recorded: AuditRecord.Redaction {
        AuditRecord.Redaction(place: place, rule: rule, count: count, way: ByteString(way.rawValue), path: path)
    }
}

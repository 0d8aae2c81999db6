import Admin
import Audit
import Bytes
import HTTP
import Identity
import Telemetry

/// What is about to be changed, as the trail tells it: never a secret.
struct AdminIntent: Sendable {
    /// Such as `endpoint.create`.
    let action: ByteString
    /// The id of what is changed; nothing for what is to be made.
    var subject: ByteString?
    /// The upstream it is about.
    var upstream: ByteString?
    /// The tool it is about.
    var tool: ByteString?
    /// What is to be.
    var facts: [(name: String, value: AuditRecord.Value)] = []
}

// The records of the admin API. No record, no act: what can't be written is not done, and what was done and can't be written
// is answered 503.
extension Administration {
    /// Writes what is about to happen.
    ///
    /// - Returns: what the records of this order have in common.
    func write(_ intent: AdminIntent, _ order: AdminOrder) async throws(AdminError) -> CallID {
        do throws(AuditFailure) {
            let call = try CallID.make()
            var record = try record(of: intent, call, order, "intent")
            record.facts += intent.facts
            _ = try await audit.append(record)
            return call
        } catch {
            Log.warning("admin.unrecorded", ["failure": .code(error.code)])
            throw AdminError(503, "the audit trail takes no record, so nothing was done")
        }
    }

    /// Writes how it ended.
    func writeEnd(
        of intent: AdminIntent, _ call: CallID, _ order: AdminOrder, _ phase: ByteString,
        _ facts: [(name: String, value: AuditRecord.Value)]
    ) async throws(AdminError) {
        do throws(AuditFailure) {
            var record = try record(of: intent, call, order, phase)
            record.facts += facts
            _ = try await audit.append(record)
        } catch {
            Log.warning("admin.unrecorded", ["failure": .code(error.code)])
            throw AdminError(503, "the audit trail takes no record of how it ended; read what is there now")
        }
    }

    func record(_ refusal: AdminRefusal, from peer: PeerAddress) async {
        switch refusal {
        case .unidentified(let failure): recordStranger(failure, peer)
        case .forbidden(let caller, let action):
            guard var record = try? recorded(.requestRefused, caller, peer) else { return }
            record.decision = AuditRecord.Decision(.deny, reason: "admin_role")
            record.facts = [
                ("action", .text(ByteString(action.rawValue))), ("role", .text(ByteString(caller.role.rawValue))),
            ]
            // Nothing is done, so the refusal doesn't wait for its record to last.
            do throws(AuditFailure) {
                _ = try await audit.append(record)
            } catch {
                Log.warning("admin.unrecorded", ["failure": .code(error.code)])
            }
        }
    }

    private func recordStranger(_ failure: IdentityFailure, _ peer: PeerAddress) {
        let reason = ByteString("admin_\(failure.reason.rawValue)")
        var record = AuditRecord(.authFailed)
        record.via = AuditRecord.Via(address: peer.address)
        record.via?.transport = "http"
        record.who = AuditRecord.Who()
        record.who?.method = "admin_token"
        record.who?.token = failure.fingerprint
        record.who?.apiToken = failure.apiToken?.text
        record.decision = AuditRecord.Decision(.deny, reason: reason)
        audit.appendCoalesced(record, source: peer.address, reason: reason)
    }

    private func recorded(
        _ kind: AuditKind, _ caller: AdminPrincipal, _ peer: PeerAddress
    ) throws(AuditFailure) -> AuditRecord {
        var record = AuditRecord(kind)
        record.who = AuditRecord.Who(subject: try audit.keys.pseudonym(issuer: nil, subject: caller.name))
        record.who?.method = "admin_token"
        record.who?.apiToken = caller.token.text
        record.via = AuditRecord.Via(address: peer.address)
        record.via?.transport = "http"
        return record
    }

    private func record(
        of intent: AdminIntent, _ call: CallID, _ order: AdminOrder, _ phase: ByteString
    ) throws(AuditFailure) -> AuditRecord {
        var record = try recorded(.adminAction, order.caller, order.peer)
        record.call = call
        record.facts = [
            ("action", .text(intent.action)), ("phase", .text(phase)), ("by", .text(order.caller.maker)),
            ("role", .text(ByteString(order.caller.role.rawValue))),
        ]
        if let subject = intent.subject { record.facts.append(("subject", .text(subject))) }
        if intent.upstream != nil || intent.tool != nil {
            record.message = AuditRecord.Message(server: intent.upstream, tool: intent.tool)
        }
        return record
    }
}

import Audit
import Bytes
import Identity
import JSON
import MCP
import Policy
import Redaction
import System
import Upstream

/// The one way out: a server's answer becomes bytes for the client only through here, filtered, redacted, and with its outcome
/// durable. The same for JSON bodies and for the last event of a stream.
struct Release {
    private let visit: Visit
    private let caller: Caller

    init(_ visit: Visit, _ caller: Caller) {
        self.visit = visit
        self.caller = caller
    }

    /// A page of `tools/list`, in JSON. See `ServedPages` for why most of them need not be judged again.
    func releasePage(_ reading: Reading, _ id: RequestID, _ ticket: ResultTicket) async throws(Refusal) -> [UInt8] {
        let server = caller.server
        let bytes = try await reading.body(id, isToolCall: false)
        let key = ServedPages.Key(
            policy: caller.rules.name, view: caller.rules.view(of: caller.principal), revision: server.tools.revision)
        if let served = server.pages.find(bytes, answering: id, key) {
            var outcome = AuditRecord.Outcome(.ok)
            outcome.byteCount = bytes.count
            try await record(outcome, [], id)
            return served
        }
        let message = try reading.message(bytes, answering: id, reportingTo: id, isToolCall: false)
        let redacted = try await redacted(message, id, ticket, editing: .none)
        // A page that changed the book, or that was judged while another one did, is judged once more when it comes again.
        if case .result = message.shape, redacted.report.isEmpty, server.tools.revision == key.revision {
            server.pages.keep(bytes, message.document, servedAs: redacted.bytes, answering: id, key)
        }
        return try await released(redacted, message, id, isToolCall: false)
    }

    /// - Parameter groups: redact the message too, beside the ticket's own.
    func release(
        _ message: ServerMessage, _ id: RequestID, _ ticket: ResultTicket, editing edits: JSONEdits = .none,
        alsoBy groups: [RedactionGroup] = []
    ) async throws(Refusal) -> [UInt8] {
        var redacted = try await redacted(message, id, ticket, editing: edits)
        if !groups.isEmpty { redacted = try twice(redacted, groups, id, isToolCall: ticket.isToolCall) }
        return try await released(redacted, message, id, isToolCall: ticket.isToolCall)
    }

    private func twice(
        _ once: RedactedResult, _ groups: [RedactionGroup], _ id: RequestID, isToolCall: Bool
    ) throws(Refusal) -> RedactedResult {
        let message: ServerMessage
        do throws(MessageFailure) {
            message = try ServerMessage(parsing: once.bytes, limits: .result(bytes: once.bytes.count))
        } catch {
            throw .answer(.shape, id, isToolCall: isToolCall)
        }
        do throws(Withheld) {
            return try caller.server.redactor.redact(notification: message, groups: groups, as: nil)
                .following(once)
        } catch {
            throw .withheld(error, id, isToolCall: isToolCall)
        }
    }

    private func redacted(
        _ message: ServerMessage, _ id: RequestID, _ ticket: ResultTicket, editing edits: JSONEdits
    ) async throws(Refusal) -> RedactedResult {
        var edits = edits
        let document = message.document
        // A client cannot match an answer without an id to its question.
        if document.member("id", of: document.root) == nil {
            edits.append(to: document.root, member: "id", encoded: id.encoded.bytes)
        }
        if case .error(_, let error) = message.shape, !visit.isStateless {
            try Errands(visit, caller).judge(error, of: document, id, isToolCall: ticket.isToolCall)
        }
        if case .result(_, let result) = message.shape {
            if ticket.isToolCall { try TaskLedger(visit, caller).enter(result, of: document, id) }
            try await ListFilter(caller, visit).filter(
                result, of: document, answering: ticket.method, id, into: &edits)
        }
        do throws(Withheld) {
            return try caller.server.redactor.redact(message, answering: id, as: ticket, editing: edits)
        } catch {
            throw .withheld(error, id, isToolCall: ticket.isToolCall)
        }
    }

    private func released(
        _ redacted: RedactedResult, _ message: ServerMessage, _ id: RequestID, isToolCall: Bool
    ) async throws(Refusal) -> [UInt8] {
        var outcome = AuditRecord.Outcome(message.status(isToolCall: isToolCall))
        outcome.byteCount = message.document.encodedCount(message.document.root)
        outcome.code = message.errorCode
        try await record(outcome, redacted.report.map(\.recorded), id)
        return redacted.bytes
    }

    private func record(
        _ outcome: AuditRecord.Outcome, _ redactions: [AuditRecord.Redaction], _ id: RequestID
    ) async throws(Refusal) {
        guard visit.gateway.identities.isCurrent(caller.principal, at: WallTime.now) else { throw .expired }
        var outcome = outcome
        outcome.http = visit.trail.upstreamStatus
        try await visit.record(outcome, redactions: redactions, for: id)
    }
}

extension ServerMessage {
    fileprivate func status(isToolCall: Bool) -> AuditRecord.Outcome.Status {
        switch shape {
        case .error: .rpcError
        case .result(_, let result) where isToolCall && document.isTrue("isError", of: result): .toolError
        case .result, .request, .notification: .ok
        }
    }

    fileprivate var errorCode: ByteString? {
        guard case .error(_, let error) = shape else { return nil }
        return document.member("code", of: error).flatMap { document.numberText($0) }
    }
}

extension JSONDocument {
    fileprivate func isTrue(_ name: String, of object: Node) -> Bool {
        member(name, of: object).flatMap { bool($0) } ?? false
    }
}

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

    func release(
        _ message: ServerMessage, _ id: RequestID, _ ticket: ResultTicket, editing edits: JSONEdits = .none
    ) async throws(Refusal) -> [UInt8] {
        let isToolCall = ticket.isToolCall
        var edits = edits
        if case .result(_, let result) = message.shape {
            try await ListFilter(caller, visit).filter(
                result, of: message.document, answering: ticket.method, id, into: &edits)
        }
        let redacted: RedactedResult
        do throws(Withheld) {
            redacted = try caller.server.redactor.redact(message, answering: id, as: ticket, editing: edits)
        } catch {
            throw .withheld(error, id, isToolCall: isToolCall)
        }
        guard visit.gateway.identities.isCurrent(caller.principal, at: WallTime.now) else { throw .expired }
        var outcome = AuditRecord.Outcome(message.status(isToolCall: isToolCall))
        outcome.http = visit.trail.upstreamStatus
        outcome.byteCount = message.document.encodedCount(message.document.root)
        outcome.code = message.errorCode
        try await visit.record(outcome, redactions: redacted.report.map(\.recorded), for: id)
        return redacted.bytes
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

import Audit
import Bytes
import HTTP
import Identity
import JSON
import MCP
import Policy
import Redaction
import Sessions
import Upstream

/// One row of the table of refusals: what the client hears and what the trail keeps.
struct Verdict {
    /// The HTTP status. 200 for what is refused in-band: SDK 1.x ends its whole session on most others (mcp-protocol A1).
    let status: Int
    /// The JSON-RPC error code; our own lie outside -32768...-32000.
    let code: Int
    /// The stable word of the trail, the metrics and the answer.
    let word: ByteString
    /// A sentence for people; nothing of the request, no secret.
    let text: String
}

extension Verdict {
    /// The word that the client hears: the trail's own, except where the difference would tell a stranger which credential
    /// is dead, which is bound elsewhere and which never was.
    fileprivate var told: ByteString {
        switch status {
        case 401: "unauthorized"
        case 404 where code == 0: "not_found"
        default: word
        }
    }
}

extension Refusal {
    /// The table. Every refusal has exactly one row.
    var verdict: Verdict {
        switch self {
        case .noSuchDoor: Verdict(status: 404, code: 0, word: "no_such_path", text: "Not found.")
        case .queryInPath: Verdict(status: 400, code: 0, word: "query", text: "This address takes no query.")
        case .method: Verdict(status: 405, code: 0, word: "http_method", text: "Use POST, GET or DELETE.")
        case .draining: Verdict(status: 503, code: 53_002, word: "draining", text: "The gateway is stopping.")
        case .unidentified(let failure, _): failure.verdict
        case .unserved: Verdict(status: 404, code: 0, word: "upstream_unserved", text: "Not found.")
        case .duplicateField(let name):
            Verdict(status: 400, code: -32_020, word: "duplicate_field", text: "The field \(name) occurs twice.")
        case .mediaType:
            Verdict(status: 415, code: 0, word: "media_type", text: "Content-Type must be application/json in UTF-8.")
        case .coding: Verdict(status: 415, code: 0, word: "content_coding", text: "Content-Encoding is not accepted.")
        case .body(let failure): failure.verdict
        case .message(let failure):
            Verdict(status: 400, code: failure.code, word: ByteString(failure.word), text: failure.explanation)
        case .era(let failure, _): failure.verdict
        case .mirroredField(let name, _):
            Verdict(
                status: 400, code: -32_020, word: "header_mismatch", text: "The field \(name) differs from the body.")
        case .stateless(let refusal, _): refusal.verdict
        case .misplaced:
            Verdict(
                status: 400, code: -32_600, word: "misplaced_method",
                text: "A request needs an id, and a notification has none.")
        case .handshake:
            Verdict(
                status: 400, code: -32_602, word: "initialize_params",
                text: "initialize needs a protocolVersion string and a capabilities object.")
        case .sessionMissing:
            Verdict(status: 400, code: -32_600, word: "session_missing", text: "Mcp-Session-Id is required.")
        case .sessionUnknown, .sessionGone:
            Verdict(status: 404, code: -32_001, word: "session_unknown", text: "Session not found: initialize again.")
        case .sessionVersion:
            Verdict(
                status: 400, code: -32_600, word: "session_version",
                text: "MCP-Protocol-Version is not the revision this session settled on.")
        case .sessions(let failure, _): failure.verdict
        case .request(let failure, _): failure.verdict
        case .unsolicitedResponse:
            Verdict(status: 400, code: -32_600, word: "unsolicited_response", text: "No request awaits this response.")
        case .streamTaken:
            Verdict(status: 409, code: -32_600, word: "stream_taken", text: "This session's stream is open already.")
        case .replay:
            Verdict(
                status: 400, code: -32_600, word: "replay",
                text: "Last-Event-ID names no event of this session that can be replayed.")
        case .notAcceptable:
            Verdict(status: 406, code: 0, word: "accept", text: "Accept must allow text/event-stream.")
        case .streamUnsupported:
            Verdict(status: 405, code: 0, word: "stream_unsupported", text: "The server offers no stream of its own.")
        case .denied(let denial, _, _, _): denial.verdict
        case .unrecorded(let failure, _):
            Verdict(
                status: 503, code: 53_001, word: ByteString("\(failure.code)"),
                text: "The audit trail cannot be written, so nothing is done.")
        // Without an id it was a stream that was asked for: there is no band to answer in.
        case .upstream(let failure, let id, _):
            Verdict(
                status: id == nil ? 502 : 200, code: 53_010, word: ByteString("\(failure.code)"), text: failure.sentence
            )
        case .answer(let failure, _, _): failure.verdict
        case .limited:
            Verdict(status: 429, code: 53_029, word: "upstream_429", text: "The server limits the rate of requests.")
        case .withheld(let withheld, _, _):
            Verdict(status: 200, code: 53_020, word: ByteString("\(withheld.code)"), text: withheld.explanation)
        case .pins:
            Verdict(
                status: 503, code: 53_006, word: "pins_unsaved", text: "What the server lists cannot be remembered.")
        case .occupied:
            Verdict(status: 503, code: 53_008, word: "occupied", text: "Too many calls or streams are open; try again.")
        case .expired: Verdict(status: 401, code: 0, word: "auth_ended_meanwhile", text: "Unauthorized.")
        }
    }

    /// The request's id, where one is known: every answer carries it.
    var id: RequestID? {
        switch self {
        case .message(let failure): failure.id
        case .era(_, let id), .mirroredField(_, let id), .misplaced(let id), .handshake(_, let id),
            .stateless(_, let id),
            .sessionMissing(let id), .sessionUnknown(let id), .sessionVersion(let id), .sessions(_, let id),
            .denied(_, let id, _, _), .unrecorded(_, let id), .upstream(_, let id, _), .answer(_, let id, _),
            .limited(_, let id), .withheld(_, let id, _), .sessionGone(let id), .pins(let id), .occupied(let id):
            id
        case .request(_, let id): id
        case .noSuchDoor, .queryInPath, .method, .draining, .unidentified, .unserved,
            .duplicateField, .mediaType, .coding, .body, .unsolicitedResponse, .streamTaken, .replay, .notAcceptable,
            .streamUnsupported, .expired:
            nil
        }
    }

    /// Whether the answer is a tool's result that says `isError`, which the model reads and the session survives.
    private var isToolResult: Bool {
        switch self {
        case .denied(let denial, _, let tool, _): tool != nil && !denial.hidden
        case .upstream(_, _, let isToolCall), .answer(_, _, let isToolCall), .withheld(_, _, let isToolCall): isToolCall
        case .stateless(.inputClosed(let isToolCall), _): isToolCall
        default: false
        }
    }

    /// The answer. `call` is the decision's id, by which a reviewer finds the record.
    ///
    /// - Parameter isStateless: whether it answers a request of 2026-07-28.
    func response(call: CallID?, isStateless: Bool = false) -> Response {
        let verdict = isStateless ? statelessVerdict : verdict
        var fields = HeaderFields()
        switch self {
        case .method(let allowed): fields.add(name: "allow", value: allowed)
        case .streamUnsupported: fields.add(name: "allow", value: "POST, DELETE")
        case .unidentified(let failure, let metadata):
            if let challenge = failure.challenge(metadata) { fields.add(name: "www-authenticate", value: challenge) }
        case .expired: fields.add(name: "www-authenticate", value: "Bearer error=\"invalid_token\"")
        case .unrecorded, .draining, .occupied: fields.add(name: "retry-after", value: "5")
        case .limited(let limits, _): limits.forEach { fields.add(name: $0, value: $1) }
        default: break
        }
        fields.add(name: "content-type", value: "application/json")
        fields.add(name: "cache-control", value: "no-store")
        return Response(
            status: verdict.status, fields: fields, body: body(verdict, call: call, isStateless: isStateless))
    }

    /// The JSON-RPC part of the answer, also the last event of a stream that is refused on its way.
    private func body(_ verdict: Verdict, call: CallID?, isStateless: Bool) -> [UInt8] {
        if case .denied(let denial, let id?, let tool?, let form) = self, denial.hidden {
            // Of a tool within a tool it is the inner one that does not exist.
            return form.answer(to: id, naming: denial.tool ?? tool, isStateless: isStateless)
        }
        let decision = decision(verdict, call: call)
        if let id, isToolResult {
            let rule = rule.map { ", rule \($0.text)" } ?? ""
            let reference = call.map { ", decision \($0.text.text)" } ?? ""
            return Answer.toolError(
                id: id, text: "\(verdict.text) (\(verdict.word.text)\(rule)\(reference))", meta: decision,
                isStateless: isStateless)
        }
        return Answer.error(
            id: id, code: verdict.code == 0 ? -32_600 : verdict.code, message: verdict.text, data: errorData ?? decision
        )
    }

    private var rule: ByteString? {
        guard case .denied(let denial, _, _, _) = self else { return nil }
        return denial.rule
    }

    /// `{"io.komainu/decision": {"code": …, "rule": …, "id": …}}`.
    private func decision(_ verdict: Verdict, call: CallID?) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("io.komainu/decision")
        writer.beginObject()
        writer.key("code")
        writer.string(verdict.told)
        if let rule {
            writer.key("rule")
            writer.string(rule)
        }
        if let call {
            writer.key("id")
            writer.string(call.text)
        }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    /// `error.data` where a revision defines it (2026-07-28, `basic/index`, "Error Codes").
    private var errorData: [UInt8]? {
        switch self {
        case .era(.unsupported(let requested), _):
            JSONValue.object([
                JSONMember("supported", .array(ProtocolVersion.allCases.reversed().map { .string($0.name) })),
                JSONMember("requested", .string(requested)),
            ]).encoded()
        case .stateless(let refusal, _): refusal.data
        default: nil
        }
    }
}

extension IdentityFailure {
    /// A dead URL looks like one that never was: a 401 there would make clients search for an authorization server.
    fileprivate var verdict: Verdict {
        let word = ByteString("auth_\(reason.rawValue)")
        switch answer {
        case .notFound: return Verdict(status: 404, code: 0, word: word, text: "Not found.")
        case .unauthorized: return Verdict(status: 401, code: 0, word: word, text: "Unauthorized.")
        case .unavailable:
            return Verdict(status: 503, code: 53_007, word: word, text: "Who may enter is not known now.")
        }
    }

    /// RFC 6750 section 3: `invalid_token` only when a token was presented. RFC 9728 section 5.1: where the metadata stands. One
    /// challenge, nothing of the request in it: both SDK families find its parts by searching the whole field.
    fileprivate func challenge(_ metadata: ByteString?) -> String? {
        guard case .unauthorized(let presented) = answer else { return nil }
        var parts: [String] = []
        if presented { parts.append("error=\"invalid_token\"") }
        if let metadata { parts.append("resource_metadata=\"\(metadata.text)\"") }
        return parts.isEmpty ? "Bearer" : "Bearer " + parts.joined(separator: ", ")
    }
}

extension Denial {
    /// In-band, so that sessions survive. Methods that are closed have no more existence than others (-32601).
    fileprivate var verdict: Verdict {
        let code: Int
        switch reason {
        case .methodClosed, .methodUnknown, .extensionClosed, .answerUnexpected: code = -32_601
        case .targetNotAllowed, .callMalformed, .dispatchMalformed: code = -32_602
        default: code = 53_030
        }
        // Where a revision has no such method, nothing was denied: the words are those of every server.
        let text = reason == .methodUnknown ? "Method not found" : description
        return Verdict(status: 200, code: code, word: ByteString(self.code), text: text)
    }
}

extension UpstreamFailure {
    fileprivate var sentence: String {
        mayHaveActed
            ? "The server did not answer properly (\(code)); it may have done what was asked."
            : "The server cannot be reached (\(code)); nothing was done."
    }
}

extension Era.Failure {
    fileprivate var verdict: Verdict {
        switch self {
        case .mismatch:
            Verdict(
                status: 400, code: -32_020, word: "version_mismatch",
                text: "MCP-Protocol-Version and the body name different revisions.")
        case .claimMissing(let name):
            Verdict(
                status: 400, code: -32_602, word: "claim_missing",
                text: "params._meta lacks \(name), or it has another type than it must have.")
        case .unsupported:
            Verdict(
                status: 400, code: -32_022, word: "version_unsupported",
                text: "This revision is not supported.")
        }
    }
}

extension SessionStore.Failure {
    fileprivate var verdict: Verdict {
        switch self {
        case .unknown: Verdict(status: 404, code: -32_001, word: "session_unknown", text: "Session not found.")
        case .full: Verdict(status: 503, code: 53_003, word: "sessions_full", text: "Too many sessions are open.")
        case .noRandomness: Verdict(status: 503, code: 53_004, word: "no_randomness", text: "Internal error.")
        }
    }
}

extension Session.Failure {
    fileprivate var verdict: Verdict {
        switch self {
        case .duplicateRequest:
            Verdict(
                status: 400, code: -32_600, word: "duplicate_id", text: "A request with this id is not answered yet.")
        case .tooManyRequests:
            Verdict(status: 429, code: 53_005, word: "session_busy", text: "Too many requests are in flight.")
        case .ended: Verdict(status: 404, code: -32_001, word: "session_unknown", text: "Session not found.")
        }
    }
}

extension ExchangeFailure {
    fileprivate var verdict: Verdict {
        switch self {
        case .tooLarge: Verdict(status: 413, code: 0, word: "body_too_large", text: "The body is too large.")
        case .malformed(let failure):
            Verdict(status: failure.status, code: 0, word: "body_framing", text: "The body's framing is broken.")
        case .slow: Verdict(status: 408, code: 0, word: "body_slow", text: "The body did not arrive in time.")
        case .gone: Verdict(status: 400, code: 0, word: "client_gone", text: "The client went away.")
        case .answered: Verdict(status: 500, code: 53_000, word: "internal", text: "Internal error.")
        }
    }
}

extension AnswerFailure {
    fileprivate var verdict: Verdict {
        switch self {
        case .credential:
            row(
                "upstream_credential",
                "The server does not accept the gateway's credential; its operator must renew it.")
        case .redirect: row("upstream_redirect", "The server answered with a redirect, which is not followed.")
        case .status(let status): row("upstream_\(status)", "The server answered with HTTP status \(status).")
        case .empty: row("upstream_empty", "The server accepted the request and gave no answer.")
        case .mediaType: row("upstream_media_type", "The server's answer is neither JSON nor an event stream.")
        case .unreadable(let word): row("upstream_unreadable", "The server's answer cannot be read strictly: \(word).")
        case .id: row("upstream_id", "The server's answer carries another id than the request.")
        case .noAnswer: row("upstream_no_answer", "The server's stream ended before the answer; the call may have run.")
        case .handshake: row("upstream_handshake", "The server's answer to initialize is not one that is supported.")
        case .shape: row("upstream_shape", "The server's result has not the shape that its method has.")
        }
    }

    private func row(_ word: String, _ text: String) -> Verdict {
        Verdict(status: 200, code: 53_011, word: ByteString(word), text: text)
    }
}

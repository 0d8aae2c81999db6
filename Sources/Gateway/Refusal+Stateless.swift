import Bytes
import JSON
import MCP
import Policy

/// Every way in which a request of the stateless revision (2026-07-28) ends that no other revision has.
enum StatelessRefusal {
    /// A field is absent that the revision demands.
    case fieldMissing(String)
    /// `requestState` is not one of ours for this request, or something is answered that was not asked.
    case stateUnknown
    /// No such task, or somebody else's.
    case taskUnknown
    /// The client did not say that it knows an extension that its request belongs to.
    case capabilityMissing(ByteString)
    /// The server does not speak this revision: told so that clients begin with `initialize`.
    case serverOlder
    /// The server asks the client for something that policy does not open.
    case inputClosed(isToolCall: Bool)
    /// The client closed the connection before its answer: that cancels the request.
    case clientGone
    /// A notice: none has a meaning here.
    case noticeDropped

    var verdict: Verdict {
        switch self {
        case .fieldMissing(let name):
            Verdict(status: 400, code: -32_020, word: "header_missing", text: "The field \(name) is required.")
        case .stateUnknown:
            Verdict(
                status: 400, code: -32_602, word: "request_state",
                text: "requestState is not valid for this request; begin it anew.")
        case .taskUnknown: Verdict(status: 200, code: -32_602, word: "task_unknown", text: "Unknown task.")
        case .capabilityMissing:
            Verdict(
                status: 400, code: -32_021, word: "capability_missing",
                text: "The request needs a client capability that was not declared.")
        case .serverOlder:
            Verdict(status: 404, code: -32_601, word: "upstream_not_stateless", text: "Method not found.")
        case .inputClosed:
            Verdict(
                status: 200, code: 53_031, word: "input_closed",
                text: "The server asks for input that the policy does not open.")
        case .clientGone: Verdict(status: 400, code: 0, word: "client_gone", text: "The client went away.")
        case .noticeDropped: Verdict(status: 202, code: 0, word: "notice_dropped", text: "")
        }
    }

    /// `error.data`, where the revision defines it (`basic/index`, "Error Codes").
    var data: [UInt8]? {
        guard case .capabilityMissing(let name) = self else { return nil }
        let extensions = JSONValue.object([JSONMember(name, .object([]))])
        let required = JSONValue.object([JSONMember("extensions", extensions)])
        return JSONValue.object([JSONMember("requiredCapabilities", required)]).encoded()
    }
}

extension Refusal {
    /// The row of the table for a request of 2026-07-28: there the HTTP status follows the code (`basic/index`, "Error Codes").
    /// Denied and unknown tools are told in-band as ever.
    var statelessVerdict: Verdict {
        let verdict = verdict
        guard verdict.status == 200 else { return verdict }
        if case .denied(_, _, let tool, _) = self, tool != nil { return verdict }
        let status =
            switch verdict.code {
            case -32_601: 404
            case -32_602: 400
            default: 200
            }
        return Verdict(status: status, code: verdict.code, word: verdict.word, text: verdict.text)
    }
}

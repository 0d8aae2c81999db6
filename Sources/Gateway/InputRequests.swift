import Bytes
import JSON
import MCP
import Policy

/// What a server asks the client within a result (2026-07-28, `inputRequests`): each is what in other revisions would be a request of
/// the server's own, and is judged by the same rules. One that is closed, or that the client never said it could answer, closes
/// the whole result.
struct InputRequests {
    /// The names under which answers may come.
    let keys: Set<ByteString>
    /// The groups that redact what is asked, beside those of the call.
    let groups: [RedactionGroup]

    init(
        of result: JSONDocument.Node, in document: JSONDocument, _ question: Question, _ visit: Visit, _ caller: Caller
    ) throws(Refusal) {
        var keys: Set<ByteString> = []
        var groups: [RedactionGroup] = []
        guard let requests = document.member("inputRequests", of: result) else {
            (self.keys, self.groups) = ([], [])
            return
        }
        let shape = Refusal.answer(.shape, question.id, isToolCall: question.isToolCall)
        guard document.kind(requests) == .object else { throw shape }
        for (name, request) in document.members(of: requests) {
            guard let key = document.string(name),
                let word = document.member("method", of: request).flatMap({ document.string($0) })
            else { throw shape }
            let method = MCP.Method(word)
            guard InputRequests.isDeclared(method, request, in: document, question),
                let own = caller.rules.redactions(forServer: method, to: caller.principal),
                caller.rules.opens(
                    request: method, params: document.member("params", of: request), of: document, for: caller.principal
                )
            else {
                visit.trail.refusedServer(method)
                throw .stateless(.inputClosed(isToolCall: question.isToolCall), question.id)
            }
            keys.insert(key)
            groups += own.filter { !groups.contains($0) }
        }
        (self.keys, self.groups) = (keys, groups)
    }

    /// A server must not ask for what the client did not declare.
    private static func isDeclared(
        _ method: MCP.Method, _ request: JSONDocument.Node, in document: JSONDocument, _ question: Question
    ) -> Bool {
        let declared = { (name: String) in question.document.member(name, of: question.claim.capabilities) }
        switch method {
        case .createMessage: return declared("sampling") != nil
        case .rootsList: return declared("roots") != nil
        case .elicit:
            guard let elicitation = declared("elicitation") else { return false }
            let mode = document.member("params", of: request).flatMap { document.member("mode", of: $0) }
            guard let mode, !document.isString(mode, equalTo: "form") else { return true }
            return document.isString(mode, equalTo: "url") && question.document.member("url", of: elicitation) != nil
        default: return false
        }
    }
}

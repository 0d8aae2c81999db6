import Bytes
import JSON
import MCP
import Policy
import Sessions

/// The error by which a server says that its user must do something elsewhere first (2025-11-25, `URLElicitationRequiredError`).
struct Errands {
    /// Its code.
    private static let code: ByteString = "-32042"

    private let visit: Visit
    private let caller: Caller

    init(_ visit: Visit, _ caller: Caller) {
        self.visit = visit
        self.caller = caller
    }

    /// Lets the error pass when policy opens every URL in it; the conversation then knows whose end may be told.
    func judge(
        _ error: JSONDocument.Node, of document: JSONDocument, _ id: RequestID, isToolCall: Bool
    ) throws(Refusal) {
        guard document.member("code", of: error).flatMap({ document.numberText($0) }) == Errands.code else { return }
        let list = document.member("data", of: error).flatMap { document.member("elicitations", of: $0) }
        guard let list, document.kind(list) == .array, let session = visit.conversation else {
            throw .stateless(.inputClosed(isToolCall: isToolCall), id)
        }
        var names: [ByteString] = []
        for errand in document.elements(of: list) {
            let text = { (name: String) in document.member(name, of: errand).flatMap { document.string($0) } }
            guard document.kind(errand) == .object, text("mode") == "url", let name = text("elicitationId"),
                let url = text("url"), caller.rules.opensElicitation(url: url, for: caller.principal)
            else {
                visit.trail.refusedServer(.elicit)
                throw .stateless(.inputClosed(isToolCall: isToolCall), id)
            }
            names.append(name)
        }
        for name in names { session.dialogue(visit.gateway).remember(elicitation: name) }
    }
}

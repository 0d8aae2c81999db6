import Bytes
import JSON
import MCP
import Policy
import Redaction
import Sessions

/// What was asked in the stateless revision (2026-07-28), as far as its answer has to be judged by it.
struct Question {
    let id: RequestID
    let method: MCP.Method
    let claim: RequestClaim
    /// The request, for what its claim says.
    let document: JSONDocument
    let progressToken: RequestID?
    /// The task that it is about.
    let taskID: ByteString?
    /// What everything that answers it is redacted by; of a task, the ticket of the call that began it.
    var ticket: ResultTicket?
    /// More groups that redact it: of a task, those of its feature.
    var groups: [RedactionGroup] = []
    var tool: ByteString?
    var rule: ByteString = ""
    /// What a state is bound to that the answer may hold; nil for methods that may not ask for input.
    var binding: RequestStates.Binding?
    /// Whether log messages were asked for and may be.
    var opensLogging = false

    init(_ id: RequestID, _ method: MCP.Method, _ message: ClientMessage, _ claim: RequestClaim) {
        self.id = id
        self.method = method
        self.claim = claim
        document = message.document
        progressToken = message.progressToken
        switch method {
        case .tasksGet, .tasksUpdate, .tasksCancel: taskID = Question.task(of: message)
        default: taskID = nil
        }
    }

    static func task(of message: ClientMessage) -> ByteString? {
        message.parameter("taskId").flatMap { message.document.string($0) }
    }

    var isToolCall: Bool { method == .toolsCall }
}

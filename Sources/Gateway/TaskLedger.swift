import Audit
import Bytes
import Identity
import JSON
import MCP
import Redaction
import Sessions
import System

/// A call that asked to become a task (2025-11-25, `params.task`): what is entered when the server makes it one.
struct TaskPromise: Sendable {
    let tool: ByteString
    let rule: ByteString
    let ticket: ResultTicket
}

extension Refusal {
    /// The same of a request that is a call or is none: a task's ticket is of a call, what asks for the task may be none.
    func asked(asToolCall isToolCall: Bool) -> Refusal {
        guard case .withheld(let withheld, let id, _) = self else { return self }
        return .withheld(withheld, id, isToolCall: isToolCall)
    }
}

/// The core tasks of 2025-11-25 (`basic/utilities/tasks`): a task is bound to the principal whose call it was and to its tool, and
/// whatever it brings is redacted as the call's own result would be.
struct TaskLedger {
    private let visit: Visit
    private let caller: Caller

    init(_ visit: Visit, _ caller: Caller) {
        self.visit = visit
        self.caller = caller
    }

    /// The task that a request is about: the caller's own, of a tool that they may still see. All others do not exist.
    func task(_ message: ClientMessage, _ id: RequestID) throws(Refusal) -> RememberedTask<ResultTicket>? {
        switch message.method {
        case .tasksGet, .tasksResult, .tasksCancel: break
        default: return nil
        }
        guard let name = message.parameter("taskId").flatMap({ message.document.string($0) }),
            let task = visit.gateway.tasks.task(name, of: caller.principal),
            caller.rules.shows(task.tool, to: caller.principal, tools: caller.server.tools.inventory)
        else { throw .stateless(.taskUnknown, id) }
        visit.trail.message.tool = task.tool
        return task
    }

    /// Enters the task that a call's result says it became. A task that cannot be entered is not shown: its id would be of no use.
    func enter(_ result: JSONDocument.Node, of document: JSONDocument, _ id: RequestID) throws(Refusal) {
        guard let promise = visit.promise, let task = document.member("task", of: result) else { return }
        guard let name = document.member("taskId", of: task).flatMap({ document.string($0) }) else {
            throw .answer(.shape, id, isToolCall: true)
        }
        let kept = document.member("ttl", of: task).flatMap { document.integer($0) }.map { max(0, $0) / 1_000 + 1 }
        do throws(TaskBookFailure) {
            try visit.gateway.tasks.enter(
                name, of: caller.principal,
                RememberedTask(tool: promise.tool, rule: promise.rule, ticket: promise.ticket),
                seconds: Int(min(kept ?? .max, remaining, Int64(TaskLimits().seconds))))
        } catch {
            throw .answer(.shape, id, isToolCall: true)
        }
        visit.hasBecomeTask = true
    }

    /// A page of `tasks/list`: only the caller's own. What each is doing is told by `tasks/get`, redacted by its own ticket; here,
    /// where tasks of many tools stand together, it is left out.
    func filter(_ result: JSONDocument.Node, of document: JSONDocument, into edits: inout JSONEdits) {
        guard let list = document.member("tasks", of: result), document.kind(list) == .array else { return }
        for element in document.elements(of: list) {
            let name = document.member("taskId", of: element).flatMap { document.string($0) }
            guard let name, visit.gateway.tasks.task(name, of: caller.principal) != nil else {
                edits.remove(element)
                continue
            }
            for (name, value) in document.members(of: element) where !isPlain(name, of: document) {
                edits.remove(value)
            }
        }
    }

    private func isPlain(_ name: JSONDocument.Node, of document: JSONDocument) -> Bool {
        ["taskId", "status", "createdAt", "lastUpdatedAt", "ttl", "pollInterval"]
            .contains { document.isString(name, equalTo: $0) }
    }

    /// Seconds until what proves the caller ends.
    private var remaining: Int64 {
        caller.principal.expiresAt.map { max(0, $0.nanoseconds - WallTime.now.nanoseconds) / 1_000_000_000 } ?? .max
    }
}

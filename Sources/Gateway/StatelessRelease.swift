import Bytes
import HTTP
import Identity
import JSON
import MCP
import Policy
import Redaction
import Sessions
import System

/// The last steps of an answer in the stateless revision (2026-07-28) before it is released: what only this revision has, then the
/// same filter, redaction and record as in every other.
struct StatelessRelease {
    private let visit: Visit
    private let caller: Caller
    private let question: Question

    /// How long a client may keep what depends on policy, in milliseconds: as long as the gateway itself believes a list.
    private static let horizon: Int64 = 300_000

    init(_ visit: Visit, _ caller: Caller, _ question: Question) {
        self.visit = visit
        self.caller = caller
        self.question = question
    }

    /// An answer that may be sent.
    struct Told {
        let bytes: [UInt8]
        /// The HTTP status that an error's code demands; nil to keep the server's.
        let status: Int?
    }

    func release(_ message: ServerMessage) async throws(Refusal) -> Told {
        switch message.shape {
        case .error(_, let error):
            let bytes = try await finished(message, editing: errorEdits(error, of: message.document))
            return Told(bytes: bytes, status: StatelessRelease.status(of: error, in: message.document))
        case .result(_, let result):
            return Told(bytes: try await release(result, of: message), status: nil)
        case .request, .notification:
            throw .answer(.shape, question.id, isToolCall: question.isToolCall)
        }
    }

    private func release(_ result: JSONDocument.Node, of message: ServerMessage) async throws(Refusal) -> [UInt8] {
        let document = message.document
        guard document.kind(result) == .object else { throw shape }
        var edits = JSONEdits.none
        let type = document.member("resultType", of: result)
        if type == nil {
            edits.append(to: result, member: "resultType", encoded: JSONValue.string("complete").encoded())
        }
        switch type.map({ document.string($0) ?? "" }) ?? "complete" {
        case "complete": break
        case "input_required" where question.binding != nil: return try await ask(message, result)
        case "task" where question.isToolCall: try enterTask(result, of: document)
        case "task" where question.taskID != nil: break
        // What a type of another revision would mean to a client, nobody here knows.
        default: throw shape
        }
        if question.taskID != nil, question.method == .tasksGet {
            let asked = try InputRequests(of: result, in: document, question, visit, caller)
            visit.gateway.tasks.ask(asked.keys, of: question.taskID ?? "", for: caller.principal)
            return try await finished(message, editing: edits, groups: asked.groups)
        }
        hint(result, of: document, into: &edits)
        if question.method == .discover { try introduce(result, of: document, into: &edits) }
        return try await finished(message, editing: edits)
    }

    private var shape: Refusal { .answer(.shape, question.id, isToolCall: question.isToolCall) }

    /// Filtered, redacted, recorded.
    private func finished(
        _ message: ServerMessage, editing edits: JSONEdits, groups: [RedactionGroup] = []
    ) async throws(Refusal) -> [UInt8] {
        let release = Release(visit, caller)
        do throws(Refusal) {
            guard let ticket = question.ticket else { throw shape }
            return try await release.release(
                message, question.id, ticket, editing: edits, alsoBy: question.groups + groups)
        } catch {
            // A task's ticket is of a call; what asks for the task is none.
            guard case .withheld(let withheld, let id, _) = error else { throw error }
            throw .withheld(withheld, id, isToolCall: question.isToolCall)
        }
    }

    // MARK: results that ask

    /// `input_required`: what is asked is judged like a server's own requests in the other revisions; the state is sealed, with
    /// what was asked, also where the server gave none.
    private func ask(_ message: ServerMessage, _ result: JSONDocument.Node) async throws(Refusal) -> [UInt8] {
        let document = message.document
        let asked = try InputRequests(of: result, in: document, question, visit, caller)
        let state = document.member("requestState", of: result)
        let servers = state.flatMap { document.string($0) }
        guard let binding = question.binding, state == nil || servers != nil, state != nil || !asked.keys.isEmpty else {
            throw shape
        }
        let contents = RequestStates.Contents(servers: servers, asked: asked.keys)
        guard
            let sealed = visit.gateway.states.seal(
                contents, for: binding, now: WallTime.now.nanoseconds, end: caller.principal.expiresAt?.nanoseconds)
        else { throw shape }
        // Sealed before it is looked through: the server's own state is nobody's business but its own.
        var edits = JSONEdits.none
        let encoded = JSONValue.string(sealed).encoded()
        if let state {
            edits.replace(state, with: encoded)
        } else {
            edits.append(to: result, member: "requestState", encoded: encoded)
        }
        let message = try rewritten(message, edits)
        return try await finished(message, editing: .none, groups: asked.groups)
    }

    private func rewritten(_ message: ServerMessage, _ edits: JSONEdits) throws(Refusal) -> ServerMessage {
        let bytes = message.document.encoded(message.document.root, editing: edits)
        do throws(MessageFailure) {
            return try ServerMessage(parsing: bytes, limits: .result(bytes: bytes.count))
        } catch {
            throw shape
        }
    }

    // MARK: tasks

    /// A call that became a task: bound to who called, and to what its result will be redacted by.
    private func enterTask(_ result: JSONDocument.Node, of document: JSONDocument) throws(Refusal) {
        guard caller.rules.openExtensions(for: caller.principal).contains(ProtocolExtension.tasks),
            question.claim.declares(extension: ProtocolExtension.tasks.text, in: question.document),
            let id = document.member("taskId", of: result).flatMap({ document.string($0) }), let tool = question.tool,
            let ticket = question.ticket
        else { throw shape }
        let kept = document.member("ttlMs", of: result).flatMap { document.integer($0) }.map { max(0, $0) / 1_000 }
        let task = RememberedTask(tool: tool, rule: question.rule, ticket: ticket)
        do throws(TaskBookFailure) {
            try visit.gateway.tasks.enter(
                id, of: caller.principal, task,
                seconds: Int(min(kept ?? .max, remaining / 1_000, Int64(TaskLimits().seconds))))
        } catch {
            throw shape
        }
    }

    /// Milliseconds until what proved who asks is over.
    private var remaining: Int64 {
        caller.principal.expiresAt.map { max(0, ($0.nanoseconds - WallTime.now.nanoseconds) / 1_000_000) } ?? .max
    }

    // MARK: caching

    /// What was filtered for one caller is nobody else's, and is kept no longer than the caller's token or the policy's horizon
    /// (`server/utilities/caching`).
    private func hint(_ result: JSONDocument.Node, of document: JSONDocument, into edits: inout JSONEdits) {
        switch question.method {
        case .discover, .toolsList, .promptsList, .resourcesList, .resourceTemplatesList, .resourcesRead: break
        default: return
        }
        let scope = JSONValue.string("private").encoded()
        set("cacheScope", scope, in: result, of: document, &edits)
        let servers = document.member("ttlMs", of: result).flatMap { document.integer($0) } ?? 0
        let time = min(max(0, servers), StatelessRelease.horizon, remaining)
        set("ttlMs", JSONValue.integer(Int(time)).encoded(), in: result, of: document, &edits)
    }

    private func set(
        _ name: ByteString, _ encoded: [UInt8], in object: JSONDocument.Node, of document: JSONDocument,
        _ edits: inout JSONEdits
    ) {
        if let known = document.member(name, of: object) {
            edits.replace(known, with: encoded)
        } else {
            edits.append(to: object, member: name, encoded: encoded)
        }
    }

    // MARK: server/discover

    /// The server's introduction: revisions that both sides carry, capabilities and extensions that policy opens.
    private func introduce(
        _ result: JSONDocument.Node, of document: JSONDocument, into edits: inout JSONEdits
    ) throws(Refusal) {
        guard let versions = document.member("supportedVersions", of: result), document.kind(versions) == .array,
            let capabilities = document.member("capabilities", of: result), document.kind(capabilities) == .object
        else { throw shape }
        document.forEachElement(of: versions) { version in
            if document.string(version).flatMap({ ProtocolVersion($0) }) == nil { edits.remove(version) }
        }
        let open = caller.rules.openCapabilities(for: caller.principal).server
        let extensions = caller.rules.openExtensions(for: caller.principal)
        Capabilities(opening: open, extensions).cut(capabilities, of: document, into: &edits)
    }

    // MARK: errors

    /// Codes that this revision took away become those that it has (`basic/index`, "Error Codes"); what a server says it speaks is
    /// cut to what is carried.
    private func errorEdits(_ error: JSONDocument.Node, of document: JSONDocument) -> JSONEdits {
        var edits = JSONEdits.none
        guard let code = document.member("code", of: error) else { return edits }
        switch document.integer(code) {
        case -32_002: edits.replace(code, with: JSONValue.integer(-32_602).encoded())
        case -32_042:
            edits.replace(code, with: JSONValue.integer(-32_603).encoded())
            if let data = document.member("data", of: error) { edits.remove(data) }
        case -32_022:
            let versions = document.member("data", of: error).flatMap { document.member("supported", of: $0) }
            for version in versions.map({ document.elements(of: $0) }) ?? [] {
                if document.string(version).flatMap({ ProtocolVersion($0) }) == nil { edits.remove(version) }
            }
        default: break
        }
        return edits
    }

    private static func status(of error: JSONDocument.Node, in document: JSONDocument) -> Int? {
        switch document.member("code", of: error).flatMap({ document.integer($0) }) {
        case -32_700, -32_600, -32_020, -32_021, -32_022: 400
        case -32_601: 404
        default: nil
        }
    }
}

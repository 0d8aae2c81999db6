import Bytes
import Catalog
import JSON
import MCP
import OpenSSL
import Policy
import Sessions
import System

/// A request that may go on from a result that asked for input (2026-07-28, `basic/patterns/mrtr`): the same request again, with
/// answers and with the state that the client was given. Nothing is believed because of it: the request is judged from the start.
struct Continuation {
    /// What the state was bound to, and what a next one will be; nil for methods that may not ask for input.
    let binding: RequestStates.Binding?
    /// The server's own state in place of ours, and only answers to what it asked.
    private(set) var edits = JSONEdits.none

    init(_ message: ClientMessage, _ id: RequestID, _ visit: Visit, _ caller: Caller) throws(Refusal) {
        let document = message.document
        let method = message.method ?? .other("")
        switch method {
        case .toolsCall, .promptsGet, .resourcesRead: break
        default:
            binding = nil
            return
        }
        let binding = RequestStates.Binding(
            caller.principal, method, target: Mirrors.named(by: message) ?? "",
            arguments: Continuation.digest(of: message))
        self.binding = binding
        let answers = message.parameter("inputResponses")
        guard let state = message.parameter("requestState") else {
            guard answers == nil else { throw .stateless(.stateUnknown, id) }
            return
        }
        guard let text = document.string(state),
            let contents = visit.gateway.states.open(text, for: binding, now: WallTime.now.nanoseconds),
            answers.map({ document.kind($0) == .object }) != false
        else { throw .stateless(.stateUnknown, id) }
        if let servers = contents.servers {
            edits.replace(state, with: JSONValue.string(servers).encoded())
        } else {
            edits.remove(state)
        }
        // What was not asked is not answered: the revision lets servers ignore such keys, so nothing is lost.
        if let answers {
            document.forEachMember(of: answers) { name, value in
                if !contents.asked.contains(document.string(name) ?? "") { edits.remove(value) }
            }
        }
    }

    /// A digest of everything that a request asks with besides its name: the order of members does not count.
    private static func digest(of message: ClientMessage) -> [UInt8] {
        let document = message.document
        var canonical: [UInt8] = []
        for member in message.params.map({ document.members(of: $0) }) ?? [] {
            let name = document.string(member.name) ?? ""
            if ["name", "uri", "_meta", "inputResponses", "requestState"].contains(name) { continue }
            canonical += JSONValue.string(name).encoded()
            document.appendSorted(member.value, to: &canonical)
        }
        return SHA256.hash(canonical)
    }
}

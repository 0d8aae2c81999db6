import Bytes
import HTTP
import JSON
import MCP
import Reactor
import Redaction
import Synchronization

@testable import Upstream

/// What reached the server.
struct Received: Sendable {
    enum Way: String, Sendable {
        /// A client's message.
        case call
        /// A message of the gateway's own.
        case own
        case stream, end
    }
    let way: Way
    let fields: HeaderFields
    /// The body, empty for `stream` and `end`.
    let text: String
    let json: JSONValue

    init(_ way: Way, _ fields: HeaderFields, _ body: [UInt8] = []) {
        self.way = way
        self.fields = fields
        text = String(decoding: body, as: UTF8.self)
        let document = try? JSONDocument(parsing: body)
        json = document.map { $0.value($0.root) } ?? .null
    }

    var method: String { json["method"]?.stringValue?.text ?? "" }
    /// The request's id as it was written; `null` when there is none.
    var id: String { json["id"].map { String(decoding: $0.encoded(), as: UTF8.self) } ?? "null" }
}

/// How the server answers one message. `ID` in a text stands for the request's id.
enum Reply: Sendable {
    case json(String, status: Int = 200, fields: [String: String] = [:])
    /// Something else than JSON, or something that only says that it is.
    case body(String, type: String?, status: Int = 200, fields: [String: String] = [:])
    /// An event stream that the test feeds.
    case stream(ScriptedAnswer)
    /// No answer.
    case fails(UpstreamFailure)
    /// No answer until the call is given up.
    case waits

    /// A result.
    static func result(_ text: String) -> Reply { .json(#"{"jsonrpc":"2.0","id":ID,"result":\#(text)}"#) }

    /// A whole event stream.
    static func events(_ events: String...) -> Reply {
        .body(events.map { "data: \($0)\n\n" }.joined(), type: "text/event-stream")
    }
}

/// A server that answers as it is told and remembers what it was sent. Whoever is not told answers as a plain one does.
final class ScriptedServer: ServerTransport {
    typealias Script = @Sendable (Received) async -> Reply

    private struct State {
        var received: [Received] = []
        var scripts: [String: Script] = [:]
    }
    private let state = Mutex(State())

    /// The session id that the server gives, until it is told to give none.
    static let sessionID = "vendor-session-1"

    static let tools = """
        {"name":"list_apps","description":"Apps","inputSchema":{"type":"object","properties":{"size":{"type":"integer"},\
        "kind":{"type":"string","enum":["active","closed","deleted"]}}}},\
        {"name":"list_users","inputSchema":{"type":"object"},"outputSchema":{"type":"object","properties":\
        {"email":{"type":"string","format":"email"},"secret":{"type":"string"}},"required":["email"]}},\
        {"name":"list_secrets","inputSchema":{"type":"object"}},{"name":"delete_app","inputSchema":{"type":"object"}},\
        {"name":"update_user","inputSchema":{"type":"object"}},\
        {"name":"run_tool","inputSchema":{"type":"object"}},\
        {"name":"nobody_classified_me","inputSchema":{"type":"object"}}
        """

    /// Answers a method so from now on. `GET` is the stream.
    func on(_ method: String, _ reply: Reply) { on(method) { _ in reply } }

    func on(_ method: String, _ script: @escaping Script) {
        state.withLock { $0.scripts[method] = script }
    }

    /// Everything that reached the server, in order.
    var received: [Received] { state.withLock { $0.received } }

    /// What clients' messages it got, by method.
    var calls: [String] { received.filter { $0.way == .call }.map(\.method) }

    /// What reached it of one method.
    func received(_ method: String) -> [Received] { received.filter { $0.method == method } }

    func forget() { state.withLock { $0.received = [] } }

    // MARK: ServerTransport

    func post(
        _ call: consuming RedactedCall, fields: HeaderFields
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        try await answer(Received(.call, fields, call.encoded))
    }

    func post(
        _ call: consuming RedactedCall, fields: HeaderFields, until cancellation: Cancellation
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        let answer = try await answer(Received(.call, fields, call.encoded), until: cancellation)
        cancellation.onCancel { answer.abort() }
        return answer
    }

    func post(_ message: GatewayMessage, fields: HeaderFields) async throws(UpstreamFailure) -> any ServerAnswer {
        try await answer(Received(.own, fields, message.body))
    }

    func openStream(fields: HeaderFields) async throws(UpstreamFailure) -> any ServerAnswer {
        try await answer(Received(.stream, fields), as: "GET")
    }

    func endSession(fields: HeaderFields) async -> Int? {
        (try? await answer(Received(.end, fields), as: "DELETE"))?.head.status
    }

    private func answer(
        _ received: Received, as method: String? = nil, until cancellation: Cancellation? = nil
    ) async throws(UpstreamFailure) -> any ServerAnswer {
        let method = method ?? received.method
        let script = state.withLock { state in
            state.received.append(received)
            return state.scripts[method]
        }
        switch await script?(received) ?? ScriptedServer.plain(method) {
        case .json(let text, let status, let fields):
            return ScriptedAnswer(
                status, "application/json", fields, received.filled(text))
        case .body(let text, let type, let status, let fields):
            return ScriptedAnswer(status, type, fields, received.filled(text))
        case .stream(let answer): return answer
        case .fails(let failure): throw failure
        case .waits:
            let loop = EventLoop.current
            while cancellation?.isCancelled == false { await loop.sleep(for: .milliseconds(1)) }
            throw .aborted
        }
    }

    private static func plain(_ method: String) -> Reply {
        switch method {
        case "initialize":
            .json(
                """
                {"jsonrpc":"2.0","id":ID,"result":{"protocolVersion":"2025-11-25",\
                "capabilities":{"tools":{"listChanged":true},"resources":{},"logging":{},"experimental":{"x":{}}},\
                "serverInfo":{"name":"vendor","version":"1"},"instructions":"Ask ada@example.com."}}
                """, fields: ["mcp-session-id": sessionID])
        case "tools/list": .result(#"{"tools":[\#(tools)]}"#)
        case "tools/call": .result(#"{"content":[{"type":"text","text":"done"}]}"#)
        case "ping": .result("{}")
        case "GET": .body("", type: nil, status: 405)
        case "DELETE": .body("", type: nil, status: 204)
        default: .body("", type: nil, status: 202)
        }
    }
}

extension Received {
    fileprivate func filled(_ text: String) -> String {
        text.split(separator: "ID", omittingEmptySubsequences: false).joined(separator: id)
    }
}

/// An answer that comes as the test lets it come.
final class ScriptedAnswer: ServerAnswer, Sendable {
    private enum Next {
        case piece(UpstreamPiece)
        case failure(UpstreamFailure)
    }
    private struct State {
        var waiting: [Next] = []
        var reader: CheckedContinuation<Next, Never>?
        var reads = 0
        var isAborted = false
    }
    let head: ResponseHead
    private let state = Mutex(State())

    /// An open event stream.
    convenience init(status: Int = 200, type: String = "text/event-stream") {
        self.init(status, type, [:], nil)
    }

    /// With a text: a whole answer.
    init(_ status: Int, _ type: String?, _ fields: [String: String], _ text: String?) {
        var all = HeaderFields()
        if let type { all.add(name: "content-type", value: type) }
        for (name, value) in fields { all.add(name: name, value: value) }
        head = ResponseHead(status: status, fields: all)
        if let text {
            if !text.isEmpty { send(text) }
            end()
        }
    }

    /// Sends bytes, exactly these in one piece.
    func send(_ text: String) { put(.piece(.bytes(Array(text.utf8)))) }
    func send(_ bytes: [UInt8]) { put(.piece(.bytes(bytes))) }
    /// Sends one event with this data.
    func send(event data: String) { send("data: \(data)\n\n") }
    /// Says nothing for as long as the reader is ready to wait.
    func beQuiet() { put(.piece(.quiet)) }
    func end() { put(.piece(.end)) }
    func fail(_ failure: UpstreamFailure) { put(.failure(failure)) }

    /// How often it was read from: what nobody takes must not be read.
    var reads: Int { state.withLock { $0.reads } }
    var isAborted: Bool { state.withLock { $0.isAborted } }

    private func put(_ next: Next) {
        let reader = state.withLock { state -> CheckedContinuation<Next, Never>? in
            guard let reader = state.reader.take() else {
                state.waiting.append(next)
                return nil
            }
            return reader
        }
        reader?.resume(returning: next)
    }

    // MARK: ServerAnswer

    func next(quietAfter patience: Duration) async throws(UpstreamFailure) -> UpstreamPiece {
        let next = await withCheckedContinuation { (reader: CheckedContinuation<Next, Never>) in
            let ready = state.withLock { state -> Next? in
                state.reads += 1
                if state.isAborted { return .failure(.aborted) }
                if state.waiting.isEmpty {
                    state.reader = reader
                    return nil
                }
                return state.waiting.removeFirst()
            }
            if let ready { reader.resume(returning: ready) }
        }
        switch next {
        case .piece(let piece): return piece
        case .failure(let failure): throw failure
        }
    }

    func whole(limit: Int) async throws(UpstreamFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        while case .bytes(let piece) = try await next(quietAfter: .seconds(60)) {
            bytes += piece
            guard bytes.count <= limit else { throw .tooLarge }
        }
        return bytes
    }

    func abort() {
        let reader = state.withLock { state in
            state.isAborted = true
            return state.reader.take()
        }
        reader?.resume(returning: .failure(.aborted))
    }
}

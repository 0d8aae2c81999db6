import Bytes
import HTTP
import JSON

/// What tests ask of the server beside MCP: what reached it, and what it shall do wrong next.
struct SampleControl: Sendable {
    private var counts: [ByteString: Int] = [:]
    private var tools: [ByteString: Int] = [:]
    private var received: [JSONValue] = []
    private var dropped = 0
    private var faults: [SampleFault] = []
    private(set) var cancelled = 0

    private static let keptRequests = 20_000
    private static let keptFaults = 100
    private static let shownBody = 65_536

    /// Counts and keeps one request. Its credential is kept too: tests must see whose it was.
    mutating func note(_ head: RequestHead, _ body: [UInt8]) {
        counts["requests", default: 0] += 1
        guard received.count < Self.keptRequests else {
            dropped += 1
            return
        }
        var fields: [JSONMember] = []
        head.fields.forEach { name, value in fields.append(JSONMember(name, .string(value))) }
        received.append([
            "method": .string(head.method.name), "path": .string(head.path), "fields": .object(fields),
            "body": .string(ByteString(body.prefix(Self.shownBody))),
        ])
    }

    /// Counts a JSON-RPC method, and a tool.
    mutating func count(_ method: ByteString, tool: ByteString?) {
        counts[method, default: 0] += 1
        if let tool { tools[tool, default: 0] += 1 }
    }

    /// Counts work that a client called off.
    mutating func countCancelled() { cancelled += 1 }

    /// What to do wrong with this request, if anything; used up by asking.
    mutating func fault(method: ByteString, tool: ByteString?) -> SampleFault? {
        guard let place = faults.firstIndex(where: { $0.concerns(method, tool) }) else { return nil }
        let fault = faults[place]
        faults[place].times -= 1
        if faults[place].times <= 0 { faults.remove(at: place) }
        return fault
    }

    /// Takes an order. False when it names no known kind.
    mutating func order(_ order: JSONValue) -> Bool {
        guard let fault = SampleFault(order), faults.count < Self.keptFaults else { return false }
        faults.append(fault)
        return true
    }

    /// Everything that reached the server, from request number `since` on.
    func report(since: Int, sessions: Int) -> JSONValue {
        func sorted(_ counts: [ByteString: Int]) -> JSONValue {
            .object(counts.sorted { $0.key < $1.key }.map { JSONMember($0.key, .integer($0.value)) })
        }
        return [
            "counts": sorted(counts), "tools": sorted(tools), "sessions": .integer(sessions),
            "cancelled": .integer(cancelled), "faults": .integer(faults.count), "dropped": .integer(dropped),
            "received": .array(Array(received.dropFirst(max(0, since)))),
        ]
    }
}

/// One thing to do wrong, so many times, with the requests it concerns.
struct SampleFault: Sendable {
    enum Kind: String {
        /// Answer with `status`, `fields` and `body` instead of working.
        case status
        /// Work, then cut the connection after `bytes` of the answer (0: before its head).
        case cut
        /// Work, then call the answer `type`.
        case type
        /// Work, then answer gzip-coded.
        case gzip
        /// Wait `seconds` before the head of the answer.
        case slow
        /// Wait `seconds` in the middle of the answer.
        case stall
        /// Answer with another `id` than the request's.
        case id
        /// Answer as an event stream: `bom`, `event`, `before` (messages), `unfinished` (no blank line at the end).
        case sse
        /// Answer with `body` as it stands (`@ID@` is the request's id), `type` and `status`.
        case raw
        /// Answer with a text of `bytes` bytes.
        case huge
        /// Answer 307 to `location`.
        case redirect
    }

    let kind: Kind
    var times: Int
    let options: JSONValue

    init?(_ order: JSONValue) {
        guard let kind = order.text("fault").flatMap({ Kind(rawValue: $0.text) }) else { return nil }
        self.kind = kind
        times = order.number("times") ?? 1
        options = order
    }

    /// Whether this request is meant: by JSON-RPC method (or GET, DELETE) and by tool, where the order names them.
    func concerns(_ method: ByteString, _ tool: ByteString?) -> Bool {
        if let wanted = options.text("method"), wanted != method { return false }
        if let wanted = options.text("tool"), wanted != tool { return false }
        return true
    }
}

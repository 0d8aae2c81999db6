import Bytes
import HTTP
import JSON
import Synchronization

extension SampleServer {
    /// `/sample/control`: GET reports, POST orders a fault or an announcement, DELETE begins again.
    func control(_ exchange: any Exchange) async throws(ExchangeFailure) {
        switch exchange.head.method {
        case .get:
            let since = exchange.head.query.flatMap { Int($0.text.split(separator: "=").last ?? "") } ?? 0
            let report = state.withLock { $0.control.report(since: since, sessions: $0.sessions.count) }
            try await exchange.respond(Response(status: 200, type: "application/json", body: report.encoded()))
        case .post:
            let body = try await exchange.readBody(limit: Self.bodyLimit)
            guard let document = try? JSONDocument(parsing: body), obey(document.value(document.root)) else {
                return try await exchange.respond(plain(400, "no such order"))
            }
            try await exchange.respond(Response(status: 204))
        case .delete:
            let sessions = state.withLock { state in
                defer { state = State(nextStream: state.nextStream) }
                return Array(state.sessions.values)
            }
            for session in sessions { session.end() }
            try await exchange.respond(Response(status: 204))
        default:
            try await exchange.respond(plain(405, "GET, POST or DELETE"))
        }
    }

    /// An order: `{"fault": …}`, `{"announce": message}` to every session's GET stream, or `{"forget": "sessions"}`.
    private func obey(_ order: JSONValue) -> Bool {
        if let message = order["announce"] {
            for session in state.withLock({ Array($0.sessions.values) }) {
                session.announcements.publish(message.encoded())
            }
            tellSubscribers(message)
            return true
        }
        if order["forget"] == "sessions" {
            let sessions = state.withLock { state in
                defer { (state.sessions, state.sessionOrder) = ([:], []) }
                return Array(state.sessions.values)
            }
            for session in sessions { session.end() }
            return true
        }
        return state.withLock { $0.control.order(order) }
    }

    /// Answers wrongly, as ordered. `answer` is what the right answer's body would have been.
    func misbehave(
        _ fault: SampleFault, on exchange: any Exchange, answer: [UInt8], id: JSONValue? = nil
    ) async throws(ExchangeFailure) {
        let options = fault.options
        var response = Response(status: options.number("status") ?? 200)
        response.fields.add(name: "content-type", value: options.text("type") ?? "application/json")
        for field in options["fields"]?.members ?? [] {
            response.fields.add(name: field.name, value: field.value.stringValue ?? "")
        }
        response.body = answer
        switch fault.kind {
        case .status, .raw:
            response.body = filled(options.text("body") ?? "", with: id)
        case .redirect:
            response.status = options.number("status") ?? 307
            response.fields.add(name: "location", value: options.text("location") ?? "/elsewhere")
            response.body = []
        case .gzip:
            response.fields.add(name: "content-encoding", value: "gzip")
            response.body = gzipped(answer)
        case .id:
            response.body = renamed(answer, options["id"] ?? 4711)
        case .cut, .stall:
            return try await breakOff(fault, on: exchange, head: response)
        case .sse:
            return try await streamWrongly(options, on: exchange, answer: answer)
        case .huge:
            return try await flood(options.number("bytes") ?? 0, on: exchange, head: response, id: id)
        case .type, .slow:
            break
        }
        try await exchange.respond(response)
    }

    private func filled(_ text: ByteString, with id: JSONValue?) -> [UInt8] {
        let parts = text.text.split(separator: "@ID@", omittingEmptySubsequences: false)
        return Array(parts.joined(separator: (id ?? .null).encodedText).utf8)
    }

    private func renamed(_ answer: [UInt8], _ id: JSONValue) -> [UInt8] {
        guard let document = try? JSONDocument(parsing: answer) else { return answer }
        var value = document.value(document.root)
        value.set("id", id)
        return value.encoded()
    }

    private func breakOff(
        _ fault: SampleFault, on exchange: any Exchange, head: Response
    ) async throws(ExchangeFailure) {
        let count = fault.options.number("bytes") ?? head.body.count / 2
        guard fault.kind == .stall || count > 0 else { return exchange.cut() }
        try await exchange.beginStream(ResponseHead(status: head.status, fields: head.fields))
        try await exchange.write(Array(head.body.prefix(count)))
        guard fault.kind == .stall else { return exchange.cut() }
        await pause(fault.options)
        try await exchange.write(Array(head.body.dropFirst(count)))
        try await exchange.endStream()
    }

    private func streamWrongly(
        _ options: JSONValue, on exchange: any Exchange, answer: [UInt8]
    ) async throws(ExchangeFailure) {
        var out: [UInt8] = options["bom"] == true ? [0xef, 0xbb, 0xbf] : []
        for message in options["before"]?.elements ?? [] {
            ServerSentEvent(data: message.encoded()).encode(into: &out)
        }
        ServerSentEvent(event: options.text("event"), data: answer).encode(into: &out)
        if options["unfinished"] == true { out.removeLast() }
        if let lineEnd = options.text("line_end") {
            out = Array(out.map { $0 == 0x0a ? lineEnd.bytes : [$0] }.joined())
        }
        var head = ResponseHead(status: 200)
        head.fields.add(name: "content-type", value: options.text("type") ?? "text/event-stream")
        try await exchange.beginStream(head)
        // In small pieces: readers must not depend on where the bytes were split.
        let piece = max(1, options.number("piece") ?? out.count)
        for begin in stride(from: 0, to: out.count, by: piece) {
            try await exchange.write(Array(out[begin..<min(out.count, begin + piece)]))
        }
        try await exchange.endStream()
    }

    private func flood(
        _ count: Int, on exchange: any Exchange, head: Response, id: JSONValue?
    ) async throws(ExchangeFailure) {
        try await exchange.beginStream(ResponseHead(status: head.status, fields: head.fields))
        let begin =
            "{\"jsonrpc\":\"2.0\",\"id\":\((id ?? .null).encodedText),\"result\":{\"content\":[{\"type\":\"text\",\"text\":\""
        try await exchange.write(Array(begin.utf8))
        let piece = [UInt8](repeating: 0x61, count: 65_536)
        var left = min(count, 1 << 30)
        while left > 0 {
            try await exchange.write(left < piece.count ? Array(piece.prefix(left)) : piece)
            left -= piece.count
        }
        try await exchange.write(Array("\"}]}}".utf8))
        try await exchange.endStream()
    }
}

extension JSONValue {
    /// The value as JSON text.
    var encodedText: String { String(decoding: encoded(), as: UTF8.self) }
}

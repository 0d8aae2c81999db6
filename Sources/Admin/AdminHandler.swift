import Bytes
public import HTTP
import JSON
public import Telemetry

/// What stands in the way of serving; empty when nothing does.
///
/// Read at every question, so it must be quick and must not block.
public typealias Readiness = @Sendable () -> [Obstacle]

/// One thing without which the proxy refuses every call.
public struct Obstacle: Hashable, Sendable {
    /// Which part of the proxy, such as `audit`.
    public let part: String
    /// What is wrong, for people. Never holds a secret.
    public let reason: String

    /// One thing that stands in the way.
    public init(part: String, reason: String) {
        self.part = part
        self.reason = reason
    }
}

/// What operators ask: is it alive, is it ready, how is it doing. It only tells, and knows no client; which hosts it may be
/// asked as is the edge's rule.
public struct AdminHandler: Sendable {
    private let metrics: Metrics
    private let readiness: Readiness

    /// A handler that shows these numbers and this readiness.
    public init(metrics: Metrics, readiness: @escaping Readiness) {
        self.metrics = metrics
        self.readiness = readiness
    }

    /// Answers one exchange.
    public func handle(_ exchange: any Exchange) async {
        let answer = response(to: exchange.head)
        // A client that left doesn't hear the answer, and nothing depends on it.
        try? await Responder(exchange).send(answer)
    }

    func response(to head: RequestHead) -> Response {
        guard ["/healthz", "/readyz", "/metrics"].contains(where: { head.path == ByteString($0) }) else {
            return plain(404, "not found")
        }
        guard head.method == .get || head.method == .head else {
            var refusal = plain(405, "only GET and HEAD")
            refusal.fields.add(name: "allow", value: "GET, HEAD")
            return refusal
        }
        // The edge sends the head of an answer to HEAD, and no body.
        var answer = self.answer(to: head.path)
        answer.fields.add(name: "cache-control", value: "no-store")
        return answer
    }

    private func answer(to path: ByteString) -> Response {
        switch path.text {
        case "/healthz": json(200, "alive", because: [])
        case "/readyz": ready(readiness())
        default: Response(status: 200, type: Metrics.contentType, body: metrics.exposition())
        }
    }

    private func ready(_ obstacles: [Obstacle]) -> Response {
        obstacles.isEmpty ? json(200, "ready", because: []) : json(503, "not ready", because: obstacles)
    }

    private func json(_ status: Int, _ word: String, because obstacles: [Obstacle]) -> Response {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("status")
        writer.string(word)
        if !obstacles.isEmpty {
            writer.key("reasons")
            writer.beginArray()
            for obstacle in obstacles {
                writer.beginObject()
                writer.key("part")
                writer.string(obstacle.part)
                writer.key("reason")
                writer.string(obstacle.reason)
                writer.endObject()
            }
            writer.endArray()
        }
        writer.endObject()
        return Response(status: status, type: "application/json", body: writer.bytes + [UInt8(ascii: "\n")])
    }

    private func plain(_ status: Int, _ text: String) -> Response {
        Response(status: status, type: "text/plain; charset=utf-8", body: Array((text + "\n").utf8))
    }
}

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

/// What operators ask: is it alive, is it ready, how is it doing; anybody is told. Everything else is the admin API's, which
/// wants to know who asks. Which hosts it may be asked as is the edge's rule.
public struct AdminHandler: Sendable {
    private let metrics: Metrics
    private let readiness: Readiness
    private let api: AdminAPI?

    /// The paths that are told to anybody.
    static let told = ["/healthz", "/readyz", "/metrics"]

    /// A handler that shows these numbers and this readiness, and has the API do the rest.
    public init(metrics: Metrics, api: AdminAPI? = nil, readiness: @escaping Readiness) {
        self.metrics = metrics
        self.readiness = readiness
        self.api = api
    }

    /// Answers one exchange.
    public func handle(_ exchange: any Exchange) async {
        let answer: Response
        if let api, !AdminHandler.told.contains(where: { exchange.head.path == ByteString($0) }) {
            answer = await api.answer(exchange)
        } else {
            answer = response(to: exchange.head)
        }
        // A client that left doesn't hear the answer, and nothing depends on it.
        try? await Responder(exchange).send(answer)
    }

    func response(to head: RequestHead) -> Response {
        guard AdminHandler.told.contains(where: { head.path == ByteString($0) }) else {
            return AdminError(404, "there is nothing at this address").response
        }
        guard head.method == .get || head.method == .head else {
            return AdminError(405, "this address takes GET, HEAD", fields: [("allow", "GET, HEAD")]).response
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
}

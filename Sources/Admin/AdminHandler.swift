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

/// The listener for operators: is it alive, is it ready, how is it doing. It only tells, and knows no client.
public struct AdminHandler: Sendable {
    /// Which `Host` headers are taken.
    public enum Hosts: Sendable {
        /// Those of this machine. A web page that gives its own name our address (DNS rebinding) then reads nothing.
        case loopback
        /// Any; for a listener that other machines reach by names we don't know, over TLS.
        case any
    }

    private let metrics: Metrics
    private let readiness: Readiness
    private let hosts: Hosts

    /// A handler that shows these numbers and this readiness.
    public init(metrics: Metrics, hosts: Hosts = .loopback, readiness: @escaping Readiness) {
        self.metrics = metrics
        self.hosts = hosts
        self.readiness = readiness
    }

    /// Answers one exchange.
    public func handle(_ exchange: any Exchange) async {
        let answer = response(to: exchange.head)
        // A client that left doesn't hear the answer, and nothing depends on it.
        try? await Responder(exchange).send(answer)
    }

    func response(to head: RequestHead) -> Response {
        guard hosts == .any || AdminHandler.isLoopback(head.host) else {
            return plain(421, "not a host of this listener")
        }
        guard ["/healthz", "/readyz", "/metrics"].contains(where: { head.path == ByteString($0) }) else {
            return plain(404, "not found")
        }
        guard head.method == .get || head.method == .head else {
            var refusal = plain(405, "only GET and HEAD")
            refusal.fields.add(name: "allow", value: "GET, HEAD")
            return refusal
        }
        var answer = self.answer(to: head.path)
        if head.method == .head { answer.body = [] }
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

    /// `host` is lower-cased and includes the port.
    private static func isLoopback(_ host: ByteString) -> Bool {
        let text = host.text
        let name = text.hasPrefix("[") ? text.prefix { $0 != "]" }.dropFirst() : text.prefix { $0 != ":" }
        return ["localhost", "::1"].contains { name.utf8.elementsEqual($0.utf8) }
            || name.hasPrefix("127.") && name.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    }
}

import Bytes
import HTTP
import KomainuTesting
import Synchronization
import Telemetry
import Testing

@testable import Admin

private func ask(
    _ path: ByteString, method: HTTPMethod = .get, obstacles: [Obstacle] = [],
    metrics: Metrics = Metrics()
) async -> (status: Int?, body: String, exchange: MemoryExchange) {
    let head = RequestHead(method: method, path: path, fields: HeaderFields(), host: "127.0.0.1:9443")
    let exchange = MemoryExchange(head: head)
    await AdminHandler(metrics: metrics) { obstacles }.handle(exchange)
    return (exchange.status, String(decoding: exchange.pieces.joined(), as: UTF8.self), exchange)
}

@Suite struct `The admin listener` {
    @Test func `is alive whenever it answers`() async {
        let answer = await ask("/healthz", obstacles: [Obstacle(part: "audit", reason: "disk full")])
        #expect(answer.status == 200)
        #expect(answer.body == "{\"status\":\"alive\"}\n")
        #expect(answer.exchange.fields["cache-control"] == "no-store")
    }

    @Test func `is ready when nothing stands in the way`() async {
        let answer = await ask("/readyz")
        #expect(answer.status == 200)
        #expect(answer.body == "{\"status\":\"ready\"}\n")
    }

    @Test func `says everything that stands in the way`() async {
        let answer = await ask(
            "/readyz",
            obstacles: [Obstacle(part: "audit", reason: "disk \"full\""), Obstacle(part: "state", reason: "locked")])
        #expect(answer.status == 503)
        #expect(
            answer.body
                == #"{"status":"not ready","reasons":[{"part":"audit","reason":"disk \"full\""},{"part":"state","reason":"locked"}]}"#
                + "\n")
    }

    @Test func `shows the metrics as Prometheus reads them`() async {
        let metrics = Metrics()
        metrics.counter("c_total", help: "C.").add(3)
        let answer = await ask("/metrics", metrics: metrics)
        #expect(answer.status == 200)
        #expect(answer.exchange.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(answer.body.hasSuffix("c_total 3\n"))
    }

    @Test(arguments: ["/", "/healthz/", "/HEALTHZ", "/v1/upstreams", "//healthz", "/metrics/x"] as [ByteString])
    func `has nothing else`(path: ByteString) async { #expect(await ask(path).status == 404) }

    @Test(arguments: [HTTPMethod.post, .delete, .options, .other("PUT"), .other("get")])
    func `only tells`(method: HTTPMethod) async {
        let answer = await ask("/metrics", method: method)
        #expect(answer.status == 405)
        #expect(answer.exchange.fields["allow"] == "GET, HEAD")
    }

    @Test func `answers HEAD as GET, whose body the edge leaves out`() async {
        let answer = await ask("/readyz", method: .head, obstacles: [Obstacle(part: "a", reason: "b")])
        #expect(answer.status == 503)
        #expect(answer.body.hasPrefix("{\"status\":\"not ready\""))
    }
}

import Bytes
import Edge
import HTTP
import JSON
import OpenSSL
import Reactor
import Synchronization
import System
import Telemetry
import Testing

/// An edge on a loop of its own, clients beside it, and what was refused.
struct House: Sendable {
    let loop: EventLoop
    let listener: Listener
    let witness: Witness
    let trust: ClientContext
    /// The same for clients that offer `h2` alone.
    let trustHTTP2: ClientContext

    /// Serves with `handler` while `body` runs on the same loop.
    static func with(
        handler: any ExchangeHandler = Echo(), tls: Bool = true, witness: Witness = Witness(),
        settings change: (inout EdgeSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (House) async throws -> Void
    ) async throws {
        let (trust, trustHTTP2, server) = try certificates.get()
        var settings = EdgeSettings(
            listen: .loopback(port: 0), tls: tls ? server : nil, allowedHosts: ["proxy.test", "[::1]:8443"])
        settings.times.linger = .milliseconds(200)
        change(&settings)
        let loop = try EventLoop(name: "edge-test")
        try loop.start()
        let listener = Listener(settings, handler: handler, observer: witness, metrics: Metrics())
        try listener.start(on: loop)
        let house = House(loop: loop, listener: listener, witness: witness, trust: trust, trustHTTP2: trustHTTP2)
        let result: Result<Void, any Error> = await withCheckedContinuation { continuation in
            loop.spawn {
                do {
                    continuation.resume(returning: .success(try await body(house)))
                } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        stop(loop)
        try result.get()
    }

    /// Connects; `tls` as the house has it.
    func client(tls: Bool = true) async throws -> Client {
        Client(
            try await ByteStream.connect(
                .loopback(port: UInt16(listener.port)), tls: tls ? trust : nil, serverName: "localhost",
                deadline: .now + .seconds(10)))
    }

    /// Connects a client of HTTP/2, which has said nothing yet.
    func http2Client() async throws -> HTTP2Client {
        HTTP2Client(
            try await ByteStream.connect(
                .loopback(port: UInt16(listener.port)), tls: trustHTTP2, serverName: "localhost",
                deadline: .now + .seconds(10)))
    }

    /// What a client of this house trusts that offers to speak these protocols.
    func trusting(_ protocols: [String]) throws -> ClientContext {
        try ClientContext(trusting: .only(try Self.authority.get().certificate), offering: protocols)
    }

    private static func stop(_ loop: EventLoop) { loop.stop() }

    private static let authority = Result { () throws(OpenSSLFailure) in
        try CertificateMaker.authority(named: "edge tests", days: 1)
    }

    private static let certificates = Result { () throws(OpenSSLFailure) in
        let authority = try House.authority.get()
        let key = try CertificateMaker.server(
            names: [ServerName("localhost"), ServerName("127.0.0.1")], days: 1, signedBy: authority)
        return (
            try ClientContext(trusting: .only(authority.certificate)),
            try ClientContext(trusting: .only(authority.certificate), offering: ["h2"]),
            try ServerContext(chain: key.certificate, key: key.key, http2: true)
        )
    }
}

/// A client that sends exactly the bytes it is told to.
final class Client {
    let stream: ByteStream
    private var unread: [UInt8] = []

    init(_ stream: ByteStream) { self.stream = stream }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws { try await stream.write(bytes, deadline: .now + .seconds(10)) }

    /// Everything that comes until the server closes (true) or is silent for `patience` (false).
    func everything(patience: Duration = .milliseconds(600)) async -> (bytes: [UInt8], closed: Bool) {
        var bytes = unread
        unread = []
        do throws(StreamFailure) {
            while try await stream.read(into: &bytes, atMost: 1 << 16, deadline: .now + patience) > 0 {}
            return (bytes, true)
        } catch {
            return (bytes, error != .timedOut)
        }
    }

    /// The next answer, without interim ones; nil when the connection ends first.
    func answer(to method: HTTPMethod = .get, patience: Duration = .seconds(5)) async throws -> Answer? {
        var parser = ResponseParser(requestMethod: method)
        var bytes = unread
        unread = []
        while true {
            if let (head, consumed) = try parser.parse(bytes.span) {
                bytes.removeFirst(consumed)
                if head.status == 100 { continue }
                var decoder = BodyDecoder(framing: head.framing)
                var body: [UInt8] = []
                while true {
                    bytes.removeFirst(try decoder.decode(bytes.span, into: &body))
                    if decoder.isComplete { break }
                    guard try await stream.read(into: &bytes, atMost: 1 << 16, deadline: .now + patience) > 0 else {
                        try decoder.end()
                        break
                    }
                }
                unread = bytes
                return Answer(head: head, body: body)
            }
            guard try await stream.read(into: &bytes, atMost: 1 << 16, deadline: .now + patience) > 0 else {
                return nil
            }
        }
    }

    /// Whether the server ends the connection properly within `patience`.
    func ends(within patience: Duration = .seconds(5)) async -> Bool {
        var bytes: [UInt8] = []
        return (try? await stream.read(into: &bytes, atMost: 1, deadline: .now + patience)) == 0
    }
}

/// An answer as a client understands it.
struct Answer {
    let head: ResponseHead
    let body: [UInt8]

    var status: Int { head.status }
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// Remembers what the edge refused.
final class Witness: RefusalObserver {
    private let seen = Mutex<[EdgeRefusal]>([])
    private let takes: Duration

    /// `takes`: how long writing a record takes.
    init(takes: Duration = .zero) { self.takes = takes }

    func refused(_ refusal: EdgeRefusal) async {
        if takes > .zero { await EventLoop.current.sleep(for: takes) }
        seen.withLock { $0.append(refusal) }
    }

    var refusals: [EdgeRefusal] { seen.withLock { $0 } }
    var codes: [String] { refusals.map(\.code) }
}

/// Answers with what it was asked, as `corpora/http1/tools/upstream.py` does; media types are checked as the gateway checks
/// them.
struct Echo: ExchangeHandler {
    func handle(_ exchange: any Exchange) async {
        try? await answer(exchange)
    }

    private func answer(_ exchange: any Exchange) async throws(ExchangeFailure) {
        let head = exchange.head
        if head.method == .post, head.fields.contains("content-type"),
            head.fields["content-type"].flatMap(MediaType.init)?.isJSON != true
        {
            return try await exchange.respond(Response(status: 415))
        }
        let body: [UInt8]
        do throws(ExchangeFailure) {
            body = try await exchange.readBody(limit: 4 << 20)
        } catch {
            return try await exchange.respond(Response(status: error == .tooLarge ? 413 : 400))
        }
        var target = head.path.bytes
        if let query = head.query { target += [0x3f] + query.bytes }
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("method")
        writer.string(head.method.name)
        writer.key("target")
        writer.string(ByteString(target))
        writer.key("body_b64")
        writer.string(Base64.encode(body))
        writer.endObject()
        var response = Response(status: 200, type: "application/json", body: writer.bytes)
        response.fields.add(name: "x-upstream", value: "1")
        try await exchange.respond(response)
    }
}

/// Answers with a closure.
struct Answering: ExchangeHandler {
    let answer: @Sendable (any Exchange) async -> Void

    init(_ answer: @escaping @Sendable (any Exchange) async -> Void) { self.answer = answer }

    func handle(_ exchange: any Exchange) async { await answer(exchange) }
}

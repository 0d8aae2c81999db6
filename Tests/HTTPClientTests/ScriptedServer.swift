import Bytes
import HTTP
import OpenSSL
import Reactor
import System

@testable import HTTPClient

/// A server on 127.0.0.1 that does what the test's script says, on the test's own loop.
final class ScriptedServer {
    private(set) var connections = 0
    private(set) var open = 0
    private(set) var requests: [Visit.Request] = []
    private var acceptor: Acceptor?

    /// Calls `script` once for each connection; when it returns, the connection is closed properly.
    init(tls: ServerContext?, _ script: @escaping (Visit) async throws -> Void) throws {
        let loop = EventLoop.current
        acceptor = try Acceptor(on: .loopback(port: 0), sharingPort: false) { [unowned self] socket, _ in
            let number = socket.release()
            connections += 1
            let connection = connections
            loop.spawnHere { [weak self] in
                self?.open += 1
                do throws(StreamFailure) {
                    let stream = try await ByteStream.accepted(
                        Descriptor(owning: number), tls: tls, deadline: .now + .seconds(10))
                    let visit = Visit(stream, connection, self)
                    try? await script(visit)
                    stream.close()
                } catch {}
                self?.open -= 1
            }
        }
    }

    var port: Int { Int(acceptor?.address.port ?? 0) }

    func stop() { acceptor?.stop() }

    func note(_ request: Visit.Request) { requests.append(request) }
}

/// One connection, as the script sees it.
final class Visit {
    struct Request {
        let head: RequestHead
        let body: [UInt8]
        /// The head as it came.
        let raw: String
    }

    let stream: ByteStream
    /// 1 for the first connection to this server.
    let connection: Int
    private weak var server: ScriptedServer?
    private var unread: [UInt8] = []

    init(_ stream: ByteStream, _ connection: Int, _ server: ScriptedServer?) {
        self.stream = stream
        self.connection = connection
        self.server = server
    }

    /// The next whole request; nil when the client has closed.
    func request(connect: Bool = false) async throws -> Request? {
        var parser = RequestParser()
        while true {
            if connect, let end = headEnd {
                let raw = String(decoding: unread[..<end], as: UTF8.self)
                unread.removeFirst(end)
                let head = RequestHead(method: .other("CONNECT"), path: ByteString(raw))
                server?.note(Request(head: head, body: [], raw: raw))
                return Request(head: head, body: [], raw: raw)
            }
            let bytes = unread
            if !connect, let (head, consumed) = try parser.parse(bytes.span) {
                let raw = String(decoding: unread[..<consumed], as: UTF8.self)
                unread.removeFirst(consumed)
                let request = Request(head: head, body: try await body(head), raw: raw)
                server?.note(request)
                return request
            }
            guard try await more() else { return nil }
        }
    }

    func send(_ text: String) async throws {
        try await stream.write(Array(text.utf8), deadline: .now + .seconds(10))
    }

    func send(_ bytes: [UInt8]) async throws {
        try await stream.write(bytes, deadline: .now + .seconds(10))
    }

    func pause(_ duration: Duration) async { await stream.loop.sleep(for: duration) }

    /// Answers every request of this connection with 200 and this text.
    func serve(_ text: String, fields: String = "") async throws {
        while try await request() != nil {
            try await send("HTTP/1.1 200 OK\r\n\(fields)content-length: \(text.utf8.count)\r\n\r\n\(text)")
        }
    }

    private var headEnd: Int? {
        let mark = Array("\r\n\r\n".utf8)
        guard unread.count >= 4 else { return nil }
        return (0...(unread.count - 4)).first { Array(unread[$0..<$0 + 4]) == mark }.map { $0 + 4 }
    }

    private func body(_ head: RequestHead) async throws -> [UInt8] {
        var decoder = BodyDecoder(framing: head.framing)
        var body: [UInt8] = []
        while true {
            let bytes = unread
            unread.removeFirst(try decoder.decode(bytes.span, into: &body))
            if decoder.isComplete { return body }
            guard try await more() else { return body }
        }
    }

    private func more() async throws -> Bool {
        var buffer = unread
        let count = try await stream.read(into: &buffer, atMost: 65_536, deadline: .now + .seconds(10))
        unread = buffer
        return count > 0
    }
}

import Bytes
import HTTP
import OpenSSL
import Reactor
import System
import Testing

@testable import HTTPClient

/// What the tests of the client share: an authority, certificates, and the threads beside the loops.
struct House: Sendable {
    static let shared = House()
    let authority: CertifiedKey
    let certificate: CertifiedKey
    let server: ServerContext
    let resolver: Resolver
    let files: ThreadPool

    // swift-format-ignore: NeverUseForceTry
    private init() {
        authority = try! CertificateMaker.authority(named: "Komainu test authority", days: 30)
        certificate = try! CertificateMaker.server(
            names: [.dns("localhost"), .dns("api.test"), .address("127.0.0.1")], days: 30, signedBy: authority)
        server = try! ServerContext(chain: certificate.certificate, key: certificate.key)
        resolver = try! Resolver(threads: 2) { host throws(ResolutionFailure) in
            guard host == "localhost" || host.hasSuffix(".test") else {
                throw ResolutionFailure(host: host, reason: "unknown", isTemporary: false)
            }
            return [.loopback(port: 0)]
        }
        files = try! ThreadPool(name: "files", threads: 1)
    }

    /// Settings for a scripted server.
    func settings(port: Int, host: String = "localhost", secure: Bool = true) throws -> UpstreamSettings {
        var settings = UpstreamSettings(url: try UpstreamURL("http\(secure ? "s" : "")://\(host):\(port)/mcp"))
        settings.authorities = .only(authority.certificate)
        return settings
    }

    func client(_ settings: UpstreamSettings) throws -> UpstreamClient {
        UpstreamClient(try UpstreamServer(settings, resolver: resolver, files: files))
    }
}

/// A loop that runs while a test does.
func withLoop<Value: Sendable>(
    _ body: @escaping @Sendable (EventLoop) async throws -> Value
) async throws -> Value {
    let loop = try EventLoop(name: "test")
    try loop.start()
    let result: Result<Value, any Error> = await withCheckedContinuation { continuation in
        loop.spawn {
            do {
                continuation.resume(returning: .success(try await body(loop)))
            } catch {
                continuation.resume(returning: .failure(error))
            }
        }
    }
    stop(loop)
    #expect(loop.liveTasks == 0)
    return try result.get()
}

private func stop(_ loop: EventLoop) { loop.stop() }

/// A tool call to a scripted server, to its end: the answer's status and body, or why there is none.
func call(
    _ client: UpstreamClient, _ body: String = "{}", timing: UpstreamTiming? = nil
) async throws(RequestFailure) -> (status: Int, body: String) {
    var fields = HeaderFields()
    fields.add(name: "content-type", value: "application/json")
    let answer = try await client.send(
        UpstreamRequest(method: .post, fields: fields, body: Array(body.utf8)), timing: timing)
    return (answer.head.status, String(decoding: try await answer.whole(limit: 1 << 20), as: UTF8.self))
}

/// What a call to a server with this script fails with; nil when it does not fail.
func failure(
    secure: Bool = true, timing: UpstreamTiming? = nil, _ change: (inout UpstreamSettings) -> Void = { _ in },
    _ script: @escaping (Visit) async throws -> Void
) async throws -> RequestFailure? {
    let server = try ScriptedServer(tls: secure ? House.shared.server : nil, script)
    var settings = try House.shared.settings(port: server.port, secure: secure)
    change(&settings)
    let client = try House.shared.client(settings)
    var failure: RequestFailure?
    do throws(RequestFailure) {
        _ = try await call(client, timing: timing)
    } catch {
        failure = error
    }
    #expect(client.openConnections == 0 || failure == nil)
    server.stop()
    client.close()
    return failure
}

/// The usual times, one of them short.
func short(_ phase: WritableKeyPath<UpstreamTiming, Duration>, _ milliseconds: Int) -> UpstreamTiming {
    var timing = UpstreamTiming()
    timing[keyPath: phase] = .milliseconds(milliseconds)
    return timing
}

/// Waits until something is so, at most five seconds: the machine may be busy.
func eventually(_ condition: () -> Bool, sourceLocation: SourceLocation = #_sourceLocation) async {
    let loop = EventLoop.current
    let deadline = MonotonicTime.now + .seconds(5)
    while !condition(), MonotonicTime.now < deadline { await loop.sleep(for: .milliseconds(2)) }
    #expect(condition(), sourceLocation: sourceLocation)
}

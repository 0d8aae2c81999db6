import Bytes
import Glibc
import Testing

@testable import OpenSSL

/// Two ends of a TLS connection over a pair of Unix sockets, driven by hand.
private final class Wire {
    var sockets: [Int32] = [-1, -1]
    let server: TLSSession
    let client: TLSSession

    init(_ serverContext: ServerContext, _ clientContext: ClientContext, name: String = "localhost") throws {
        let made = unsafe socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0, &sockets)
        #expect(made == 0)
        server = try TLSSession(server: serverContext, socket: sockets[0])
        client = try TLSSession(client: clientContext, socket: sockets[1], serverName: name)
    }

    deinit {
        for socket in sockets where socket >= 0 { close(socket) }
    }

    func closeSocket(_ index: Int) {
        close(sockets[index])
        sockets[index] = -1
    }

    func allReady() {
        for end in [server, client] {
            end.socketIsReadable()
            end.socketIsWritable()
        }
    }

    /// Both handshakes, to the end or the first failure of each.
    func shakeHands() -> (server: TLSFailure?, client: TLSFailure?) {
        var failures: [TLSFailure?] = [nil, nil]
        var done = [false, false]
        for _ in 0..<20 where !(done[0] && done[1]) {
            for (index, end) in [server, client].enumerated() where !done[index] {
                allReady()
                do throws(TLSFailure) {
                    done[index] = try end.handshake() == .done(0)
                } catch {
                    failures[index] = error
                    done[index] = true
                }
            }
        }
        #expect(done == [true, true])
        return (failures[0], failures[1])
    }

    func read(_ end: TLSSession) throws -> (TLSProgress, [UInt8]) {
        allReady()
        var bytes: [UInt8] = []
        let progress = try end.read(into: &bytes, atMost: 16_384)
        return (progress, bytes)
    }
}

// swift-format-ignore: NeverUseForceTry
private let authority = try! CertificateMaker.authority(named: "Komainu test authority", days: 30)
// swift-format-ignore: NeverUseForceTry
private let localhost = try! CertificateMaker.server(
    names: [.dns("localhost"), .address("127.0.0.1")], days: 30, signedBy: authority)

private func makeServer(_ key: CertifiedKey = localhost, _ clients: ClientCertificates = .ignored) throws
    -> ServerContext
{
    try ServerContext(chain: key.certificate, key: key.key, clients: clients)
}

private func makeClient(
    _ authorities: [UInt8] = authority.certificate, presenting: CertifiedKey? = nil
) throws -> ClientContext {
    try ClientContext(trusting: .only(authorities), presenting: presenting)
}

@Suite struct `A TLS connection` {
    @Test(arguments: ["localhost", "127.0.0.1"])
    func `carries bytes and ends properly`(name: String) throws {
        let wire = try Wire(makeServer(), makeClient(), name: name)
        #expect(wire.shakeHands() == (nil, nil))
        #expect(wire.client.version == "TLSv1.3")
        #expect(wire.client.cipher == "TLS_AES_128_GCM_SHA256")
        #expect(try wire.client.write(Array("..hello".utf8), from: 2) == .done(5))
        #expect(try wire.read(wire.server) == (.done(5), Array("hello".utf8)))
        #expect(try wire.read(wire.server).0 == .needsReadable)
        #expect(try wire.server.write(Array("world".utf8), from: 0) == .done(5))
        wire.server.close()
        #expect(try wire.read(wire.client) == (.done(5), Array("world".utf8)))
        #expect(try wire.read(wire.client).0 == .end)
    }

    @Test func `that just stops is truncated, not ended`() throws {
        let wire = try Wire(makeServer(), makeClient())
        #expect(wire.shakeHands() == (nil, nil))
        _ = try wire.read(wire.client)
        wire.closeSocket(0)
        #expect(throws: TLSFailure.truncated) { try wire.read(wire.client) }
    }

    @Test func `is resumed the second time, and a ticket is used once`() throws {
        let (server, client) = (try makeServer(), try makeClient())
        for expected in [false, true, true] {
            let wire = try Wire(server, client)
            #expect(wire.shakeHands() == (nil, nil))
            #expect(wire.client.isResumed == expected)
            #expect(try wire.read(wire.client).0 == .needsReadable)
        }
        #expect(client.takeSession(for: "localhost") != nil)
        #expect(client.takeSession(for: "127.0.0.1") == nil)
    }

    @Test func `to another server than meant fails by name`() throws {
        for name in ["example.com", "127.0.0.2", "sub.localhost"] {
            let wire = try Wire(makeServer(), makeClient(), name: name)
            guard case .certificate(let failure) = wire.shakeHands().client else {
                Issue.record("\(name) was believed")
                continue
            }
            #expect(failure.kind == .wrongName)
        }
    }

    @Test func `to a server of an unknown authority fails`() throws {
        let other = try CertificateMaker.authority(named: "Another", days: 30)
        let wire = try Wire(makeServer(), makeClient(other.certificate))
        guard case .certificate(let failure) = wire.shakeHands().client else {
            Issue.record("believed")
            return
        }
        #expect(failure.kind == .unknownAuthority)
    }

    @Test func `to a server with an expired certificate, or one not yet valid, fails`() throws {
        for (days, kind) in [(40, CertificateFailure.Kind.expired), (-2, .notYetValid)] {
            let client = try makeClient()
            client.handle.verify(asOf: time(nil) + days * 86_400)
            let wire = try Wire(makeServer(), client)
            guard case .certificate(let failure) = wire.shakeHands().client else {
                Issue.record("believed")
                continue
            }
            #expect(failure.kind == kind)
        }
    }

    @Test func `to a server that shows a client's certificate fails`() throws {
        let wrong = try CertificateMaker.client(named: "localhost", days: 30, signedBy: authority)
        let wire = try Wire(makeServer(wrong), makeClient())
        guard case .certificate = wire.shakeHands().client else {
            Issue.record("believed")
            return
        }
    }

    @Test func `asks the client for its certificate when told to`() throws {
        let known = try CertificateMaker.client(named: "ada", days: 30, signedBy: authority)
        let other = try CertificateMaker.authority(named: "Another", days: 30)
        let unknown = try CertificateMaker.client(named: "eve", days: 30, signedBy: other)
        let required = try makeServer(localhost, .required(authority.certificate))
        let requested = try makeServer(localhost, .requested(authority.certificate))

        let accepted = try Wire(required, makeClient(presenting: known))
        #expect(accepted.shakeHands() == (nil, nil))
        #expect(accepted.server.peerCertificate != nil)
        let without = try Wire(requested, makeClient())
        #expect(without.shakeHands() == (nil, nil))
        #expect(without.server.peerCertificate == nil)

        guard case .certificate(let failure) = try Wire(required, makeClient()).shakeHands().server else {
            Issue.record("let in without a certificate")
            return
        }
        #expect(failure.kind == .missing)
        for server in [required, requested] {
            guard case .certificate(let failure) = try Wire(server, makeClient(presenting: unknown)).shakeHands().server
            else {
                Issue.record("let in with another authority's certificate")
                return
            }
            #expect(failure.kind == .unknownAuthority)
        }
    }

    @Test func `waits for room when the peer does not read`() throws {
        let wire = try Wire(makeServer(), makeClient())
        #expect(wire.shakeHands() == (nil, nil))
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var (sent, received) = (0, [UInt8]())
        var waits = 0
        while received.count < bytes.count {
            wire.allReady()
            sending: while sent < bytes.count {
                switch try wire.server.write(bytes, from: sent) {
                case .done(let count): sent += count
                case .needsWritable:
                    waits += 1
                    break sending
                default: Issue.record("neither")
                }
            }
            reading: while true {
                wire.client.socketIsReadable()
                let before = received.count
                guard case .done = try wire.client.read(into: &received, atMost: 5_000), received.count > before else {
                    break reading
                }
            }
        }
        #expect(received == bytes)
        #expect(waits > 0)
    }

    @Test func `with a peer that talks no TLS fails with a reason`() throws {
        let wire = try Wire(makeServer(), makeClient())
        let request = Array("GET / HTTP/1.1\r\n\r\n".utf8)
        #expect(unsafe send(wire.sockets[1], request, request.count, 0) == request.count)
        guard case .broke(let failure) = #expect(throws: TLSFailure.self, performing: { try wire.server.handshake() })
        else {
            Issue.record("no reason")
            return
        }
        #expect(failure.reasons.contains { $0.contains("http request") })
    }

    @Test(arguments: ["", ".example.com", "example.com.", "exa mple", "a\0b", "é.example"])
    func `is not made to what is no name`(name: String) throws {
        let client = try makeClient()
        #expect(throws: OpenSSLFailure.self) {
            try TLSSession(client: client, socket: -1, serverName: name).version
        }
    }
}

@Suite struct `A TLS context` {
    @Test func `is not made of a key of another certificate, or of nothing`() throws {
        let other = try CertificateMaker.server(names: [.dns("localhost")], days: 30, signedBy: authority)
        #expect(throws: OpenSSLFailure.self) { try ServerContext(chain: localhost.certificate, key: other.key) }
        #expect(throws: OpenSSLFailure.self) { try ServerContext(chain: [], key: localhost.key) }
        #expect(throws: OpenSSLFailure.self) { try ClientContext(trusting: .only([])) }
        let broken =
            localhost.certificate + Array("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".utf8)
        #expect(throws: OpenSSLFailure.self) { try ServerContext(chain: broken, key: localhost.key) }
    }

    @Test func `trusts what the machine trusts`() throws {
        _ = try ClientContext(trusting: .system)
    }
}

import Testing

@testable import System

@Suite struct `A socket address` {
    @Test(arguments: [
        ("127.0.0.1:8443", "127.0.0.1", true), ("0.0.0.0:0", "0.0.0.0", false), ("[::1]:1", "::1", true),
        ("[2001:DB8::1]:65535", "2001:db8::1", false), ("[::ffff:127.0.0.9]:80", "127.0.0.9", true),
        ("[::ffff:8.8.8.8]:80", "8.8.8.8", false),
    ])
    func `is read and told`(text: String, host: String, loopback: Bool) throws {
        let address = try #require(SocketAddress(text))
        #expect(address.hostText == host)
        #expect(address.isLoopback == loopback)
        #expect(SocketAddress(host: host, port: address.port)?.hostText == host)
    }

    @Test(arguments: [
        "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1", "::1:80", "[127.0.0.1]:80", "[::1]",
        "localhost:80", "127.1:80", "127.0.0.01:80", "[::1]:080000",
    ])
    func `that is not one is refused`(text: String) {
        #expect(SocketAddress(text) == nil)
    }
}

@Suite struct `A pair of sockets` {
    @Test func `connects, carries bytes both ways, ends and is reported by the poller`() throws {
        let listener = try Sockets.listen(on: .loopback(port: 0), sharingPort: true)
        let address = try Sockets.localAddress(of: listener.number)
        #expect(address.port != 0)
        #expect(try accept(from: listener) == nil)
        let poller = try Poller()
        try poller.addReading(listener.number, token: 7)
        let client = try Sockets.connect(to: address)
        try poller.add(client.number, token: 8)
        var seen: [UInt64: Readiness] = [:]
        for _ in 0..<50 where seen.count < 2 {
            try poller.wait(milliseconds: 100) { token, ready in seen[token, default: []].formUnion(ready) }
        }
        #expect(seen[7] == .readable)
        #expect(seen[8] == .writable)
        #expect(Sockets.pendingFailure(of: client.number) == nil)
        let server = Descriptor(owning: try #require(try accept(from: listener)))

        var buffer: [UInt8] = [1]
        #expect(Sockets.receive(from: server.number, into: &buffer, atMost: 10) == .wouldBlock)
        #expect(Sockets.send(Array("hello".utf8), from: 1, to: client.number) == .bytes(4))
        let other = try Poller()
        try other.addReading(server.number, token: 1)
        try other.wait(milliseconds: 1_000) { _, _ in }
        #expect(Sockets.receive(from: server.number, into: &buffer, atMost: 3) == .bytes(3))
        #expect(Sockets.receive(from: server.number, into: &buffer, atMost: 10) == .bytes(1))
        #expect(buffer == [1] + Array("ello".utf8))
        Sockets.finishSending(on: client.number)
        try other.wait(milliseconds: 1_000) { _, _ in }
        #expect(Sockets.receive(from: server.number, into: &buffer, atMost: 10) == .end)
    }

    private func freePort() throws -> UInt16 {
        let listener = try Sockets.listen(on: .loopback(port: 0), sharingPort: false)
        defer { _ = listener.number }
        return try Sockets.localAddress(of: listener.number).port
    }

    private func accept(from listener: borrowing Descriptor) throws -> Int32? {
        guard let accepted = try Sockets.accept(from: listener.number) else { return nil }
        #expect(accepted.peer.isLoopback)
        return accepted.releaseSocket().release()
    }

    @Test func `that nobody listens for is refused`() throws {
        let port = try freePort()
        let poller = try Poller()
        do {
            let client = try Sockets.connect(to: .loopback(port: port))
            try poller.add(client.number, token: 1)
            try poller.wait(milliseconds: 1_000) { _, _ in }
            #expect(Sockets.pendingFailure(of: client.number)?.errno == 111)
        } catch {
            #expect(error.errno == 111)
        }
    }
}

@Suite struct `A wake-up` {
    @Test func `from another thread ends the wait`() throws {
        let poller = try Poller()
        let wakeUp = Shared(try WakeUp())
        try poller.addReading(wakeUp.value.number, token: 5)
        let thread = try Thread.start("waker") { wakeUp.value.signal() }
        var token: UInt64?
        try poller.wait(milliseconds: 5_000) { found, _ in token = found }
        #expect(token == 5)
        wakeUp.value.reset()
        token = nil
        try poller.wait(milliseconds: 0) { found, _ in token = found }
        #expect(token == nil)
        thread.join()
    }

    private final class Shared: Sendable {
        let value: WakeUp
        init(_ value: consuming WakeUp) { self.value = value }
    }
}

@Suite struct `A name` {
    @Test func `is resolved from its digits and from the hosts file`() throws {
        #expect(try Resolution.addresses(of: "127.0.0.1", port: 80) == [.loopback(port: 80)])
        #expect(try Resolution.addresses(of: "localhost", port: 81).contains { $0.isLoopback && $0.port == 81 })
    }

    @Test func `that cannot exist fails by name`() {
        let failure = #expect(throws: ResolutionFailure.self) {
            try Resolution.addresses(of: "no-such-host.invalid", port: 80)
        }
        #expect(failure?.host == "no-such-host.invalid")
    }
}

import OpenSSL
import System
import Testing

@testable import Reactor

/// What the tests of streams talk over: an authority, a server's certificate, and both ends' rules.
struct Papers: Sendable {
    static let shared = Papers()
    let authority: CertifiedKey
    let server: ServerContext
    let client: ClientContext

    // swift-format-ignore: NeverUseForceTry
    private init() {
        authority = try! CertificateMaker.authority(named: "Komainu test authority", days: 30)
        let key = try! CertificateMaker.server(
            names: [.dns("localhost"), .address("127.0.0.1")], days: 30, signedBy: authority)
        server = try! ServerContext(chain: key.certificate, key: key.key)
        client = try! ClientContext(trusting: .only(authority.certificate))
    }
}

/// Both ends of a connection, on the current loop.
struct Pair {
    let client: ByteStream
    let server: ByteStream

    static func make(tls: Bool) async throws -> Pair {
        let loop = EventLoop.current
        let box = Box()
        let acceptor = try Acceptor(on: .loopback(port: 0), sharingPort: false) { socket, _ in
            let number = socket.release()
            loop.spawnHere {
                box.stream = try? await ByteStream.accepted(
                    Descriptor(owning: number), tls: tls ? Papers.shared.server : nil, deadline: .now + .seconds(10))
            }
        }
        let client = try await ByteStream.connect(
            acceptor.address, tls: tls ? Papers.shared.client : nil, serverName: "localhost",
            deadline: .now + .seconds(10))
        while box.stream == nil { await loop.sleep(for: .milliseconds(1)) }
        acceptor.stop()
        return Pair(client: client, server: try #require(box.stream))
    }

    private final class Box { var stream: ByteStream? }
}

extension ByteStream {
    func readAll(_ count: Int) async throws(StreamFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let got = try await read(into: &bytes, atMost: count - bytes.count, deadline: .now + .seconds(10))
            if got == 0 { break }
        }
        return bytes
    }
}

@Suite struct `A stream` {
    @Test(arguments: [false, true])
    func `carries bytes both ways and ends properly`(tls: Bool) async throws {
        try await withLoop { _ in
            let pair = try await Pair.make(tls: tls)
            for round in 0..<50 {
                let message = [UInt8](repeating: UInt8(round), count: 1 + round * 997)
                try await pair.client.write(message, deadline: nil)
                #expect(try await pair.server.readAll(message.count) == message)
                try await pair.server.write(message, deadline: nil)
                #expect(try await pair.client.readAll(message.count) == message)
            }
            pair.server.close()
            var rest: [UInt8] = []
            #expect(try await pair.client.read(into: &rest, atMost: 10, deadline: nil) == 0)
            #expect(rest == [])
            await #expect(throws: StreamFailure.closed) { try await pair.server.write([1], deadline: nil) }
        }
    }

    @Test(arguments: [false, true])
    func `stops writing while the peer does not read, and goes on when it does`(tls: Bool) async throws {
        try await withLoop { loop in
            let pair = try await Pair.make(tls: tls)
            try Sockets.setSendBuffer(8_192, on: pair.client.number)
            let message = (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 &* 13 &+ $0 >> 9) }
            let written = Flag()
            loop.spawnHere {
                try? await pair.client.write(message, deadline: .now + .seconds(30))
                written.isSet = true
            }
            await loop.sleep(for: .milliseconds(100))
            #expect(!written.isSet)
            var received: [UInt8] = []
            while received.count < message.count {
                _ = try await pair.server.read(into: &received, atMost: 65_536, deadline: .now + .seconds(10))
            }
            #expect(received == message)
            await loop.sleep(for: .milliseconds(20))
            #expect(written.isSet)
        }
    }

    @Test(arguments: [false, true])
    func `gives up at its deadline and not before, reading and writing`(tls: Bool) async throws {
        try await withLoop { _ in
            let pair = try await Pair.make(tls: tls)
            let start = MonotonicTime.now
            var buffer: [UInt8] = []
            await #expect(throws: StreamFailure.timedOut) {
                _ = try await pair.server.read(into: &buffer, atMost: 10, deadline: start + .milliseconds(60))
            }
            #expect(MonotonicTime.now - start >= .milliseconds(60))
            #expect(MonotonicTime.now - start < .seconds(2))
            // A time-out is no end: the stream goes on.
            try await pair.client.write([7], deadline: nil)
            #expect(try await pair.server.readAll(1) == [7])

            try Sockets.setSendBuffer(4_096, on: pair.client.number)
            let second = MonotonicTime.now
            await #expect(throws: StreamFailure.timedOut) {
                try await pair.client.write(
                    [UInt8](repeating: 0, count: 20_000_000), deadline: second + .milliseconds(60))
            }
            #expect(MonotonicTime.now - second >= .milliseconds(60))
        }
    }

    @Test(arguments: [false, true])
    func `moves its deadline both ways`(tls: Bool) async throws {
        try await withLoop { loop in
            let pair = try await Pair.make(tls: tls)
            // Far, then near, then far again: one timer serves all.
            for (milliseconds, arrives) in [(5_000, true), (40, false), (5_000, true), (30, false), (3_000, true)] {
                if arrives {
                    loop.spawnHere {
                        await loop.sleep(for: .milliseconds(50))
                        try? await pair.client.write([1], deadline: nil)
                    }
                }
                var buffer: [UInt8] = []
                let count = try? await pair.server.read(
                    into: &buffer, atMost: 1, deadline: .now + .milliseconds(milliseconds))
                #expect(count == (arrives ? 1 : nil))
            }
        }
    }

    @Test(arguments: [false, true])
    func `is interrupted while it waits, in both directions, and stays so`(tls: Bool) async throws {
        try await withLoop { loop in
            let pair = try await Pair.make(tls: tls)
            let ends = Flag()
            loop.spawnHere {
                var buffer: [UInt8] = []
                do throws(StreamFailure) {
                    _ = try await pair.server.read(into: &buffer, atMost: 10, deadline: nil)
                } catch {
                    #expect(error == .interrupted)
                    ends.count += 1
                }
            }
            loop.spawnHere {
                do throws(StreamFailure) {
                    try await pair.server.write([UInt8](repeating: 0, count: 30_000_000), deadline: nil)
                } catch {
                    #expect(error == .interrupted)
                    ends.count += 1
                }
            }
            await loop.sleep(for: .milliseconds(50))
            #expect(ends.count == 0)
            pair.server.interrupt()
            await loop.sleep(for: .milliseconds(10))
            #expect(ends.count == 2)
            await #expect(throws: StreamFailure.interrupted) { try await pair.server.write([1], deadline: nil) }
        }
    }

    @Test(arguments: [false, true])
    func `that is closed while a task waits ends that wait`(tls: Bool) async throws {
        try await withLoop { loop in
            let pair = try await Pair.make(tls: tls)
            let ends = Flag()
            loop.spawnHere {
                var buffer: [UInt8] = []
                do throws(StreamFailure) {
                    _ = try await pair.server.read(into: &buffer, atMost: 10, deadline: nil)
                } catch {
                    #expect(error == .closed)
                    ends.count += 1
                }
            }
            await loop.sleep(for: .milliseconds(20))
            pair.server.close()
            pair.server.close()
            await loop.sleep(for: .milliseconds(10))
            #expect(ends.count == 1)
            #expect(pair.server.isClosed)
        }
    }

    @Test(arguments: [false, true])
    func `tells once that the peer is gone while nobody reads`(tls: Bool) async throws {
        try await withLoop { loop in
            for way in ["close", "reset"] {
                let pair = try await Pair.make(tls: tls)
                let gone = Flag()
                pair.server.whenGone { gone.count += 1 }
                await loop.sleep(for: .milliseconds(20))
                #expect(gone.count == 0)
                way == "close" ? pair.client.close() : pair.client.reset()
                await loop.sleep(for: .milliseconds(30))
                #expect(gone.count == 1)
                #expect(pair.server.isPeerGone)
                // Asked afterwards, it is told at once.
                pair.server.whenGone { gone.count += 10 }
                await loop.sleep(for: .milliseconds(10))
                #expect(gone.count == 11)
            }
        }
    }

    @Test func `whose peer vanishes in the middle of TLS is truncated`() async throws {
        try await withLoop { _ in
            let pair = try await Pair.make(tls: true)
            try await pair.client.write([1, 2, 3], deadline: nil)
            Sockets.finishSending(on: pair.client.number)
            #expect(try await pair.server.readAll(3) == [1, 2, 3])
            await #expect(throws: StreamFailure.truncated) { _ = try await pair.server.readAll(1) }
        }
    }

    @Test func `whose peer resets says so`() async throws {
        try await withLoop { loop in
            let pair = try await Pair.make(tls: false)
            pair.client.reset()
            await loop.sleep(for: .milliseconds(20))
            await #expect(throws: StreamFailure.reset) { _ = try await pair.server.readAll(1) }
        }
    }

    @Test(arguments: [false, true])
    func `that should be silent is disturbed by bytes and by the end, not by TLS tickets`(tls: Bool) async throws {
        try await withLoop { loop in
            for way in ["bytes", "end"] {
                let pair = try await Pair.make(tls: tls)
                let disturbed = Flag()
                pair.client.whenDisturbed { disturbed.count += 1 }
                pair.client.expectsSilence = true
                await loop.sleep(for: .milliseconds(30))
                #expect(disturbed.count == 0)
                if way == "bytes" { try await pair.server.write([1], deadline: nil) } else { pair.server.close() }
                await loop.sleep(for: .milliseconds(30))
                #expect(disturbed.count == 1)
            }
        }
    }

    @Test func `delivers a last answer although the peer is still sending`() async throws {
        try await withLoop { loop in
            let pair = try await Pair.make(tls: false)
            loop.spawnHere {
                try? await pair.client.write([UInt8](repeating: 1, count: 700_000), deadline: .now + .seconds(5))
            }
            var some: [UInt8] = []
            _ = try await pair.server.read(into: &some, atMost: 100, deadline: nil)
            try await pair.server.write(Array("too large".utf8), deadline: nil)
            await pair.server.closeLingering(deadline: .now + .seconds(5))
            #expect(try await pair.client.readAll(100) == Array("too large".utf8))
        }
    }

    @Test func `to where nobody listens, or to a server that never answers, fails by name`() async throws {
        try await withLoop { _ in
            let closed = try Acceptor(on: .loopback(port: 0), sharingPort: false) { _, _ in }
            closed.stop()
            do throws(StreamFailure) {
                _ = try await ByteStream.connect(
                    closed.address, tls: nil, serverName: "", deadline: .now + .seconds(5))
                Issue.record("connected")
            } catch {
                guard case .system(let failure) = error else {
                    Issue.record("\(error)")
                    return
                }
                #expect(failure.call == "connect")
                #expect(failure.errno == 111)
            }
            var held: [Int32] = []
            let silent = try Acceptor(on: .loopback(port: 0), sharingPort: false) { socket, _ in
                held.append(socket.release())
            }
            await #expect(throws: StreamFailure.timedOut) {
                _ = try await ByteStream.connect(
                    silent.address, tls: Papers.shared.client, serverName: "localhost",
                    deadline: .now + .milliseconds(80))
            }
            for number in held { _ = Descriptor(owning: number) }
        }
    }

    @Test func `ends its waits when the loop stops`() async throws {
        let loop = try EventLoop(name: "stopping")
        try loop.start()
        let counts = Counts()
        loop.spawn {
            do {
                let pair = try await Pair.make(tls: true)
                counts.add("open")
                // Without a deadline: on a busy machine the stop may come later than any.
                var nothing: [UInt8] = []
                _ = try await pair.server.read(into: &nothing, atMost: 1, deadline: nil)
            } catch {
                #expect(error as? StreamFailure == .closed)
                counts.add("ended")
            }
        }
        while counts.count("open") < 1 { try await Task.sleep(for: .milliseconds(1)) }
        stopLoop(loop)
        #expect(counts.count("ended") == 1)
    }
}

@Suite struct `A thousand streams` {
    @Test func `on two loops close without leaving a socket or a task behind`() async throws {
        let loops = try (0..<2).map { try EventLoop(name: "loop-\($0)") }
        for loop in loops { try loop.start() }
        let counts = Counts()
        let address = Shared<SocketAddress>()
        loops[0].spawn {
            let acceptor = try? Acceptor(on: .loopback(port: 0), sharingPort: false) { socket, _ in
                let number = socket.release()
                loops[0].spawnHere {
                    do throws(StreamFailure) {
                        let stream = try await ByteStream.accepted(
                            Descriptor(owning: number), tls: Papers.shared.server, deadline: .now + .seconds(60))
                        while true {
                            var buffer: [UInt8] = []
                            let got = try await stream.read(into: &buffer, atMost: 4_096, deadline: .now + .seconds(60))
                            if got == 0 { break }
                            try await stream.write(buffer, deadline: .now + .seconds(60))
                        }
                        stream.close()
                        counts.add("served")
                    } catch {
                        counts.add("failed \(error)")
                    }
                }
            }
            address.value = acceptor?.address
            while counts.count("asked") < 1_000 { await loops[0].sleep(for: .milliseconds(5)) }
            acceptor?.stop()
        }
        while address.value == nil { try await Task.sleep(for: .milliseconds(1)) }
        let target = try #require(address.value)
        for _ in 0..<20 {
            loops[1].spawn {
                for round in 0..<50 {
                    do throws(StreamFailure) {
                        let stream = try await ByteStream.connect(
                            target, tls: Papers.shared.client, serverName: "localhost", deadline: .now + .seconds(60))
                        let message = [UInt8](repeating: UInt8(round), count: 1_000)
                        try await stream.write(message, deadline: .now + .seconds(60))
                        let answer = try await stream.readAll(message.count)
                        if answer == message { counts.add("right") }
                    } catch {
                        counts.add("failed \(error)")
                    }
                    counts.add("asked")
                }
            }
        }
        while counts.count("served") < 1_000, !counts.hasFailed { try await Task.sleep(for: .milliseconds(5)) }
        for loop in loops { stopLoop(loop) }
        #expect(counts.count("right") == 1_000)
        #expect(!counts.hasFailed)
        #expect(loops.allSatisfy { $0.liveTasks == 0 })
        #expect(loops.allSatisfy { $0.watchedSockets == 0 })
    }
}

private func stopLoop(_ loop: EventLoop) { loop.stop() }

final class Flag {
    var isSet = false
    var count = 0
}

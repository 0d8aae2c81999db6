import HTTP2
import Testing

private let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + frame(4, 0, 0, [])

private func frame(_ type: UInt8, _ flags: UInt8, _ stream: UInt8, _ payload: [UInt8]) -> [UInt8] {
    [0, UInt8(payload.count >> 8), UInt8(payload.count & 255), type, flags, 0, 0, 0, stream] + payload
}

/// GET https://a/ in HPACK's static table.
private let get: [UInt8] = [0x82, 0x87, 0x84, 0x41, 0x01, 0x61]

/// An event as a word or two.
private func told(_ event: HTTP2Event) -> String {
    switch event {
    case .head(let stream, let block, let ends): "head \(stream) \(block.fields.count) \(ends)"
    case .trailers(let stream, let block, let ends): "trailers \(stream) \(block.fields.count) \(ends)"
    case .data(let stream, let bytes): "data \(stream) \(bytes.count)"
    case .ended(let stream): "ended \(stream)"
    case .drained(let stream): "drained \(stream)"
    case .closed(let stream, let code): "closed \(stream) \(code)"
    case .pong: "pong"
    }
}

@Suite struct `A session` {
    private func session(_ change: (inout HTTP2Limits) -> Void = { _ in }) throws -> HTTP2Session {
        var limits = HTTP2Limits()
        change(&limits)
        return try HTTP2Session(limits)
    }

    private func sent(_ session: HTTP2Session) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try session.send(into: &bytes, atMost: 1 << 20)
        return bytes
    }

    @Test(arguments: [1, 2, 7, 1_000]) func `tells what came, in whatever pieces it came`(_ size: Int) throws {
        let session = try session()
        let bytes =
            preface + frame(1, 4, 1, get) + frame(0, 0, 1, [1, 2, 3]) + frame(1, 5, 1, [0, 1, 0x78, 1, 0x79])
            + frame(1, 5, 3, get) + frame(3, 0, 3, [0, 0, 0, 8])
        var seen: [String] = []
        for start in stride(from: 0, to: bytes.count, by: size) {
            try session.receive(Array(bytes[start..<min(start + size, bytes.count)]))
            seen += session.takeEvents().map(told)
        }
        // Data comes as it comes.
        let whole = seen.filter { !$0.hasPrefix("data") }
        #expect(whole == ["head 1 4 false", "trailers 1 1 true", "head 3 4 true", "closed 3 8"])
        #expect(session.takeCounts().resets == 1)
    }

    @Test func `takes nothing that is no HTTP2`() throws {
        let session = try session()
        #expect(throws: HTTP2Failure.notHTTP2) { try session.receive(Array("GET / HTTP/1.1\r\n\r\n".utf8)) }
        session.terminate(.protocolError)
        #expect(try sent(session).contains(7))
        #expect(!session.wantsToReceive)
    }

    @Test func `takes no stream that was passed over`() throws {
        let session = try session()
        try session.receive(preface + frame(1, 5, 5, get))
        #expect(throws: HTTP2Failure.reusedStream) { try session.receive(frame(1, 5, 3, get)) }
    }

    @Test func `keeps no more of a head than its limit, and ends at one that explodes`() throws {
        let session = try session {
            $0.fieldBytes = 40
            $0.decodedBytes = 4_000
        }
        // An indexed field of 11 bytes, then references to it.
        let large: [UInt8] = [0x40, 1, 0x78, 10] + [UInt8](repeating: 0x61, count: 10)
        try session.receive(preface + frame(1, 5, 1, get + large + [UInt8](repeating: 0xbe, count: 50)))
        guard case .head(_, let block, _)? = session.takeEvents().first else {
            Issue.record("no head")
            return
        }
        #expect(block.isTruncated && block.bytes.count <= 40)
        #expect(throws: HTTP2Failure.flood) {
            try session.receive(frame(1, 5, 3, get + [UInt8](repeating: 0xbe, count: 200)))
        }
    }

    @Test func `sends as much as the peer's window takes, and says when all is gone`() throws {
        let session = try session()
        // An initial window of five bytes.
        try session.receive(preface + frame(4, 0, 0, [0, 4, 0, 0, 0, 5]) + frame(1, 5, 1, get))
        _ = session.takeEvents()
        var answer = AnswerFields()
        answer.add(":status", "200")
        #expect(session.respond(1, answer, ends: false))
        session.give(Array("0123456".utf8), to: 1)
        session.end(1)
        let first = try sent(session)
        #expect(first.suffix(5) == Array("01234".utf8)[...])
        #expect(session.takeEvents().isEmpty)
        try session.receive(frame(8, 0, 1, [0, 0, 0, 9]))
        #expect(try sent(session).suffix(2) == Array("56".utf8)[...])
        #expect(session.takeEvents().map(told) == ["drained 1", "closed 1 0"])
    }

    @Test func `gives room for more only for what was consumed`() throws {
        let session = try session { $0.streamWindow = 100 }
        _ = try sent(session)
        // The window holds from when the peer has acknowledged it.
        try session.receive(
            preface + frame(4, 1, 0, []) + frame(1, 4, 1, get) + frame(0, 0, 1, [UInt8](repeating: 0, count: 100)))
        _ = try sent(session)
        #expect(!session.wantsToSend)
        session.consume(100, of: 1)
        #expect(try sent(session).contains(8))
    }

    @Test func `answers no stream that is no more`() throws {
        let session = try session()
        try session.receive(preface + frame(1, 5, 1, get) + frame(3, 0, 1, [0, 0, 0, 8]))
        session.give([1], to: 1)
        session.end(1)
        session.consume(5, of: 1)
        session.reset(1, .cancel)
        _ = try sent(session)
        #expect(session.takeEvents().map(told) == ["head 1 4 true", "closed 1 8"])
    }

    @Test func `counts frames by what they bring`() throws {
        let session = try session()
        let unknown = frame(0xbb, 0, 0, [1])
        try session.receive(
            preface + unknown + unknown + frame(6, 0, 0, [1, 2, 3, 4, 5, 6, 7, 8]) + frame(8, 0, 0, [0, 0, 0, 1])
                + frame(1, 4, 1, get) + frame(0, 0, 1, []) + frame(0, 0, 1, [UInt8](repeating: 0, count: 256)))
        let counts = session.takeCounts()
        // The two unknown ones, PING, and the preface's SETTINGS.
        #expect(counts.control == 4 && counts.windowUpdates == 1 && counts.smallData == 1 && counts.data == 1)
        #expect(session.takeCounts() == FrameCounts())
    }
}

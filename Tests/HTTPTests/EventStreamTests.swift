import Bytes
import HTTP
import Testing

@Suite struct `An event stream` {
    private func events(_ bytes: [UInt8], piece: Int = 1 << 20) throws(EventStreamFailure) -> [ServerSentEvent] {
        var parser = EventStreamParser()
        var events: [ServerSentEvent] = []
        var start = 0
        while start < bytes.count {
            let end = min(start + piece, bytes.count)
            events += try parser.feed(bytes.span.extracting(start..<end))
            start = end
        }
        return events
    }

    private func data(_ text: String) -> [UInt8] { Array(text.utf8) }

    @Test func `is read by the rules of WHATWG, in whatever pieces it comes`() throws {
        let text =
            ": comment\nevent: a\ndata: one\ndata:two\ndata:  three\nid: 7\nretry: 100\n\n"
            + "data: é🦊\r\rdata: x\r\n\r\nevent: lost\n\nid\n\nunknown: y\nretry: 1x\nid: a\0b\ndata\n\ndata: cut"
        for piece in 1...40 {
            #expect(
                try events(data(text), piece: piece) == [
                    ServerSentEvent(event: "a", data: data("one\ntwo\n three"), id: "7", retry: 100),
                    ServerSentEvent(data: data("é🦊")), ServerSentEvent(data: data("x")), ServerSentEvent(id: ""),
                    ServerSentEvent(data: []),
                ], "pieces of \(piece)")
        }
    }

    @Test func `keeps a priming event, whose data is empty`() throws {
        #expect(
            try events(data("id: 1\r\ndata:\r\nretry: 100\r\n\r\n")) == [ServerSentEvent(data: [], id: "1", retry: 100)]
        )
    }

    @Test(arguments: [1, 2, 3, 100])
    func `with a byte order mark is refused`(_ piece: Int) {
        #expect(throws: EventStreamFailure.byteOrderMark) {
            try events([0xef, 0xbb, 0xbf] + data("data: x\n\n"), piece: piece)
        }
    }

    @Test(
        arguments: [[0xff], [0xc0, 0xae], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0xf5, 0x80, 0x80, 0x80]] as [[UInt8]])
    func `that is not UTF-8 is refused`(_ bytes: [UInt8]) {
        for piece in [1, 2, 100] {
            #expect(throws: EventStreamFailure.notUTF8) {
                try events(data("data: ") + bytes + data("\n\n"), piece: piece)
            }
        }
    }

    @Test func `has a limit on one event, not on itself`() throws {
        var limits = EventStreamLimits()
        limits.eventBytes = 100
        var parser = EventStreamParser(limits: limits)
        for _ in 0..<100 {
            #expect(try parser.feed(data("data: 0123456789\n\n: keep-alive\n").span).count == 1)
        }
        for _ in 0..<5 { _ = try parser.feed(data("data: 0123456789\n").span) }
        #expect(throws: EventStreamFailure.eventTooLarge) {
            for _ in 0..<100 { _ = try parser.feed(data("x").span) }
        }
        #expect(throws: EventStreamFailure.failedBefore) { try parser.feed(data("\n\ndata: x\n\n").span) }
    }
}

@Suite struct `A server-sent event` {
    private func encoded(_ event: ServerSentEvent) -> String {
        var out: [UInt8] = []
        event.encode(into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test func `names itself a message when it has data and no name`() {
        #expect(encoded(ServerSentEvent(data: Array("{}".utf8))) == "event: message\ndata: {}\n\n")
        #expect(encoded(ServerSentEvent(event: "endpoint", data: Array("/x".utf8))) == "event: endpoint\ndata: /x\n\n")
        #expect(encoded(ServerSentEvent(data: [], id: "1", retry: 5)) == "id: 1\nretry: 5\ndata: \n\n")
    }

    @Test func `says the same when it is read again`() throws {
        let events = [
            ServerSentEvent(event: "a", data: Array("one\ntwo\n".utf8), id: "x", retry: 0),
            ServerSentEvent(event: "b", data: [], id: ""), ServerSentEvent(id: "3"), ServerSentEvent(retry: 3),
        ]
        var out: [UInt8] = []
        for event in events { event.encode(into: &out) }
        var parser = EventStreamParser()
        #expect(try parser.feed(out.span) == events)
    }

    @Test func `never lets a part begin a line of its own`() throws {
        let event = ServerSentEvent(event: "a\ndata: x", data: Array("1\r2\r\n3".utf8), id: "i\r\nretry: 1")
        var out: [UInt8] = []
        event.encode(into: &out)
        var parser = EventStreamParser()
        #expect(
            try parser.feed(out.span)
                == [ServerSentEvent(event: "adata: x", data: Array("1\n2\n3".utf8), id: "iretry: 1")])
    }
}

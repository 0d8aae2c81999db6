import HTTP
import Testing

@Suite struct `A body` {
    private func decode(_ text: String, _ framing: BodyFraming, piece: Int = 1 << 20) throws -> (String, Int, Bool) {
        var decoder = BodyDecoder(framing: framing)
        let bytes = Array(text.utf8)
        var out: [UInt8] = []
        var position = 0
        while position < bytes.count, !decoder.isComplete {
            let end = min(position + piece, bytes.count)
            position += try decoder.decode(bytes.span.extracting(position..<end), into: &out)
        }
        return (String(decoding: out, as: UTF8.self), bytes.count - position, decoder.isComplete)
    }

    @Test(arguments: [1, 2, 5, 100])
    func `comes out of its chunks, extensions and trailers dropped`(_ piece: Int) throws {
        let text = "5;a=b;c=\"d\\\"e\"\r\nhello\r\n0006\r\n world\r\nA\r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\nrest"
        let (body, left, isComplete) = try decode(text, .chunked, piece: piece)
        #expect(body == "hello world0123456789")
        #expect(left == 4)
        #expect(isComplete)
    }

    @Test func `of a known length ends there`() throws {
        let (body, left, isComplete) = try decode("hello world", .length(5))
        #expect(body == "hello" && left == 6 && isComplete)
        #expect(try decode("x", .none).1 == 1)
        #expect(try decode("x", .length(0)).1 == 1)
    }

    @Test func `that ends with the connection is complete only then`() throws {
        var decoder = BodyDecoder(framing: .untilClose)
        var out: [UInt8] = []
        #expect(try decoder.decode(Array("abc".utf8).span, into: &out) == 3)
        #expect(!decoder.isComplete)
        try decoder.end()
        #expect(decoder.isComplete && out == Array("abc".utf8))
    }

    @Test(arguments: ["", "5", "5\r\nhel", "5\r\nhello", "5\r\nhello\r\n", "5\r\nhello\r\n0\r\n", "0\r\nX: y\r\n"])
    func `that is cut is told from one that is whole`(_ text: String) throws {
        var decoder = BodyDecoder(framing: .chunked)
        var out: [UInt8] = []
        _ = try decoder.decode(Array(text.utf8).span, into: &out)
        #expect(throws: HTTPFailure(.truncated, at: text.utf8.count)) { try decoder.end() }
        var known = BodyDecoder(framing: .length(3))
        #expect(throws: HTTPFailure(.truncated, at: 0)) { try known.end() }
    }

    @Test func `is refused as soon as it is known to be too large`() throws {
        var limits = HTTPLimits()
        limits.bodyBytes = 10
        for (framing, text) in [
            (BodyFraming.length(11), "x"), (.chunked, "b\r\n"), (.chunked, "5\r\nhello\r\n6\r\n"),
            (.untilClose, "12345678901"),
        ] {
            var decoder = BodyDecoder(framing: framing, limits: limits)
            var out: [UInt8] = []
            let failure = #expect(throws: HTTPFailure.self) {
                _ = try decoder.decode(Array(text.utf8).span, into: &out)
            }
            #expect(failure?.reason == .bodyTooLarge)
        }
        limits.bodyBytes = .max
        var endless = BodyDecoder(framing: .chunked, limits: limits)
        var out: [UInt8] = []
        for _ in 0..<100 { _ = try endless.decode(Array("3\r\nabc\r\n".utf8).span, into: &out) }
        #expect(out.count == 300)
    }
}

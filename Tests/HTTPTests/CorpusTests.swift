import Bytes
import HTTP
import KomainuTesting
import Testing

@Suite struct `The corpus of requests` {
    @Test func `is judged as expected, in whatever pieces it comes`() throws {
        guard let cases = HTTPCorpus.cases("requests.json") else { return Shared.skipped("requests.json") }
        #expect(cases.count > 300)
        for test in cases {
            for size in [1, 7, 1 << 20] where size > 1 || test.bytes.count < 1 << 17 {
                judge(test, Conversation(test.bytes, inPiecesOf: size))
            }
        }
    }

    /// A refusal, an unfinished request and silence are all "not forwarded"; a request too many never is right. The media
    /// type of a body is for whoever reads bodies: here it is checked as the gateway checks it.
    private func judge(_ test: HTTPCorpus.Case, _ seen: Conversation) {
        let accepted = seen.requests.filter { request in
            request.head.method != .post || !request.head.fields.contains("content-type")
                || request.head.fields["content-type"].flatMap(MediaType.init)?.isJSON == true
        }
        switch test.expected {
        case .reject: #expect(accepted.isEmpty, "\(test): accepted")
        case .accept:
            #expect(accepted.count == test.requests, "\(test): \(accepted.count) \(String(describing: seen.failure))")
        case .either: #expect(accepted.isEmpty || test.requests == nil || accepted.count == test.requests, "\(test)")
        }
        if let bodies = test.bodies, !accepted.isEmpty, test.expected != .reject {
            #expect(Array(accepted.map(\.body)) == bodies, "\(test): other bodies")
        }
    }
}

@Suite struct `The corpus of responses` {
    @Test func `is judged as expected, in whatever pieces it comes`() throws {
        guard let cases = HTTPCorpus.cases("responses.json") else { return Shared.skipped("responses.json") }
        #expect(cases.count > 40)
        for test in cases {
            for size in [1, 7, 1 << 20] {
                let answer = Answer(test.bytes, inPiecesOf: size)
                switch test.expected {
                case .reject: #expect(answer.failure != nil, "\(test): accepted")
                case .accept: #expect(answer.failure == nil, "\(test): \(String(describing: answer.failure))")
                case .either: break
                }
            }
        }
    }

    @Test func `never gives a second answer from bytes after the first`() throws {
        guard let cases = HTTPCorpus.cases("responses.json") else { return Shared.skipped("responses.json") }
        let test = try #require(cases.first { $0.name == "response-framing/cl_long" })
        let answer = Answer(test.bytes, inPiecesOf: 1 << 20)
        #expect(answer.body == Array("hello".utf8))
        #expect(answer.left > 0, "bytes are left over, so the connection must not be used again")
    }
}

/// What a client would make of the bytes of an upstream that then closes.
struct Answer {
    var head: ResponseHead?
    var body: [UInt8] = []
    var failure: HTTPFailure?
    /// Bytes after the answer's end.
    var left = 0

    init(_ bytes: [UInt8], inPiecesOf size: Int, method: HTTPMethod = .get) {
        var parser = ResponseParser(requestMethod: method)
        var decoder: BodyDecoder?
        var unread: [UInt8] = []
        var start = 0
        do throws(HTTPFailure) {
            while start < bytes.count {
                let end = min(start + size, bytes.count)
                unread += bytes[start..<end]
                start = end
                while decoder == nil, let (head, consumed) = try parser.parse(unread.span) {
                    unread.removeFirst(consumed)
                    guard head.status >= 200 else { continue }
                    self.head = head
                    decoder = BodyDecoder(framing: head.framing)
                }
                if let consumed = try decoder?.decode(unread.span, into: &body) { unread.removeFirst(consumed) }
            }
            if decoder == nil { throw HTTPFailure(.truncated, at: bytes.count) }
            try decoder?.end()
        } catch {
            failure = error
        }
        left = unread.count
    }
}

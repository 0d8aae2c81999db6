import HTTP

/// What a server would make of all the bytes a client sends: the requests it understood, then why it stopped.
struct Conversation {
    struct Request {
        var head: RequestHead
        var body: [UInt8]
    }

    var requests: [Request] = []
    /// Nil when the bytes ended between two requests, or with a request that ends the connection.
    var failure: HTTPFailure?
    /// Whether the bytes ended within a request.
    var isIncomplete = false

    /// Reads `bytes` in pieces of `size`, as they might come from a socket.
    init(_ bytes: [UInt8], inPiecesOf size: Int, limits: HTTPLimits = .standard) {
        var reading = Reading(limits: limits)
        var start = 0
        do throws(HTTPFailure) {
            while start < bytes.count, !reading.isClosed {
                let end = min(start + size, bytes.count)
                try reading.take(bytes[start..<end])
                start = end
            }
        } catch {
            failure = error
        }
        requests = reading.requests
        isIncomplete = failure == nil && !reading.isClosed && (reading.decoder != nil || !reading.unread.isEmpty)
    }

    private struct Reading {
        let limits: HTTPLimits
        var parser: RequestParser
        var unread: [UInt8] = []
        var decoder: BodyDecoder?
        var head: RequestHead?
        var body: [UInt8] = []
        var requests: [Request] = []
        var isClosed = false

        init(limits: HTTPLimits) {
            self.limits = limits
            parser = RequestParser(limits: limits)
        }

        mutating func take(_ piece: ArraySlice<UInt8>) throws(HTTPFailure) {
            unread += piece
            try read()
        }

        private mutating func read() throws(HTTPFailure) {
            while !isClosed {
                if var decoder = self.decoder {
                    var content = body
                    let bytes = unread
                    let consumed = try decoder.decode(bytes.span, into: &content)
                    body = content
                    unread.removeFirst(consumed)
                    self.decoder = decoder
                    guard decoder.isComplete, let head else { return }
                    requests.append(Request(head: head, body: body))
                    self.decoder = nil
                    body = []
                    isClosed = !head.keepsAlive
                } else {
                    let bytes = unread
                    guard let (head, consumed) = try parser.parse(bytes.span) else { return }
                    unread.removeFirst(consumed)
                    self.head = head
                    decoder = BodyDecoder(framing: head.framing, limits: limits)
                }
            }
        }
    }
}

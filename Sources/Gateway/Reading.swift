import Bytes
import HTTP
import JSON
import MCP
import Upstream

/// An answer that is read whole before anything of it is released: JSON, or the events up to the awaited message where the answer
/// decides about the session and cannot be relayed (`initialize`).
struct Reading {
    private let answer: any ServerAnswer
    private let limit: Int

    /// How long an event stream may be silent before an awaited answer that holds up a session.
    private static let patience = Duration.seconds(60)

    init(_ answer: any ServerAnswer, limit: Int) {
        self.answer = answer
        self.limit = limit
    }

    /// The message that answers the request; anything else is a refusal.
    ///
    /// - Parameter asked: the client's request that a refusal answers, when it is not this one.
    func answer(
        to awaited: RequestID, reportingTo asked: RequestID? = nil, isToolCall: Bool
    ) async throws(Refusal) -> ServerMessage {
        let id = asked ?? awaited
        let bytes: [UInt8]
        if answer.isJSON {
            bytes = try await body(id, isToolCall: isToolCall)
        } else if answer.isEventStream {
            bytes = try await event(answering: awaited, id, isToolCall: isToolCall)
        } else {
            answer.abort()
            throw .answer(.mediaType, id, isToolCall: isToolCall)
        }
        return try message(bytes, answering: awaited, reportingTo: id, isToolCall: isToolCall)
    }

    /// The whole body of an answer in JSON.
    func body(_ id: RequestID, isToolCall: Bool) async throws(Refusal) -> [UInt8] {
        do throws(UpstreamFailure) {
            return try await answer.whole(limit: limit)
        } catch {
            throw .upstream(error, id, isToolCall: isToolCall)
        }
    }

    /// The message in a body, which must answer the request.
    func message(
        _ bytes: [UInt8], answering awaited: RequestID, reportingTo id: RequestID, isToolCall: Bool
    ) throws(Refusal) -> ServerMessage {
        let message: ServerMessage
        do throws(MessageFailure) {
            message = try ServerMessage(parsing: bytes, limits: .result(bytes: limit))
        } catch {
            let status = answer.head.status
            throw .answer(status == 200 ? .unreadable(error.word) : .status(status), id, isToolCall: isToolCall)
        }
        guard message.answers(awaited) else { throw .answer(.id, id, isToolCall: isToolCall) }
        return message
    }

    /// Reads events until one answers the request; notices before it are dropped: no session is open that they could belong to.
    private func event(
        answering awaited: RequestID, _ id: RequestID, isToolCall: Bool
    ) async throws(Refusal) -> [UInt8] {
        var parser = EventStreamParser()
        var read = 0
        while true {
            let next: UpstreamPiece
            do throws(UpstreamFailure) {
                next = try await answer.next(quietAfter: Reading.patience)
            } catch {
                throw .upstream(error, id, isToolCall: isToolCall)
            }
            guard case .bytes(let piece) = next else {
                answer.abort()
                throw .answer(.noAnswer, id, isToolCall: isToolCall)
            }
            read += piece.count
            guard read <= limit else {
                answer.abort()
                throw .upstream(.tooLarge, id, isToolCall: isToolCall)
            }
            var found: [UInt8]?
            do throws(EventStreamFailure) {
                try parser.feed(piece.span) { event in
                    guard found == nil, let data = event.data, !data.isEmpty,
                        let message = try? ServerMessage(parsing: data, limits: .result(bytes: limit)),
                        message.answers(awaited)
                    else { return }
                    found = data
                }
            } catch {
                answer.abort()
                throw .answer(.unreadable("event_stream"), id, isToolCall: isToolCall)
            }
            if let found {
                answer.abort()
                return found
            }
        }
    }
}

extension ServerMessage {
    /// Whether this is the answer to the request; an error without an id can only be the answer to the one request that was sent.
    func answers(_ id: RequestID) -> Bool {
        switch shape {
        case .result(let answered, _): answered == id
        case .error(let answered, _): answered == nil || answered == id
        case .request, .notification: false
        }
    }
}

extension JSONLimits {
    /// What a server may send in one message.
    static func result(bytes: Int) -> JSONLimits {
        var limits = JSONLimits()
        limits.bytes = bytes
        return limits
    }
}

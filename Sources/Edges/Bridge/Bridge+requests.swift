internal import Bytes
internal import HTTP
internal import HTTPClient
internal import JSON
internal import MCP
internal import Reactor
internal import System

extension Bridge {
    /// Asks the server and says its answer, or an error in its place: a request is never left without one.
    func ask(_ message: ClientMessage, _ id: RequestID, _ errand: Errand) async {
        do throws(BridgeFailure) {
            let answer = try await answer(to: message, id, errand)
            if !errand.isCancelled { await outlet.say(answer) }
        } catch {
            guard !errand.isCancelled else { return }
            outlet.tell(error.sentence)
            await outlet.say(Answer.error(id: id, code: error.code, message: "komainu connect: \(error.sentence)"))
        }
    }

    private func answer(
        to message: ClientMessage, _ id: RequestID, _ errand: Errand
    ) async throws(BridgeFailure) -> [UInt8] {
        let received = try await send(post(message), errand)
        if received.head.status == 200 { return try await accepted(received, message, id, errand) }
        let refusal = try await refused(received, id)
        guard refusal.code == -32_020, await learns(for: message, errand) else { return refusal.bytes }
        // Refused for its header fields alone, so it was not carried out: with the fields it was refused for, once more.
        let second = try await send(post(message), errand)
        if second.head.status == 200 { return try await accepted(second, message, id, errand) }
        return try await refused(second, id).bytes
    }

    private func send(_ request: UpstreamRequest, _ errand: Errand) async throws(BridgeFailure) -> UpstreamAnswer {
        var timing = errand.isStanding ? streamTiming : client.server.settings.timing
        timing.head = settings.patience
        if !errand.isStanding { timing.body = settings.patience }
        do throws(RequestFailure) {
            return try await client.send(request, timing: timing, abortion: errand.abort)
        } catch {
            throw .request(error)
        }
    }

    // MARK: Answers

    private func accepted(
        _ received: UpstreamAnswer, _ message: ClientMessage, _ id: RequestID, _ errand: Errand
    ) async throws(BridgeFailure) -> [UInt8] {
        let reply: ServerMessage
        if received.head.fields.saysJSON {
            reply = try read(try await whole(received, limit: settings.messageBytes))
            guard reply.answers(id) else { throw .otherID }
        } else if received.head.fields.saysEventStream {
            reply = try await follow(received, id, errand)
        } else {
            received.abort()
            throw .mediaType
        }
        await learn(from: reply, to: message, received.head)
        return reply.document.encoded(reply.document.root, editing: reply.edits(answering: id))
    }

    /// What is no 200: a JSON-RPC error travels on under the request's own id, anything else becomes one.
    private func refused(
        _ received: UpstreamAnswer, _ id: RequestID
    ) async throws(BridgeFailure) -> (bytes: [UInt8], code: Int64?) {
        let status = received.head.status
        let failure: BridgeFailure =
            (200...299).contains(status) ? .noAnswer : .status(status, inSession: session != nil)
        if status == 401 { client.server.refreshCredential() }
        guard received.head.fields.saysJSON, let body = try? await whole(received, limit: 1 << 20),
            let reply = try? ServerMessage(parsing: body, limits: limits), case .error(_, let error) = reply.shape
        else {
            received.abort()
            throw failure
        }
        let document = reply.document
        let code = document.member("code", of: error).flatMap { document.integer($0) }
        if [401, 403, 404, 429].contains(status) && code != -32_601 || status >= 500 { outlet.tell(failure.sentence) }
        return (document.encoded(document.root, editing: reply.edits(answering: id, always: true)), code)
    }

    /// Reads a stream up to the answer and passes on what comes before. One that breaks is resumed where the server gave its
    /// events ids; 2026-07-28 has no resumption.
    private func follow(
        _ received: UpstreamAnswer, _ id: RequestID, _ errand: Errand
    ) async throws(BridgeFailure) -> ServerMessage {
        var place = StreamPlace()
        var current = received
        while true {
            var failure = BridgeFailure.streamEnded
            do throws(BridgeFailure) {
                if let reply = try await pump(current, id, &place) { return reply }
            } catch {
                failure = error
            }
            guard !errand.isModern, !errand.isCancelled, !isEnding, let session, let last = place.lastID else {
                throw failure
            }
            var next: UpstreamAnswer?
            while next == nil {
                guard place.attempts < settings.resumptions else { throw failure }
                await client.loop.sleep(for: place.nextPause(atMost: settings.longestPause))
                guard !errand.isCancelled, !isEnding else { throw failure }
                next = try await resumed(in: session, after: last, errand)
            }
            if let next { current = next }
        }
    }

    /// The rest of a stream; nil when the server could not be reached, which may change.
    private func resumed(
        in session: ServerSession, after last: ByteString, _ errand: Errand
    ) async throws(BridgeFailure) -> UpstreamAnswer? {
        var request = UpstreamRequest(method: .get, fields: settings.fields)
        session.add(to: &request.fields)
        request.fields.add(name: "accept", value: "text/event-stream")
        request.fields.add(name: "last-event-id", value: last)
        guard let answer = try? await send(request, errand) else { return nil }
        if answer.head.status == 200, answer.head.fields.saysEventStream { return answer }
        answer.abort()
        guard answer.head.status >= 500 else { throw .streamEnded }
        return nil
    }

    /// Reads events until one answers the request; nil at the stream's proper end.
    private func pump(
        _ answer: UpstreamAnswer, _ id: RequestID, _ place: inout StreamPlace
    ) async throws(BridgeFailure) -> ServerMessage? {
        var parser = EventStreamParser(limits: eventLimits)
        while true {
            let piece: [UInt8]
            do throws(RequestFailure) {
                guard let next = try await answer.next() else { return nil }
                piece = next
            } catch {
                throw .request(error)
            }
            let events: [ServerSentEvent]
            do throws(EventStreamFailure) {
                events = try parser.feed(piece.span)
            } catch {
                answer.abort()
                throw .unreadable("event_stream")
            }
            for event in events {
                place.note(event)
                guard let message = try message(in: event) else { continue }
                switch message.shape {
                case .result, .error:
                    guard message.answers(id) else { continue }
                    readToEnd(answer)
                    return message
                case .request, .notification: await outlet.say(message.document.encoded(message.document.root))
                }
            }
        }
    }

    /// What an event carries; nil for one that carries nothing, such as those that only give an id.
    func message(in event: ServerSentEvent) throws(BridgeFailure) -> ServerMessage? {
        guard let data = event.data, !data.isEmpty, event.event == nil || event.event == "message" else { return nil }
        return try read(data)
    }

    /// A stream that is read to its end leaves its connection for the next request; the server has two seconds for that.
    private func readToEnd(_ answer: UpstreamAnswer) {
        spawn {
            while case .bytes? = try? await answer.next(quietAfter: .seconds(2)) {}
            answer.abort()
        }
    }

    private func whole(_ answer: UpstreamAnswer, limit: Int) async throws(BridgeFailure) -> [UInt8] {
        do throws(RequestFailure) {
            return try await answer.whole(limit: limit)
        } catch {
            throw .request(error)
        }
    }

    private func read(_ bytes: [UInt8]) throws(BridgeFailure) -> ServerMessage {
        do throws(MessageFailure) {
            return try ServerMessage(parsing: bytes, limits: limits)
        } catch {
            throw .unreadable(error.word)
        }
    }

    // MARK: What answers teach

    private func learn(from reply: ServerMessage, to message: ClientMessage, _ head: ResponseHead) async {
        guard case .result(_, let result) = reply.shape else { return }
        let document = reply.document
        if message.method == .toolsList { mirrored.take(result, of: document) }
        guard message.method == .initialize,
            let version = document.member("protocolVersion", of: result).flatMap({ document.string($0) })
        else { return }
        // A client that begins anew has left its old session.
        await endSession()
        session = ServerSession(id: head.fields["mcp-session-id"], version: version)
    }

    /// Reads the server's tools when a call was refused for header fields that only their definitions tell of.
    ///
    /// - Returns: whether anything was learnt about the tool.
    private func learns(for message: ClientMessage, _ errand: Errand) async -> Bool {
        guard errand.isModern, message.method == .toolsCall, let meta = message.parameter("_meta"),
            let tool = message.parameter("name").flatMap({ message.document.string($0) }), !mirrored.knows(tool)
        else { return false }
        var cursor: ByteString?
        for page in 0..<100 {
            let id = RequestID(text: ByteString("komainu-connect-\(page)"))
            let question = MirroredHeaders.listing(id, from: cursor, as: meta, of: message.document)
            guard let asked = try? ClientMessage(parsing: question), let answer = try? await send(post(asked), errand),
                answer.head.status == 200, let reply = try? await listed(answer, id),
                case .result(_, let result) = reply.shape
            else { return false }
            mirrored.take(result, of: reply.document)
            cursor = reply.document.member("nextCursor", of: result).flatMap { reply.document.string($0) }
            if cursor == nil || mirrored.knows(tool) { break }
        }
        return mirrored.knows(tool)
    }

    private func listed(_ answer: UpstreamAnswer, _ id: RequestID) async throws(BridgeFailure) -> ServerMessage? {
        var place = StreamPlace()
        if answer.head.fields.saysEventStream { return try await pump(answer, id, &place) }
        return try read(try await whole(answer, limit: settings.messageBytes))
    }
}

extension ServerMessage {
    /// Whether this is the answer to the request; an error without an id can only be the answer to the one that was sent.
    fileprivate func answers(_ id: RequestID) -> Bool {
        switch shape {
        case .result(let answered, _): answered == id
        case .error(let answered, _): answered == nil || answered == id
        case .request, .notification: false
        }
    }

    /// Gives an error the id of its request where it has none, or, `always`, another: clients wait for their own.
    fileprivate func edits(answering id: RequestID, always: Bool = false) -> JSONEdits {
        guard case .error(let answered, _) = shape, answered != id, always || answered == nil else { return .none }
        var edits = JSONEdits()
        if let node = document.member("id", of: document.root) {
            edits.replace(node, with: id.encoded.bytes)
        } else {
            edits.append(to: document.root, member: "id", encoded: id.encoded.bytes)
        }
        return edits
    }
}

internal import Bytes
internal import HTTP
internal import HTTPClient
internal import JSON
internal import MCP
internal import Reactor
internal import System

/// A conversation that began with `initialize` (2025-03-26 to 2025-11-25).
final class ServerSession {
    /// What the server called it; nil for a server without sessions.
    let id: ByteString?
    /// The revision that was agreed on, in the server's letters.
    let version: ByteString
    /// Ends its own stream.
    let abort = UpstreamAbort()

    init(id: ByteString?, version: ByteString) {
        self.id = id
        self.version = version
    }

    func add(to fields: inout HeaderFields) {
        if let id { fields.add(name: "mcp-session-id", value: id) }
        fields.add(name: "mcp-protocol-version", value: version)
    }
}

extension Bridge {
    /// Opens the session's own stream, and opens it again whenever it breaks, for as long as the server has one.
    func listen() {
        guard let session else { return }
        spawn { await self.listen(in: session) }
    }

    private func listen(in session: ServerSession) async {
        var place = StreamPlace()
        while isCurrent(session) {
            var request = UpstreamRequest(method: .get, fields: settings.fields)
            session.add(to: &request.fields)
            request.fields.add(name: "accept", value: "text/event-stream")
            if let last = place.lastID { request.fields.add(name: "last-event-id", value: last) }
            if let answer = try? await client.send(request, timing: streamTiming, abortion: session.abort) {
                if answer.head.status == 200, answer.head.fields.saysEventStream {
                    await relay(answer, &place)
                } else if place.lastID != nil, (400...499).contains(answer.head.status) {
                    // It keeps no events: what was missed is lost, what comes need not be.
                    place.lastID = nil
                } else if answer.head.status < 500 {
                    return
                }
            }
            guard isCurrent(session) else { return }
            await client.loop.sleep(for: place.nextPause(atMost: settings.longestPause))
        }
    }

    private func isCurrent(_ session: ServerSession) -> Bool { !isEnding && self.session === session }

    /// Passes on what comes on a stream that owes no answer.
    private func relay(_ answer: UpstreamAnswer, _ place: inout StreamPlace) async {
        var parser = EventStreamParser(limits: eventLimits)
        while let piece = try? await answer.next() {
            guard let events = try? parser.feed(piece.span) else { return }
            for event in events {
                place.note(event)
                guard let message = try? self.message(in: event) else { continue }
                switch message.shape {
                case .request, .notification: await outlet.say(message.document.encoded(message.document.root))
                // Answers come where they were asked for.
                case .result, .error: continue
                }
            }
        }
    }

    /// Ends the session at the server, if it has one; a second is enough for that.
    func endSession() async {
        guard let session else { return }
        self.session = nil
        session.abort.abort()
        guard session.id != nil else { return }
        var request = UpstreamRequest(method: .delete, fields: settings.fields)
        session.add(to: &request.fields)
        var timing = client.server.settings.timing
        timing.total = .seconds(1)
        _ = try? await client.send(request, timing: timing)
    }

    /// The times of streams that may be silent for as long as they like.
    var streamTiming: UpstreamTiming {
        var timing = client.server.settings.timing
        timing.body = .seconds(365 * 86_400)
        timing.total = nil
        return timing
    }

    var eventLimits: EventStreamLimits {
        var limits = EventStreamLimits()
        limits.eventBytes = settings.messageBytes
        return limits
    }
}

/// Where in a stream we are, for opening it again.
struct StreamPlace {
    var lastID: ByteString?
    /// Attempts since anything came.
    private(set) var attempts = 0
    private var retry = Duration.seconds(1)

    mutating func note(_ event: ServerSentEvent) {
        attempts = 0
        if let id = event.id { lastID = id.isEmpty ? nil : id }
        if let milliseconds = event.retry { retry = .milliseconds(min(milliseconds, 3_600_000)) }
    }

    /// The pause before the next attempt: what the server asked for, twice as long each time that nothing came.
    mutating func nextPause(atMost longest: Duration) -> Duration {
        defer { attempts += 1 }
        return min(retry * (1 << min(attempts, 10)), max(longest, retry))
    }
}

internal import Bytes
internal import JSON
internal import MCP
internal import Reactor
internal import System

/// What the program writes, line by line, and whose it is.
extension PipedServer {
    /// Messages that may wait until somebody listens.
    private static let earlyLimit = 100

    func read() async {
        var splitter = LineSplitter(limit: settings.messageBytes)
        while true {
            var bytes: [UInt8] = []
            guard let count = try? await child.output.read(into: &bytes, atMost: 1 << 16, deadline: nil), count > 0
            else { break }
            for line in splitter.feed(bytes.span) where !isOver {
                guard case .whole(let text) = line else { return condemn(.garbled, "a message is too large") }
                if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
                guard let message = try? ServerMessage(parsing: text, limits: limits) else {
                    return condemn(.garbled, "what it writes is no message")
                }
                hasSpoken = true
                take(message)
            }
        }
        if child.status != nil { return finish() }
        // It can't answer any more. Usually its end comes next; a program that only closed its output is ended.
        loop.schedule(after: .milliseconds(500)) { [weak self] in self?.end() }
    }

    private func take(_ message: ServerMessage) {
        lastUse = .now
        if let number = message.number, let asked = waiting[number] {
            let bytes = message.restored(id: asked.id, token: asked.token)
            switch message.shape {
            case .result, .error:
                waiting[number] = nil
                asked.timer?.cancel()
                asked.answer.put(bytes, isLast: true)
                // There is no session: nobody will ask it anything.
                if asked.isOpening, case .error = message.shape { end() }
            case .notification, .request:
                if !asked.answer.put(bytes, isLast: false) { giveUp(number, .tooLarge) }
            }
            return
        }
        switch message.shape {
        // Late, after a cancellation, or to a question that nobody asked.
        case .result, .error: return
        case .notification(let method) where method == .progress: return
        case .notification, .request: takeOwn(message)
        }
    }

    /// A message that belongs to no request: one under way carries it, if there is but one, else the session's own stream.
    private func takeOwn(_ message: ServerMessage) {
        let bytes = message.document.encoded(message.document.root)
        guard !isShared else {
            if case .request(let id, _) = message.shape {
                _ = write(GatewayMessage.methodNotFound(to: id).body + [0x0A])
            }
            return
        }
        let newest = waiting.filter { !$0.value.isOpening }.max { $0.key < $1.key }?.value.answer
        if let ownStream, waiting.count != 1 || newest == nil {
            if !ownStream.put(bytes, isLast: false) { self.ownStream = nil }
        } else if let newest {
            newest.put(bytes, isLast: false)
        } else if early.count < PipedServer.earlyLimit, bytes.count <= 1 << 16 {
            early.append(bytes)
        }
    }

    private var limits: JSONLimits {
        var limits = JSONLimits()
        limits.bytes = settings.messageBytes
        return limits
    }
}

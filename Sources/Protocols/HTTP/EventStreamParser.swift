import Bytes

/// Limits for event streams.
public struct EventStreamLimits: Sendable {
    /// One event, all its lines. 4 MiB as for a JSON body.
    public var eventBytes = 4 << 20

    /// The limits above.
    public init() {}
}

/// Why bytes are not an event stream that we pass on. After a failure the stream is over.
public enum EventStreamFailure: Error, Equatable, Sendable {
    /// A byte order mark at the beginning: readers disagree about it, and some MCP clients lose the first event.
    case byteOrderMark
    /// A line that is not UTF-8.
    case notUTF8
    /// An event, or a comment, larger than the limit.
    case eventTooLarge
    /// The parser failed before; what follows can't be understood.
    case failedBefore
}

/// Reads an event stream piece by piece, by the rules of WHATWG HTML section 9.2.6: lines end in LF, CR or CRLF, an empty
/// line ends an event, an event that the stream's end cuts is discarded.
///
/// Pieces may end anywhere, also within a character or between CR and LF. Stricter than the rules: a byte order mark and
/// invalid UTF-8 are failures, because a gate must not judge another text than the client will read.
public struct EventStreamParser: Sendable {
    private let limits: EventStreamLimits
    /// The beginning of a line whose end has not come.
    private var line: [UInt8] = []
    private var event = PartialEvent()
    /// Bytes of the current event's lines, comments included.
    private var size = 0
    private var state = State.beginning

    private enum State { case beginning, reading, afterCarriageReturn, failed }

    /// A parser for one stream.
    public init(limits: EventStreamLimits = EventStreamLimits()) {
        self.limits = limits
    }

    /// Reads the next piece and gives every event that it completed, in order.
    public mutating func feed(
        _ bytes: Span<UInt8>, _ each: (ServerSentEvent) -> Void
    ) throws(EventStreamFailure) {
        guard state != .failed else { throw .failedBefore }
        do throws(EventStreamFailure) {
            try read(bytes, each)
        } catch {
            state = .failed
            line = []
            event = PartialEvent()
            throw error
        }
    }

    /// The same, with the events in an array.
    public mutating func feed(_ bytes: Span<UInt8>) throws(EventStreamFailure) -> [ServerSentEvent] {
        var events: [ServerSentEvent] = []
        try feed(bytes) { events.append($0) }
        return events
    }

    private mutating func read(_ bytes: Span<UInt8>, _ each: (ServerSentEvent) -> Void) throws(EventStreamFailure) {
        var start = 0
        if state == .afterCarriageReturn, !bytes.isEmpty {
            if bytes[0] == 0x0a { start = 1 }
            state = .reading
        }
        var index = start
        while index < bytes.count {
            let byte = bytes[index]
            guard byte == 0x0a || byte == 0x0d else {
                index += 1
                continue
            }
            try end(lineWith: bytes.extracting(start..<index), each)
            index += 1
            if byte == 0x0d {
                if index == bytes.count {
                    state = .afterCarriageReturn
                } else if bytes[index] == 0x0a {
                    index += 1
                }
            }
            start = index
        }
        try keep(bytes.extracting(start..<bytes.count))
    }

    /// Holds the beginning of a line until its end comes.
    private mutating func keep(_ rest: Span<UInt8>) throws(EventStreamFailure) {
        guard size + line.count + rest.count <= limits.eventBytes else { throw .eventTooLarge }
        line.append(bytesOf: rest)
        if state == .beginning, line.starts(with: [0xef, 0xbb, 0xbf]) { throw .byteOrderMark }
    }

    private mutating func end(
        lineWith rest: Span<UInt8>, _ each: (ServerSentEvent) -> Void
    ) throws(EventStreamFailure) {
        guard line.isEmpty else {
            try keep(rest)
            let whole = line
            line = []
            return try take(whole.span, each)
        }
        try take(rest, each)
    }

    private mutating func take(_ line: Span<UInt8>, _ each: (ServerSentEvent) -> Void) throws(EventStreamFailure) {
        if state == .beginning {
            guard !line.beginsWithByteOrderMark else { throw .byteOrderMark }
            state = .reading
        }
        guard !line.isEmpty else {
            size = 0
            if let complete = event.complete() { each(complete) }
            event = PartialEvent()
            return
        }
        size += line.count
        guard size <= limits.eventBytes else { throw .eventTooLarge }
        guard line.isUTF8 else { throw .notUTF8 }
        event.take(line)
        // A comment keeps a connection alive and belongs to no event: an endless row of them is not one large event.
        if event.isEmpty { size = 0 }
    }
}

/// The lines of an event so far.
private struct PartialEvent: Sendable {
    var name: ByteString?
    var data: [UInt8]?
    var id: ByteString?
    var retry: Int?
    var isEmpty: Bool { name == nil && data == nil && id == nil && retry == nil }

    mutating func take(_ line: Span<UInt8>) {
        let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.count
        let field = line.extracting(0..<colon)
        var start = min(colon + 1, line.count)
        if start < line.count, line[start] == 0x20 { start += 1 }
        let value = line.extracting(start..<line.count)
        if field.equals("data", ignoringCase: false) {
            if data == nil { data = [] } else { data?.append(0x0a) }
            data?.append(bytesOf: value)
        } else if field.equals("event", ignoringCase: false) {
            name = ByteString(value.copied)
        } else if field.equals("id", ignoringCase: false) {
            if value.firstIndex(of: 0) == nil { id = ByteString(value.copied) }
        } else if field.equals("retry", ignoringCase: false) {
            if let number = value.decimal { retry = number }
        }
    }

    /// The event, when there is something in it that a reader would act on: data, an id or a delay.
    func complete() -> ServerSentEvent? {
        guard data != nil || id != nil || retry != nil else { return nil }
        let named = name.flatMap { $0.isEmpty ? nil : $0 }
        return ServerSentEvent(event: named, data: data, id: id, retry: retry)
    }
}

extension Span where Element == UInt8 {
    fileprivate var beginsWithByteOrderMark: Bool {
        count >= 3 && self[0] == 0xef && self[1] == 0xbb && self[2] == 0xbf
    }

    /// ASCII digits only, small enough not to overflow.
    fileprivate var decimal: Int? {
        guard !isEmpty, count <= 15 else { return nil }
        var number = 0
        for index in indices {
            guard self[index].isDigit else { return nil }
            number = number * 10 + Int(self[index] - 0x30)
        }
        return number
    }

    var isUTF8: Bool {
        var high: UInt8 = 0
        for index in indices { high |= self[index] }
        return high < 0x80 || (try? UTF8Span(validating: self)) != nil
    }
}

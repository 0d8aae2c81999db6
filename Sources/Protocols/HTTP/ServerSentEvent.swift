public import Bytes

/// One event of an event stream (WHATWG HTML section 9.2).
public struct ServerSentEvent: Hashable, Sendable {
    /// The event's name; nil means `message`.
    public var event: ByteString?
    /// The lines of data joined by LF; nil when there was no data line. Empty data with an `id` is how MCP servers prime
    /// a stream for resumption, so it is kept apart from none.
    public var data: [UInt8]?
    /// The id that this event set, which may be empty.
    public var id: ByteString?
    /// Milliseconds that the reader should wait before it connects again.
    public var retry: Int?

    /// An event with these parts.
    public init(event: ByteString? = nil, data: [UInt8]? = nil, id: ByteString? = nil, retry: Int? = nil) {
        self.event = event
        self.data = data
        self.id = id
        self.retry = retry
    }

    /// Writes the event and the empty line that ends it.
    ///
    /// With data but no name, `event: message` is written out: it means the same, and some MCP clients drop what has no
    /// name. Line ends within the name or the id are left out, so that neither begins a field of its own.
    public func encode(into out: inout [UInt8]) {
        if let event {
            field("event", event.bytes, into: &out)
        } else if data?.isEmpty == false {
            out.append(text: "event: message\n")
        }
        if let id { field("id", id.bytes, into: &out) }
        if let retry { field("retry", Array(String(retry).utf8), into: &out) }
        if let data { encode(data: data, into: &out) }
        out.append(0x0a)
    }

    /// Every line end begins a new `data` line: LF, CR LF and CR mean the same to a reader.
    private func encode(data: [UInt8], into out: inout [UInt8]) {
        var start = 0
        var index = 0
        out.append(text: "data: ")
        while index < data.count {
            let byte = data[index]
            guard byte == 0x0a || byte == 0x0d else {
                index += 1
                continue
            }
            out.append(contentsOf: data[start..<index])
            out.append(text: "\ndata: ")
            index += byte == 0x0d && index + 1 < data.count && data[index + 1] == 0x0a ? 2 : 1
            start = index
        }
        out.append(contentsOf: data[start...])
        out.append(0x0a)
    }

    private func field(_ name: String, _ value: [UInt8], into out: inout [UInt8]) {
        out.append(text: name)
        out.append(text: ": ")
        for byte in value where byte != 0x0a && byte != 0x0d { out.append(byte) }
        out.append(0x0a)
    }
}

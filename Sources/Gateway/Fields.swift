import Bytes
import HTTP
import MCP
import Sessions

/// The header fields that go with a message: always made anew, never copied from the other side (mcp-protocol section 3.4).
enum Fields {
    /// A POST to the server. Both types are always accepted: the server chooses (`basic/transports`).
    static func posting(in session: Session?) -> HeaderFields {
        var fields = HeaderFields()
        fields.reserve(bytes: 224, fields: 4)
        if let session { add(session, to: &fields) }
        fields.add(name: "content-type", value: "application/json")
        fields.add(name: "accept", value: "application/json, text/event-stream")
        return fields
    }

    /// A POST of the stateless revision, with what repeats the body (2026-07-28, "Request Metadata"): made from the body that
    /// leaves.
    static func stateless(_ version: ProtocolVersion, _ method: MCP.Method, naming name: ByteString?) -> HeaderFields {
        var fields = HeaderFields()
        fields.reserve(bytes: 288, fields: 6)
        fields.add(name: "mcp-protocol-version", value: version.rawValue)
        _ = fields.add(name: "mcp-method", value: method.name)
        if let name { _ = fields.add(name: "mcp-name", value: MirroredText.encode(name)) }
        fields.add(name: "content-type", value: "application/json")
        fields.add(name: "accept", value: "application/json, text/event-stream")
        return fields
    }

    /// A GET for the session's stream of server messages.
    static func listening(in session: Session) -> HeaderFields {
        var fields = of(session)
        fields.add(name: "accept", value: "text/event-stream")
        return fields
    }

    /// A GET for what a stream of the session brought after an event, by the server's own id of it.
    static func resuming(in session: Session, after event: ByteString) -> HeaderFields {
        var fields = listening(in: session)
        fields.add(name: "last-event-id", value: event)
        return fields
    }

    /// What names the session and its revision.
    static func of(_ session: Session) -> HeaderFields {
        var fields = HeaderFields()
        add(session, to: &fields)
        return fields
    }

    private static func add(_ session: Session, to fields: inout HeaderFields) {
        if let id = session.upstreamID { fields.add(name: "mcp-session-id", value: id) }
        fields.add(name: "mcp-protocol-version", value: session.version.rawValue)
    }

    /// The answer to a request, as JSON.
    static func json(opening session: Session? = nil) -> HeaderFields {
        guard let session else { return unnamed }
        var fields = unnamed
        fields.add(name: "mcp-session-id", value: session.id)
        return fields
    }

    /// Metadata for OAuth clients, which may run in a page of any origin.
    static let metadata: HeaderFields = {
        var fields = HeaderFields()
        fields.add(name: "content-type", value: "application/json")
        fields.add(name: "access-control-allow-origin", value: "*")
        fields.add(name: "cache-control", value: "max-age=300")
        return fields
    }()

    /// What most answers say, made once.
    private static let unnamed: HeaderFields = {
        var fields = HeaderFields()
        fields.add(name: "content-type", value: "application/json")
        fields.add(name: "cache-control", value: "no-store")
        return fields
    }()

    /// The answer to a request, or a session's own stream, as events.
    static func events() -> HeaderFields {
        var fields = HeaderFields()
        fields.add(name: "content-type", value: "text/event-stream")
        fields.add(name: "cache-control", value: "no-store, no-transform")
        fields.add(name: "x-accel-buffering", value: "no")
        return fields
    }

    private static func isOfARate(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: " ;=,:.-\"".utf8.contains(byte)
        }
    }

    /// What a server says about its rate limits; passed on as it stands, nothing is retried.
    static func limits(of head: ResponseHead) -> HeaderFields {
        var limits = HeaderFields()
        head.fields.forEach { name, value in
            if name == "retry-after" || name.bytes.starts(with: Array("ratelimit-".utf8))
                || name.bytes.starts(with: Array("x-ratelimit-".utf8))
                || name.bytes.starts(with: Array("x-rate-limit-".utf8))
            {
                // Numbers, dates and lists of parameters, such as `110;w=10`: nothing else is about a rate.
                if value.count <= 64, value.bytes.allSatisfy(isOfARate) { limits.add(name: name, value: value) }
            }
        }
        return limits
    }
}

/// The head of a response: read from an upstream, or about to be written to a client.
public struct ResponseHead: Sendable {
    /// 100 to 599.
    public var status: Int
    /// The fields, names in lower case.
    public var fields: HeaderFields
    /// Where the body ends.
    public var framing: BodyFraming
    /// Whether the connection may be used again after the body.
    public var keepsAlive: Bool

    /// A head to be sent. Whoever sends it decides the framing.
    public init(
        status: Int, fields: HeaderFields = HeaderFields(), framing: BodyFraming = .none, keepsAlive: Bool = true
    ) {
        self.status = status
        self.fields = fields
        self.framing = framing
        self.keepsAlive = keepsAlive
    }

    /// Writes the status line, the fields, and the framing and connection fields that follow from `framing` and
    /// `keepsAlive`; such fields among `fields` are left out, so that a message has one framing.
    ///
    /// With `.none` no framing field is written: right for 204, 304, 1xx and 2xx to CONNECT only. The answer to HEAD takes
    /// the framing that the answer to GET would have had.
    public func encode(into out: inout [UInt8]) {
        out.append(text: "HTTP/1.1 ")
        out.append(decimal: status)
        out.append(text: " ")
        out.append(text: reason(ofStatus: status))
        out.append(text: "\r\n")
        fields.encodeEndToEnd(into: &out)
        switch framing {
        case .length(let count):
            out.append(text: "content-length: ")
            out.append(decimal: count)
            out.append(text: "\r\n")
        case .chunked:
            out.append(text: "transfer-encoding: chunked\r\n")
        case .none, .untilClose:
            break
        }
        if !keepsAlive || framing == .untilClose { out.append(text: "connection: close\r\n") }
        out.append(text: "\r\n")
    }
}

/// A whole answer.
public struct Response: Sendable {
    /// 200 to 599.
    public var status: Int
    /// The fields; framing, connection and date are added by whoever sends it.
    public var fields: HeaderFields
    /// The body; not sent with 204, 304 and to HEAD.
    public var body: [UInt8]

    /// An answer with these fields.
    public init(status: Int, fields: HeaderFields = HeaderFields(), body: [UInt8] = []) {
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// An answer whose body has this media type.
    public init(status: Int, type: String, body: [UInt8]) {
        self.status = status
        self.fields = HeaderFields()
        self.fields.add(name: "content-type", value: type)
        self.body = body
    }
}

/// The phrase of RFC 9110 section 15 for a status. Nobody may rely on it; a blank one confuses some old tools.
private func reason(ofStatus status: Int) -> String {
    switch status {
    case 100: "Continue"
    case 200: "OK"
    case 201: "Created"
    case 202: "Accepted"
    case 204: "No Content"
    case 304: "Not Modified"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 406: "Not Acceptable"
    case 408: "Request Timeout"
    case 409: "Conflict"
    case 411: "Length Required"
    case 413: "Content Too Large"
    case 414: "URI Too Long"
    case 415: "Unsupported Media Type"
    case 417: "Expectation Failed"
    case 421: "Misdirected Request"
    case 422: "Unprocessable Content"
    case 429: "Too Many Requests"
    case 431: "Request Header Fields Too Large"
    case 500: "Internal Server Error"
    case 501: "Not Implemented"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    case 505: "HTTP Version Not Supported"
    default: "Status"
    }
}

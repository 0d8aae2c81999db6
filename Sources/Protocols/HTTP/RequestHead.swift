public import Bytes

/// A request method (RFC 9110 section 9). Methods are case-sensitive: `get` is not `.get`.
public enum HTTPMethod: Hashable, Sendable {
    case get, post, delete, options, head
    case other(ByteString)

    /// The method that this token names.
    public init(_ token: ByteString) {
        self.init(token.bytes.span)
    }

    init(_ token: Span<UInt8>) {
        if token.equals("GET", ignoringCase: false) {
            self = .get
        } else if token.equals("POST", ignoringCase: false) {
            self = .post
        } else if token.equals("DELETE", ignoringCase: false) {
            self = .delete
        } else if token.equals("OPTIONS", ignoringCase: false) {
            self = .options
        } else if token.equals("HEAD", ignoringCase: false) {
            self = .head
        } else {
            self = .other(ByteString(token.copied))
        }
    }

    /// The token that stands for it on the wire.
    public var name: ByteString {
        switch self {
        case .get: "GET"
        case .post: "POST"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .head: "HEAD"
        case .other(let token): token
        }
    }
}

/// How the end of a body is found (RFC 9112 section 6.3).
public enum BodyFraming: Hashable, Sendable {
    /// There is no body.
    case none
    /// Exactly this many bytes.
    case length(Int)
    /// Chunks, the last one empty.
    case chunked
    /// Everything until the connection closes: responses only, and never told from one that was cut.
    case untilClose
}

/// The head of a request, as `RequestParser` accepted it.
public struct RequestHead: Sendable {
    /// What is asked for.
    public var method: HTTPMethod
    /// The path as it was sent, percent-escapes included and without the query; `*` for `OPTIONS *`. It has no dot
    /// segment, no `//` and no escape that another reader could understand differently: those requests are refused.
    public var path: ByteString
    /// What follows the first `?`, when there is one.
    public var query: ByteString?
    /// 1 for HTTP/1.1, 0 for HTTP/1.0.
    public var minorVersion: Int
    /// The fields, names in lower case.
    public var fields: HeaderFields
    /// Where the body ends; `.untilClose` never occurs here.
    public var framing: BodyFraming
    /// Whether the sender lets the connection live after the answer.
    public var keepsAlive: Bool
    /// The authority that was asked for, in lower case, with the port when one was sent.
    public var host: ByteString
    /// Whether the sender waits for `100 Continue` before it sends the body.
    public var expectsContinue: Bool

    /// A head as a test or a client would write it; a server gets its heads from `RequestParser`.
    public init(
        method: HTTPMethod, path: ByteString, query: ByteString? = nil, minorVersion: Int = 1,
        fields: HeaderFields = HeaderFields(), framing: BodyFraming = .none, keepsAlive: Bool = true,
        host: ByteString = "localhost", expectsContinue: Bool = false
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.minorVersion = minorVersion
        self.fields = fields
        self.framing = framing
        self.keepsAlive = keepsAlive
        self.host = host
        self.expectsContinue = expectsContinue
    }
}

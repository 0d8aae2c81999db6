public import HTTP
import JSON

/// Why a request on the admin listener was not carried out, as its sender hears it:
/// `{statusCode, error, message, details: {failures: [{path, message}]}}`, the shape that Truto's automation expects
/// (reference/torii.md 1.8). Holds no secret and nothing from a credential.
public struct AdminError: Error, Sendable {
    /// One thing that is wrong with what was sent.
    public struct Failure: Hashable, Sendable {
        /// Where, such as `config.methods`; `the body` for all of it.
        public let path: String
        /// What.
        public let message: String
    }

    /// The HTTP status.
    public let status: Int
    /// For people.
    public let message: String
    /// What exactly is wrong with the request; empty when it is not the request's form.
    public let failures: [Failure]
    private let fields: [(name: String, value: String)]

    /// An error. `path` says where the request is wrong.
    public init(
        _ status: Int, _ message: String, path: String? = nil, fields: [(name: String, value: String)] = []
    ) {
        self.status = status
        self.message = message
        self.failures = path.map { [Failure(path: $0, message: message)] } ?? []
        self.fields = fields
    }

    /// The answer.
    public var response: Response {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("statusCode")
        writer.int(status)
        writer.key("error")
        writer.string(AdminError.phrase(status))
        writer.key("message")
        writer.string(message)
        writer.key("details")
        writer.beginObject()
        writer.key("failures")
        writer.beginArray()
        for failure in failures {
            writer.beginObject()
            writer.key("path")
            writer.string(failure.path)
            writer.key("message")
            writer.string(failure.message)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        writer.endObject()
        var response = Response(
            status: status, type: "application/json", body: writer.bytes + [UInt8(ascii: "\n")])
        response.fields.add(name: "cache-control", value: "no-store")
        for field in fields { response.fields.add(name: field.name, value: field.value) }
        return response
    }

    /// The phrases of RFC 9110 section 15.5 and 15.6 and of RFC 6585.
    private static func phrase(_ status: Int) -> String {
        switch status {
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 414: "URI Too Long"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 505: "HTTP Version Not Supported"
        default: "Internal Server Error"
        }
    }
}

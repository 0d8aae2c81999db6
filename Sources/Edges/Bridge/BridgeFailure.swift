public import HTTPClient

/// Why a message got no answer over HTTP. No case holds a URL, a credential or a byte of a message.
public enum BridgeFailure: Error, Equatable, Sendable {
    /// The server cannot be reached, or broke off.
    case request(RequestFailure)
    /// It answered with this HTTP status and nothing that a client could read.
    case status(Int, inSession: Bool)
    /// It accepted the request and promised no answer.
    case noAnswer
    /// Its answer is neither JSON nor an event stream.
    case mediaType
    /// Its answer is not one that can be read strictly; a stable word says why.
    case unreadable(String)
    /// Its answer carries another id than the request.
    case otherID
    /// Its stream ended before the answer and cannot be resumed.
    case streamEnded

    /// A sentence for whoever runs the client.
    public var sentence: String {
        switch self {
        case .request(let failure): failure.sentence
        case .status(let status, let inSession): BridgeFailure.sentence(status, inSession)
        case .noAnswer: "the server took the request and gave no answer"
        case .mediaType: "the server's answer is neither JSON nor an event stream"
        case .unreadable(let word): "the server's answer can't be read: \(word)"
        case .otherID: "the server's answer is to another request"
        case .streamEnded: "the server's stream ended before the answer; what was asked may have been done"
        }
    }

    /// The code of the JSON-RPC error, outside what JSON-RPC and MCP keep for themselves: 53100 when the server certainly has
    /// not acted, 53101 when it answered in a way that is no answer, 53102 when nobody knows.
    var code: Int {
        switch self {
        case .request(let failure): failure.mayHaveActed ? 53_102 : 53_100
        case .status, .mediaType, .noAnswer, .unreadable, .otherID: 53_101
        case .streamEnded: 53_102
        }
    }

    private static func sentence(_ status: Int, _ inSession: Bool) -> String {
        switch status {
        case 401: "the server doesn't know this URL or token (401); it may have ended or been revoked"
        case 403: "the server refuses this client (403)"
        case 404 where inSession: "the session is over (404); start the connection anew"
        case 404: "there is no MCP server at this URL, or it has ended (404)"
        case 413: "the message is too large for the server (413)"
        case 429: "too many requests (429); try again later"
        case 300...399: "the server answered with a redirect (\(status)), which isn't followed"
        case 500...599: "the server has failed (\(status))"
        default: "the server answered with HTTP status \(status)"
        }
    }
}

extension RequestFailure {
    fileprivate var sentence: String {
        switch self {
        case .unreachable(let reason): "the server can't be reached: \(reason)"
        case .refused: "the server can't be reached: nobody listens there"
        case .certificate(let failure): "the server's certificate isn't accepted: \(failure)"
        case .tls(let failure): "no TLS with the server: \(failure)"
        case .proxyRefused(let status): "the proxy of HTTPS_PROXY refused the connection (\(status))"
        case .busy: "too many requests wait for a connection"
        case .noCredential(let source): "the token can't be read: \(source)"
        case .timedOut(.turn), .timedOut(.connecting), .timedOut(.handshake), .timedOut(.writing):
            "the server can't be reached in time"
        case .timedOut: "the server didn't answer in time; what was asked may have been done"
        case .cutOff: "the server broke off before it had answered; what was asked may have been done"
        case .malformed: "the server's answer is no proper HTTP"
        case .codedBody: "the server's answer is compressed although that was excluded"
        case .tooLarge: "the server's answer is too large"
        case .aborted: "the request was given up"
        }
    }
}

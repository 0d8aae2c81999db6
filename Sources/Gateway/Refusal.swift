import Audit
import Bytes
import HTTP
import Identity
import MCP
import Policy
import Redaction
import Sessions
import Upstream

/// Every way in which a request ends without what it asked for.
///
/// Rooms throw failures of their own; the gateway turns each into one of these, and one table (`Refusal+Table.swift`) says what
/// the client is told and which word the trail keeps. There is no other place where an error becomes an answer.
enum Refusal: Error {
    // The door.
    case noSuchDoor
    case queryInPath
    case method(allowed: String)
    case draining
    // Who.
    /// - metadata: where OAuth clients find out how to be recognised here.
    case unidentified(IdentityFailure, metadata: ByteString?)
    case unserved
    // What was said.
    case duplicateField(String)
    case mediaType
    case coding
    case body(ExchangeFailure)
    case message(MessageFailure)
    case era(Era.Failure, RequestID?)
    case mirroredField(String, RequestID?)
    case misplaced(RequestID?)
    /// What only the stateless revision knows; a table of its own (`Refusal+Stateless.swift`).
    case stateless(StatelessRefusal, RequestID?)
    case handshake(Handshake.Failure, RequestID?)
    // Whose conversation.
    case sessionMissing(RequestID?)
    case sessionUnknown(RequestID?)
    case sessionVersion(RequestID?)
    case sessions(SessionStore.Failure, RequestID?)
    case request(Session.Failure, RequestID)
    case unsolicitedResponse
    case streamTaken
    case replay
    case notAcceptable
    // May they.
    case denied(Denial, RequestID?, tool: ByteString?, form: UnknownToolForm)
    // Can it be proved.
    case unrecorded(AuditFailure, RequestID?)
    // What the server did.
    case upstream(UpstreamFailure, RequestID?, isToolCall: Bool)
    case answer(AnswerFailure, RequestID?, isToolCall: Bool)
    case limited(fields: HeaderFields, RequestID?)
    case withheld(Withheld, RequestID?, isToolCall: Bool)
    case pins(RequestID?)
    case occupied(RequestID?)
    case expired
    case sessionGone(RequestID?)
    case streamUnsupported
}

/// What is wrong with an answer that the server gave.
enum AnswerFailure: Error, Hashable {
    /// 401 or 403: the server does not accept our credential. Never the client's business.
    case credential(status: Int)
    /// 3xx: never followed, never relayed.
    case redirect(status: Int)
    /// Any other status that is no answer.
    case status(Int)
    /// 202 to a request.
    case empty
    /// Neither `application/json` nor `text/event-stream`.
    case mediaType
    /// Not a JSON-RPC message, or an event stream that cannot be read.
    case unreadable(String)
    /// Not the id that was asked with.
    case id
    /// The stream ended before the answer.
    case noAnswer
    /// The answer to `initialize` names a revision that is not carried, or lacks what it must have.
    case handshake
    /// The result has not the shape of its method.
    case shape
}

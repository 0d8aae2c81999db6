import Audit
import Bytes
import Catalog
import HTTP
import JSON
import MCP
import Sessions
import Upstream

/// The gateway's own reading of a server's tools, page by page: before the first call after a start, and after the server said that
/// its tools changed, so that a call is judged by definitions of today although its client never listed.
///
/// It goes through the caller's session, under ids of our own, and nothing of it is shown to the client.
struct Learning {
    private let visit: Visit
    private let caller: Caller
    private let session: Session

    /// Pages beyond this many are not read: their tools stay as they were.
    private static let pageLimit = 100

    init(_ visit: Visit, _ caller: Caller, _ session: Session) {
        self.visit = visit
        self.caller = caller
        self.session = session
    }

    func learn(for id: RequestID) async throws(Refusal) {
        var cursor: ByteString?
        var names: Set<ByteString> = []
        for page in 0..<Learning.pageLimit {
            let own = RequestID(text: ByteString("komainu-\(visit.trail.call.text.text)-\(page)"))
            let answer: any ServerAnswer
            do throws(UpstreamFailure) {
                answer = try await caller.server.transport.post(
                    GatewayMessage.listTools(own, cursor: cursor), fields: Fields.posting(in: session))
            } catch {
                throw .upstream(error, id, isToolCall: true)
            }
            guard answer.head.status == 200 else {
                answer.abort()
                throw .answer(.status(answer.head.status), id, isToolCall: true)
            }
            let message = try await Reading(answer, limit: visit.rules.resultLimit).answer(
                to: own, reportingTo: id, isToolCall: true)
            guard case .result(_, let result) = message.shape,
                let tools = message.document.member("tools", of: result), message.document.kind(tools) == .array
            else { throw .answer(.shape, id, isToolCall: true) }
            do throws(PinStoreFailure) {
                for sighting in try await caller.server.tools.enter(tools, of: message.document) {
                    visit.trail.sighted(sighting)
                }
            } catch {
                throw .pins(id)
            }
            message.document.forEachElement(of: tools) { tool in
                let document = message.document
                if let name = document.member("name", of: tool).flatMap({ document.string($0) }) { names.insert(name) }
            }
            cursor = message.document.member("nextCursor", of: result).flatMap { message.document.string($0) }
            if cursor == nil { break }
        }
        caller.server.tools.hasListed(exactly: names)
    }
}

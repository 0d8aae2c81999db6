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
/// It goes through the caller's session, or without one in the stateless revision, under ids of our own, and nothing of it is shown to the client.
struct Learning {
    private let visit: Visit
    private let caller: Caller
    /// Nil: in the stateless revision, in which the call came.
    private let session: Session?

    /// Pages beyond this many are not read: their tools stay as they were.
    private static let pageLimit = 100

    init(_ visit: Visit, _ caller: Caller, _ session: Session?) {
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
                answer = try await ask(own, cursor)
            } catch {
                throw .upstream(error, id, isToolCall: true)
            }
            guard answer.head.status == 200 else {
                answer.abort()
                if answer.head.status == 404, let session, session.upstreamID != nil {
                    visit.gateway.sessions.end(session)
                    throw .sessionGone(id)
                }
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

    private func ask(_ id: RequestID, _ cursor: ByteString?) async throws(UpstreamFailure) -> any ServerAnswer {
        let transport = caller.server.transport
        guard let session else {
            let version = ProtocolVersion.v20260728
            return try await transport.post(
                GatewayMessage.listTools(id, cursor: cursor, claiming: version),
                fields: Fields.stateless(version, .toolsList, naming: nil))
        }
        return try await transport.post(
            GatewayMessage.listTools(id, cursor: cursor), fields: Fields.posting(in: session))
    }
}

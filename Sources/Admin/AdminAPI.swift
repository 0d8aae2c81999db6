import Bytes
import HTTP
public import Identity
import JSON
import System

/// The admin API (design 1.5): one procedure from a request to an order and from its outcome to an answer.
public struct AdminAPI: Sendable {
    /// The largest body, in bytes: a token bound to 1,000 endpoints fits.
    static let bodyLimit = 64 << 10

    private let identities: IdentityRegistry
    private let operations: any AdminOperations
    private let throttle = FailureThrottle()

    /// An API for whom this registry recognises, carried out by these operations.
    public init(identities: IdentityRegistry, operations: any AdminOperations) {
        self.identities = identities
        self.operations = operations
    }

    /// What one request is answered with. The order of the checks is its meaning: an address is no secret, and nothing of
    /// what was sent is read before it is known who sent it and that they may.
    func answer(_ exchange: any Exchange) async -> Response {
        do throws(AdminError) {
            let (route, places) = try AdminRoute.find(exchange.head)
            let caller = try await caller(of: exchange)
            try await require(route.action, of: caller, exchange.peer)
            let order = try await order(route, places, caller, exchange)
            if route.action == .describe { return response(AdminAnswer(body: OpenAPI.document), route.action) }
            return response(try await operations.perform(order), route.action)
        } catch {
            return error.response
        }
    }

    private func caller(of exchange: any Exchange) async throws(AdminError) -> AdminPrincipal {
        do throws(IdentityFailure) {
            return try identities.authenticateAdmin(exchange.head.fields, now: .now)
        } catch {
            await operations.record(.unidentified(error), from: exchange.peer)
            guard case .unauthorized(let presented) = error.answer else {
                throw AdminError(503, "who may do what is not known at the moment")
            }
            if presented, let seconds = throttle.fail(exchange.peer.address, at: .now) {
                throw AdminError(
                    429, "too many wrong tokens from this address", fields: [("retry-after", String(seconds))])
            }
            let challenge = #"Bearer realm="komainu admin""# + (presented ? #", error="invalid_token""# : "")
            throw AdminError(401, "a valid admin token is needed", fields: [("www-authenticate", challenge)])
        }
    }

    private func require(
        _ action: AdminAction, of caller: AdminPrincipal, _ peer: PeerAddress
    ) async throws(AdminError) {
        guard caller.role < action.role else { return }
        await operations.record(.forbidden(caller, action), from: peer)
        throw AdminError(403, "this needs the role \(action.role.rawValue); this token has \(caller.role.rawValue)")
    }

    private func order(
        _ route: AdminRoute, _ places: [String: ByteString], _ caller: AdminPrincipal, _ exchange: any Exchange
    ) async throws(AdminError) -> AdminOrder {
        let head = exchange.head
        let query = try AdminQuery(head.query, names: route.queryNames)
        let (body, bytes) = try await body(route.action, exchange)
        return AdminOrder(
            action: route.action, caller: caller, peer: exchange.peer, isTruto: route.style == .truto,
            upstream: places["upstream"], id: places["id"], query: query, body: body,
            repeatable: try repeatable(route.action, head, bytes, caller))
    }

    private func body(
        _ action: AdminAction, _ exchange: any Exchange
    ) async throws(AdminError) -> (JSONDocument?, [UInt8]) {
        guard action.form.request != nil else {
            guard exchange.head.framing != .none else { return (nil, []) }
            guard try await read(exchange, limit: AdminAPI.bodyLimit).isEmpty else {
                throw AdminError(400, "this takes no body", path: "the body")
            }
            return (nil, [])
        }
        guard exchange.head.fields.saysJSON else {
            throw AdminError(415, "Content-Type must be application/json in UTF-8")
        }
        guard !exchange.head.fields.contains("content-encoding") else {
            throw AdminError(415, "Content-Encoding is not accepted")
        }
        let bytes = try await read(exchange, limit: AdminAPI.bodyLimit)
        do throws(JSONFailure) {
            return (try JSONDocument(parsing: bytes), bytes)
        } catch {
            throw AdminError(
                400, "the body is not JSON as it must be: \(error.reason.rawValue) at byte \(error.offset)",
                path: "the body")
        }
    }

    private func read(_ exchange: any Exchange, limit: Int) async throws(AdminError) -> [UInt8] {
        do throws(ExchangeFailure) {
            return try await exchange.readBody(limit: limit)
        } catch {
            switch error {
            case .tooLarge: throw AdminError(413, "the body has more than \(limit) bytes")
            case .slow: throw AdminError(408, "the body took too long")
            case .malformed, .gone, .answered: throw AdminError(400, "the body could not be read")
            }
        }
    }

    private func repeatable(
        _ action: AdminAction, _ head: RequestHead, _ body: [UInt8], _ caller: AdminPrincipal
    ) throws(AdminError) -> RepeatableRequest? {
        guard action.makes, head.fields.contains("idempotency-key") else { return nil }
        guard let key = head.fields["idempotency-key"], (1...200).contains(key.count),
            key.bytes.allSatisfy({ (0x21...0x7e).contains($0) })
        else {
            throw AdminError(
                400, "Idempotency-Key must stand once and have 1 to 200 visible ASCII characters",
                path: "Idempotency-Key")
        }
        let request = head.method.name.bytes + [10] + head.path.bytes + [10] + body
        return RepeatableRequest(owner: caller.token, key: key, request: ByteString(request))
    }

    private func response(_ answer: AdminAnswer, _ action: AdminAction) -> Response {
        let status = answer.isRepeated ? 200 : action.status
        var response =
            answer.body.isEmpty
            ? Response(status: status)
            : Response(status: status, type: "application/json", body: answer.body + [UInt8(ascii: "\n")])
        response.fields.add(name: "cache-control", value: "no-store")
        if answer.isRepeated { response.fields.add(name: "idempotency-replayed", value: "true") }
        if let location = answer.location { response.fields.add(name: "location", value: location) }
        return response
    }
}

extension AdminRoute {
    /// What its query may say.
    var queryNames: [String] {
        guard action.isList else { return [] }
        let page = ["limit", style == .truto ? "next_cursor" : "cursor"]
        return action == .listTools ? page + ["upstream"] : page
    }
}

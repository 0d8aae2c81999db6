import Admin
import Bytes
import HTTP
import Identity
import JSON
import KomainuTesting
import Synchronization
import System
import Telemetry

/// Records with one admin token of each role, and an API whose operations only remember what they were asked.
final class House {
    let registry: IdentityRegistry
    let operations = Noted()
    let api: AdminAPI
    private let folder: String
    private var secrets: [AdminRole: ByteString] = [:]

    init() throws {
        folder = try Files.makeTemporaryFolder(prefix: "komainu-admin-")
        let settings = StateSettings(
            database: folder + "/state.db", tokenKey: folder + "/token.key", publicURL: "https://mcp.example.com")
        try KeyFile.create(settings.tokenKey)
        let store = try StateStore(settings)
        for role in AdminRole.allCases {
            let draft = AdminTokenDraft(name: ByteString(role.rawValue), role: role)
            secrets[role] = try store.createAdminToken(draft, by: "tests", now: .now).value.secret
        }
        registry = try IdentityRegistry(IdentitySettings(state: settings))
        api = AdminAPI(identities: registry, operations: operations)
    }

    deinit {
        registry.stop()
        try? Files.removeTree(folder)
    }

    func secret(_ role: AdminRole) -> ByteString { secrets[role] ?? "" }

    /// Asks for something as the holder of a role's token, or of none.
    func ask(
        _ method: HTTPMethod, _ path: ByteString, as role: AdminRole? = .admin, body: String? = nil,
        fields more: [(String, String)] = [], query: ByteString? = nil, from address: ByteString = "192.0.2.1"
    ) async -> MemoryExchange {
        var fields = HeaderFields()
        if let role { fields.add(name: "authorization", value: "Bearer \(secret(role).text)") }
        if body != nil { fields.add(name: "content-type", value: "application/json") }
        for (name, value) in more { fields.add(name: name, value: value) }
        let bytes = Array((body ?? "").utf8)
        let head = RequestHead(
            method: method, path: path, query: query, fields: fields,
            framing: body == nil ? .none : .length(bytes.count), host: "127.0.0.1:9443")
        let exchange = MemoryExchange(head: head, body: bytes, peer: PeerAddress(address: address, port: 5_000))
        await AdminHandler(metrics: .shared, api: api) { [] }.handle(exchange)
        return exchange
    }
}

/// Operations that do nothing but remember.
final class Noted: AdminOperations {
    private let orders = Mutex<[AdminOrder]>([])
    private let refusals = Mutex<[String]>([])

    var performed: [AdminOrder] { orders.withLock { $0 } }
    var refused: [String] { refusals.withLock { $0 } }

    func perform(_ order: AdminOrder) async throws(AdminError) -> AdminAnswer {
        orders.withLock { $0.append(order) }
        return AdminAnswer(body: Array(#"{"done":true}"#.utf8))
    }

    func record(_ refusal: AdminRefusal, from peer: PeerAddress) async {
        let word =
            switch refusal {
            case .unidentified(let failure): failure.reason.rawValue
            case .forbidden(let caller, let action): "\(caller.role) \(action)"
            }
        refusals.withLock { $0.append(word) }
    }
}

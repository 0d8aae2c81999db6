import Bytes
import Catalog
import HTTP
import Identity
import JSON
import System

/// A caller as the policy would see them, to ask the policy about.
///
/// Only a verified credential makes a principal, and there is no second way to one for commands: this one comes from a
/// real token in records of their own, made for the question and thrown away with it.
struct SupposedCaller {
    /// Whom the token is to name.
    var subject: ByteString = "someone"
    /// Their groups.
    var groups: Set<ByteString> = []
    /// Come through an endpoint like this one.
    var endpoint: EndpointConfig?

    /// The principal that this caller would be at an upstream.
    func principal(at upstream: ByteString) throws(ProgramFailure) -> Principal {
        let folder = try attempting("a temporary folder can't be made") { () throws(SystemFailure) in
            try Files.makeTemporaryFolder(prefix: "komainu-question-")
        }
        defer { try? Files.removeTree(folder) }
        let settings = StateSettings(
            database: "\(folder)/state.db", tokenKey: "\(folder)/key", publicURL: "http://localhost")
        let (route, token) = try asking { () throws(StateFailure) in
            try KeyFile.create(settings.tokenKey)
            return try credential(at: upstream, in: try StateStore(settings))
        }
        let registry = try asking { () throws(StateFailure) in
            try IdentityRegistry(IdentitySettings(state: settings))
        }
        defer { registry.stop() }
        var fields = HeaderFields()
        fields.add(name: "authorization", value: ByteString("Bearer \(token.text)"))
        let head = RequestHead(method: .post, path: "/", fields: fields, host: "localhost")
        do throws(IdentityFailure) {
            return try registry.authenticate(route, head: head, now: WallTime.now)
        } catch {
            throw ProgramFailure("there can be no such caller: \(error.reason.rawValue)")
        }
    }

    private func credential(
        at upstream: ByteString, in store: StateStore
    ) throws(StateFailure) -> (EndpointRoute, ByteString) {
        var draft = APITokenDraft(name: "question", subject: subject, groups: groups, upstreams: [upstream])
        guard let endpoint else {
            return (
                .upstream(upstream), try store.createAPIToken(draft, by: "question", now: WallTime.now).value.secret
            )
        }
        let made = try store.createEndpoint(
            EndpointDraft(name: "question", upstream: upstream, config: endpoint), by: "question", now: WallTime.now
        ).value
        draft.endpoints = [made.record.id]
        let token = try store.createAPIToken(draft, by: "question", now: WallTime.now).value.secret
        return (.capability(made.secret), token)
    }
}

extension KnownTools {
    /// The tools as the policy would see them if the vendor listed all of the catalogue. A tool that was never seen gets a
    /// definition that takes any object, so what its own schema would refuse isn't told.
    func supposedDirectory() throws(ProgramFailure) -> Inventory {
        var definitions: [ToolDefinition] = []
        for name in names {
            if let seen = pins.pending[name]?.definition ?? pins.approved[name]?.definition {
                definitions.append(seen)
            } else {
                definitions.append(try unseenDefinition(name))
            }
        }
        var pins = pins
        var sightings: [Sighting] = []
        return Inventory(
            upstream.catalog, list: definitions, pins: &pins, trustsFirstSight: true, at: WallTime.now,
            sightings: &sightings)
    }
}

private func unseenDefinition(_ name: ByteString) throws(ProgramFailure) -> ToolDefinition {
    let definition: JSONValue = ["name": .string(name), "inputSchema": ["type": "object"]]
    do throws(DefinitionFailure) {
        return try ToolDefinition(parsing: definition.encoded())
    } catch {
        throw ProgramFailure("`\(name.text)` can't be the name of a tool")
    }
}

import Bytes
import Catalog
import Configuration
import Identity
import System

/// What was checked against the configuration and the records and may be made: only a check makes one, and every change of an
/// endpoint or token takes one, whether a command or the admin API asks for it.
struct Checked<Change: Sendable>: Sendable {
    let change: Change

    fileprivate init(_ change: Change) {
        self.change = change
    }
}

/// A change of one endpoint, and which one that is.
struct EndpointEdit: Sendable {
    let endpoint: Endpoint
    let change: EndpointChange
}

/// The one place where endpoints and tokens are checked and made. Blocks for the disk.
struct RecordChanges: Sendable {
    let store: StateStore
    let upstreams: [LoadedUpstream]

    /// The upstream of that name.
    func upstream(_ name: ByteString) throws(ChangeRefusal) -> LoadedUpstream {
        if let upstream = upstreams.first(where: { ByteString($0.settings.name) == name }) { return upstream }
        let known = upstreams.map(\.settings.name).joined(separator: ", ")
        throw ChangeRefusal(
            .invalid, field: "upstream", "there is no upstream `\(name.text)`; the configuration has \(known)")
    }

    // MARK: Endpoints

    func check(_ draft: EndpointDraft, now: WallTime) throws(ChangeRefusal) -> Checked<EndpointDraft> {
        try EndpointCheck(upstream: try upstream(draft.upstream)).check(draft.config)
        try changing { () throws(StateFailure) in try store.check(draft, now: now) }
        return Checked(draft)
    }

    /// The catalogue is asked again only when `config` is mentioned, as Truto does: an endpoint whose upstream is no longer
    /// configured can still be renamed, or given an end.
    func check(
        _ change: EndpointChange, of endpoint: Endpoint, now: WallTime
    ) throws(ChangeRefusal) -> Checked<EndpointEdit> {
        if change.changesConfig {
            try EndpointCheck(upstream: try upstream(endpoint.upstream)).check(change.applied(to: endpoint.config))
        }
        try changing { () throws(StateFailure) in try store.check(change, now: now) }
        return Checked(EndpointEdit(endpoint: endpoint, change: change))
    }

    func make(
        _ checked: Checked<EndpointDraft>, by person: ByteString, now: WallTime, once: RepeatableRequest? = nil
    ) throws(ChangeRefusal) -> Changed<Issued<Endpoint>> {
        try changing { () throws(StateFailure) in
            try store.createEndpoint(checked.change, by: person, now: now, once: once)
        }
    }

    func make(
        _ checked: Checked<EndpointEdit>, by person: ByteString, now: WallTime
    ) throws(ChangeRefusal) -> Changed<Endpoint> {
        let edit = checked.change
        return try changing { () throws(StateFailure) in
            try store.updateEndpoint(edit.endpoint.id, edit.change, by: person, now: now)
        }
    }

    func rotate(
        _ endpoint: Endpoint, by person: ByteString, now: WallTime
    ) throws(ChangeRefusal) -> Changed<Issued<Endpoint>> {
        try changing { () throws(StateFailure) in try store.rotateEndpoint(endpoint.id, by: person, now: now) }
    }

    func delete(_ endpoint: Endpoint, by person: ByteString, now: WallTime) throws(ChangeRefusal) -> Changed<Endpoint> {
        try changing { () throws(StateFailure) in try store.deleteEndpoint(endpoint.id, by: person, now: now) }
    }

    // MARK: API tokens

    func check(_ draft: APITokenDraft, now: WallTime) throws(ChangeRefusal) -> Checked<APITokenDraft> {
        for name in draft.upstreams.sorted() {
            do throws(ChangeRefusal) {
                _ = try upstream(name)
            } catch {
                throw ChangeRefusal(.invalid, field: "upstreams", error.text)
            }
        }
        try changing { () throws(StateFailure) in try store.check(draft, now: now) }
        return Checked(draft)
    }

    func make(
        _ checked: Checked<APITokenDraft>, by person: ByteString, now: WallTime, once: RepeatableRequest? = nil
    ) throws(ChangeRefusal) -> Changed<Issued<APIToken>> {
        try changing { () throws(StateFailure) in
            try store.createAPIToken(checked.change, by: person, now: now, once: once)
        }
    }

    func revoke(_ token: APIToken, by person: ByteString, now: WallTime) throws(ChangeRefusal) -> Changed<APIToken> {
        try changing { () throws(StateFailure) in try store.revokeAPIToken(token.id, by: person, now: now) }
    }

    // MARK: Admin tokens

    func check(_ draft: AdminTokenDraft, now: WallTime) throws(ChangeRefusal) -> Checked<AdminTokenDraft> {
        try changing { () throws(StateFailure) in try store.check(draft, now: now) }
        return Checked(draft)
    }

    func make(
        _ checked: Checked<AdminTokenDraft>, by person: ByteString, now: WallTime, once: RepeatableRequest? = nil
    ) throws(ChangeRefusal) -> Changed<Issued<AdminToken>> {
        try changing { () throws(StateFailure) in
            try store.createAdminToken(checked.change, by: person, now: now, once: once)
        }
    }

    func revoke(_ token: AdminToken, by person: ByteString, now: WallTime) throws(ChangeRefusal) -> Changed<AdminToken>
    {
        try changing { () throws(StateFailure) in try store.revokeAdminToken(token.id, by: person, now: now) }
    }
}

internal import Bytes
internal import Catalog
internal import SQLite
internal import System
internal import Telemetry

/// All records at one change, made for looking up. Never changed: a newer one takes its place.
final class StateSnapshot: Sendable {
    /// The last change it holds.
    let change: Int64
    let endpointsBySecret: [[UInt8]: EndpointEntry]
    let endpoints: [EndpointID: EndpointEntry]
    let tokensBySecret: [[UInt8]: TokenEntry]
    let tokens: [TokenID: TokenEntry]
    let adminTokensBySecret: [[UInt8]: AdminToken]

    /// An endpoint, with what is asked of it on each call worked out. An object, so that finding it copies nothing.
    final class EndpointEntry: Sendable {
        let record: EndpointRecord
        /// Nothing when the record's lists make no selection: then nobody is let in by it.
        let selection: Selection?

        var endpoint: Endpoint { record.endpoint }

        init(_ record: EndpointRecord) {
            self.record = record
            selection = try? record.endpoint.config.selection()
        }
    }

    /// An API token. An object, so that finding it copies nothing.
    final class TokenEntry: Sendable {
        let record: APITokenRecord

        init(_ record: APITokenRecord) {
            self.record = record
        }
    }

    /// Reads everything, on one state of the database. A damaged record is left out and told, so that one of them neither
    /// lets anybody in nor hides that others were revoked.
    init(reading database: borrowing Database) throws(StateFailure) {
        let (change, endpoints, tokens, admins) = try database.readTransaction(failing: { StateFailure($0) }) {
            () throws(StateFailure) in
            let change = try lastChangeNumber(in: database)
            let endpoints = try StateStore.endpointRecords(in: database, damaged: StateSnapshot.tell)
            let tokens = try StateStore.apiTokenRecords(in: database, damaged: StateSnapshot.tell)
            let admins = try StateStore.adminTokenRecords(in: database, damaged: StateSnapshot.tell)
            return (change, endpoints, tokens, admins)
        }
        let entries = endpoints.map(EndpointEntry.init)
        let tokenEntries = tokens.map(TokenEntry.init)
        self.change = change
        self.endpoints = Dictionary(entries.map { ($0.endpoint.id, $0) }) { first, _ in first }
        self.endpointsBySecret = Dictionary(entries.map { ($0.record.secretHMAC, $0) }) { first, _ in first }
        self.tokens = Dictionary(tokenEntries.map { ($0.record.token.id, $0) }) { first, _ in first }
        self.adminTokensBySecret = Dictionary(admins.map { ($0.secretHMAC, $0.token) }) { first, _ in first }
        self.tokensBySecret = Dictionary(
            tokenEntries.compactMap { entry in entry.record.secretHMAC.map { ($0, entry) } }
        ) { first, _ in first }
    }

    /// Whether what a principal was made from still stands. Time is not looked at: its holder has a timer for that.
    func admits(_ principal: Principal) -> Bool {
        if let id = principal.endpoint {
            guard let entry = endpoints[id], entry.record.revision == principal.revisions.endpoint else { return false }
        }
        if let id = principal.apiToken {
            guard let entry = tokens[id], entry.record.revision == principal.revisions.apiToken,
                entry.record.token.revokedAt == nil
            else { return false }
        }
        return true
    }

    private static func tell(_ failure: StateFailure) {
        Log.error("identity.record_damaged", ["reason": .text(failure.message)])
    }
}

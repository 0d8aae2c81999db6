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
    let tokensBySecret: [[UInt8]: APITokenRecord]
    let tokens: [TokenID: APITokenRecord]

    /// An endpoint, with what is asked of it on each call worked out.
    struct EndpointEntry: Sendable {
        let record: EndpointRecord
        /// Nothing when the record's lists make no selection: then nobody is let in by it.
        let selection: Selection?

        var endpoint: Endpoint { record.endpoint }
    }

    /// Reads everything, on one state of the database. A damaged record is left out and told, so that one of them neither
    /// lets anybody in nor hides that others were revoked.
    init(reading database: borrowing Database) throws(StateFailure) {
        let (change, endpoints, tokens) = try database.readTransaction(failing: { StateFailure($0) }) {
            () throws(StateFailure) in
            let change = try lastChangeNumber(in: database)
            let endpoints = try StateStore.endpointRecords(in: database, damaged: StateSnapshot.tell)
            let tokens = try StateStore.apiTokenRecords(in: database, damaged: StateSnapshot.tell)
            return (change, endpoints, tokens)
        }
        let entries = endpoints.map { EndpointEntry(record: $0, selection: try? $0.endpoint.config.selection()) }
        self.change = change
        self.endpoints = Dictionary(entries.map { ($0.endpoint.id, $0) }) { first, _ in first }
        self.endpointsBySecret = Dictionary(entries.map { ($0.record.secretHMAC, $0) }) { first, _ in first }
        self.tokens = Dictionary(tokens.map { ($0.token.id, $0) }) { first, _ in first }
        self.tokensBySecret = Dictionary(
            tokens.compactMap { record in record.secretHMAC.map { ($0, record) } }
        ) { first, _ in first }
    }

    /// Whether what a principal was made from still stands. Time is not looked at: its holder has a timer for that.
    func admits(_ principal: Principal) -> Bool {
        if let id = principal.endpoint {
            guard let entry = endpoints[id], entry.record.revision == principal.revisions.endpoint else { return false }
        }
        if let id = principal.apiToken {
            guard let record = tokens[id], record.revision == principal.revisions.apiToken,
                record.token.revokedAt == nil
            else { return false }
        }
        return true
    }

    private static func tell(_ failure: StateFailure) {
        Log.error("identity.record_damaged", ["reason": .text(failure.message)])
    }
}

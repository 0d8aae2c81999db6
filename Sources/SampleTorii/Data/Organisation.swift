import Bytes
import JSON

/// Everything the sample server knows: one invented company's people, programs, contracts, money and history.
///
/// The shapes follow Torii's public interface (nested owners, `additionalEmails`, money as an object or as a bare number,
/// JSON inside strings), because a proxy that was only tried on tidy data was not tried. The first rows never change
/// from run to run; writes change them until the server ends or is told to begin again.
struct Organisation: Sendable {
    var users: [Record]
    var apps: [Record]
    var contracts: [Record]
    var audit: [Record]
    var transactions: [Record]
    var workflows: [Record]
    var executions: [Record]
    var roles: [Record]
    /// The id that the next created row gets: nothing is ever given twice.
    var nextID = 90_001

    static let id = 318
    static let domain = "northquay.example"
    /// What one euro cent is worth in the organisation's own currency, in ten-thousandths.
    static let exchange = 10_888

    /// The organisation as it is before anybody writes.
    init() {
        users = Made.users()
        apps = Made.apps(owners: users)
        contracts = Made.contracts(apps: apps, owners: users)
        audit = Made.audit(users: users, contracts: contracts)
        transactions = Made.transactions(apps: apps, users: users)
        workflows = Made.workflows()
        executions = Made.executions(users: users, apps: apps)
        roles = Made.roles
    }

    /// A new row's id.
    mutating func newID() -> Int {
        defer { nextID += 1 }
        return nextID
    }

    /// The row with that id, where it stands.
    static func place(of id: Int, in rows: [Record]) -> Int? {
        rows.firstIndex { $0.number("id") == id }
    }

    /// Writes down who did what, as Torii's own log does: the user whose key it is, never the agent.
    mutating func note(_ type: String, _ properties: JSONValue) {
        let actor = users[0]
        let path = "/api/orgs/\(Self.id)/\(type)"
        audit.insert(
            [
                "performedBy": actor["id"] ?? .null, "performedByFirstName": actor["firstName"] ?? .null,
                "performedByLastName": actor["lastName"] ?? .null, "performedByEmail": actor["email"] ?? .null,
                "idTargetOrg": .integer(Self.id), "creationTime": "2026-11-20T09:30:00.000Z", "type": .text(type),
                "requestDetails": ["path": .text(path), "method": "post", "remoteAddress": "203.0.113.57"],
                "properties": properties,
            ], at: 0)
    }
}

/// Money as Torii writes it: minor units and a currency.
func money(_ minorUnits: Int, _ currency: String = "EUR") -> JSONValue {
    ["value": .integer(minorUnits), "currency": .text(currency)]
}

/// The same sum in the organisation's currency.
func converted(_ minorUnits: Int) -> Int { minorUnits * Organisation.exchange / 10_000 }

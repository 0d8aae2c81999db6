import Bytes
import JSON

/// Makes the rows. No chance is involved: row n is the same in every run, so tests can name what they expect.
enum Made {
    static let userCount = 120
    static let appCount = 48
    static let contractCount = 40
    static let auditCount = 150
    static let transactionCount = 90

    static func users() -> [Record] {
        let first: [Record] = [
            user(
                41207, "Maren", "Okonjo-Lysgaard", "maren.okonjo@northquay.example", role: 3, department: "Finance",
                others: ["m.lysgaard@northquay.example", "maren+billing@okonjo.example"], phone: "+1-202-555-0143"),
            user(
                41988, "Teodor", "Abramczyk", "teodor.abramczyk@northquay.example", role: 1,
                department: "Field Engineering", status: "offboarding", phone: "(202) 555-0177"),
            user(
                42311, "Ifeoma", "Brandt", "ifeoma.brandt@contractor.example", role: 1, external: true,
                others: ["ib@contractor.example"]),
        ]
        return first
            + (first.count..<userCount).map { number in
                let given = Names.given[number % Names.given.count]
                let family = Names.family[(number * 7 + number / 19) % Names.family.count]
                let handle = "\(given.handle).\(family.handle)"
                return user(
                    43_000 + number * 7, given.written, family.written, "\(handle)@\(Organisation.domain)",
                    role: number % 17 == 0 ? 7 : 1, department: Names.departments[number % Names.departments.count],
                    status: number % 23 == 0 ? "offboarded" : "active",
                    others: number % 3 == 0 ? ["\(given.handle)\(number)@\(family.handle).example"] : [],
                    phone: number % 4 == 0 ? nil : phone(number))
            }
    }

    /// Numbers that North America keeps for fiction, in the forms in which people write them.
    static func phone(_ number: Int) -> String {
        let last = String(100 + number % 100)
        return switch number % 3 {
        case 0: "+1-202-555-0\(last)"
        case 1: "(202) 555-0\(last)"
        default: "+1 202 555 0\(last)"
        }
    }

    static func user(
        _ id: Int, _ given: String, _ family: String, _ email: String, role: Int, department: String? = nil,
        status: String = "active", external: Bool = false, others: [String] = [], phone: String? = nil
    ) -> Record {
        [
            "id": .integer(id), "idOrg": .integer(Organisation.id), "firstName": .text(given),
            "lastName": .text(family),
            "email": .text(email), "creationTime": "2023-04-17T08:12:44.000Z", "idRole": .integer(role),
            "role": .text(role == 3 ? "Procurement" : role == 7 ? "Admin" : "Member"),
            "lifecycleStatus": .text(status), "isDeletedInIdentitySources": .bool(status != "active"),
            "isExternal": .bool(external), "activeAppsCount": .integer(id % 31),
            "additionalEmails": .array(others.map(JSONValue.text)),
            "c_department": department.map(JSONValue.text) ?? .null,
            "c_personalPhone": phone.map(JSONValue.text) ?? .null,
            "c_costCenter": department == nil ? .null : .integer(2_000 + id % 3_000),
        ]
    }

    /// A person inside another record.
    static func owner(_ user: Record) -> Record {
        let full = "\(user.text("firstName")?.text ?? "") \(user.text("lastName")?.text ?? "")"
        return [
            "id": user["id"] ?? .null, "firstName": user["firstName"] ?? .null, "lastName": user["lastName"] ?? .null,
            "fullName": .text(full), "email": user["email"] ?? .null,
            "photoUrl": .text("https://img.northquay.example/u/\(user.number("id") ?? 0).png"),
            "lifecycleStatus": user["lifecycleStatus"] ?? .null, "status": user["lifecycleStatus"] ?? .null,
            "isDeletedInIdentitySources": user["isDeletedInIdentitySources"] ?? .null,
        ]
    }

    static func apps(owners: [Record]) -> [Record] {
        let first: [Record] = [
            app(
                55421, "Inkwell Boards", "inkwellboards", "File Sharing", state: "discovered", owner: nil, seats: 40,
                price: 1_250,
                description:
                    "Shared whiteboards. Contact Teodor Abramczyk (teodor.abramczyk@northquay.example) for seats.",
                contact: "+44 20 7946 0958"),
            app(55437, "Ledgerfox", "ledgerfox", "Finance", state: "sanctioned", owner: owners[0], seats: 0, price: 0),
        ]
        return first
            + (first.count..<appCount).map { number in
                let kind = Names.apps[number % Names.apps.count]
                let name = number < Names.apps.count ? kind.name : "\(kind.name) \(number / Names.apps.count + 1)"
                return app(
                    55_500 + number, name, kind.host, kind.category,
                    state: number % 5 == 0 ? "discovered" : "sanctioned", owner: owners[number % owners.count],
                    seats: 5 + number * 3, price: 400 + number * 115)
            }
    }

    static func app(
        _ id: Int, _ name: String, _ host: String, _ category: String, state: String, owner: Record?, seats: Int,
        price: Int, description: String = "Bought by the team that uses it.", contact: String? = nil
    ) -> Record {
        let idle = seats / 6
        let prices: Record = [
            "pricePerLicense": money(price), "annualCost": money(price * seats * 12),
            "potentialSavings": money(price * idle * 12),
        ]
        let inOrgCurrency: Record = [
            "pricePerLicenseInOrgCurrency": money(converted(price), "USD"),
            "annualCostInOrgCurrency": money(converted(price * seats * 12), "USD"),
            "potentialSavingsInOrgCurrency": money(converted(price * idle * 12), "USD"),
        ]
        let amounts: Record = [
            "totalAmount": .integer(seats), "activeAmount": .integer(seats - idle), "inactiveAmount": .integer(idle),
            "unassignedAmount": 0,
        ]
        let kind: Record = .object(
            [JSONMember("name", "Pro")] + amounts.members + prices.members + inOrgCurrency.members)
        let person = owner.map(Self.owner) ?? .null
        return [
            "id": .integer(id), "name": .text(name), "isHidden": false, "state": .text(state),
            "url": .text("https://\(host).example"), "category": .text(category), "description": .text(description),
            "tags": id % 2 == 1 ? "Design,Audit 2026" : "", "primaryOwner": person,
            "appOwners": .array(owner == nil ? [] : [person]),
            "licenses": ["summary": .object(amounts.members + prices.members), "types": [kind]],
            "c_dataClass_1": id % 3 == 0 ? "Restricted" : "Confidential",
            "c_techContact": contact.map(JSONValue.text) ?? .null,
        ]
    }

    static func contracts(apps: [Record], owners: [Record]) -> [Record] {
        (0..<contractCount).map { number in
            let app = apps[number % apps.count]
            let sum = number == 0 ? 600_000 : number == 1 ? 23_000_000 : 120_000 + number * 48_000
            let host = app.text("url")?.text.split(separator: "/").last.map(String.init) ?? "vendor.example"
            let isFirst = number == 0
            return [
                "id": .integer(isFirst ? 9_107 : number == 1 ? 9_120 : 9_200 + number),
                "name": .text("\(app.text("name")?.text ?? "") \(isFirst ? "2026" : "multi-year")"),
                "status": number % 4 == 1 ? "pipeline" : "active", "idApp": app["id"] ?? .null,
                "owner": number == 1 ? .null : owner(owners[number % owners.count]),
                "createdBy": owners[(number + 1) % owners.count]["id"] ?? .null, "startDate": "2026-01-01",
                "endDate": .text("\(2026 + number % 4)-12-31"), "amount": money(sum, number == 1 ? "JPY" : "EUR"),
                "amountConverted": money(converted(sum), "USD"), "creationTime": "2025-12-12T10:02:33.000Z",
                "source": number % 3 == 0 ? "ui" : "api", "c_vendorContact": .text("billing@\(host)"),
                "c_paymentCard": isFirst ? "4111 1111 1111 1111" : .null,
                "c_bankRef": isFirst ? "GB82 WEST 1234 5698 7654 32" : .null,
                "c_milestones": [
                    ["label": "Q1", "amount": money(sum / 4)], ["label": "Q3", "amount": money(sum - sum / 4)],
                ],
            ]
        }
    }
}

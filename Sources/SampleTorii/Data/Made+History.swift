import Bytes
import JSON

extension Made {
    static let roles: [Record] = [
        [
            "id": 1, "systemKey": "member", "name": "Member", "description": "Catalogue only", "isAdmin": false,
            "usersCount": 812,
        ],
        [
            "id": 3, "systemKey": "procurement", "name": "Procurement", "description": "Contracts and licences",
            "isAdmin": false, "usersCount": 9,
        ],
        [
            "id": 7, "systemKey": "admin", "name": "Admin", "description": "All access", "isAdmin": true,
            "usersCount": 4,
        ],
    ]

    /// The log of what people did: addresses under keys that are not called `email`, sums as values under `from` and `to`.
    static func audit(users: [Record], contracts: [Record]) -> [Record] {
        (0..<auditCount).map { number in
            let actor = users[number % users.count]
            let other = users[(number + 1) % users.count]
            let contract = contracts[number % contracts.count]
            let isKey = number % 5 == 1
            let changes: Record = [
                "idContract": contract["id"] ?? .null,
                "changes": [
                    ["field": "amount", "from": money(540_000 + number), "to": contract["amount"] ?? .null],
                    ["field": "owner", "from": other["email"] ?? .null, "to": actor["email"] ?? .null],
                ],
            ]
            let path = "/api/orgs/318/\(isKey ? "apiKeys" : "contracts/\(contract.number("id") ?? 0)")"
            return [
                "performedBy": actor["id"] ?? .null, "performedByFirstName": actor["firstName"] ?? .null,
                "performedByLastName": actor["lastName"] ?? .null, "performedByEmail": actor["email"] ?? .null,
                "idTargetOrg": .integer(Organisation.id),
                "creationTime": .text("2026-11-\(10 + number % 9)T1\(number % 10):20:51.000Z"),
                "type": isKey ? "create_public_api_key" : "update_contract",
                "requestDetails": [
                    "path": .text(path), "method": isKey ? "post" : "put",
                    "remoteAddress": number % 2 == 0 ? "203.0.113.57" : "2001:db8:41::7",
                ],
                "properties": isKey ? ["name": "bi-export", "keyPrefix": "tk_live_9f3c"] : changes,
            ]
        }
    }

    /// The workflows' own log: JSON as text inside JSON, and a sentence that names a person twice.
    static func workflowAudit(users: [Record]) -> [Record] {
        (0..<30).map { number in
            let actor = users[number % users.count]
            let name = "\(actor.text("firstName")?.text ?? "") \(actor.text("lastName")?.text ?? "")"
            let email = actor.text("email")?.text ?? ""
            let inner: JSONValue = [
                "idWorkflow": .integer(204 + number % 3), "isActive": true,
                "notify": users[(number + 1) % users.count]["email"] ?? .null,
            ]
            return [
                "performedBy": actor["id"] ?? .null, "performedByFirstName": actor["firstName"] ?? .null,
                "performedByLastName": actor["lastName"] ?? .null, "performedByEmail": .text(email),
                "idTargetOrg": .integer(Organisation.id), "properties": .string(ByteString(inner.encoded())),
                "creationTime": "2026-11-10T07:00:00.000Z", "type": "update_workflow",
                "message": .text(
                    "User \(name) (\(email)), updated workflow \(204 + number % 3), "
                        + "at Tue Nov 10 2026 07:00:00 GMT+0000"),
            ]
        }
    }

    /// Card and bank lines: three-key sums, and names in free text.
    static func transactions(apps: [Record], users: [Record]) -> [Record] {
        (0..<transactionCount).map { number in
            let app = apps[number % apps.count]
            let person = users[number % users.count]
            let isTaxi = number % 4 == 1
            let sum = 150_000 - number * 1_310
            let family = person.text("lastName")?.text.uppercased() ?? ""
            let initial = person.text("firstName")?.text.prefix(1).uppercased() ?? ""
            let vendor = app.text("name")?.text.uppercased() ?? ""
            return [
                "id": .integer(660_141 + number), "idApp": isTaxi ? .null : app["id"] ?? .null,
                "mappingStatus": isTaxi ? "unknown" : "mapped", "transactionDate": .text("2026-10-\(10 + number % 20)"),
                "amount": [
                    "value": .integer(sum), "currency": isTaxi ? "GBP" : "EUR",
                    "convertedValue": .integer(converted(sum)),
                ],
                "description": .text(isTaxi ? "\(initial) \(family) TAXI" : "\(vendor) *Q3 CARD 4242"),
            ]
        }
    }

    static func workflows() -> [Record] {
        ["Offboarding", "Licence reclaim", "New app review"].enumerated().map { number, name in
            [
                "id": .integer(204 + number), "name": .text(name), "isActive": true,
                "triggerType": .text(number == 0 ? "userIsLeaving" : "manual"),
                "creationTime": "2024-05-06T07:00:00.000Z", "createdBy": 41207,
            ]
        }
    }

    /// What workflows did: open objects that hold a credential, an address and a telephone number.
    static func executions(users: [Record], apps: [Record]) -> [Record] {
        (0..<25).map { number in
            let person = users[(number + 1) % users.count]
            return [
                "id": .integer(771_199 + number), "idOrg": .integer(Organisation.id),
                "idApp": apps[(number + 1) % apps.count]["id"] ?? .null, "idWorkflow": 204,
                "idWorkflowExecution": .integer(88_123 + number), "idAction": "a-7", "actionType": "sendEmail",
                "runtimeInfo": ["to": [person["email"] ?? .null], "cc": [], "subject": "Your last day"], "isRun": true,
                "runTime": "2026-11-17T09:00:01.000Z", "isCompleted": false, "completionTime": .null,
                "continueOnError": false, "isIgnored": false, "ignoredTime": .null,
                "details": [
                    "webhook": [
                        "url": "https://hooks.northquay.example/T0/abc",
                        "headers": ["Authorization": "Bearer ex-4f9a-not-real"],
                    ],
                    "note": .text("call \(phone(77 + number)) if it fails"),
                ],
                "executionErrorType": "timeout", "errorTime": "2026-11-17T09:05:00.000Z",
                "creationTime": "2026-11-17T09:00:00.000Z", "updateTime": "2026-11-17T09:05:00.000Z",
            ]
        }
    }

    /// One person's use of one app: the same identity under four names.
    static func appUser(_ user: Record, of app: Record) -> Record {
        let handle = user.text("email")?.text.split(separator: "@").first.map(String.init) ?? ""
        let owner = owner(user)
        return [
            "score": .number("0.8"), "email": user["email"] ?? .null, "creationTime": "2025-02-01T00:00:00Z",
            "lastVisitTime": "2026-11-01T12:00:00Z", "appName": app["name"] ?? .null,
            "firstName": user["firstName"] ?? .null, "lastName": user["lastName"] ?? .null,
            "fullName": owner["fullName"] ?? .null, "status": "active", "idExternalUser": .text("\(handle)_88"),
            "idUser": user["id"] ?? .null, "sources": ["okta", "browserExtension"], "isUserRemovedFromApp": false,
            "role": "", "externalStatus": "Active", "isExternal": user["isExternal"] ?? .null,
            "photoUrl": owner["photoUrl"] ?? .null, "licenses": [["name": "Pro"]], "appAccountName": .text(handle),
            "idAppAccount": 1200, "lifecycleStatus": user["lifecycleStatus"] ?? .null, "annualCost": 15_000,
            "annualCostConverted": .integer(converted(15_000)),
        ]
    }

    /// One app as its user sees it: costs as bare numbers.
    static func userApp(_ app: Record) -> Record {
        [
            "id": app["id"] ?? .null, "name": app["name"] ?? .null, "isUserRemovedFromApp": false,
            "state": app["state"] ?? .null, "annualCost": 15_000, "currency": "EUR",
            "annualCostConverted": .integer(converted(15_000)),
        ]
    }
}

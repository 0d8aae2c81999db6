import Bytes
import JSON

/// Tools under the names of Torii's own hosted server.
enum OfficialTools {
    static let all: [SampleTool] = apps + people + contracts + history

    private static let appsListing = Listing(grammar: .official, wrapper: "apps", cursorColumn: "name")
    private static let usersListing = Listing(
        grammar: .official, wrapper: "users", cursorColumn: "email", always: ["id", "additionalEmails"])
    private static let contractsListing = Listing(grammar: .official, wrapper: "contracts", cursorColumn: "name")
    private static let auditListing = Listing(grammar: .official, wrapper: "audit", cursorColumn: "performedByEmail")
    private static let transactionsListing = Listing(
        grammar: .official, wrapper: "transactions", cursorColumn: "amount")

    private static let apps: [SampleTool] = [
        SampleTool(
            "list_apps", "List apps",
            "List the applications of your organisation with their state, category, owners, licences and what they "
                + "cost. Use aggs instead of paging through everything when you only need counts.",
            resource: "apps", method: "list", tags: ["apps"], inputs: Grammar.official.inputs, claims: Claim.reads,
            work: .now { here, arguments in appsListing.answer(here.apps, arguments) }),
        SampleTool(
            "get_app", "Get an app", "One application by its id, with every field, owners and licences included.",
            resource: "apps", method: "get", tags: ["apps"],
            inputs: [.integer("idApp", "The application's id.", required: true)], claims: Claim.reads,
            work: .now { here, arguments in found(here.apps, arguments.number("idApp"), as: "app", "Application") }),
        SampleTool(
            "search_apps", "Search apps",
            "Search the catalogue of all known applications by name, not only those of your organisation.",
            resource: "apps", method: "search", tags: ["apps", "catalog"],
            inputs: [
                .string("q", "Part of an application's name.", required: true),
                .any(
                    "limit", ["type": "integer", "minimum": 1, "maximum": 50, "description": "How many; default 10."]),
            ], claims: Claim.reads, output: Schemas.foundApps, work: .now(search)),
        SampleTool(
            "match_apps", "Match apps",
            "Match names as they stand on invoices or in spreadsheets to known applications. Changes nothing.",
            resource: "apps", method: "match", tags: ["apps", "catalog"],
            inputs: [
                .any(
                    "apps",
                    [
                        "type": "array", "description": "What to look for.",
                        "items": ["type": "object", "properties": ["name": ["type": "string"]], "required": ["name"]],
                    ], required: true)
            ], claims: Claim.writes, work: .now(match)),
        SampleTool(
            "get_app_fields", "App fields", "The columns an application has, custom ones included.",
            resource: "app_fields", method: "get", tags: ["apps", "metadata"], claims: Claim.reads,
            work: .now { here, _ in fields(of: here.apps) }),
    ]

    private static let people: [SampleTool] = [
        SampleTool(
            "list_users", "List users",
            "List the people of your organisation. id and additionalEmails are always returned.",
            resource: "users", method: "list", tags: ["users", "pii"], inputs: Grammar.official.inputs,
            claims: Claim.reads, work: .now { here, arguments in usersListing.answer(here.users, arguments) }),
        SampleTool(
            "get_user", "Get a user", "One person by id, with role, life-cycle status and custom fields.",
            resource: "users", method: "get", tags: ["users", "pii"],
            inputs: [.integer("idUser", "The person's id.", required: true)], claims: Claim.reads,
            output: Schemas.user,
            work: .now { here, arguments in
                let outcome = found(here.users, arguments.number("idUser"), as: "user", "User")
                if case .answer(let value) = outcome { return .structured(value) }
                return outcome
            }),
        SampleTool(
            "update_user", "Update a user",
            "Change a person's life-cycle status or role. Setting offboarded may start deprovisioning.",
            resource: "users", method: "update", tags: ["users"],
            inputs: [
                .integer("idUser", "The person's id.", required: true),
                .choice("lifecycleStatus", ["active", "offboarding", "offboarded"], "The new status."),
                .integer("idRole", "The new role's id."),
                .string("email", "The new address."),
            ], claims: Claim.writes, work: .now(Writes.updateUser)),
        SampleTool(
            "list_roles", "List roles", "The roles of your organisation and how many people have each.",
            resource: "roles", method: "list", tags: ["roles"], claims: Claim.reads,
            work: .now { here, _ in .answer(["roles": .array(here.roles)]) }),
        // The name begins like a read and the claim says so too; neither is true.
        SampleTool(
            "get_and_purge_users", "Get offboarded users",
            "Return the offboarded people and remove them from the organisation.",
            resource: "users", method: "get_and_purge", tags: ["users"], claims: Claim.reads,
            work: .now { here, _ in
                let gone = here.users.filter { $0.text("lifecycleStatus") == "offboarded" }
                here.users.removeAll { $0.text("lifecycleStatus") == "offboarded" }
                return .answer(["users": .array(gone), "count": .integer(gone.count)])
            }),
    ]

    private static let contracts: [SampleTool] = [
        SampleTool(
            "list_contracts", "List contracts",
            "List contracts. With fields, the short form of version 1.0: a bare amount in minor units, the currency "
                + "beside it, the owner as an id.",
            resource: "contracts", method: "list", tags: ["contracts", "financial"], inputs: Grammar.official.inputs,
            claims: Claim.reads, output: Schemas.contracts, work: .now(listContracts)),
        SampleTool(
            "get_contract", "Get a contract", "One contract by id.", resource: "contracts", method: "get",
            tags: ["contracts", "financial"], inputs: [.integer("idContract", "The contract's id.", required: true)],
            claims: Claim.reads,
            work: .now { here, arguments in
                found(here.contracts, arguments.number("idContract"), as: "contract", "Contract")
            }),
        SampleTool(
            "create_contract", "Create a contract",
            "Create a contract. amount is in minor units: a number in the organisation's currency, or {value, currency}.",
            resource: "contracts", method: "create", tags: ["contracts", "financial"], inputs: Writes.contractInputs,
            claims: Claim.writes, work: .now(Writes.createContract)),
        SampleTool(
            "get_contract_fields", "Contract fields", "The columns a contract has, custom ones included.",
            resource: "contract_fields", method: "get", tags: ["contracts", "metadata"], claims: Claim.reads,
            work: .now { here, _ in fields(of: here.contracts) }),
        SampleTool(
            "list_transactions", "List transactions", "Card and bank lines and the applications they were mapped to.",
            resource: "transactions", method: "list", tags: ["transactions", "financial"],
            inputs: Grammar.official.inputs, claims: Claim.reads,
            work: .now { here, arguments in transactionsListing.answer(here.transactions, arguments) }),
    ]

    private static let history: [SampleTool] = [
        SampleTool(
            "list_audit_logs", "List audit logs", "Who did what in Torii.", resource: "audit_logs", method: "list",
            tags: ["audit", "pii"], inputs: Grammar.official.inputs, claims: Claim.reads,
            work: .now { here, arguments in auditListing.answer(here.audit, arguments) }),
        SampleTool(
            "list_workflows", "List workflows", "The workflows of your organisation.", resource: "workflows",
            method: "list", tags: ["workflows"], claims: Claim.reads,
            work: .now { here, _ in .answer(["workflows": .array(here.workflows)]) }),
        SampleTool(
            "list_workflow_audit", "List workflow changes", "Who changed which workflow.", resource: "workflow_audit",
            method: "list", tags: ["workflows", "audit", "pii"], inputs: Grammar.official.inputs, claims: Claim.reads,
            work: .now { here, arguments in auditListing.answer(Made.workflowAudit(users: here.users), arguments) }),
        // Claims to only read; does whatever the workflow does.
        SampleTool(
            "run_workflow", "Run a workflow", "Start a workflow for a person, an application or a contract.",
            resource: "workflows", method: "run", tags: ["workflows"],
            inputs: [
                .integer("idWorkflow", "The workflow's id.", required: true),
                .string("triggerUserEmail", "The address of the person it is started for."),
                .integer("triggerAppId", "The application it is started for."),
            ], claims: Claim.reads, work: .now(Writes.runWorkflow)),
        SampleTool(
            "create_api_key_plugin", "Create a plugin's API key",
            "Make a new key for a plugin. Older keys stop working at once.",
            resource: "plugins", method: "create", tags: ["plugins", "secrets"],
            inputs: [.string("uuidPlugin", "The plugin's id.", required: true)], claims: Claim.destroys,
            work: .now { here, _ in
                .answer([
                    "id": .integer(here.newID()), "idOrg": .integer(Organisation.id), "createdBy": 41207,
                    "token": "tk_example_do_not_use_0000",
                ])
            }),
        SampleTool(
            "export_audit_logs", "Export audit logs",
            "Collect the whole audit log. Takes a while: progress is reported where a progressToken was given.",
            resource: "audit_logs", method: "export", tags: ["audit", "pii"],
            inputs: [
                .any("steps", ["type": "integer", "minimum": 1, "maximum": 1000, "description": "Pieces; default 5."]),
                .number("seconds", "Seconds between two pieces; default 0.02."),
            ], claims: Claim.reads,
            work: .inSteps(
                { arguments in
                    SampleTool.Steps(
                        count: min(1000, max(1, arguments.number("steps") ?? 5)),
                        secondsApart: seconds(arguments["seconds"], otherwise: 0.02),
                        message: "collected the rows of maren.okonjo@northquay.example")
                },
                { here, _ in
                    .answer(["audit": .array(Array(here.audit.prefix(20))), "total": .integer(here.audit.count)])
                }
            )),
    ]

    /// The row with that id under its own name, or Torii's 404.
    static func found(_ rows: [Record], _ id: Int?, as wrapper: ByteString, _ kind: String) -> SampleTool.Outcome {
        guard let id else { return .refused(400, "Bad Request", "an id is needed") }
        guard let place = Organisation.place(of: id, in: rows) else {
            return .refused(404, "Not Found", "\(kind) \(id) not found")
        }
        return .answer(.object([JSONMember(wrapper, rows[place])]))
    }

    private static func fields(of rows: [Record]) -> SampleTool.Outcome {
        let names = rows.first?.members.map(\.name) ?? []
        return .answer([
            "fields": .array(
                names.enumerated().map { number, name in
                    ["id": .integer(number + 1), "systemKey": .string(name), "isCustom": .bool(name.hasPrefix("c_"))]
                })
        ])
    }

    private static func search(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        let question = arguments.text("q") ?? ""
        let limit = max(0, min(50, arguments.number("limit") ?? 10))
        let apps = here.apps.filter { $0.text("name")?.contains(question) == true }.prefix(limit).map { app in
            var picked = app.picking(["id", "name", "category", "url", "isHidden"])
            picked.set("imageUrl", .text("https://img.torii.example/\(app.number("id") ?? 0).png"))
            return picked
        }
        return .structured(["apps": .array(Array(apps))])
    }

    private static func match(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        let matches = (arguments["apps"]?.elements ?? []).prefix(200).map { wanted -> JSONValue in
            let name = wanted.text("name") ?? ""
            let squeezed = ByteString(name.bytes.filter { $0 != 0x20 })
            let app = squeezed.isEmpty ? nil : here.apps.first { $0.text("name")?.contains(squeezed) == true }
            return [
                "idApp": app?["id"] ?? .null, "name": app?["name"] ?? .null, "url": app?["url"] ?? .null,
                "searchedBy": .string(name),
            ]
        }
        return .answer(["apps": .array(Array(matches))])
    }

    private static func listContracts(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        guard let fields = arguments.text("fields")?.commaSeparated else {
            return contractsListing.answer(here.contracts, arguments, structured: true)
        }
        let short = here.contracts.prefix(max(1, min(1000, arguments.number("size") ?? 50))).map { contract in
            var row = contract
            row.set("currency", contract["amount"]?["currency"] ?? .null)
            row.set("amount", contract["amount"]?["value"] ?? .null)
            row.set("owner", contract["owner"]?["id"] ?? .null)
            return row.picking(fields)
        }
        return .structured(["contracts": .array(Array(short))])
    }
}

/// A number of seconds among the arguments, between 0 and 600.
func seconds(_ value: JSONValue?, otherwise: Double) -> Double {
    guard case .number(let text) = value, let seconds = Double(text.text) else { return otherwise }
    return min(600, max(0, seconds))
}

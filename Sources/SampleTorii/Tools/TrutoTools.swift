import Bytes
import JSON

/// Tools under the names that Truto's grammar makes for Torii. No annotations: Truto promises none.
enum TrutoTools {
    static let all: [SampleTool] = reads + writes

    private static func list(
        _ name: ByteString, _ what: String, resource: String, tags: [String], cursor: ByteString, more: [Input] = [],
        _ rows: @escaping @Sendable (Organisation, JSONValue) -> [Record]
    ) -> SampleTool {
        let listing = Listing(grammar: .truto, wrapper: "result", cursorColumn: cursor)
        return SampleTool(
            name, "List all \(what)", "List all \(what) in Torii. Use next_cursor to go on.", resource: resource,
            method: "list", tags: tags, inputs: more + Grammar.truto.inputs,
            work: .now { here, arguments in listing.answer(rows(here, arguments), arguments) })
    }

    private static let id: [Input] = [.string("id", "The id of the record.", required: true)]

    private static let reads: [SampleTool] = [
        list("list_all_torii_me", "organisation", resource: "me", tags: ["org"], cursor: "id") { _, _ in
            [
                [
                    "id": .integer(Organisation.id), "companyName": "Northquay Instruments",
                    "domain": .text(Organisation.domain), "creationTime": "2020-02-03T00:00:00.000Z",
                ]
            ]
        },
        list("list_all_torii_users", "users", resource: "users", tags: ["users", "pii"], cursor: "email") { here, _ in
            here.users
        },
        SampleTool(
            "get_single_torii_user_by_id", "Get user", "Get a user in Torii using id.", resource: "users",
            method: "get",
            tags: ["users", "pii"], inputs: id, work: .now(getUser)),
        list("list_all_torii_apps", "apps", resource: "apps", tags: ["apps"], cursor: "name") { here, _ in here.apps },
        SampleTool(
            "get_single_torii_app_by_id", "Get app", "Get an app in Torii using id.", resource: "apps", method: "get",
            tags: ["apps"], inputs: id,
            work: .now { here, arguments in
                OfficialTools.found(here.apps, arguments.number("id"), as: "app", "Application")
            }),
        list(
            "list_all_torii_contracts", "contracts", resource: "contracts", tags: ["contracts", "financial"],
            cursor: "name"
        ) { here, _ in here.contracts },
        SampleTool(
            "get_single_torii_contract_by_id", "Get contract", "Get a contract in Torii using id.",
            resource: "contracts", method: "get", tags: ["contracts", "financial"], inputs: id,
            work: .now { here, arguments in
                OfficialTools.found(here.contracts, arguments.number("id"), as: "contract", "Contract")
            }),
        list(
            "list_all_torii_audit_logs", "audit logs", resource: "audit_logs", tags: ["audit", "pii"],
            cursor: "performedByEmail"
        ) { here, _ in here.audit },
        list(
            "list_all_torii_user_applications", "applications of a user", resource: "user_applications",
            tags: ["users", "apps", "pii"], cursor: "name",
            more: [.integer("id_user", "The user's id.", required: true)]
        ) { here, _ in here.apps.prefix(5).map(Made.userApp) },
        list(
            "list_all_torii_app_users", "users of an app", resource: "app_users", tags: ["apps", "users", "pii"],
            cursor: "email", more: [.integer("id_app", "The app's id.", required: true)]
        ) { here, arguments in
            let app = here.apps.first { $0["id"] == arguments["id_app"] } ?? here.apps[0]
            return here.users.prefix(12).map { Made.appUser($0, of: app) }
        },
        list(
            "list_all_torii_workflow_action_executions", "workflow action executions",
            resource: "workflow_action_executions", tags: ["workflows", "audit"], cursor: "creationTime"
        ) { here, _ in here.executions },
        list("list_all_torii_roles", "roles", resource: "roles", tags: ["roles"], cursor: "name") { here, _ in
            here.roles
        },
    ]

    private static let writes: [SampleTool] = [
        SampleTool(
            "update_a_torii_user_by_id", "Update user",
            "Update a specific user in Torii using id. Requires lifecycleStatus.", resource: "users", method: "update",
            tags: ["users"],
            inputs: id + [
                .choice("lifecycleStatus", ["active", "offboarding", "offboarded"], "The new status.", required: true),
                .string("email", "The new address."),
            ], work: .now(Writes.updateUser)),
        SampleTool(
            "create_a_torii_app", "Create app", "Create an app in Torii.", resource: "apps", method: "create",
            tags: ["apps"],
            inputs: [.string("name", "Its name.", required: true), .string("category", "Its category.")],
            work: .now(Writes.createApp)),
        SampleTool(
            "update_a_torii_app_by_id", "Update app", "Update a specific app in Torii using id.", resource: "apps",
            method: "update", tags: ["apps"],
            inputs: id + [
                .string("description", "What it is for."), .string("c_techContact", "Whom to call."),
                .any("primaryOwner", ["description": "The owner: an id, or an object with an e-mail address."]),
            ], work: .now(Writes.updateApp)),
        SampleTool(
            "create_a_torii_contract", "Create contract", "Create a contract in Torii.", resource: "contracts",
            method: "create", tags: ["contracts", "financial"], inputs: Writes.contractInputs,
            work: .now(Writes.createContract)),
        SampleTool(
            "update_a_torii_contract_by_id", "Update contract", "Update a specific contract in Torii using id.",
            resource: "contracts", method: "update", tags: ["contracts", "financial"],
            inputs: id
                + Writes.contractInputs.map { input in
                    var optional = input
                    optional.isRequired = false
                    return optional
                }, work: .now(Writes.updateContract)),
        SampleTool(
            "delete_a_torii_contract_by_id", "Delete contract", "Delete a contract from Torii using id.",
            resource: "contracts", method: "delete", tags: ["contracts", "destructive"], inputs: id,
            work: .now(Writes.deleteContract)),
    ]

    /// The user, or Truto's error with the provider's own body inside, which names two people.
    private static func getUser(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        guard let id = arguments.number("id"), let place = Organisation.place(of: id, in: here.users) else {
            return .refusedRemotely(
                404, "Not Found", "User maren.okonjo@northquay.example not found",
                debug: ["requestedBy": "teodor.abramczyk@northquay.example"])
        }
        return .answer(["user": here.users[place]])
    }
}

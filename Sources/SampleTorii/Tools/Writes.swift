import Bytes
import JSON

/// What changes the organisation, under either server's names.
enum Writes {
    static let contractInputs: [Input] = [
        .string("name", "What the contract is called.", required: true),
        .integer("idApp", "The application it is for.", required: true),
        .choice("status", ["active", "pipeline", "closed"], "Where it stands.", required: true),
        .any(
            "amount",
            [
                "description": "Minor units: a number, or {value, currency}.",
                "anyOf": [
                    ["type": "integer"],
                    [
                        "type": "object",
                        "properties": ["value": ["type": "integer"], "currency": ["type": "string"]],
                        "required": ["value", "currency"],
                    ],
                ],
            ]),
        .string("startDate", "First day, as 2026-11-20."),
        .string("endDate", "Last day, as 2027-11-19."),
    ]

    static func updateUser(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        let id = arguments["idUser"]?.wholeNumber ?? arguments["id"]?.wholeNumber
        guard let id, let place = Organisation.place(of: id, in: here.users) else {
            return .refused(404, "Not Found", "User \(id.map(String.init) ?? "?") not found")
        }
        for name in ["lifecycleStatus", "idRole", "email"] as [ByteString] {
            if let value = arguments[name] { here.users[place].set(name, value) }
        }
        here.note("update_user", ["idUser": .integer(id), "email": here.users[place]["email"] ?? .null])
        return .answer(["user": here.users[place]])
    }

    static func updateApp(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        guard let id = arguments.number("id"), let place = Organisation.place(of: id, in: here.apps) else {
            return .refused(404, "Not Found", "Application not found")
        }
        for member in arguments.members where member.name != "id" { here.apps[place].set(member.name, member.value) }
        here.note("update_app", ["idApp": .integer(id)])
        return .answer(["app": here.apps[place]])
    }

    static func createApp(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        guard let name = arguments.text("name") else { return .refused(400, "Bad Request", "name is needed") }
        let app = Made.app(
            here.newID(), name.text, "custom", arguments.text("category")?.text ?? "Other", state: "discovered",
            owner: nil, seats: 0, price: 0)
        here.apps.append(app)
        here.note("create_app", ["idApp": app["id"] ?? .null])
        return .answer(["app": app])
    }

    static func createContract(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        guard let name = arguments.text("name"), let app = arguments.number("idApp"), let status = arguments["status"]
        else { return .refused(400, "Bad Request", "name, idApp and status are needed") }
        guard arguments["currency"] == nil else { return .refused(400, "Bad Request", "currency is not allowed here") }
        let id = here.newID()
        let amount: JSONValue =
            switch arguments["amount"] {
            case .number(let minorUnits): money(Int(minorUnits.text) ?? 0, "USD")
            case .some(let given): given
            case nil: .null
            }
        here.contracts.append([
            "id": .integer(id), "name": .string(name), "status": status, "idApp": .integer(app),
            "owner": Made.owner(here.users[0]), "createdBy": here.users[0]["id"] ?? .null,
            "startDate": arguments["startDate"] ?? .null, "endDate": arguments["endDate"] ?? .null, "amount": amount,
            "creationTime": "2026-11-20T09:30:00.000Z", "source": "api",
        ])
        here.note("create_contract", ["idContract": .integer(id), "amount": amount])
        return .answer(["contract": ["id": .integer(id), "name": .string(name), "status": status]])
    }

    static func updateContract(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        guard let id = arguments.number("id"), let place = Organisation.place(of: id, in: here.contracts) else {
            return .refused(404, "Not Found", "Contract not found")
        }
        for name in ["name", "status", "amount", "startDate", "endDate"] as [ByteString] {
            if let value = arguments[name] { here.contracts[place].set(name, value) }
        }
        here.note("update_contract", ["idContract": .integer(id), "amount": here.contracts[place]["amount"] ?? .null])
        return .answer(["contract": here.contracts[place]])
    }

    static func deleteContract(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        guard let id = arguments.number("id"), let place = Organisation.place(of: id, in: here.contracts) else {
            return .refused(404, "Not Found", "Contract not found")
        }
        here.contracts.remove(at: place)
        here.note("delete_contract", ["idContract": .integer(id)])
        return .answer(["success": true])
    }

    static func runWorkflow(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        guard let id = arguments.number("idWorkflow"), Organisation.place(of: id, in: here.workflows) != nil else {
            return .refused(404, "Not Found", "Workflow not found")
        }
        here.note("run_workflow", ["idWorkflow": .integer(id), "email": arguments["triggerUserEmail"] ?? .null])
        return .answer(["success": true])
    }
}

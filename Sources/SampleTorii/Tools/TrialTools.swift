import Bytes
import JSON

/// Tools that no vendor has: they misbehave on request, so that a proxy in front can be tried.
enum TrialTools {
    static let all: [SampleTool] = [
        SampleTool(
            "sample_blob", "A result of a size", "A list of users of at least so many bytes.", resource: "trial",
            method: "get", tags: ["trial"],
            inputs: [.any("bytes", ["type": "integer", "minimum": 0, "maximum": 33_554_432], required: true)],
            claims: Claim.reads, work: .now(blob)),
        SampleTool(
            "sample_slow", "A slow answer", "Answers after so many seconds.", resource: "trial", method: "get",
            tags: ["trial"], inputs: [.number("seconds", "How long to wait; default 1.")], claims: Claim.reads,
            work: .later({ seconds($0["seconds"], otherwise: 1) }, { _, _ in .answer(["slept": true]) })),
        SampleTool(
            "sample_progress", "Progress, then an answer",
            "Answers as an event stream: progress notifications, then the result. With hang_up, closes the "
                + "connection after the first event; the rest is to be had with Last-Event-ID.",
            resource: "trial", method: "get", tags: ["trial"],
            inputs: [
                .any("steps", ["type": "integer", "minimum": 0, "maximum": 1000]), .number("seconds", "Between steps."),
                .any("hang_up", ["type": "boolean"]),
            ], claims: Claim.reads,
            work: .inSteps(
                { arguments in
                    SampleTool.Steps(
                        count: min(1000, max(0, arguments.number("steps") ?? 3)),
                        secondsApart: seconds(arguments["seconds"], otherwise: 0.01),
                        hangsUp: arguments["hang_up"] == true,
                        message: "asked teodor.abramczyk@northquay.example")
                }, { here, _ in .answer(["users": .array(Array(here.users.prefix(3)))]) })),
        SampleTool(
            "sample_fail", "A failure", "Fails in the way that is asked for. Every way echoes somebody's data.",
            resource: "trial", method: "get", tags: ["trial"],
            inputs: [.choice("way", ["prose", "plain", "json", "remote", "rpc"], "How to fail.", required: true)],
            claims: Claim.reads, work: .now(fail)),
        SampleTool(
            "sample_content", "Every kind of content",
            "Prose, an embedded resource, a link to one, an image and JSON in text, each with personal data.",
            resource: "trial", method: "get", tags: ["trial"], claims: Claim.reads, work: .now(content)),
        SampleTool(
            "sample_ask", "A question", "Asks who you are (2026-07-28), and greets.", resource: "trial", method: "get",
            tags: ["trial"], inputs: [.string("greeting", "How to greet.")], claims: Claim.reads, work: .asking),
        SampleTool(
            "sample_task", "A task", "Becomes a task (2026-07-28): the first users, after so many seconds.",
            resource: "trial", method: "get", tags: ["trial"], inputs: [.number("seconds", "How long it takes.")],
            claims: Claim.reads,
            work: .asTask(
                { seconds($0["seconds"], otherwise: 0.2) },
                { here, _ in .answer(["users": .array(Array(here.users.prefix(3)))]) })),
        SampleTool(
            "sample_region", "A mirrored argument", "Says which region it was asked for, which travels in a field too.",
            resource: "trial", method: "get", tags: ["trial"],
            inputs: [
                .any("region", ["type": "string", "x-mcp-header": "Region"]),
                .any("limit", ["type": "integer", "x-mcp-header": "Limit"]),
            ], claims: Claim.reads, work: .now { _, arguments in .answer(["asked": arguments]) }),
        SampleTool(
            "sample_change_definition", "Change a definition",
            "Changes what tools/list says about a tool: its description, its schema, its claims; or hides it, or puts "
                + "it back.",
            resource: "trial", method: "update", tags: ["trial"],
            inputs: [
                .string("tool", "The tool's name.", required: true),
                .choice(
                    "change", ["description", "schema", "claims", "vanish", "restore"], "What to change.",
                    required: true),
                .string("text", "The new description."),
            ], work: .aboutTools),
    ]

    private static func blob(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        let wanted = min(33_554_432, max(0, arguments.number("bytes") ?? 0))
        var rows: [Record] = []
        var size = 0
        while size < wanted {
            let row = here.users[rows.count % here.users.count]
            rows.append(row)
            size += row.encoded().count
        }
        return .answer(["users": .array(rows), "count": .integer(rows.count)])
    }

    private static func fail(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        let message = "User maren.okonjo@northquay.example (Maren Okonjo-Lysgaard, +1-202-555-0143) not found"
        switch arguments.text("way") {
        case "plain": return .prose("Error: \(message)")
        case "json": return .refused(409, "Conflict", message)
        case "remote":
            return .refusedRemotely(404, "Not Found", message, debug: ["requestedBy": here.users[1]["email"] ?? .null])
        case "rpc": return .fault(code: -32_002, message: message, data: ["user": here.users[0]])
        default: return .complaint(message)
        }
    }

    private static func content(_ here: inout Organisation, _ arguments: JSONValue) -> SampleTool.Outcome {
        let user = here.users[0]
        let text = JSONValue.string(ByteString(user.encoded()))
        let line = "Maren Okonjo-Lysgaard <maren.okonjo@northquay.example> asked for GB82 WEST 1234 5698 7654 32"
        return .result([
            "content": [
                ["type": "text", "text": .text(line)], ["type": "text", "text": text],
                [
                    "type": "resource",
                    "resource": ["uri": "torii://users/41207", "mimeType": "application/json", "text": text],
                ],
                [
                    "type": "resource_link", "uri": "https://img.northquay.example/maren.okonjo@northquay.example.png",
                    "name": "maren.okonjo@northquay.example",
                ],
                ["type": "image", "mimeType": "image/png", "data": "iVBORw0KGgo="],
            ]
        ])
    }
}

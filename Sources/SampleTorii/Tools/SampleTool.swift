import Bytes
import JSON

/// One tool of the sample server: what it says about itself, what Truto would file it under, and what it does.
struct SampleTool: Sendable {
    let name: ByteString
    /// What `tools/list` shows.
    let definition: JSONValue
    /// Truto's unit is (resource, method); `search_tools` shows it.
    let resource: String
    let method: String
    let tags: [String]
    let work: Work

    /// How an answer comes about.
    enum Work: Sendable {
        /// At once, and perhaps changing the organisation.
        case now(@Sendable (inout Organisation, JSONValue) -> Outcome)
        /// After as many seconds as the arguments say.
        case later(@Sendable (JSONValue) -> Double, @Sendable (inout Organisation, JSONValue) -> Outcome)
        /// As an event stream: so many progress notifications, so many seconds apart, then the answer.
        case inSteps(@Sendable (JSONValue) -> Steps, @Sendable (inout Organisation, JSONValue) -> Outcome)
        /// Asks the client for something first (2026-07-28), then says what it was told.
        case asking
        /// Becomes a task (2026-07-28) that is done after as many seconds as the arguments say.
        case asTask(@Sendable (JSONValue) -> Double, @Sendable (inout Organisation, JSONValue) -> Outcome)
        /// One of the three tools that find, describe and call other tools, or one that changes the server itself.
        case aboutTools
    }

    /// The course of a tool that reports progress.
    struct Steps: Sendable {
        var count: Int
        var secondsApart: Double
        /// Closes the connection after the first event: the client must come back with `Last-Event-ID`.
        var hangsUp = false
        /// What the notifications say; the step's number is added.
        var message: String
    }

    /// What a tool has to say.
    enum Outcome: Sendable {
        /// A value, as JSON in one text item.
        case answer(JSONValue)
        /// A value, as JSON text and as `structuredContent`.
        case structured(JSONValue)
        /// Prose, as a success.
        case prose(String)
        /// A value with `isError`.
        case failure(JSONValue)
        /// Prose with `isError`.
        case complaint(String)
        /// A result written out by the tool.
        case result(JSONValue)
        /// A JSON-RPC error.
        case fault(code: Int, message: String, data: JSONValue)
    }

    init(
        _ name: ByteString, _ title: String, _ description: String, resource: String, method: String, tags: [String],
        inputs: [Input] = [], claims: JSONValue? = nil, output: JSONValue? = nil, work: Work
    ) {
        self.name = name
        self.resource = resource
        self.method = method
        self.tags = tags
        self.work = work
        var definition: JSONValue = ["name": .string(name), "title": .text(title), "description": .text(description)]
        definition.set("inputSchema", Input.schema(inputs))
        if let output { definition.set("outputSchema", output) }
        if let claims { definition.set("annotations", claims) }
        self.definition = definition
    }
}

/// One argument of a tool.
struct Input: Sendable {
    var name: ByteString
    var schema: JSONValue
    var isRequired = false

    static func string(_ name: ByteString, _ description: String, required: Bool = false) -> Input {
        Input(name: name, schema: ["type": "string", "description": .text(description)], isRequired: required)
    }

    static func integer(_ name: ByteString, _ description: String, required: Bool = false) -> Input {
        Input(name: name, schema: ["type": "integer", "description": .text(description)], isRequired: required)
    }

    static func number(_ name: ByteString, _ description: String) -> Input {
        Input(name: name, schema: ["type": "number", "description": .text(description)])
    }

    static func choice(_ name: ByteString, _ values: [String], _ description: String, required: Bool = false) -> Input {
        let values = JSONValue.array(values.map(JSONValue.text))
        return Input(
            name: name, schema: ["type": "string", "enum": values, "description": .text(description)],
            isRequired: required)
    }

    static func any(_ name: ByteString, _ schema: JSONValue, required: Bool = false) -> Input {
        Input(name: name, schema: schema, isRequired: required)
    }

    /// The `inputSchema` of these arguments.
    static func schema(_ inputs: [Input]) -> JSONValue {
        var schema: JSONValue = [
            "type": "object", "properties": .object(inputs.map { JSONMember($0.name, $0.schema) }),
        ]
        let required = inputs.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { schema.set("required", .array(required)) }
        return schema
    }
}

/// What vendors claim about their tools. Claims: `run_workflow` says it only reads.
enum Claim {
    static let reads: JSONValue = ["readOnlyHint": true, "openWorldHint": true]
    static let writes: JSONValue = ["readOnlyHint": false, "destructiveHint": false]
    static let destroys: JSONValue = ["readOnlyHint": false, "destructiveHint": true]
}

extension SampleTool.Outcome {
    /// Torii's own error envelope.
    static func refused(_ status: Int, _ error: String, _ message: String) -> SampleTool.Outcome {
        .failure(["statusCode": .integer(status), "error": .text(error), "message": .text(message)])
    }

    /// Truto's envelope around a provider's error: the provider's body travels along, with whatever it holds.
    static func refusedRemotely(_ status: Int, _ error: String, _ message: String, debug: JSONValue) -> Self {
        let raw: JSONValue = [
            "statusCode": .integer(status), "error": .text(error), "message": .text(message), "debug": debug,
        ]
        return .failure([
            "statusCode": .integer(status), "error": .text(error), "message": .text(message),
            "truto_is_remote_error": true, "raw_response": raw,
        ])
    }

    /// The `result` member of the answer; nil for a fault.
    var result: JSONValue? {
        func wrapped(_ text: ByteString, isError: Bool, structured: JSONValue? = nil) -> JSONValue {
            var result: JSONValue = ["content": [["type": "text", "text": .string(text)]]]
            if let structured { result.set("structuredContent", structured) }
            if isError { result.set("isError", true) }
            return result
        }
        return switch self {
        case .answer(let value): wrapped(ByteString(value.encoded()), isError: false)
        case .structured(let value): wrapped(ByteString(value.encoded()), isError: false, structured: value)
        case .prose(let text): wrapped(ByteString(text), isError: false)
        case .failure(let value): wrapped(ByteString(value.encoded()), isError: true)
        case .complaint(let text): wrapped(ByteString(text), isError: true)
        case .result(let value): value
        case .fault: nil
        }
    }
}

import Bytes
import JSON
import MCP

/// Where in a message something was redacted.
enum RedactionPlace: Int, CaseIterable, Sendable {
    /// `result.structuredContent`
    case structuredContent
    /// `result.content`, and contents and messages of resources and prompts.
    case content
    /// Any `_meta`.
    case meta
    /// `error.message` and `error.data`.
    case error
    /// `params` of a notice or request.
    case params
    /// The arguments of a call, in the record of it.
    case arguments
    /// Anywhere else in a result.
    case other

    /// How many there are.
    static let count = allCases.count

    /// What reports call it.
    var name: ByteString {
        switch self {
        case .structuredContent: "structuredContent"
        case .content: "content"
        case .meta: "_meta"
        case .error: "error"
        case .params: "params"
        case .arguments: "arguments"
        case .other: "other"
        }
    }
}

extension Pass {
    /// Visits a whole JSON-RPC message, each part by what the protocol says it is (MCP 2025-11-25 and 2026-07-28, schema).
    mutating func visitMessage(_ document: JSONDocument, editing edits: JSONEdits) throws(Withheld) {
        layers = [Layer(document: document, root: document.root, depth: 0)]
        layers[0].edits = edits
        if let result = document.member("result", of: document.root) { try visitResult(result, document) }
        if let error = document.member("error", of: document.root) { try visitError(error, document) }
        if let params = document.member("params", of: document.root) {
            place = .params
            try visitParams(params, document)
        }
    }

    private mutating func visitError(_ error: JSONDocument.Node, _ document: JSONDocument) throws(Withheld) {
        place = .error
        for member in document.members(of: error) {
            // A code is a number that the protocol chose; anything else under that name is a value.
            if document.isString(member.name, equalTo: "code"), document.integer(member.value) != nil { continue }
            if document.isString(member.name, equalTo: "data"), document.kind(member.value) == .object {
                try visitMembers(of: member.value, document, inside: ["elicitations": ["mode", "elicitationId"]])
            } else {
                try visitValue(member.value, document)
            }
        }
    }

    /// A value with a root of its own, of which some members are what the protocol compares and stay: its own (`kept`), or those of
    /// the objects, or lists of objects, that it has under a name.
    private mutating func visitMembers(
        of node: JSONDocument.Node, _ document: JSONDocument, keeping kept: Set<ByteString> = [],
        inside: [ByteString: Set<ByteString>] = [:]
    ) throws(Withheld) {
        let state = automaton.stepToPlain(automaton.initial)
        for member in document.members(of: node) {
            let name = document.string(member.name) ?? ""
            if kept.contains(name), document.kind(member.value) == .string {
                try visitFixed(member.value, named: name, document)
                continue
            }
            if let kept = inside[name], document.kind(member.value) == .object {
                try visitMembers(of: member.value, document, keeping: kept)
                continue
            }
            if let kept = inside[name], document.kind(member.value) == .array {
                for element in document.elements(of: member.value) {
                    if document.kind(element) == .object {
                        try visitMembers(of: element, document, keeping: kept)
                    } else {
                        try visitValue(element, document)
                    }
                }
                continue
            }
            let meaning = try meaning(of: member.name, document)
            if names.traits(meaning).contains(.replaced) { replaceName(member.name, meaning, 0) }
            let inner = automaton.step(state, names.symbol(meaning))
            try visit(member.value, document, 0, state: inner, name: meaning)
        }
    }

    /// Progress, log messages and the rest: any text is prose, `data` is any JSON, tokens and levels stay.
    private mutating func visitParams(_ params: JSONDocument.Node, _ document: JSONDocument) throws(Withheld) {
        guard document.kind(params) == .object else { return try visitValue(params, document) }
        for member in document.members(of: params) {
            let name = document.string(member.name) ?? ""
            if Self.namesOfParams.contains(name) {
                try visitFixed(member.value, named: name, document)
            } else if name == "result" {
                try visitResult(member.value, document)
            } else {
                try visitValue(member.value, document)
            }
        }
    }

    /// Members of notices that the protocol compares or counts with.
    private static let namesOfParams: Set<ByteString> = [
        "progressToken", "level", "requestId", "taskId", "status", "method", "protocolVersion", "elicitationId", "mode",
        "createdAt", "lastUpdatedAt",
    ]

    /// Members of results that the protocol gives a meaning: tokens, states, and what must come back byte for byte.
    private static let namesOfResult: Set<ByteString> = [
        "resultType", "cacheScope", "protocolVersion", "requestState", "taskId", "status", "role", "stopReason",
        "model",
        "createdAt", "lastUpdatedAt",
    ]

    /// Members of `_meta` that stay.
    private static let namesOfMeta: [ByteString: Set<ByteString>] = [
        "io.modelcontextprotocol/related-task": ["taskId"]
    ]

    private mutating func visitResult(_ result: JSONDocument.Node, _ document: JSONDocument) throws(Withheld) {
        guard document.kind(result) == .object else {
            place = .other
            return try visitValue(result, document)
        }
        for member in document.members(of: result) {
            let name = document.string(member.name) ?? ""
            place = Self.places[name] ?? .other
            switch name {
            case "content", "contents": try visitBlocks(member.value, document)
            case "messages": try visitMessages(member.value, document)
            case _ where definitions.contains(name):
                isDefinition = true
                try visitProse(member.value, document)
                isDefinition = false
            // Must come back as it is; only what was removed elsewhere is looked for.
            // A task of 2025-11-25, and what says to which one a result belongs.
            case "task" where document.kind(member.value) == .object:
                try visitMembers(of: member.value, document, keeping: Self.namesOfResult)
            case "_meta" where document.kind(member.value) == .object:
                try visitMembers(of: member.value, document, inside: Self.namesOfMeta)
            case "nextCursor" where document.kind(member.value) == .string:
                layers[0].plain.append((member.value, place))
            case "result": try visitResult(member.value, document)
            case "error": try visitError(member.value, document)
            case _ where Self.namesOfResult.contains(name): try visitFixed(member.value, named: name, document)
            default: try visitValue(member.value, document)
            }
        }
    }

    /// Members of a method's results that define something. Of any other method's they are values like all others.
    static func definitions(of method: MCP.Method) -> Set<ByteString> {
        switch method.name {
        case "tools/list": ["tools"]
        case "prompts/list": ["prompts"]
        case "resources/list": ["resources"]
        case "resources/templates/list": ["resourceTemplates"]
        case "initialize", "server/discover": ["capabilities", "serverInfo"]
        default: []
        }
    }

    private static let places: [ByteString: RedactionPlace] = [
        "structuredContent": .structuredContent, "content": .content, "contents": .content, "messages": .content,
        "_meta": .meta,
        "error": .error,
    ]

    /// A value with a root of its own for field paths.
    private mutating func visitValue(_ node: JSONDocument.Node, _ document: JSONDocument) throws(Withheld) {
        try visit(node, document, 0, state: automaton.initial, name: nil)
    }

    /// A text, or what stands where a text should.
    private mutating func visitProse(_ node: JSONDocument.Node, _ document: JSONDocument) throws(Withheld) {
        try visit(node, document, 0, state: automaton.dead, name: nil)
    }

    /// Members whose strings one side made and the other gives back: detectors would break them.
    private static let opaque: Set<ByteString> = [
        "progressToken", "requestId", "taskId", "elicitationId", "requestState",
    ]

    /// Visits what the protocol gives a meaning. A string that can't be changed is only remembered; that no word of the
    /// protocol holds somebody's data is the detectors' to say, and objects are values whatever they are called.
    private mutating func visitFixed(
        _ node: JSONDocument.Node, named name: ByteString, _ document: JSONDocument
    ) throws(Withheld) {
        switch document.kind(node) {
        case .string:
            let isOpaque = Self.opaque.contains(name)
            let isWord = isOpaque || document.withStringBytes(node) { scanner.findings(in: $0).isEmpty } ?? true
            guard isWord else { return try visitProse(node, document) }
            layers[0].fixed.append(node)
        case .array, .object: try visitValue(node, document)
        case .null, .bool, .number: break
        }
    }

    // MARK: Content

    private mutating func visitBlocks(_ node: JSONDocument.Node, _ document: JSONDocument) throws(Withheld) {
        guard document.kind(node) == .array else { return try visitBlock(node, document) }
        for block in document.elements(of: node) { try visitBlock(block, document) }
    }

    private mutating func visitMessages(_ node: JSONDocument.Node, _ document: JSONDocument) throws(Withheld) {
        guard document.kind(node) == .array else { return try visitValue(node, document) }
        for message in document.elements(of: node) {
            for member in document.members(of: message) {
                if document.isString(member.name, equalTo: "content") {
                    try visitBlocks(member.value, document)
                } else if document.isString(member.name, equalTo: "role") {
                    try visitFixed(member.value, named: "role", document)
                } else {
                    try visitValue(member.value, document)
                }
            }
        }
    }

    /// One block of content, or one resource's contents.
    private mutating func visitBlock(_ block: JSONDocument.Node, _ document: JSONDocument) throws(Withheld) {
        guard document.kind(block) == .object else { return try visitValue(block, document) }
        for member in document.members(of: block) {
            let name = document.string(member.name) ?? ""
            switch name {
            // The text's own JSON is what paths are about; the text itself has no name.
            case "text": try visit(member.value, document, 0, state: automaton.dead, name: nil)
            case "type", "mimeType", "role": try visitFixed(member.value, named: name, document)
            case "resource": try visitBlock(member.value, document)
            case "content": try visitBlocks(member.value, document)
            case "blob": try visitBlob(member.value, of: block, document)
            case "data" where isMedia(block, document): try visitBlob(member.value, of: block, document)
            case "_meta":
                let before = place
                place = .meta
                try visitValue(member.value, document)
                place = before
            case "uri", "name", "title", "description", "icons", "annotations", "size":
                try visitProse(member.value, document)
            default: try visitValue(member.value, document)
            }
        }
    }

    private func isMedia(_ block: JSONDocument.Node, _ document: JSONDocument) -> Bool {
        guard let type = document.member("type", of: block) else { return false }
        return document.isString(type, equalTo: "image") || document.isString(type, equalTo: "audio")
    }

    /// A resource, picture or sound in base 64: a text of it is read as one, and so is what is no base 64 at all. Anything
    /// else is opaque (a picture may show a face, a PDF a name): a policy that opens it knows.
    private mutating func visitBlob(
        _ node: JSONDocument.Node, of block: JSONDocument.Node, _ document: JSONDocument
    ) throws(Withheld) {
        guard let encoded = document.string(node) else { return try visitValue(node, document) }
        guard let text = Self.decodedLeniently(encoded.bytes) else { return try visitProse(node, document) }
        guard saysText(block, document) || String(validating: text, as: UTF8.self) != nil else {
            layers[0].plain.append((node, place))
            return
        }
        var composed = ComposedText(
            node: node, place: place, original: text, parts: [], isChanged: false, isBase64: true)
        try divide(text, into: &composed, 0, state: automaton.dead)
        layers[0].composed.append(composed)
    }

    /// Whether the block's type says that it is text: then it is looked through though it be no UTF-8, byte by byte.
    private func saysText(_ block: JSONDocument.Node, _ document: JSONDocument) -> Bool {
        guard let type = document.member("mimeType", of: block) else { return false }
        return document.withStringBytes(type) { name in
            Self.textTypes.contains { name.hasIgnoringCase($0, at: 0) }
                || Self.textEndings.contains { name.first($0, from: 0, before: name.count) != nil }
        } ?? false
    }

    private static let textTypes = ["text/", "application/json", "application/xml", "message/"].map(bytes)
    private static let textEndings = ["+json", "+xml"].map(bytes)

    /// What the most lenient reader makes of base 64: either alphabet, white space, no padding, bits left over.
    private static func decodedLeniently(_ text: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        out.reserveCapacity(text.count / 4 * 3 + 3)
        var group: UInt32 = 0
        var bits: UInt32 = 0
        var isPadded = false
        for byte in text {
            let value: UInt8
            switch byte {
            case 0x41...0x5a: value = byte - 0x41
            case 0x61...0x7a: value = byte - 0x61 + 26
            case 0x30...0x39: value = byte - 0x30 + 52
            case 0x2b, 0x2d: value = 62
            case 0x2f, 0x5f: value = 63
            case 0x09, 0x0a, 0x0d, 0x20: continue
            case 0x3d:
                isPadded = true
                continue
            default: return nil
            }
            if isPadded { return nil }
            group = (group << 6 | UInt32(value)) & 0xffff
            bits += 6
            if bits >= 8 {
                bits -= 8
                out.append(UInt8(truncatingIfNeeded: group >> bits))
            }
        }
        return out
    }
}

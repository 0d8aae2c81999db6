import Bytes

/// Builds the tree from libyaml's events and refuses what this project's files may not contain.
struct TreeBuilder {
    private let file: String
    private let limits: YAMLLimits
    private var nodes = 0

    init(file: String, limits: YAMLLimits) {
        self.file = file
        self.limits = limits
    }

    mutating func build(_ source: EventSource) throws(Problem) -> Node {
        _ = try next(source)
        let start = try next(source)
        guard case .documentStart(let hasDirectives) = start.kind else {
            throw problem(start, "the file is empty")
        }
        if hasDirectives { throw problem(start, "directives (`%YAML`, `%TAG`) are not accepted", "remove the line") }
        let root = try node(try next(source), source, depth: 1)
        _ = try next(source)
        let end = try next(source)
        guard case .streamEnd = end.kind else {
            throw problem(end, "the file holds a second document", "keep one document in each file")
        }
        return root
    }

    private mutating func node(_ event: Event, _ source: EventSource, depth: Int) throws(Problem) -> Node {
        nodes += 1
        guard nodes <= limits.nodes else { throw problem(event, "the file has more than \(limits.nodes) values") }
        switch event.kind {
        case .scalar(let scalar, let properties):
            try refuse(properties, event)
            try refuseControls(scalar, event)
            return at(event, .scalar(scalar))
        case .sequenceStart(let properties):
            try refuse(properties, event)
            try refuseDepth(depth, event)
            return at(event, .sequence(try elements(source, depth: depth)))
        case .mappingStart(let properties):
            try refuse(properties, event)
            try refuseDepth(depth, event)
            return at(event, .mapping(try entries(source, depth: depth)))
        case .alias: throw problem(event, "aliases (`*name`) are not accepted", "write the value out")
        default: throw problem(event, "a value is missing")
        }
    }

    private mutating func elements(_ source: EventSource, depth: Int) throws(Problem) -> [Node] {
        var elements: [Node] = []
        while true {
            let event = try next(source)
            if case .sequenceEnd = event.kind { return elements }
            elements.append(try node(event, source, depth: depth + 1))
        }
    }

    private mutating func entries(_ source: EventSource, depth: Int) throws(Problem) -> [Entry] {
        var entries: [Entry] = []
        var lines: [ByteString: Int] = [:]
        while true {
            let event = try next(source)
            if case .mappingEnd = event.kind { return entries }
            let key = try node(event, source, depth: depth + 1)
            guard let scalar = key.scalar, !scalar.isNull else { throw problem(event, "a key must be a text") }
            if let line = lines.updateValue(key.line, forKey: scalar.bytes) {
                throw problem(event, "the key `\(scalar.shortened)` stands twice; first on line \(line)")
            }
            entries.append(Entry(key: key, value: try node(try next(source), source, depth: depth + 1)))
        }
    }

    private func next(_ source: EventSource) throws(Problem) -> Event {
        do throws(SyntaxFailure) {
            return try source.next()
        } catch {
            throw Problem(
                file: file, line: error.line, column: error.column, message: "not valid YAML: \(error.message)")
        }
    }

    private func refuse(_ properties: Event.Properties, _ event: Event) throws(Problem) {
        if properties.hasAnchor { throw problem(event, "anchors (`&name`) are not accepted", "write the value out") }
        if properties.hasTag { throw problem(event, "tags (`!name`) are not accepted", "remove the tag") }
    }

    private func refuseDepth(_ depth: Int, _ event: Event) throws(Problem) {
        if depth > limits.depth { throw problem(event, "values nest more than \(limits.depth) deep") }
    }

    /// Escapes in double quotes can make what an editor doesn't show.
    private func refuseControls(_ scalar: Scalar, _ event: Event) throws(Problem) {
        let hasControl = scalar.bytes.bytes.contains {
            $0 < 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D || $0 == 0x7F
        }
        if hasControl { throw problem(event, "a text contains a control character") }
    }

    private func at(_ event: Event, _ content: Node.Content) -> Node {
        Node(content: content, file: file, line: event.line, column: event.column)
    }

    private func problem(_ event: Event, _ message: String, _ hint: String? = nil) -> Problem {
        Problem(file: file, line: event.line, column: event.column, message: message, hint: hint)
    }
}

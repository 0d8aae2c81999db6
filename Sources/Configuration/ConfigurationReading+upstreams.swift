import Bytes
import YAML

extension ConfigurationReading {
    func upstreams(_ node: Node) -> [UpstreamConfiguration]? {
        guard let elements = reading.list(node) else { return nil }
        if elements.isEmpty { reading.mistake(node, "there must be at least one upstream") }
        noteRepeated(elements, key: "name", what: "upstream")
        let upstreams = elements.compactMap(upstream)
        return upstreams.count == elements.count ? upstreams : nil
    }

    private func upstream(_ node: Node) -> UpstreamConfiguration? {
        let keys = [
            "name", "url", "url_file", "command", "environment", "ca", "credential", "catalog", "policy",
            "unknown_tool", "pins", "timeouts", "limits",
        ]
        guard let fields = reading.fields(of: node, "an upstream", keys) else { return nil }
        let name = fields.required("name", upstreamName)
        let location = location(fields)
        let authorities = fields.optional("ca", paths.existing)
        let credential = fields.optional("credential", credential)
        let catalogs = fields.required("catalog", paths.files)
        let policies = fields.required("policy", paths.files)
        let unknownTool = fields.optional("unknown_tool", default: ConfigurationReading.unknownTool, unknownTool)
        let firstSight = fields.optional("pins", default: .trust, firstSight)
        let timeouts = fields.optional("timeouts", default: UpstreamTimeouts(), upstreamTimeouts)
        let limits = fields.optional("limits", default: UpstreamLimits(), upstreamLimits)
        if let authority = fields["ca"], case .url(let url) = location, !url.isSecure {
            reading.warning(authority, "`ca` has no effect on an `http` URL")
        }
        guard let name, let location, let catalogs, let policies else { return nil }
        return UpstreamConfiguration(
            name: name, location: location, authorities: authorities, credential: credential, catalogs: catalogs,
            policies: policies, unknownTool: unknownTool, firstSight: firstSight, timeouts: timeouts, limits: limits)
    }

    /// The name stands in URLs, log lines and metric labels.
    private func upstreamName(_ node: Node) -> String? {
        guard let name = reading.nonEmptyText(node) else { return nil }
        let letters = name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
        if letters, name.utf8.count <= 63, name.first != "-", name.last != "-" { return name }
        reading.mistake(
            node, "`\(name)` can't name an upstream",
            hint: "use up to 63 lower-case letters, digits and dashes, such as `torii`")
        return nil
    }

    private func location(_ fields: Fields) -> UpstreamConfiguration.Location? {
        let ways = ["url", "url_file", "command"].filter { fields.has($0) }
        if ways.count > 1, let second = fields[ways[1]] {
            reading.mistake(second, "an upstream has either `\(ways[0])` or `\(ways[1])`, not both")
        }
        if fields.has("command") { return command(fields).map { .command($0) } }
        if let environment = fields["environment"] {
            reading.mistake(environment, "only a `command` has an `environment`")
        }
        if fields.has("url_file") { return fields.optional("url_file", paths.secret).map { .file($0) } }
        return fields.required("url", upstreamURL).map { .url($0) }
    }

    private func upstreamURL(_ node: Node) -> WebAddress? {
        guard let url = webAddress(node) else { return nil }
        if url.isSecure || url.isLoopback { return url }
        reading.mistake(
            node, "`\(url)` would carry the credential in the clear",
            hint: "use `https`; `http` is only for this machine")
        return nil
    }

    /// What people call a secret that they are about to write into the file.
    static let literals = ["bearer", "token", "secret", "api_key", "key", "password", "authorization"]

    private func credential(_ node: Node) -> UpstreamConfiguration.Credential? {
        guard let entries = node.entries else {
            // Not shown: it is probably the secret itself.
            reading.mistake(
                node, "a credential must not stand in the configuration",
                hint: "use `{bearer_file: PATH}` or `{env: NAME}`")
            return nil
        }
        let literal = entries.filter { ConfigurationReading.literals.contains($0.name) }
        for entry in literal {
            reading.mistake(
                entry.key, "`\(entry.name)` would put a secret into the configuration",
                hint: "put it in a file and name it with `bearer_file`, or name a variable with `env`")
        }
        if let oauth = entries.first(where: { $0.name.utf8.elementsEqual("oauth".utf8) }) {
            reading.mistake(oauth.key, "this version doesn't log in with OAuth", hint: "use `bearer_file` or `env`")
        }
        let known = ["bearer_file", "env"]
        let unusual = literal.map(\.name) + ["oauth"]
        guard
            let fields = reading.fields(of: node, "a credential", known + entries.map(\.name).filter(unusual.contains))
        else { return nil }
        let file = fields.optional("bearer_file", paths.secret).map { UpstreamConfiguration.Credential.bearerFile($0) }
        let variable = fields.optional("env", variableName).map { UpstreamConfiguration.Credential.bearerVariable($0) }
        let given = known.filter { fields.has($0) }
        if given.count == 2 { reading.mistake(node, "a credential is either `bearer_file` or `env`, not both") }
        if given.isEmpty, literal.isEmpty, !fields.has("oauth") {
            reading.mistake(node, "a credential needs `bearer_file` or `env`")
        }
        return file ?? variable
    }

    func variableName(_ node: Node) -> String? {
        guard let name = reading.nonEmptyText(node) else { return nil }
        let letters = name.utf8.allSatisfy { byte in
            (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
        }
        if letters, !(0x30...0x39).contains(name.utf8.first ?? 0x30) { return name }
        // Not shown: a token written here by mistake looks exactly like this.
        reading.mistake(
            node, "`env` must be the name of a variable", hint: "such as `TORII_TOKEN`; never the token itself")
        return nil
    }

    /// What the MCP specification says for unknown tools (server/tools, "Error Handling").
    private static let unknownTool = UpstreamConfiguration.UnknownTool.error(
        code: -32602, message: "Unknown tool: NAME")

    private func unknownTool(_ node: Node) -> UpstreamConfiguration.UnknownTool? {
        let keys = ["error", "code", "result"]
        guard let fields = reading.fields(of: node, "`unknown_tool`", keys) else { return nil }
        let code = fields.optional("code", default: -32602) { reading.int($0, in: -32768 ... -1) }
        let message = fields.optional("error", template)
        let text = fields.optional("result", template)
        if fields.has("error") == fields.has("result") {
            reading.mistake(
                node, "`unknown_tool` is either an `error` or a `result`",
                hint: "such as `{error: \"Unknown tool: NAME\"}`")
        }
        if let code = fields["code"], fields.has("result") { reading.mistake(code, "a `result` has no `code`") }
        return message.map { .error(code: code, message: $0) } ?? text.map { .result(text: $0) }
    }

    private func template(_ node: Node) -> String? {
        guard let text = reading.nonEmptyText(node) else { return nil }
        if text.utf8.count <= 500 { return text }
        reading.mistake(node, "the text has more than 500 bytes")
        return nil
    }

    /// Trusting the first sight is the default because only tools that the catalogue names are seen at all; what the pin
    /// is for is the change behind our back.
    private func firstSight(_ node: Node) -> UpstreamConfiguration.FirstSight? {
        reading.fields(of: node, "`pins`", ["first_sight"])?.required("first_sight") { sight in
            reading.choice(sight, ["trust": UpstreamConfiguration.FirstSight.trust, "quarantine": .quarantine])
        }
    }

    private func upstreamTimeouts(_ node: Node) -> UpstreamTimeouts? {
        guard let fields = reading.fields(of: node, "`timeouts`", ["connect", "response", "idle", "total"]) else {
            return nil
        }
        var timeouts = UpstreamTimeouts()
        timeouts.connect = span(fields, "connect", timeouts.connect)
        timeouts.response = span(fields, "response", timeouts.response)
        timeouts.idle = span(fields, "idle", timeouts.idle)
        timeouts.total = span(fields, "total", timeouts.total, upTo: .seconds(86_400))
        return timeouts
    }

    private func upstreamLimits(_ node: Node) -> UpstreamLimits? {
        guard let fields = reading.fields(of: node, "`limits`", ["connections", "processes", "result_bytes"]) else {
            return nil
        }
        var limits = UpstreamLimits()
        limits.connections = count(fields, "connections", limits.connections, in: 1...100_000)
        limits.processes = count(fields, "processes", limits.processes, in: 1...10_000)
        limits.resultBytes = size(fields, "result_bytes", limits.resultBytes, in: 1 << 10...256 << 20)
        return limits
    }

    /// Two of one name: nobody could tell which is meant.
    func noteRepeated(_ elements: [Node], key: String, what: String) {
        var seen: [(name: [UInt8], line: Int)] = []
        for element in elements {
            guard let node = element.value(of: key), let bytes = node.scalar?.bytes.bytes else { continue }
            if let first = seen.first(where: { $0.name == bytes }) {
                reading.mistake(node, "there is already an \(what) \(node.kindForPeople) in line \(first.line)")
            } else {
                seen.append((bytes, node.line))
            }
        }
    }
}

import Bytes
import System
import YAML

extension ConfigurationReading {
    /// A program as an upstream. It is looked for now: what cannot be started is a mistake of the configuration.
    func command(_ fields: Fields) -> CommandConfiguration? {
        for key in ["credential", "ca"] {
            guard let node = fields[key] else { continue }
            reading.mistake(
                node, "a `command` has no `\(key)`", hint: "give it what it needs in its `environment`")
        }
        let environment = fields.optional("environment", default: [:], environment)
        guard let node = fields["command"], let words = words(node), let first = node.elements?.first,
            let path = program(words[0], first)
        else { return nil }
        return CommandConfiguration(path: path, arguments: Array(words.dropFirst()), environment: environment)
    }

    private func words(_ node: Node) -> [String]? {
        guard node.elements != nil else {
            reading.mistake(
                node, "a command is a list of words",
                hint: "such as `[/usr/bin/env, python3, server.py]`; no shell reads it")
            return nil
        }
        guard let words = reading.list(of: word)(node) else { return nil }
        if words.first?.isEmpty == false { return words }
        reading.mistake(node, "the command is empty")
        return nil
    }

    private func word(_ node: Node) -> String? {
        guard let text = reading.text(node) else { return nil }
        if !text.utf8.contains(0) { return text }
        reading.mistake(node, "a command can't hold a NUL")
        return nil
    }

    /// With a slash a path, relative to the file like all others; without one a name that PATH leads to.
    private func program(_ name: String, _ node: Node) -> String? {
        if name.utf8.contains(UInt8(ascii: "/")) {
            guard let path = paths.existing(node) else { return nil }
            if Program.find(path.hasPrefix("/") ? path : "./\(path)") != nil { return path }
            reading.mistake(node, "`\(path)` can't be executed")
            return nil
        }
        if let path = Program.find(name) { return path }
        reading.mistake(node, "there is no program `\(name)` in PATH", hint: "write its whole path")
        return nil
    }

    private func environment(_ node: Node) -> [String: CommandConfiguration.EnvironmentValue]? {
        guard let entries = node.entries else {
            reading.mistake(
                node, "expected variables with their values", hint: "such as `{REGION: eu, TOKEN: {file: PATH}}`")
            return nil
        }
        var environment: [String: CommandConfiguration.EnvironmentValue] = [:]
        for entry in entries {
            guard isVariable(entry.name) else {
                reading.mistake(entry.key, "`\(entry.name)` can't name a variable")
                continue
            }
            environment[entry.name] = value(entry.value, of: entry.name)
        }
        return environment
    }

    private func value(_ node: Node, of name: String) -> CommandConfiguration.EnvironmentValue? {
        if node.entries != nil {
            guard let fields = reading.fields(of: node, "a variable's value", ["file", "env"]) else { return nil }
            if fields.has("file") == fields.has("env") {
                reading.mistake(node, "a value is either `{file: PATH}` or `{env: NAME}`")
                return nil
            }
            if fields.has("file") { return fields.optional("file", paths.secret).map { .file($0) } }
            return fields.optional("env", variableName).map { .variable($0) }
        }
        guard let text = word(node) else { return nil }
        if holdsSecret(name) {
            reading.mistake(
                node, "`\(name)` would put a secret into the configuration",
                hint: "put it in a file and write `\(name): {file: PATH}`, or name a variable with `{env: NAME}`")
            return nil
        }
        return .text(text)
    }

    /// By the words in its name: `GITHUB_TOKEN`, `API_KEY`, `DB_PASSWORD`.
    private func holdsSecret(_ name: String) -> Bool {
        let parts = name.lowercased().split(separator: "_").map(String.init)
        return parts.contains { ConfigurationReading.literals.contains($0) || $0 == "apikey" || $0 == "credential" }
    }

    private func isVariable(_ name: String) -> Bool {
        let letters = name.utf8.allSatisfy { byte in
            (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x5F
        }
        return letters && !name.isEmpty && !(0x30...0x39).contains(name.utf8.first ?? 0x30)
    }
}

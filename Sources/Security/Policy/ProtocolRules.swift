import Bytes
import Catalog
import Identity
import YAML

/// What MCP has beside tools.
public enum ProtocolFeature: String, Hashable, Sendable, CaseIterable {
    case resources, prompts, completion, logging, sampling, elicitation, roots, tasks
}

/// What the policy's `protocol:` opens. What isn't there is closed.
struct ProtocolRules: Sendable {
    /// One opened feature.
    struct Opening: Sendable {
        let who: Who
        /// Of resources: the beginnings of allowed URIs. Of prompts: the allowed names. Of elicitation: the hosts that users may
        /// be sent to. Empty for the others.
        let targets: [ByteString]
        let redactions: [Int]
        /// Of sampling.
        var sampling = SamplingLimits()
    }

    let openings: [ProtocolFeature: Opening]

    static let closed = ProtocolRules(openings: [:])

    func opening(_ feature: ProtocolFeature, for principal: Principal) -> Opening? {
        openings[feature].flatMap { $0.who.includes(principal) ? $0 : nil }
    }
}

extension ProtocolRules.Opening {
    /// Whether a URI begins with an allowed beginning and has nothing in it that could lead elsewhere. The beginning ends
    /// where a part of the URI ends: `https://docs.example` doesn't allow `https://docs.example.org`.
    func allowsURI(_ uri: ByteString) -> Bool {
        isPlainURI(uri)
            && targets.contains { beginning in
                guard uri.hasPrefix(beginning), let last = beginning.bytes.last else { return false }
                guard uri.count > beginning.count, last != UInt8(ascii: "/"), last != UInt8(ascii: ":") else {
                    return true
                }
                return [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains(uri.bytes[beginning.count])
            }
    }

    func allowsName(_ name: ByteString) -> Bool {
        targets.contains(name)
    }
}

/// Whether a server can read the URI in one way only: printable ASCII, no percent-encoding of dots, slashes or percents,
/// no backslash, no empty or dot segments after the authority.
private func isPlainURI(_ uri: ByteString) -> Bool {
    guard !uri.isEmpty, uri.count <= 4_096, uri.bytes.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x5C }) else {
        return false
    }
    let lower = uri.asciiLowercased.text
    guard !["%2e", "%2f", "%5c", "%25", "%00"].contains(where: lower.contains) else { return false }
    let path = lower.split(separator: "://", maxSplits: 1).last ?? ""
    let segments = path.split(separator: "/", omittingEmptySubsequences: false)
    return !segments.dropFirst().dropLast().contains("") && !segments.contains { $0 == "." || $0 == ".." }
}

extension ProtocolRules {
    init?(reading node: Node, groups: [RedactionGroup], _ reading: Reading) {
        let known = ProtocolFeature.allCases.map(\.rawValue)
        guard let fields = reading.fields(of: node, "`protocol`", known) else { return nil }
        var openings: [ProtocolFeature: Opening] = [:]
        for feature in ProtocolFeature.allCases {
            guard let node = fields[feature.rawValue] else { continue }
            openings[feature] = Opening(feature, node, groups, reading)
        }
        self.openings = openings
    }
}

extension ProtocolRules.Opening {
    /// `true`, or a mapping; what has names must say which.
    fileprivate init?(_ feature: ProtocolFeature, _ node: Node, _ groups: [RedactionGroup], _ reading: Reading) {
        let targetKey: String? = feature == .resources ? "uris" : feature == .prompts ? "names" : nil
        if node.scalar != nil {
            guard let isOpen = reading.bool(node) else { return nil }
            if isOpen, let targetKey {
                reading.mistake(node, "`\(feature.rawValue)` must say which", hint: "write {\(targetKey): […]}")
            }
            guard isOpen else { return nil }
            (who, targets, redactions) = (.anyone, [], [])
            return
        }
        let keys = ["who", "redact"] + (targetKey.map { [$0] } ?? feature.ownKeys)
        guard let fields = reading.fields(of: node, "`\(feature.rawValue)`", keys) else { return nil }
        who = fields.optional("who", default: .anyone) { Who(reading: $0, reading) }
        redactions = readGroups(fields, groups, reading)
        guard let targetKey else {
            targets = feature == .elicitation ? readHosts(fields, reading) : []
            if feature == .sampling { sampling = SamplingLimits(fields, reading) }
            return
        }
        let names = fields.required(targetKey) { reading.list(of: reading.name)($0) }
        guard let names else { return nil }
        targets = names
        if names.isEmpty {
            reading.mistake(fields[targetKey] ?? node, "`\(targetKey)` is empty", hint: "remove the feature")
        }
        guard feature == .resources, let nodes = fields["uris"]?.elements else { return }
        for (name, node) in zip(names, nodes) where !isPrefix(name) {
            reading.mistake(
                node, "`\(name.text)` is not the beginning of a URI", hint: "begin with a scheme: `torii://docs/`")
        }
    }
}

extension ProtocolFeature {
    /// What may be said of it beside who and how it is redacted.
    fileprivate var ownKeys: [String] {
        switch self {
        case .elicitation: ["hosts"]
        case .sampling: ["tools", "context", "max_tokens"]
        default: []
        }
    }
}

/// The hosts that users may be sent to; without any, a server may only ask by forms.
private func readHosts(_ fields: Fields, _ reading: Reading) -> [ByteString] {
    let hosts = fields.optional("hosts", default: []) { reading.list(of: reading.name)($0) }
    for (host, node) in zip(hosts, fields["hosts"]?.elements ?? []) where !isHost(host.bytes) {
        reading.mistake(node, "`\(host.text)` is no host", hint: "write the name alone: `accounts.example.com`")
    }
    return hosts.map(\.asciiLowercased)
}

extension SamplingLimits {
    fileprivate init(_ fields: Fields, _ reading: Reading) {
        tools = fields.optional("tools", default: false, reading.bool)
        context = fields.optional("context", default: .none) { node in
            let known = Context.allCases.map(\.rawValue)
            guard let word = reading.name(node) else { return nil }
            if let context = Context(rawValue: word.text) { return context }
            reading.mistake(node, "`\(word.text)` is no context", hint: "one of \(known.joined(separator: ", "))")
            return nil
        }
        tokens = fields.optional("max_tokens") { reading.int($0, in: 1...10_000_000) }
    }
}

/// A scheme, a colon and perhaps more.
private func isPrefix(_ text: ByteString) -> Bool {
    guard let colon = text.bytes.firstIndex(of: UInt8(ascii: ":")), colon > 0 else { return false }
    return isPlainURI(text)
        && text.bytes[..<colon].allSatisfy {
            (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2B || $0 == 0x2D || $0 == 0x2E
        }
}

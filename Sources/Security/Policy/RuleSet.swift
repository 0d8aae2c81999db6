public import Bytes
import Catalog
public import Identity
import YAML

/// One policy, compiled: what lists, calls and redactions are decided by. Immutable but for its counters of calls.
///
/// The rules have no order. Deny beats allow, no rule is a no, a rule that can't be evaluated is a no. When several rules
/// allow a call, it is redacted by all of their groups and limited by the strictest of their limits: nothing widens.
public struct RuleSet: Sendable {
    /// The policy's name.
    public let name: ByteString
    let rules: [Rule]
    let groups: [RedactionGroup]
    let protocolRules: ProtocolRules
    let views: ViewCache
    let limiter: CallLimiter

    /// How many rules a policy may have.
    public static let ruleLimit = 1_000

    init(name: ByteString, rules: [Rule], groups: [RedactionGroup], protocolRules: ProtocolRules) {
        self.name = name
        self.rules = rules
        self.groups = groups
        self.protocolRules = protocolRules
        views = ViewCache()
        var rates: [Int: Rate] = [:]
        for (index, rule) in rules.enumerated() { rates[index] = rule.grant?.calls }
        limiter = CallLimiter(rates)
    }

    /// The ids of the rules, in the order of the file.
    public var ruleIDs: [ByteString] { rules.map(\.id) }

    /// The redaction groups, in the order of the file.
    public var redactionGroups: [RedactionGroup] { groups }

    /// Whether a rule puts pseudonyms back, so that what they stand for must be remembered.
    public var restoresPseudonyms: Bool { rules.contains { $0.grant?.restoresPseudonyms ?? false } }

    /// The rules that are about a caller, by index.
    func applicable(to principal: Principal) -> [Int] {
        rules.indices.filter { rules[$0].who.includes(principal) }
    }

    /// Groups by index, in the order of the file.
    func redactions(_ indexes: some Sequence<Int>) -> [RedactionGroup] {
        Set(indexes).sorted().map { groups[$0] }
    }
}

// MARK: What is open beside tools

/// Which capabilities survive `initialize` and `server/discover`; all others are stripped.
public struct OpenCapabilities: Hashable, Sendable {
    /// Members of the client's `capabilities` that the server may see.
    public let client: Set<ByteString>
    /// Members of the server's `capabilities` that the client may see. `tools` always.
    public let server: Set<ByteString>
    /// Members of the client's capabilities that the server may not see although it sees the capability.
    public let closedParts: [ByteString: Set<ByteString>]
}

extension RuleSet {
    /// The features that the policy opens for a caller.
    public func openFeatures(for principal: Principal) -> Set<ProtocolFeature> {
        Set(ProtocolFeature.allCases.filter { protocolRules.opening($0, for: principal) != nil })
    }

    /// The capabilities that a caller and the server may tell each other about.
    public func openCapabilities(for principal: Principal) -> OpenCapabilities {
        var client: Set<ByteString> = []
        var server: Set<ByteString> = ["tools"]
        for feature in openFeatures(for: principal) {
            switch feature {
            case .resources: server.insert("resources")
            case .prompts: server.insert("prompts")
            case .completion: server.insert("completions")
            case .logging: server.insert("logging")
            case .tasks: server.insert("tasks")
            case .sampling: client.insert("sampling")
            case .elicitation: client.insert("elicitation")
            case .roots: client.insert("roots")
            }
        }
        var closed: [ByteString: Set<ByteString>] = [:]
        if let opening = protocolRules.opening(.elicitation, for: principal), opening.targets.isEmpty {
            closed["elicitation"] = ["url"]
        }
        if let limits = protocolRules.opening(.sampling, for: principal)?.sampling {
            closed["sampling"] = Set(
                (limits.tools ? [] : ["tools"]) + (limits.context == .none ? ["context"] : []) as [ByteString])
        }
        return OpenCapabilities(client: client, server: server, closedParts: closed)
    }

    /// Whether a resource may be shown to a caller: for filtering lists and update notices.
    public func opensResource(_ uri: ByteString, for principal: Principal) -> Bool {
        protocolRules.opening(.resources, for: principal)?.allowsURI(uri) ?? false
    }

    /// Whether a prompt may be shown to a caller: for filtering lists.
    public func opensPrompt(_ name: ByteString, for principal: Principal) -> Bool {
        protocolRules.opening(.prompts, for: principal)?.allowsName(name) ?? false
    }
}

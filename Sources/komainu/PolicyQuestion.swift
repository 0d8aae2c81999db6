import Bytes
import Catalog
import Commands
import Identity
import JSON
import MCP
import Policy

/// What the commands that ask a policy have in common: which policy, and who would call.
struct PolicyQuestion {
    static let options = [
        Option.value("policy", "NAME", "another of the upstream's policies than its own"),
        .value("endpoint", "ID", "come through this endpoint, or the beginning of its id"),
        CommonArguments.configuration, CommonArguments.json,
    ]

    let configuration: String
    let upstream: String
    let policyName: String?
    let endpointID: String?

    init(_ arguments: Arguments) {
        configuration = arguments.configurationPath
        upstream = arguments.required(0)
        policyName = arguments.value("policy")
        endpointID = arguments.value("endpoint")
    }

    /// What is asked, and of whom.
    struct Subject {
        let tools: KnownTools
        let directory: Inventory
        let policy: RuleSet
        let endpoint: EndpointConfig?
    }

    func load() throws(ProgramFailure) -> Subject {
        let loaded = try LoadedConfiguration.loadOrReport(configuration)
        let endpoint = try endpointID.map { (id) throws(ProgramFailure) in
            try OpenState(configuration: configuration).endpoint(id)
        }
        return try Subject(loaded, upstream: upstream, policy: policyName, endpoint: endpoint)
    }
}

extension PolicyQuestion.Subject {
    /// What is asked about a call at an upstream, through an endpoint or not.
    init(
        _ loaded: LoadedConfiguration, upstream: String, policy policyName: String?, endpoint: Endpoint?
    ) throws(ProgramFailure) {
        guard let tools = try KnownTools.load(loaded, upstream: upstream).first else {
            throw ProgramFailure("there is no upstream `\(upstream)`", code: .usage)
        }
        if let endpoint, endpoint.upstream != ByteString(upstream) {
            throw ProgramFailure("the endpoint `\(endpoint.id)` is one of `\(endpoint.upstream.text)`", code: .usage)
        }
        let name = policyName.map { ByteString($0) } ?? endpoint?.config.policy
        let policies = tools.upstream.policies
        guard let policy = name.map({ tools.upstream.policy($0) }) ?? policies.first else {
            let known = policies.map(\.name.text).joined(separator: ", ")
            throw ProgramFailure("`\(upstream)` has no policy `\(name?.text ?? "")`; it has \(known)", code: .usage)
        }
        self.init(
            tools: tools, directory: try tools.supposedDirectory(), policy: policy, endpoint: endpoint?.config)
    }

    /// What would become of a call.
    func explain(
        _ tool: ByteString, _ arguments: JSONValue, for principal: Principal
    ) throws(ProgramFailure) -> Explanation {
        do throws(MessageFailure) {
            return try policy.explain(tool, arguments: arguments, for: principal, tools: directory)
        } catch {
            throw ProgramFailure("the arguments can't be sent as a call: \(error)", code: .usage)
        }
    }
}

import Audit
import Bytes
import Catalog
import Configuration
import Gateway
import HTTPClient
import OpenSSL
import Policy
import Reactor
import Redaction
import System
import Telemetry
import Upstream

/// What the gateway runs on, built whole from a configuration: a part that fails leaves nothing behind.
struct BuiltRules {
    let rules: Rules
    /// The upstreams that are reached over HTTP.
    let servers: [String: UpstreamServer]
    /// The upstreams that are programs.
    let programs: [String: ProgramTransport]

    init(_ ground: ServiceGround, _ loaded: LoadedConfiguration) throws(ProgramFailure) {
        let limits = loaded.configuration.limits
        var servers: [String: UpstreamServer] = [:]
        var programs: [String: ProgramTransport] = [:]
        var protected: [ProtectedServer] = []
        for upstream in loaded.upstreams {
            let name = upstream.settings.name
            let transport: any ServerTransport
            if case .command(let command) = upstream.settings.location {
                let program = try ground.programs.transport(
                    to: upstream.settings, command, sessionIdle: limits.sessionIdle)
                programs[name] = program
                transport = program
            } else {
                let calls = try upstream.server(connections: upstream.settings.limits.connections, ground)
                let streams = try upstream.server(connections: limits.streams, ground)
                servers[name] = calls
                transport = UpstreamTransport(calls: calls, streams: streams)
            }
            let tools = try BuiltRules.book(upstream, loaded.configuration, ground.files)
            guard
                let server = ProtectedServer(
                    name: ByteString(name), policies: upstream.policies,
                    redactor: Redactor(
                        key: ground.redactionKey.revealed, upstream: ByteString(name),
                        remembersPseudonyms: upstream.policies.contains(where: \.restoresPseudonyms)),
                    tools: tools, transport: transport,
                    unknownTool: upstream.settings.unknownTool.form)
            else { throw ProgramFailure("the upstream `\(name)` has no policy") }
            protected.append(server)
        }
        var rules = Rules(protected)
        rules.bodyLimit = limits.bodyBytes
        rules.resultLimit = loaded.upstreams.map(\.settings.limits.resultBytes).max() ?? rules.resultLimit
        rules.occupancy.calls = limits.calls
        rules.occupancy.streams = limits.streams
        rules.occupancy.streamsPerPrincipal = limits.streamsPerPrincipal
        rules.metadata = ResourceMetadata(
            publicURL: ByteString(loaded.configuration.publicURL.description),
            authorizationServers: loaded.configuration.issuers.map(\.issuer).filter { $0.hasPrefix("https://") }
                .map { ByteString($0) })
        self.rules = rules
        self.servers = servers
        self.programs = programs
    }

    private static func book(
        _ upstream: LoadedUpstream, _ configuration: Configuration, _ files: ThreadPool
    ) throws(ProgramFailure) -> ToolBook {
        do throws(PinStoreFailure) {
            return try ToolBook(
                catalog: upstream.catalog, store: PinFile(path: configuration.pinFile(of: upstream.settings)),
                trustsFirstSight: upstream.settings.firstSight == .trust, threads: files)
        } catch {
            throw ProgramFailure("the pinned tools of `\(upstream.settings.name)` can't be used: \(error)")
        }
    }
}

extension LoadedUpstream {
    fileprivate func server(connections: Int, _ ground: ServiceGround) throws(ProgramFailure) -> UpstreamServer {
        var upstream = try settings.upstreamSettings()
        upstream.pool.connections = connections
        do throws(OpenSSLFailure) {
            return try UpstreamServer(upstream, resolver: ground.resolver, files: ground.files)
        } catch {
            throw ProgramFailure("the upstream `\(settings.name)`: its authorities can't be used: \(error)")
        }
    }
}

extension UpstreamConfiguration.UnknownTool {
    fileprivate var form: UnknownToolForm {
        switch self {
        case .error(let code, let message): .error(code: code, message: message)
        case .result(let text): .result(text: text)
        }
    }
}

extension LoadedConfiguration {
    /// One record for each policy and one for the configuration, with the hashes of their files.
    var rulesRecords: [AuditRecord] {
        var records: [AuditRecord] = []
        for upstream in upstreams {
            for (path, policy) in zip(upstream.settings.policies, upstream.policies) {
                records.append(
                    AuditRecord(
                        .policyLoaded,
                        facts: [
                            ("upstream", .text(ByteString(upstream.settings.name))), ("policy", .text(policy.name)),
                            ("sha256", .text(hash(of: path))), ("rules", .int(policy.ruleIDs.count)),
                        ]))
            }
        }
        let files = configuration.files.sorted()
        records.append(
            AuditRecord(
                .configChanged,
                facts: [
                    ("file", .text(ByteString(configuration.file))), ("sha256", .text(hash(of: configuration.file))),
                    ("files", .texts(files.map { ByteString($0) })),
                ]))
        return records
    }

    private func hash(of path: String) -> ByteString {
        guard let bytes = try? Files.read(path, limit: 16 << 20) else { return "unreadable" }
        return ByteString(Hex.encode(SHA256.hash(bytes)))
    }
}

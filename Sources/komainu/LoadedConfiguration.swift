import Bytes
import Catalog
import Configuration
import Policy
import System
import YAML

/// A configuration with everything its files say, read and checked as one: it is used whole or not at all.
struct LoadedConfiguration: Sendable {
    let configuration: Configuration
    let upstreams: [LoadedUpstream]
    /// What is probably not meant, of all files.
    let warnings: [Problem]

    /// Reads a configuration, its catalogues and its policies.
    ///
    /// - Throws: every problem of all files. Catalogues and policies are only reached when the configuration is whole,
    ///   because only then is it known which files are meant.
    static func load(_ path: String) throws(ConfigurationFailure) -> LoadedConfiguration {
        let configuration = try Configuration.load(path)
        var problems = configuration.warnings
        let upstreams = configuration.upstreams.compactMap { LoadedUpstream(reading: $0, &problems) }
        guard upstreams.count == configuration.upstreams.count else { throw ConfigurationFailure(problems: problems) }
        return LoadedConfiguration(configuration: configuration, upstreams: upstreams, warnings: problems)
    }
}

/// One upstream with what its files say.
struct LoadedUpstream: Sendable {
    let settings: UpstreamConfiguration
    let catalog: Catalog
    /// The first is the upstream's own; an endpoint may name another.
    let policies: [RuleSet]

    /// Reads the catalogue and every policy, each by itself, so that a mistake in one hides none in another. Policies are
    /// checked against the catalogue, so without it nothing can be said about them.
    init?(reading settings: UpstreamConfiguration, _ problems: inout [Problem]) {
        let reading = Reading()
        let files = settings.catalogs.compactMap { tree($0, reading) }
        let catalog = files.count == settings.catalogs.count ? Catalog(reading: files, reading) : nil
        problems += reading.problemsInOrder
        guard let catalog else { return nil }
        let policies = settings.policies.compactMap { LoadedUpstream.policy($0, catalog, &problems) }
        guard policies.count == settings.policies.count else { return nil }
        guard LoadedUpstream.areDistinct(policies, settings, &problems) else { return nil }
        self.settings = settings
        self.catalog = catalog
        self.policies = policies
    }

    /// The policy of that name.
    func policy(_ name: ByteString) -> RuleSet? { policies.first { $0.name == name } }

    private static func policy(_ path: String, _ catalog: Catalog, _ problems: inout [Problem]) -> RuleSet? {
        let reading = Reading()
        let policy = tree(path, reading).flatMap { RuleSet(reading: $0, catalog: catalog, reading) }
        problems += reading.problemsInOrder
        return policy
    }

    /// An endpoint names a policy by its name, so two of one name can't be told apart.
    private static func areDistinct(
        _ policies: [RuleSet], _ settings: UpstreamConfiguration, _ problems: inout [Problem]
    ) -> Bool {
        for (index, policy) in policies.enumerated()
        where policies[..<index].contains(where: { $0.name == policy.name }) {
            let message = "there is already a policy `\(policy.name.text)` for `\(settings.name)`"
            problems.append(Problem(file: settings.policies[index], line: 1, column: 1, message: message))
            return false
        }
        return true
    }
}

/// The tree of a YAML file; nil with a mistake when it can't be read.
private func tree(_ path: String, _ reading: Reading) -> Node? {
    func refuse(_ why: String) -> Node? {
        reading.report(Problem(file: path, line: 1, column: 1, message: "the file can't be read: \(why)"))
        return nil
    }
    let bytes: [UInt8]?
    do throws(SystemFailure) {
        bytes = try Files.read(path, limit: YAMLLimits.standard.bytes)
    } catch {
        return refuse(SystemFailure.text(of: error.errno))
    }
    guard let bytes else { return refuse("it has more than \(YAMLLimits.standard.bytes) bytes") }
    do throws(Problem) {
        return try YAML.parse(bytes, file: path)
    } catch {
        reading.report(error)
        return nil
    }
}

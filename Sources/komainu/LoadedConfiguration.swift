import Catalog
import Configuration
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
        let reading = Reading()
        let upstreams = configuration.upstreams.compactMap { LoadedUpstream(reading: $0, reading) }
        let problems = configuration.warnings + reading.problemsInOrder
        guard reading.succeeded, upstreams.count == configuration.upstreams.count else {
            throw ConfigurationFailure(problems: problems)
        }
        return LoadedConfiguration(configuration: configuration, upstreams: upstreams, warnings: problems)
    }
}

/// One upstream with what its files say.
struct LoadedUpstream: Sendable {
    let settings: UpstreamConfiguration
    let catalog: Catalog

    init?(reading settings: UpstreamConfiguration, _ reading: Reading) {
        let files = settings.catalogs.compactMap { tree($0, reading) }
        guard files.count == settings.catalogs.count, let catalog = Catalog(reading: files, reading) else { return nil }
        self.settings = settings
        self.catalog = catalog
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

import Commands
import Configuration
import KomainuTesting
import System
import Testing

@testable import komainu

/// A folder with a configuration in it, removed when the test is over.
final class House {
    let folder: String
    var configuration: String { "\(folder)/komainu.yaml" }

    init(policy: String = House.policy) throws {
        folder = try Files.makeTemporaryFolder(prefix: "komainu-program")
        let repository = try #require(Shared.repository)
        try write("policy.yaml", policy)
        try write(
            "komainu.yaml",
            """
            komainu: 1
            public_url: http://127.0.0.1:8443
            upstreams:
              - name: torii
                url: https://127.0.0.1:9/mcp
                catalog: \(repository)/policies/catalogs/torii.yaml
                policy: policy.yaml
            """)
    }

    deinit {
        try? Files.removeTree(folder)
    }

    static let policy = """
        komainu: 1
        policy: apps-only
        rules:
          - {id: apps, allow: {methods: [read], tags: [apps]}}
        """

    func write(_ name: String, _ text: String) throws {
        try Files.replace("\(folder)/\(name)", with: Array(text.utf8), permissions: 0o600)
    }

    func load() throws -> LoadedConfiguration { try LoadedConfiguration.load(configuration) }
}

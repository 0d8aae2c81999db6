import Bytes
import JSON
import KomainuTesting
import YAML

@testable import Catalog

/// A case file beside these tests.
func caseFile(_ name: String) -> [UInt8] {
    Shared.contents(of: String(#filePath.dropLast("Fixtures.swift".count)) + "Cases/" + name) ?? []
}

/// A file of the repository.
func repositoryFile(_ path: String) -> [UInt8] {
    Shared.repository.flatMap { Shared.contents(of: $0 + "/" + path) } ?? []
}

/// Reads one or more files, and tells the complaints.
func read(_ texts: String...) -> (Catalog?, [String]) {
    let reading = Reading()
    var files: [Node] = []
    for text in texts {
        do throws(Problem) {
            files.append(try YAML.parse(Array(text.utf8), file: "c.yaml"))
        } catch {
            return (nil, [error.description])
        }
    }
    let catalog = Catalog(reading: files, reading)
    return (catalog, reading.problemsInOrder.map(\.description))
}

func shippedCatalog(_ name: String) -> (Catalog?, [String]) {
    read(String(decoding: repositoryFile("policies/catalogs/\(name).yaml"), as: UTF8.self))
}

func definition(_ text: String) throws(DefinitionFailure) -> ToolDefinition {
    try ToolDefinition(parsing: Array(text.utf8))
}

import Catalog
import Testing

@testable import Policy

/// One case of `refused.txt`.
struct RefusedPolicy: CustomTestStringConvertible, Sendable {
    let name: String
    var text = ""
    var complaints: [String] = []
    var testDescription: String { name }

    static let all: [RefusedPolicy] = caseFile("refused.txt").split(separator: "\n").reduce(into: []) { cases, line in
        if line.hasPrefix("=== ") {
            cases.append(RefusedPolicy(name: String(line.dropFirst(4))))
        } else if cases.isEmpty {
            return
        } else if line.hasPrefix("--> ") {
            cases[cases.count - 1].complaints.append(String(line.dropFirst(4)))
        } else {
            cases[cases.count - 1].text += line + "\n"
        }
    }
}

@Suite struct `A check of a policy` {
    private let catalog = """
        komainu: 1
        catalog: t
        tags: {files: later}
        tools:
          list_apps: {method: list, effect: read, tags: [apps]}
          list_users: {method: list, effect: read, tags: [users]}
          delete_app: {method: delete, effect: destructive, tags: [apps]}
        """

    @Test(arguments: RefusedPolicy.all) func `tells everything at once and where`(_ file: RefusedPolicy) throws {
        #expect(RefusedPolicy.all.count == 11)
        let (rules, complaints) = readPolicy(file.text, try readCatalog(catalog))
        #expect(complaints.sorted() == file.complaints.sorted())
        #expect((rules == nil) == file.complaints.contains { !$0.contains(": warning: ") })
    }

    @Test func `refuses a policy without an end`() throws {
        let rules = (0...1_000).map { "  - {id: r\($0), allow: {tools: [list_apps]}}" }.joined(separator: "\n")
        let (set, complaints) = readPolicy("komainu: 1\npolicy: p\nrules:\n\(rules)\n", try readCatalog(catalog))
        #expect(set == nil)
        #expect(complaints == ["p.yaml:1004:5: the policy has more than 1000 rules"])
    }
}

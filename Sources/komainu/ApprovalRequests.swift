import Bytes
import Catalog
import JSON
import System

/// One person's approval of one tool definition, on its way to the proxy.
struct ApprovalRequest: Sendable, Equatable {
    /// The tool's name.
    let tool: ByteString
    /// The very definition that the person looked at.
    let hash: DefinitionHash
    /// Who approves.
    let person: ByteString
}

/// A folder in which commands leave approvals for the proxy, which alone writes the pins and the audit trail.
///
/// A request is a file named by the definition's hash; it appears whole or not at all. It is removed when it has been
/// carried out or refused, so after a crash in between it is carried out again, which changes nothing. Who can write this
/// folder can approve definitions, as can who writes the pins beside it; nothing else.
struct ApprovalRequests: Sendable {
    let folder: String

    /// How many files are looked at in one go.
    private static let limit = 1_000

    /// Leaves a request.
    func add(_ request: ApprovalRequest) throws(ProgramFailure) {
        var writer = JSONWriter()
        writer.beginObject()
        writer.key("tool")
        writer.string(request.tool)
        writer.key("hash")
        writer.string(request.hash.description)
        writer.key("by")
        writer.string(request.person)
        writer.endObject()
        let bytes = writer.bytes + [UInt8(ascii: "\n")]
        try attempting("the approval can't be left for the proxy") { () throws(SystemFailure) in
            try Files.makeFolders(folder, permissions: 0o700)
            try Files.replace(path(of: request), with: bytes, permissions: 0o600)
        }
    }

    /// Whether the proxy hasn't taken this one yet.
    func isWaiting(_ request: ApprovalRequest) -> Bool { Files.exists(path(of: request)) }

    /// The requests that wait. What can't be read is left out: it is never an approval.
    func all() -> [ApprovalRequest] {
        let names = ((try? Files.list(folder)) ?? []).filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }
        return names.prefix(ApprovalRequests.limit).compactMap(read)
    }

    /// Takes a request away, carried out or not.
    func remove(_ request: ApprovalRequest) {
        try? Files.remove(path(of: request))
    }

    private func path(of request: ApprovalRequest) -> String {
        "\(folder)/\(request.hash.description).json"
    }

    private func read(_ name: String) -> ApprovalRequest? {
        guard let bytes = try? Files.read("\(folder)/\(name)", limit: 1 << 16),
            let document = try? JSONDocument(parsing: bytes)
        else { return nil }
        func text(_ member: String) -> ByteString? {
            document.member(member, of: document.root).flatMap(document.string)
        }
        guard let tool = text("tool"), let hash = text("hash").flatMap(DefinitionHash.init), let person = text("by")
        else {
            return nil
        }
        let request = ApprovalRequest(tool: tool, hash: hash, person: person)
        return path(of: request) == "\(folder)/\(name)" ? request : nil
    }
}
